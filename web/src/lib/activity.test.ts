// Hours of the week are added up in the reader's zone, and what is unknown is no zero.
import { expect, test } from "vitest";
import { STEPS, strength, weekOf } from "./activity";

/** A moment of local time: the 5th of January 2026 is a Monday. */
const at = (day: number, hour: number) => new Date(2026, 0, day, hour).toISOString();

test("the same hour of two Mondays is one, and leads to the newer", () => {
  const week = weekOf([
    { hour: at(12, 9), flows: 3, cost: { micro_usd: 5 } },
    { hour: at(5, 9), flows: 2, cost: { micro_usd: 7 } },
    { hour: at(11, 23), flows: 1, cost: null },
  ]);
  expect(week[0]?.[9]).toEqual({ flows: 5, cost: 12, newest: new Date(2026, 0, 12, 9) });
  expect(week[6]?.[23]).toEqual({ flows: 1, cost: null, newest: new Date(2026, 0, 11, 23) });
  expect(week.flat().reduce((sum, { flows }) => sum + flows, 0)).toBe(6);
});

test("what has no hour is passed over", () => {
  const week = weekOf([{ hour: null, flows: 3, cost: null }]);
  expect(week.flat().every(({ flows }) => flows === 0)).toBe(true);
});

test("a little is seen beside a lot, nothing is nothing, and the most is the strongest", () => {
  expect([strength(1, 10_000), strength(0, 9), strength(null, 9)]).toEqual([1, 0, 0]);
  expect([strength(9, 9), strength(0, 0)]).toEqual([STEPS, 0]);
});
