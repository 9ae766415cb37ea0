// What is known of an answer while it is being written.
import { expect, test } from "vitest";
import { isNameless, merge } from "./useLiveAnswer";

const live = {
  blocks: [
    { block: 0, kind: "text" as const, text: "look." },
    { block: 1, kind: "tool_input" as const, text: '{"command":"l' },
  ],
  cut: false,
  since: 0,
};

test("a tool whose beginning is not stored yet has no name, and no other in its place", () => {
  const stored = [{ block: 0, kind: "text" as const, text: "I look." }];
  expect(isNameless(stored, live)).toBe(true);
  expect(merge(stored, live)).toEqual([
    { kind: "text", text: "I look." },
    { kind: "tool_use", id: "", name: "", input: undefined, raw: '{"command":"l' },
  ]);
});

test("it has its name as soon as the beginning is stored", () => {
  const stored = [
    { block: 0, kind: "text" as const, text: "I look." },
    { block: 1, kind: "tool_input" as const, text: "", name: "Bash" },
  ];
  expect(isNameless(stored, live)).toBe(false);
  expect(merge(stored, live)[1]).toMatchObject({ kind: "tool_use", name: "Bash" });
});
