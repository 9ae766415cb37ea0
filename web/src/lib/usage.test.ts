// Usage means the same whoever states it.
import { expect, test } from "vitest";
import { makeFlow } from "@/testing/flow";
import { inputFigure, usageFigures } from "./usage";

const none = makeFlow().usage;
const shown = (dialect: string | null, usage: Partial<typeof none>) =>
  usageFigures({ dialect, usage: { ...none, ...usage } }).map(({ name, value }) => [name, value]);

test("Anthropic's input stands beside what was cached, OpenAI's holds it", () => {
  expect(
    shown("anthropic", { input: 110, cache_read: 8_322, cache_write_5m: 5, output: 53 }),
  ).toEqual([
    ["Uncached input", 110],
    ["Cache read", 8_322],
    ["Cache write 5 m", 5],
    ["Cache write 1 h", null],
    ["Output", 53],
  ]);
  expect(shown("openai", { input: 10_242, cache_read: 8_322, output: 58, reasoning: 11 })).toEqual([
    ["Uncached input", 1_920],
    ["Cache read", 8_322],
    ["Output", 58],
    ["Reasoning (of output)", 11],
  ]);
});

test("what OpenAI wrote to the cache is a part of its input too", () => {
  const usage = { ...none, input: 100, cache_read: 60, cache_write_5m: 30 };
  expect(inputFigure({ dialect: "openai", usage }).value).toBe(10);
});

test("Gemini's thoughts stand beside its output", () => {
  expect(shown("gemini", { input: 100, cache_read: 40, output: 7, reasoning: 5 })).toEqual([
    ["Uncached input", 60],
    ["Cache read", 40],
    ["Output", 7],
    ["Reasoning (beside)", 5],
  ]);
});

test("missing is not zero: an input that may hold cached tokens is not called uncached", () => {
  const figure = inputFigure({ dialect: "openai", usage: { ...none, input: 100 } });
  expect([figure.name, figure.value]).toEqual(["Input, cached or not", 100]);
  expect(inputFigure({ dialect: "anthropic", usage: none }).value).toBeNull();
  const nothing = inputFigure({ dialect: "openai", usage: { ...none, input: 0 } });
  expect([nothing.name, nothing.value]).toEqual(["Uncached input", 0]);
  // Figures that contradict each other are not made to fit.
  const odd = inputFigure({ dialect: "gemini", usage: { ...none, input: 5, cache_read: 9 } });
  expect([odd.name, odd.value]).toEqual(["Input, cached or not", 5]);
});

test("what may yet be stated has its place from the beginning", () => {
  const names = (dialect: string | null, over: Partial<typeof none> = {}) =>
    shown(dialect, over).map(([name]) => name);
  const stated = { input: 1, cache_read: 0, output: 1, cache_write_5m: 1, cache_write_1h: 0 };
  expect(names("anthropic")).toEqual(names("anthropic", stated));
  expect(names("gemini")).toEqual(["Uncached input", "Cache read", "Output", "Reasoning (beside)"]);
  expect(names(null)).toEqual(["Uncached input", "Cache read", "Output"]);
});

test("where nobody knows the provider, its figures are shown as stated", () => {
  expect(shown(null, { input: 5, cache_read: 9 })[0]).toEqual(["Input", 5]);
});
