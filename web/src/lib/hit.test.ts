// A hit is found where it stands, however the text around it is laid out.
import { expect, test } from "vitest";
import type { Conversation, Part } from "@/providers/conversation";
import { hitOf, locate, readHit, standings } from "./hit";

const text = (text: string): Part => ({ kind: "text", text });
const conversation = (...turns: Part[][]): Conversation => ({
  system: [text("You are kind.")],
  tools: [],
  turns: turns.map((parts) => ({ role: "user", parts })),
  settings: [],
  cut: false,
});
const marked = (found: ReturnType<typeof locate>) =>
  found === null ? null : found.text.slice(found.start, found.end);

test("the words are found in the surroundings of the snippet, not where they stand first", () => {
  const first = text("a wombat sleeps");
  const second = text("then the\n   wombat, it\n\twakes");
  const asked = conversation([first, second]);
  const found = locate(asked, [], {
    hit: "wombat",
    around: "the wombat, it wakes",
    place: "prompt",
  });
  expect(found?.part).toBe(second);
  expect(marked(found)).toBe("wombat");
  expect(locate(asked, [], { hit: "wombat", around: "words that are gone" })?.part).toBe(first);
});

test("what is newest comes first, and an answer's words are looked for in the answer", () => {
  const [old, late, answer] = [text("see wombat"), text("see wombat"), text("see wombat")];
  const asked = conversation([old], [late]);
  expect(locate(asked, [answer], { hit: "wombat", place: "prompt" })?.turn).toBe(1);
  expect(locate(asked, [answer], { hit: "wombat", place: "answer" })?.part).toBe(answer);
  expect(locate(asked, [], { hit: "kind" })?.turn).toBe("system");
});

test("inputs and results of tools are looked through, too", () => {
  const inner = text("line one\nÜberraschung 😀 line");
  const result: Part = { kind: "tool_result", id: "", name: null, error: false, parts: [inner] };
  const input = { command: 'echo "two\nlines"', deep: [{ also: 7 }] };
  const use: Part = { kind: "tool_use", id: "", name: "Bash", input };
  const asked = conversation([result]);
  const told = locate(asked, [use], { hit: "überraschung", around: "one Überraschung 😀 line" });
  expect(told?.part).toBe(inner);
  expect(marked(told)).toBe("Überraschung");
  expect(marked(locate(asked, [use], { hit: "lines", around: "two lines" }))).toBe("lines");
  expect(locate(asked, [use], { hit: "nowhere" })).toBeNull();
  expect(locate(null, [], { hit: "..." })).toBeNull();
});

test("an address holds the words, some text around them, and no more", () => {
  const long = `${"a ".repeat(300)}wombat ${"b ".repeat(300)}`;
  const snippet = { place: "answer", text: long, cut_before: false, cut_after: false };
  const hit = hitOf({ ...snippet, highlights: [{ start: 600, end: 606 }] });
  expect(hit?.hit).toBe("wombat");
  expect(hit?.around?.length).toBeLessThan(140);
  const both = hitOf({
    ...snippet,
    highlights: [600, 607, 609].map((start) => ({ start, end: start === 600 ? 606 : start + 1 })),
  });
  expect(both).toMatchObject({ hit: "wombat", words: "b" });
  expect(readHit({ ...both })).toEqual(both);
  expect(hitOf({ ...snippet, highlights: [] })).toBeNull();
  expect(readHit({ ...hit, other: "x" })).toEqual(hit);
  expect(readHit({ hit: "x".repeat(1_000), around: "a" })).toEqual({});
  expect(readHit({ hit: ["x"] })).toEqual({});
});

test("the words are marked as words of their own, not within others before them", () => {
  const said = text("The then-hen clucks; the hen sleeps");
  const found = locate(conversation([said]), [], { hit: "hen", around: "clucks; the hen sleeps" });
  expect(marked(found)).toBe("hen");
  expect(found?.start).toBe(said.kind === "text" ? said.text.lastIndexOf("hen") : -1);
  const bare = locate(conversation([text("The then clucks; the hen sleeps")]), [], { hit: "hen" });
  expect(bare?.start).toBe(21);
  expect(locate(conversation([text("The hens sleep")]), [], { hit: "hen" })?.start).toBe(4);
});

test("a text of two million characters is looked through, and so is what is only blanks", () => {
  // Anything that is not in proportion to the text would take minutes.
  const long = text(`${"the fox, a hen and \n\n 1 2 3 ".repeat(70_000)} the last wombat`);
  const blank = text(" ".repeat(1_900_000));
  const asked = conversation([long], [blank]);
  const found = locate(asked, [], { hit: "wombat", around: "and 1 2 3 the last wombat" });
  expect(found?.part).toBe(long);
  expect(marked(found)).toBe("wombat");
  expect(locate(asked, [], { hit: "x y z", around: "a hen x y z" })).toBeNull();
});

test("the other words of a search are found as words of their own, in any case", () => {
  const said = "Ünder the (odd) rule, no oddity: odd";
  expect(standings(said, ["ünder", "odd"]).map(({ start, end }) => said.slice(start, end))).toEqual(
    ["Ünder", "odd", "odd"],
  );
  expect(standings("a.b", ["(", ".", "a+"])).toHaveLength(0);
  expect(standings(said, [])).toEqual([]);
});
