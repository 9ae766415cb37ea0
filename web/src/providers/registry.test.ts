// Providers are named, and what they write is shown by its dialect.
import { expect, test } from "vitest";
import { dialectView, providerLabel } from "./registry";

test("a provider has a name for people, and one that nobody knows keeps its word", () => {
  expect(providerLabel("groq")).toBe("Groq");
  expect(providerLabel("openai")).toBe("OpenAI");
  expect(providerLabel("openai-compatible")).toBe("OpenAI-compatible");
  expect(providerLabel("newcomer")).toBe("newcomer");
});

test("only dialects have a view", () => {
  expect(dialectView("openai")?.label).toBe("OpenAI");
  expect(dialectView("groq")).toBeNull();
  expect(dialectView(null)).toBeNull();
});
