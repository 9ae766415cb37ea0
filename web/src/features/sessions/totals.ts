// What the sums of a session mean: how many of its exchanges failed, and how warm its cache was.
import type { Session, Totals } from "@/api/types";

/** Exchanges that ended without the answer that was asked for; those an agent left are its own wish. */
export function failed({ flows }: Pick<Totals, "flows">): number {
  return flows.provider_error + flows.upstream_gone + flows.timed_out + flows.refused + flows.lost;
}

/** All input, what was read from the cache and written to it included; null where none is stated. */
export function inputOf({ usage }: Pick<Totals, "usage">): number | null {
  const parts = [
    usage.input_uncached,
    usage.cache_read,
    usage.cache_write_5m,
    usage.cache_write_1h,
  ].flatMap((part) => part ?? []);
  return parts.length === 0 ? null : parts.reduce((sum, part) => sum + part, 0);
}

/** How much of all input came from the cache, from 0 to 1; null where that is not stated. */
export function sessionCache({ usage }: Pick<Totals, "usage">): number | null {
  const { input_uncached: input, cache_read: read } = usage;
  if (input === null || read === null) return null;
  const written = (usage.cache_write_5m ?? 0) + (usage.cache_write_1h ?? 0);
  const whole = input + read + written;
  return whole === 0 ? null : read / whole;
}

/** From its first flow's beginning to its newest's; a session lasts at least as long as one of its flows. */
export function lastedMs({ first_at, last_at, totals }: Session): number {
  const between = Date.parse(last_at) - Date.parse(first_at);
  return Math.max(between, totals.latency.duration?.mean_ms ?? 0);
}
