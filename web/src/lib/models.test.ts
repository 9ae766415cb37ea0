// How several models are told in little room.
import { expect, test } from "vitest";
import { modelList, modelWords, shortModel } from "./models";

test("the first model is named, the others are counted, and all of them can be looked up", () => {
  expect(modelWords([])).toEqual({ text: "", title: undefined });
  expect(modelWords(["opus"])).toEqual({ text: "opus", title: undefined });
  expect(modelWords(["opus", "hai\u202eku", "gpt"])).toEqual({
    text: "opus and 2 more",
    title: "3 models: opus, hai⟨RLO⟩ku, gpt",
  });
});

test("a list names two models in short, counts the others, and has their own names to look up", () => {
  expect(modelList([])).toEqual({ text: "", more: 0, title: undefined });
  expect(modelList(["gpt-6"])).toEqual({ text: "gpt-6", more: 0, title: undefined });
  expect(modelList(["claude-opus-4-5"])).toEqual({
    text: "Opus 4.5",
    more: 0,
    title: "claude-opus-4-5",
  });
  expect(modelList(["claude-opus-4-5", "claude-haiku-4-5", "x", "y\u202e"])).toEqual({
    text: "Opus 4.5, Haiku 4.5",
    more: 2,
    title: "4 models: claude-opus-4-5, claude-haiku-4-5, x, y⟨RLO⟩",
  });
});

test("two names of one model are told as one", () => {
  expect(modelList(["claude-haiku-4-5-20251001", "claude-haiku-4-5", "x", "y"])).toEqual({
    text: "Haiku 4.5, x",
    more: 1,
    title: "4 models: claude-haiku-4-5-20251001, claude-haiku-4-5, x, y",
  });
});

test("only what is surely a Claude model's name is told in short", () => {
  expect(shortModel("claude-haiku-4-5-20251001")).toBe("Haiku 4.5");
  expect(shortModel("claude-opus-5")).toBe("Opus 5");
  expect(shortModel("claude-sonnet-4-20250514")).toBe("Sonnet 4");
  expect(shortModel("claude-3-5-sonnet-20241022")).toBe("Sonnet 3.5");
  for (const other of [
    "claude-opus-4-5-fast",
    "claude-3-5-sonnet-latest",
    "my-claude-opus-4",
    "gpt-6.1-sol",
  ]) {
    expect(shortModel(other)).toBe(other);
  }
});
