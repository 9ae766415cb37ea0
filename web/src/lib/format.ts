// Numbers, times and sizes as people read them; absent is a dash, never a zero.

export const DASH = "—";

const whole = new Intl.NumberFormat("en-US");

export function count(value: number | null | undefined): string {
  return value == null ? DASH : whole.format(value);
}

/** 999, 1.2k, 45k, 1.3M: at most four characters for anything below ten billion. */
export function compact(value: number | null | undefined): string {
  if (value == null) return DASH;
  const steps: [number, string][] = [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ];
  for (const [size, unit] of steps) {
    // What would round up to the next unit is written in that unit.
    if (value >= size * 0.9995) {
      const scaled = value / size;
      return `${scaled < 9.95 ? scaled.toFixed(1) : Math.round(scaled)}${unit}`;
    }
  }
  return String(Math.round(value));
}

/** Milliseconds as µs, ms, s, or minutes. */
export function duration(ms: number | null | undefined): string {
  if (ms == null) return DASH;
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_950 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h ${pad(Math.floor((seconds % 3600) / 60))}m`;
}

/** Bytes in binary units. */
export function bytes(value: number | null | undefined): string {
  if (value == null) return DASH;
  if (value < 1024) return `${value} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let scaled = value;
  let unit = "B";
  for (const next of units) {
    if (scaled < 1023.5) break;
    scaled /= 1024;
    unit = next;
  }
  return `${scaled < 9.95 ? scaled.toFixed(1) : Math.round(scaled)} ${unit}`;
}

const CENTS = { minimumFractionDigits: 2, maximumFractionDigits: 2 } as const;

/** Millionths of a dollar; small sums keep enough digits to differ from nothing. */
export function money(microUsd: number | null | undefined): string {
  if (microUsd == null) return DASH;
  const usd = microUsd / 1e6;
  const size = Math.abs(usd);
  const digits = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 3 : 5;
  const told = size < 1_000 ? size.toFixed(digits) : size.toLocaleString("en-US", CENTS);
  return `${usd < 0 ? "−" : ""}$${told}`;
}

/** Local clock time; the day is told when it is not today. */
export function clock(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  const today =
    at.getDate() === now.getDate() &&
    at.getMonth() === now.getMonth() &&
    at.getFullYear() === now.getFullYear();
  if (today) return time;
  return `${MONTHS[at.getMonth()]} ${at.getDate()} ${time.slice(0, 5)}`;
}

/** Spelled out here, because asking the browser for each row makes scrolling slow. */
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Local date and time to the millisecond, for titles and details. */
export function fullTime(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return `${day} ${time}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** The first characters of an id that is too long for a table. */
export function shortId(id: string): string {
  return id.length > 12 ? `${id.slice(0, 8)}…` : id;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

function pad(n: number): string {
  return String(n).padStart(2, "0");
}
