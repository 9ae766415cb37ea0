// Parts of a context are told by tokens, by bytes where tokens are not known, and none is left out.
import { expect, test } from "vitest";
import { partsOf } from "./contextParts";

const part = (
  kind: string,
  bytes: number,
  tokens: number | null,
  server: string | null = null,
) => ({
  kind,
  bytes,
  tokens,
  server,
  count: 1,
});

test("the largest part comes first, and shares are of the whole", () => {
  const parts = partsOf({ items: [part("tools", 10, 25, "github"), part("tool_results", 5, 75)] });
  expect(parts.map(({ name, server, share }) => [name, server, share])).toEqual([
    ["Tool results", null, 0.75],
    ["Tools", "github", 0.25],
  ]);
});

test("where the tokens of a part are not known all are told by bytes", () => {
  const parts = partsOf({ items: [part("system", 30, null), part("prompts", 10, 99)] });
  expect(parts.map(({ share }) => share)).toEqual([0.75, 0.25]);
});

test("a kind from another version keeps its word, and an empty request divides by nothing", () => {
  expect(partsOf({ items: [part("dreams", 0, 0)] })).toMatchObject([
    { name: "dreams", tone: "rest", share: 0 },
  ]);
});
