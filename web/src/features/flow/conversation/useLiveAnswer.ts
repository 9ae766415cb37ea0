// The answer of an open flow: what its stored events say so far, joined with the live text after them.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { EVENT_PAGE, eventsPage } from "@/api/queries";
import type { Flow } from "@/api/types";
import { join } from "@/lib/overlap";
import { useLiveText } from "@/live/context";
import type { LiveAnswer } from "@/live/liveText";
import type { Assembler, Part } from "@/providers/conversation";
import { dialectView } from "@/providers/registry";

type SoFar = ReturnType<Assembler["blocks"]>;

/** Pages of events read for the beginning; an answer longer than this shows only its live end. */
const PAGES_MAX = 40;
/** A commit follows its event within a second: what was read later than this overlaps the live text. */
const COMMIT_MS = 1_500;

export interface Answering {
  parts: Part[];
  cut: boolean;
}

export function useLiveAnswer(flow: Flow, wanted: boolean): Answering {
  const live = useLiveText(flow.id, wanted);
  const { id, dialect } = flow;
  const reader = useMemo(() => new StoredSoFar(id, dialect), [id, dialect]);
  const { data = NOTHING, refetch } = useQuery({
    queryKey: ["flow", id, "so-far", dialect],
    queryFn: ({ signal }) => reader.read(signal),
    enabled: wanted && dialect !== null,
    // Asked again until it surely reaches the moment from which the live text is complete.
    refetchInterval: ({ state }) =>
      state.dataUpdatedAt < (live.since ?? Date.now()) + COMMIT_MS ? 1_000 : false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  // A tool's name is in the event that begins its block, which is read as soon as it is stored.
  const nameless = wanted && isNameless(data, live);
  // biome-ignore lint/correctness/useExhaustiveDependencies: more events may tell the name
  useEffect(() => {
    if (nameless) void refetch();
  }, [nameless, flow.event_count, refetch]);
  return useMemo(() => ({ parts: merge(data, live), cut: live.cut }), [data, live]);
}

const NOTHING: SoFar = [];

/** Whether a tool is being called whose name was not read yet. */
export function isNameless(stored: SoFar, live: LiveAnswer): boolean {
  return live.blocks.some(
    ({ block, kind }) =>
      kind === "tool_input" && stored.find((each) => each.block === block)?.name === undefined,
  );
}

/** Reads the stored events of a flow, each once: asked again, it goes on where it stopped. */
class StoredSoFar {
  private readonly assembler: Assembler | undefined;
  private after: number | undefined;

  constructor(
    private readonly flow: string,
    dialect: string | null,
  ) {
    this.assembler = dialectView(dialect)?.assembler();
  }

  async read(signal: AbortSignal): Promise<SoFar> {
    if (!this.assembler) return [];
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const from = this.after;
      const { items } = await eventsPage(this.flow, from, undefined, signal);
      // Another reading of the same events may have ended meanwhile.
      if (this.after !== from) continue;
      for (const event of items) this.assembler.event(event.type, event.data);
      this.after = items.at(-1)?.seq ?? from;
      if (items.length < EVENT_PAGE) break;
    }
    return this.assembler.blocks();
  }
}

/** Blocks of both, in the order of their index. */
export function merge(stored: SoFar, live: LiveAnswer): Part[] {
  const found = new Map<number, { kind: SoFar[number]["kind"]; text: string; name?: string }>();
  for (const { block, kind, text, name } of stored) {
    found.set(block, { kind, text, ...(name === undefined ? {} : { name }) });
  }
  for (const { block, kind, text } of live.blocks) {
    const known = found.get(block);
    if (known) known.text = live.cut ? text : join(known.text, text);
    else found.set(block, { kind, text });
  }
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([, { kind, text, name }]): Part => {
      if (kind === "tool_input") {
        return { kind: "tool_use", id: "", name: name ?? "", input: undefined, raw: text };
      }
      return { kind, text };
    });
}
