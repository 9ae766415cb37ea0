// Which columns the list shows: what the reader has chosen, as far as there is room, and then what is worth most.

/** What a choice and the room decide on. */
export interface Sized {
  key: string;
  least: number;
}

/** Columns that were switched by hand: on or off. */
export type ColumnChoice = Readonly<Record<string, boolean>>;

/** What makes a flow a flow is always shown. */
export const FIXED: readonly string[] = ["time", "status", "what", "duration"];

/** The rest by worth, where nothing was chosen. */
const WORTH = [
  "model",
  "session",
  "agent",
  "in",
  "out",
  "cost",
  "provider",
  "cache",
  "host",
  "ttft",
  "events",
];

/** Between columns, and at the ends of a row with its scroll bar. */
const GAP = 12;
const ENDS = 24 + 16;

/** Those of `columns` that are shown in a list `width` pixels wide, in their order. */
export function shownColumns<T extends Sized>(
  columns: readonly T[],
  width: number,
  choice: ColumnChoice,
): T[] {
  const rank = ({ key }: Sized) =>
    FIXED.includes(key) ? -2 : choice[key] === true ? -1 : WORTH.indexOf(key);
  const wanted = columns.filter(({ key }) => FIXED.includes(key) || choice[key] !== false);
  const shown = new Set<string>();
  let room = width - ENDS + GAP;
  for (const column of wanted.toSorted((a, b) => rank(a) - rank(b))) {
    const need = column.least + GAP;
    if (need > room && !FIXED.includes(column.key)) continue;
    room -= need;
    shown.add(column.key);
  }
  return columns.filter(({ key }) => shown.has(key));
}

const KEY = "langley.flows.columns";

export function readChoice(): ColumnChoice {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof kept !== "object" || kept === null) return {};
    return Object.fromEntries(
      Object.entries(kept).filter(([key, on]) => WORTH.includes(key) && typeof on === "boolean"),
    ) as ColumnChoice;
  } catch {
    return {};
  }
}

export function writeChoice(choice: ColumnChoice): void {
  try {
    if (Object.keys(choice).length === 0) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, JSON.stringify(choice));
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
}
