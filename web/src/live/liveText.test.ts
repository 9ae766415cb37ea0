// What is kept of the live text.
import { expect, test } from "vitest";
import { LiveTexts, TAIL_MAX } from "./liveText";

test("deltas of a block are joined, blocks stay apart", () => {
  const texts = new LiveTexts();
  texts.add("a", 0, "thinking", "Hm");
  texts.add("a", 0, "thinking", "m.");
  texts.add("a", 1, "text", "Yes");
  expect(texts.of("a").blocks).toEqual([
    { block: 0, kind: "thinking", text: "Hmm." },
    { block: 1, kind: "text", text: "Yes" },
  ]);
});

test("beyond the bound the beginning goes, and that is told", () => {
  const texts = new LiveTexts(10);
  texts.lookAt("a");
  texts.add("a", 0, "text", "0123456789");
  expect(texts.of("a").cut).toBe(false);
  texts.add("a", 0, "text", "abc");
  expect(texts.of("a").blocks[0]?.text).toBe("3456789abc");
  expect(texts.of("a").cut).toBe(true);
});

test("beyond the bound on flows the quietest goes", () => {
  const texts = new LiveTexts(10, 2);
  texts.add("a", 0, "text", "1");
  texts.add("b", 0, "text", "1");
  texts.add("a", 0, "text", "2");
  texts.add("c", 0, "text", "1");
  expect(texts.of("b").blocks).toEqual([]);
  expect(texts.of("a").blocks[0]?.text).toBe("12");
});

test("fifty long streams keep their ends alone; the one that is looked at is whole, from then on", () => {
  const texts = new LiveTexts();
  texts.lookAt("looked at");
  const word = "word ".repeat(20);
  for (let at = 0; at < 2_000; at += 1) {
    for (const flow of ["looked at", "a", "b"]) texts.add(flow, at >> 4, "text", word);
  }
  const held = (flow: string) =>
    texts.of(flow).blocks.reduce((sum, { text }) => sum + text.length, 0);
  expect([held("looked at"), held("a"), held("b")]).toEqual([200_000, TAIL_MAX, TAIL_MAX]);
  expect(texts.of("a").blocks.length).toBeLessThan(5);
  expect([texts.of("a").cut, texts.of("looked at").cut]).toEqual([true, false]);
  texts.lookAt("a");
  expect([held("looked at"), held("a")]).toEqual([0, 0]);
});
