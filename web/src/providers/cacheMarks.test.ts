// Marks are told in the order in which a model reads, each with what a cache can serve before it.
import { expect, test } from "vitest";
import { cacheMarks } from "./cacheMarks";
import type { Conversation } from "./conversation";

const conversation = (over: Partial<Conversation>): Conversation => ({
  system: [],
  tools: [],
  turns: [],
  settings: [],
  cut: false,
  ...over,
});

test("tools come before the system prompt, and that before the turns", () => {
  const marks = cacheMarks(
    conversation({
      turns: [
        { role: "user", parts: [{ kind: "text", text: "x".repeat(50), cache: "5m" }] },
        { role: "assistant", parts: [{ kind: "text", text: "y".repeat(25) }] },
      ],
      system: [{ kind: "text", text: "s".repeat(20), cache: "1h" }],
      tools: [{ name: "abc", description: "de", schema: undefined, cache: "1h" }],
    }),
  );
  expect(marks).toEqual([
    { place: { of: "tools", number: 1 }, name: "abc", ttl: "1h", share: 0.05 },
    { place: { of: "system", number: 1 }, name: null, ttl: "1h", share: 0.25 },
    { place: { of: "turns", number: 1 }, name: "user", ttl: "5m", share: 0.75 },
  ]);
});

test("a request without marks has none, an empty one too", () => {
  expect(cacheMarks(conversation({}))).toEqual([]);
  expect(
    cacheMarks(conversation({ turns: [{ role: "user", parts: [{ kind: "text", text: "hi" }] }] })),
  ).toEqual([]);
});

test("a mark inside of a tool's result stands at its turn", () => {
  const result = {
    kind: "tool_result" as const,
    id: "t",
    name: "Bash",
    error: false,
    parts: [{ kind: "text" as const, text: "1234" }],
    cache: "5m",
  };
  const [mark] = cacheMarks(conversation({ turns: [{ role: "user", parts: [result] }] }));
  expect(mark).toEqual({ place: { of: "turns", number: 1 }, name: "user", ttl: "5m", share: 1 });
});
