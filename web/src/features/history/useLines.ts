// The lines of a conversation from either end, with what passed on the wire between them.
import { useInfiniteQuery, useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import {
  type ConversationPart,
  conversationQuery,
  passedBetweenQuery,
  passedQuery,
} from "@/api/insight";
import type { ConversationView } from "@/routes/paths";
import { fromTheStart, oneTimeline, type Timeline } from "./oneTimeline";

const NONE: readonly never[] = [];

export function useLines(id: string, view: ConversationView) {
  const isNewestFirst = view.order !== "oldest";
  const withWire = view.wire !== "no";
  const lines = useInfiniteQuery(
    conversationQuery(id, isNewestFirst ? "newest" : "oldest", {
      lane: view.lane,
      ...(view.notes === "yes" ? { notes: "true" } : {}),
    }),
  );
  const pages = lines.data?.pages ?? NONE;
  const passed = useInfiniteQuery(passedQuery(id, withWire && isNewestFirst));
  // Flows are told from their newest on alone: from the start, each page of lines asks for those of its time.
  const between = useQueries({
    queries: (isNewestFirst ? NONE : spans(pages)).map(([since, until]) =>
      passedBetweenQuery(id, since, until, withWire),
    ),
    combine: (each) => ({
      flows: each.flatMap(({ data }) => data?.items ?? []),
      isCut: each.some(({ data }) => (data?.next_cursor ?? null) !== null),
      error: each.find(({ error }) => error !== null)?.error ?? null,
      refetch: () => Promise.all(each.map(({ refetch }) => refetch())),
    }),
  });
  const timeline = useMemo((): Timeline => {
    const items = pages.flatMap((page) => page.items);
    const told = { items, more: lines.hasNextPage || lines.data === undefined };
    if (!isNewestFirst) return fromTheStart(told, withWire ? between.flows : NONE);
    const flows = passed.data?.pages.flatMap((page) => page.items) ?? [];
    const wire = withWire && !passed.error ? { items: flows, more: passed.hasNextPage } : null;
    return oneTimeline(told, wire);
  }, [
    pages,
    lines.data,
    lines.hasNextPage,
    isNewestFirst,
    withWire,
    between.flows,
    passed.data,
    passed.hasNextPage,
    passed.error,
  ]);
  const flows = isNewestFirst ? (passed.data?.pages[0]?.items.length ?? 0) : between.flows.length;
  return {
    ...timeline,
    lines,
    isNewestFirst,
    isOnWire: flows > 0,
    /** Why what passed on the wire is not told, or not all of it. */
    wireError: withWire ? (isNewestFirst ? passed.error : between.error) : null,
    isWireCut: withWire && !isNewestFirst && between.isCut,
    isLoading: lines.isFetchingNextPage || passed.isFetchingNextPage,
    more: () => void (timeline.next === "flow" ? passed : lines).fetchNextPage(),
    anew: () => {
      void lines.refetch();
      void (isNewestFirst ? passed.refetch() : between.refetch());
    },
  };
}

type Span = [since: string | undefined, until: string | undefined];

/** The time of each page of lines, the first from the beginning and the last to the end. */
export function spans(pages: readonly Pick<ConversationPart, "items" | "next_cursor">[]): Span[] {
  let since: string | undefined;
  return pages.map(({ items, next_cursor }): Span => {
    const until = next_cursor === null ? undefined : (items.at(-1)?.at ?? since);
    const span: Span = [since, until];
    since = until;
    return span;
  });
}
