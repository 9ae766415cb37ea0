// What went on in each hour of the week, added up over the weeks of a span of time.
import type { CostItem } from "@/api/types";

/** An hour of a weekday. */
export interface HourCell {
  flows: number;
  /** Null where no flow of it has a known cost. */
  cost: number | null;
  /** When the newest such hour with a flow began; null where there was none. */
  newest: Date | null;
}

export type Measure = "flows" | "cost";

export const WEEKDAYS = [
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
  "Sunday",
] as const;

const HOURS = 24;
/** Strengths of colour that can be told from one another. */
export const STEPS = 5;

/** The week, from Monday, each day with its 24 hours in the zone of this browser. */
export function weekOf(items: readonly Pick<CostItem, "hour" | "flows" | "cost">[]): HourCell[][] {
  const week = WEEKDAYS.map(() =>
    Array.from({ length: HOURS }, (): HourCell => ({ flows: 0, cost: null, newest: null })),
  );
  for (const { hour, flows, cost } of items) {
    const at = new Date(hour ?? Number.NaN);
    const cell = week[(at.getDay() + 6) % 7]?.[at.getHours()];
    if (!cell || flows === 0) continue;
    cell.flows += flows;
    if (cost !== null) cell.cost = (cell.cost ?? 0) + cost.micro_usd;
    if (cell.newest === null || at > cell.newest) cell.newest = at;
  }
  return week;
}

/**
 * How strong each value is shown, from 0 for none to {@link STEPS}. By the root of its share: a few
 * hours have most of what goes on, and would leave the others alike.
 */
export function strength(value: number | null, most: number): number {
  if (value === null || value <= 0 || most <= 0) return 0;
  return Math.max(1, Math.ceil(Math.sqrt(value / most) * STEPS));
}
