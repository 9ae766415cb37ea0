// The answer of an open flow: what its stored events say so far, joined with the live text after them.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { EVENT_PAGE, eventsPage } from "@/api/queries";
import type { Flow } from "@/api/types";
import { join } from "@/lib/overlap";
import { useLiveText } from "@/live/context";
import type { LiveAnswer } from "@/live/liveText";
import type { Assembler, Part } from "@/providers/conversation";
import { providerView } from "@/providers/registry";

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
  const provider = flow.provider;
  const { data } = useQuery({
    queryKey: ["flow", flow.id, "so-far"],
    queryFn: ({ signal }) => readSoFar(flow.id, provider, signal),
    enabled: wanted && provider !== null,
    // Asked again until it surely reaches the moment from which the live text is complete.
    refetchInterval: ({ state }) =>
      state.dataUpdatedAt < (live.since ?? Date.now()) + COMMIT_MS ? 1_000 : false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 5_000,
  });
  return useMemo(() => ({ parts: merge(data ?? [], live), cut: live.cut }), [data, live]);
}

async function readSoFar(id: string, provider: string | null, signal: AbortSignal): Promise<SoFar> {
  const assembler = providerView(provider)?.assembler();
  if (!assembler) return [];
  let after: number | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items } = await eventsPage(id, after, undefined, signal);
    for (const event of items) assembler.event(event.type, event.data);
    after = items.at(-1)?.seq ?? after;
    if (items.length < EVENT_PAGE) break;
  }
  return assembler.blocks();
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
        return { kind: "tool_use", id: "", name: name ?? "tool", input: undefined, raw: text };
      }
      return { kind, text };
    });
}
