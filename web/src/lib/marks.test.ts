// Snippets are cut by code points, and nothing in them can play tricks.
import { expect, test } from "vitest";
import { pieces } from "./marks";

test("marks are counted in code points", () => {
  expect(pieces("a 😀 cat!", [{ start: 4, end: 7 }])).toEqual([
    { text: "a 😀 ", marked: false },
    { text: "cat", marked: true },
    { text: "!", marked: false },
  ]);
  expect(pieces("cat", [{ start: 0, end: 3 }])).toEqual([{ text: "cat", marked: true }]);
  expect(pieces("", [])).toEqual([]);
});

test("what turns text around is shown", () => {
  expect(pieces("\u202ex", [])[0]?.text).toBe("⟨RLO⟩x");
});
