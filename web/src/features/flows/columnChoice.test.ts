// The list's columns fit its width, whatever was chosen.
// @vitest-environment jsdom
import { afterEach, expect, test } from "vitest";
import { FIXED, readChoice, shownColumns, writeChoice } from "./columnChoice";
import { COLUMNS, TWO_LINES } from "./columns";

afterEach(() => localStorage.clear());

const keys = (width: number, choice = {}) =>
  shownColumns(COLUMNS, width, choice).map(({ key }) => key);

test("the columns that are shown always have room, and the needed ones are always there", () => {
  const all = Object.fromEntries(COLUMNS.map(({ key }) => [key, true]));
  for (let width = TWO_LINES; width < 2_400; width += 20) {
    for (const choice of [{}, all, { host: true }]) {
      const shown = shownColumns(COLUMNS, width, choice);
      const need = shown.reduce((sum, { least }) => sum + least + 12, 0) - 12 + 24;
      expect(need, `${width} px`).toBeLessThanOrEqual(width);
      for (const key of FIXED) expect(shown.some((column) => column.key === key)).toBe(true);
    }
  }
});

test("on a laptop the list tells session, agent and model; on a wide screen everything", () => {
  // A window of 1280 pixels; without the column of costs while no flow has one.
  const free = COLUMNS.filter(({ key }) => key !== "cost");
  const laptop = shownColumns(free, 1_088, {}).map(({ key }) => key);
  expect(laptop).toEqual(expect.arrayContaining(["session", "agent", "model", "provider"]));
  expect(keys(2_000)).toHaveLength(COLUMNS.length);
});

test("what was chosen goes before what is worth more, and what was put away stays away", () => {
  expect(keys(900)).not.toContain("host");
  expect(keys(900, { host: true })).toContain("host");
  expect(keys(2_000, { model: false })).not.toContain("model");
  expect(keys(2_000, { what: false })).toContain("what");
});

test("the choice is kept, and nonsense in its place is no choice", () => {
  writeChoice({ host: true, model: false });
  expect(readChoice()).toEqual({ host: true, model: false });
  writeChoice({});
  expect(localStorage.length).toBe(0);
  for (const bad of ["[", "null", "7", '{"host":"yes","what":false,"__proto__":true}']) {
    localStorage.setItem("langley.flows.columns", bad);
    expect(readChoice()).toEqual({});
  }
});
