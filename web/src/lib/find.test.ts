// A hit is opened where its words stand.
// @vitest-environment jsdom
import { expect, test } from "vitest";
import type { Turn } from "@/providers/conversation";
import { rangeOf, turnWith, wordsOf } from "./find";

const turn = (text: string): Turn => ({ role: "user", parts: [{ kind: "text", text }] });

test("what only tells how words are meant is no word", () => {
  expect(wordsOf('"Header parser" beginn* größe')).toEqual(["header", "parser", "beginn", "größe"]);
  expect(wordsOf(' "* ')).toEqual([]);
});

test("the last turn that has all of the words is the one: earlier ones are sent again", () => {
  const turns = [
    turn("the parser fails"),
    turn("Fix the Parser"),
    {
      role: "user",
      parts: [
        {
          kind: "tool_result" as const,
          id: "t",
          name: null,
          error: false,
          parts: [{ kind: "text" as const, text: "fixed" }],
        },
      ],
    },
  ];
  expect(turnWith(turns, ["parser"])).toBe(1);
  expect(turnWith(turns, ["parser", "fails"])).toBe(0);
  expect(turnWith(turns, ["fixed"])).toBe(2);
  expect(turnWith(turns, ["nothing"])).toBe(-1);
  expect(turnWith(turns, [])).toBe(-1);
});

test("the words are found on the page without a change to it", () => {
  const box = document.createElement("div");
  box.innerHTML = "<p>the parser</p><p>Fix the <b>Parser now</b></p>";
  const before = box.innerHTML;
  const range = rangeOf(box, ["parser", "now"]);
  expect(range?.toString()).toBe("Parser");
  expect(box.innerHTML).toBe(before);
  expect(rangeOf(box, ["absent"])).toBeNull();
});
