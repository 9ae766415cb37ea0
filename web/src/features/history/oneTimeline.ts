// What an agent wrote and what passed on the wire on one time line, as far as both are loaded.
import type { ConversationLine, Flow } from "@/api/types";

export type Entry =
  | { kind: "line"; at: number; key: string; line: ConversationLine }
  | { kind: "flow"; at: number; key: string; flow: Flow };

/** A source of entries, newest first, of which older ones may not be loaded yet. */
export interface Source<T> {
  items: readonly T[];
  more: boolean;
}

export interface Timeline {
  entries: Entry[];
  /** Which source older entries are to be loaded of first; none where all are there. */
  next: "line" | "flow" | null;
}

/** The oldest first: each page of lines brought with it what passed meanwhile. */
export function fromTheStart(lines: Source<ConversationLine>, flows: readonly Flow[]): Timeline {
  const entries = [...flows.map(passed), ...lines.items.map(written)];
  // Of the same moment, what was asked stands above what came of it.
  entries.sort((one, other) => one.at - other.at);
  return { entries, next: lines.more ? "line" : null };
}

function written(line: ConversationLine): Entry {
  return {
    kind: "line",
    at: Date.parse(line.at),
    key: `${line.src.path}:${line.src.offset}`,
    line,
  };
}

function passed(flow: Flow): Entry {
  return { kind: "flow", at: Date.parse(flow.started_at), key: flow.id, flow };
}

/** Newest first. Entries older than the oldest of a source that goes on may lack some between them, so they wait. */
export function oneTimeline(lines: Source<ConversationLine>, flows: Source<Flow> | null): Timeline {
  const entries = lines.items.map(written);
  const oldestLine = lines.more ? (entries.at(-1)?.at ?? -1) : Number.NEGATIVE_INFINITY;
  if (flows === null) return { entries, next: lines.more ? "line" : null };
  const others = flows.items.map(passed);
  const oldestFlow = flows.more ? (others.at(-1)?.at ?? -1) : Number.NEGATIVE_INFINITY;
  const from = Math.max(oldestLine, oldestFlow);
  const merged = [...entries, ...others]
    .filter(({ at }) => at >= from)
    // Of the same moment, what was asked stands below what came of it.
    .sort((one, other) => other.at - one.at);
  const next = !lines.more && !flows.more ? null : oldestLine >= oldestFlow ? "line" : "flow";
  return { entries: merged, next };
}
