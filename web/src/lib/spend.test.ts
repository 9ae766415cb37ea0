// The days of a chart, and the spans of time that questions are asked for.
import { expect, test } from "vitest";
import type { CostItem, CostPage } from "@/api/types";
import { DAYS_MAX, daysOf, hoursOf, isRange, rangeStart, zone } from "./spend";

const day = (name: string, cost: number | null, flows = 1) =>
  ({
    day: name,
    flows,
    unpriced_flows: cost === null ? flows : 0,
    cost: cost === null ? null : { micro_usd: cost },
    cost_by_class: cost === null ? null : { output: { micro_usd: cost } },
  }) as unknown as CostItem;
/** In the local zone. */
const TODAY = new Date(2026, 2, 3, 15, 30);
const page = (...items: CostItem[]) => ({ items }) as unknown as CostPage;

test("days without a flow are there, and days of unknown cost are not taken for free", () => {
  const days = daysOf(page(day("2026-02-27", 5), day("2026-03-02", null)), undefined, TODAY);
  expect(days.map(({ key, cost, flows }) => [key, cost, flows])).toEqual([
    ["2026-02-27", 5, 1],
    ["2026-02-28", 0, 0],
    ["2026-03-01", 0, 0],
    ["2026-03-02", null, 1],
    ["2026-03-03", 0, 0],
  ]);
  expect(days[0]?.classes).toEqual([{ name: "output", cost: 5 }]);
});

test("what a provider told as a whole is a part of the column, too", () => {
  const told = { ...day("2026-03-02", 7), cost_by_class: null };
  const both = { ...day("2026-03-03", 2), cost: { micro_usd: 9 } };
  const days = daysOf(page(told, both), undefined, TODAY);
  expect(days.map(({ classes }) => classes)).toEqual([
    [{ name: "undivided", cost: 7 }],
    [
      { name: "output", cost: 2 },
      { name: "undivided", cost: 7 },
    ],
  ]);
});

test("of many days the newest are shown", () => {
  const days = daysOf(page(day("2020-01-01", 1)), undefined, TODAY);
  expect(days).toHaveLength(DAYS_MAX);
  expect(days.at(-1)?.key).toBe("2026-03-03");
});

test("a span of time has all its days, and each reaches to the next", () => {
  const days = daysOf(page(day("2026-03-03", 1)), new Date(2026, 1, 25), TODAY);
  expect(days).toHaveLength(7);
  for (const [at, { until }] of days.slice(0, -1).entries()) {
    expect(until).toBe(days[at + 1]?.since);
  }
  expect(days[0]?.label).toBe("Feb 25");
});

test("today has its hours", () => {
  const hour = new Date(2026, 2, 3, 9);
  const hours = hoursOf(page({ ...day("", 7), day: null, hour: hour.toISOString() }), TODAY);
  expect(hours.length).toBeGreaterThanOrEqual(23);
  const used = hours.filter(({ flows }) => flows > 0);
  expect(used.map(({ cost }) => cost)).toEqual([7]);
  expect(used[0]?.label).toMatch(/^(09|08|10):00$/);
});

test("a range begins with a local midnight, and all time with nothing", () => {
  expect(rangeStart("today", TODAY)).toBe(new Date(2026, 2, 3).toISOString());
  expect(rangeStart("7d", TODAY)).toBe(new Date(2026, 1, 25).toISOString());
  expect(rangeStart("all", TODAY)).toBeUndefined();
  expect(isRange("7d") && !isRange("8d")).toBe(true);
});

test("a zone is written as its distance from UTC", () => {
  const at = (offset: number) => ({ getTimezoneOffset: () => offset }) as Date;
  expect([zone(at(0)), zone(at(-120)), zone(at(210)), zone(at(-330))]).toEqual([
    "+00:00",
    "+02:00",
    "-03:30",
    "+05:30",
  ]);
});
