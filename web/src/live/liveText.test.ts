// What is kept of the live text.
import { expect, test } from "vitest";
import { LiveTexts } from "./liveText";

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
