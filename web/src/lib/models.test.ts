// How several models are told in little room.
import { expect, test } from "vitest";
import { modelWords } from "./models";

test("the first model is named, the others are counted, and all of them can be looked up", () => {
  expect(modelWords([])).toEqual({ text: "", title: undefined });
  expect(modelWords(["opus"])).toEqual({ text: "opus", title: undefined });
  expect(modelWords(["opus", "hai\u202eku", "gpt"])).toEqual({
    text: "opus and 2 more",
    title: "3 models: opus, hai⟨RLO⟩ku, gpt",
  });
});
