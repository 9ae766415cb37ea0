// A line for each class of tokens of which something is known, with gaps where nothing is.
import { expect, test } from "vitest";
import type { UsageSums } from "@/api/types";
import { NO_USAGE } from "@/testing/sums";
import type { Span } from "./spend";
import { tokenLines } from "./tokenLines";

const span = (usage: Partial<UsageSums> | null) =>
  ({ usage: usage && { ...NO_USAGE, ...usage } }) as Span;

test("what is unknown is a gap and no zero, and both kinds of cache writes are one line", () => {
  const lines = tokenLines([
    span({ input_uncached: 0, cache_write_1h: 5 }),
    span(null),
    span({ cache_write_5m: 2, cache_write_1h: 5 }),
  ]);
  expect(lines.map(({ name, values }) => [name, values])).toEqual([
    ["Uncached input", [0, null, null]],
    ["Cache write", [5, null, 7]],
  ]);
});
