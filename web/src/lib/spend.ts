// Spans of time that costs are told for, by what they are told apart, and the classes they are made of.
import type { CostItem, CostPage, UsageSums } from "@/api/types";

export const RANGES = ["today", "7d", "30d", "90d", "all"] as const;
export type Range = (typeof RANGES)[number];

export const RANGE_LABELS: Record<Range, string> = {
  today: "Today",
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
  all: "All",
};

const RANGE_DAYS: Record<Exclude<Range, "all">, number> = {
  today: 1,
  "7d": 7,
  "30d": 30,
  "90d": 90,
};

export function isRange(value: unknown): value is Range {
  return RANGES.some((each) => each === value);
}

/** The local midnight a range begins with, so that its days are whole; undefined for all time. */
export function rangeStart(range: Range, now: Date): string | undefined {
  if (range === "all") return undefined;
  const start = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  start.setDate(start.getDate() - (RANGE_DAYS[range] - 1));
  return start.toISOString();
}

/** The zone of the days as the server reads it, such as +02:00. */
export function zone(now: Date): string {
  const minutes = -now.getTimezoneOffset();
  const pad = (value: number) => String(value).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

export const DIMENSIONS = [
  "model",
  "project",
  "session",
  "tool",
  "subagent",
  "class",
  "commit",
  "agent",
  "host",
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Those that agents' own files tell. */
export const TOLD_DIMENSIONS: readonly Dimension[] = [
  "model",
  "project",
  "session",
  "subagent",
  "class",
  "agent",
];

export const DIMENSION_LABELS: Record<Dimension, string> = {
  model: "Model",
  project: "Project",
  session: "Session",
  tool: "Tool",
  subagent: "Subagent",
  class: "Class",
  commit: "Commit",
  agent: "Agent",
  host: "Host",
};

/** The classes a cost divides into, in the order of an exchange. */
export const CLASSES = [
  "input",
  "cache_write_5m",
  "cache_write_1h",
  "cache_read",
  "output",
  "reasoning",
  "web_search",
  "undivided",
] as const;
export type Class = (typeof CLASSES)[number];

export const CLASS_LABELS: Record<Class, string> = {
  input: "Uncached input",
  cache_write_5m: "Cache write 5 m",
  cache_write_1h: "Cache write 1 h",
  cache_read: "Cache read",
  output: "Output",
  reasoning: "Reasoning beside it",
  web_search: "Web searches",
  undivided: "Told as a whole",
};

/** A column of the chart: a day, or an hour of today, with its share of each class. */
export interface Span {
  /** As 2026-01-31, or the beginning of the hour. */
  key: string;
  label: string;
  since: string;
  until: string;
  /** Null where no flow of it has a known cost. */
  cost: number | null;
  flows: number;
  unpriced: number;
  /** Null where no flow began. */
  usage: UsageSums | null;
  classes: { name: Class; cost: number }[];
}

/** No chart has more columns than this; of a longer time the newest days are shown. */
export const DAYS_MAX = 120;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The days from `first` to today; those without a flow are there too. Without `first`, from the first flow on. */
export function daysOf(page: CostPage, first: Date | undefined, now: Date): Span[] {
  const known = new Map(
    page.items.flatMap((item) => (item.day === null ? [] : [[item.day, item] as const])),
  );
  const earliest = first ? localDay(first) : [...known.keys()].sort()[0];
  if (earliest === undefined) return [];
  const days: Span[] = [];
  const at = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  for (let day = localDay(at); day >= earliest && days.length < DAYS_MAX; day = localDay(at)) {
    const until = new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1);
    days.push(spanOf(day, `${MONTHS[at.getMonth()]} ${at.getDate()}`, at, until, known.get(day)));
    at.setDate(at.getDate() - 1);
  }
  return days.reverse();
}

/** The hours of today. */
export function hoursOf(page: CostPage, now: Date): Span[] {
  const known = new Map(
    page.items.flatMap((item) =>
      item.hour === null ? [] : [[Date.parse(item.hour), item] as const],
    ),
  );
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const next = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime();
  const hours: Span[] = [];
  for (let at = midnight.getTime(); at < next; at += HOUR_MS) {
    const label = `${String(new Date(at).getHours()).padStart(2, "0")}:00`;
    // Hours are UTC's, which differ where a zone is not whole hours from it.
    const item = known.get(Math.floor(at / HOUR_MS) * HOUR_MS);
    hours.push(spanOf(String(at), label, new Date(at), new Date(at + HOUR_MS), item));
  }
  return hours;
}

const HOUR_MS = 3_600_000;

function spanOf(
  key: string,
  label: string,
  since: Date,
  until: Date,
  item: CostItem | undefined,
): Span {
  const cost = item ? (item.cost?.micro_usd ?? null) : 0;
  const classes = CLASSES.map((name) => ({
    name,
    cost: item?.cost_by_class?.[name]?.micro_usd ?? 0,
  }));
  // Where a provider told its costs as a whole, no class has them.
  const divided = classes.reduce((sum, each) => sum + each.cost, 0);
  for (const each of classes) {
    if (each.name === "undivided") each.cost += Math.max(0, (cost ?? 0) - divided);
  }
  return {
    key,
    label,
    since: since.toISOString(),
    until: until.toISOString(),
    cost,
    flows: item?.flows ?? 0,
    unpriced: item?.unpriced_flows ?? 0,
    usage: item?.usage ?? null,
    classes: classes.filter((each) => each.cost > 0),
  };
}

/** The local day of a moment, as 2026-01-31. */
export function localDay(at: Date): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}
