// What was read and written over time, as a line for each class of tokens.
import type { UsageSums } from "@/api/types";
import { CLASS_LABELS, type Class, type Span } from "./spend";

export interface TokenLine {
  tone: Class;
  name: string;
  /** One for each span; null where nothing is known of it. */
  values: (number | null)[];
}

const LINES: { tone: Class; name: string; of: (usage: UsageSums) => number | null }[] = [
  { tone: "input", name: CLASS_LABELS.input, of: ({ input_uncached }) => input_uncached },
  { tone: "cache_read", name: CLASS_LABELS.cache_read, of: ({ cache_read }) => cache_read },
  { tone: "cache_write_5m", name: "Cache write", of: written },
  { tone: "output", name: CLASS_LABELS.output, of: ({ output }) => output },
];

/** The lines of which something is known. */
export function tokenLines(spans: readonly Span[]): TokenLine[] {
  return LINES.map(({ tone, name, of }) => ({
    tone,
    name,
    values: spans.map(({ usage }) => (usage === null ? null : of(usage))),
  })).filter(({ values }) => values.some((value) => value !== null));
}

function written({ cache_write_5m, cache_write_1h }: UsageSums): number | null {
  if (cache_write_5m === null) return cache_write_1h;
  return cache_write_5m + (cache_write_1h ?? 0);
}
