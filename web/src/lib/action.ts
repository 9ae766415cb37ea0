// What an exchange did, in a few words, and how warm its cache was.
import type { Flow } from "@/api/types";
import { FACES, flowState, type Tone } from "./outcome";
import { cacheShare, inputTotal } from "./usage";

export interface Action {
  words: string;
  tone: Tone;
}

/** What an exchange does or did; the names of tools are as the agent gave them. */
export function actionOf(flow: Flow): Action {
  const state = flowState(flow.outcome);
  if (state === "open") {
    const words = flow.status === null ? "Waits for the provider" : "Answering";
    return { words, tone: "info" };
  }
  if (state !== "completed") {
    const why = flow.error?.kind ?? (state === "provider_error" ? flow.status : null);
    return {
      words: why === null ? FACES[state].label : `${FACES[state].label}: ${why}`,
      tone: FACES[state].tone,
    };
  }
  if (flow.tool_names.length > 0)
    return { words: `Called ${tallied(flow.tool_names)}`, tone: "ok" };
  return { words: "Answered", tone: "ok" };
}

/** Names told once, with how often where that is more: Bash ×2, Read. */
export function tallied(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, times]) => (times > 1 ? `${name} ×${times}` : name)).join(", ");
}

/** A preview has the prompt and the answer in one line; what is of one side alone stands for the whole turn. */
export function saidIn(preview: string | null): { asked: string | null; answered: string | null } {
  const at = preview?.indexOf(" → ") ?? -1;
  if (preview === null || at < 0) return { asked: preview, answered: null };
  return { asked: preview.slice(0, at), answered: preview.slice(at + 3) };
}

export interface Warmth {
  label: string;
  tone: Tone;
  title: string;
}

/** From this share of the input on the cache counts as warm. */
const WARM = 0.5;
/** Input below this many tokens is too short for any provider's cache. */
const CACHEABLE = 1_024;

/** How warm the prompt cache was; null where that is not stated, or there was nothing to cache. */
export function warmthOf(flow: Pick<Flow, "dialect" | "usage">): Warmth | null {
  const share = cacheShare(flow);
  const total = inputTotal(flow) ?? 0;
  if (share === null || (share === 0 && total < CACHEABLE)) return null;
  const percent = `${Math.round(share * 100)} %`;
  const written = (flow.usage.cache_write_5m ?? 0) + (flow.usage.cache_write_1h ?? 0);
  const title = `${percent} of ${total.toLocaleString("en-US")} input tokens were read from the cache, ${written.toLocaleString("en-US")} written to it`;
  if (share >= WARM) return { label: `warm ${percent}`, tone: "ok", title };
  if (share > 0) return { label: `partly warm ${percent}`, tone: "warn", title };
  return { label: written > 0 ? "cold, cache written" : "cold", tone: "warn", title };
}

/** Dialects whose cache is kept for a stated time after it was last used. */
const TIMED_CACHE = new Set(["anthropic", "bedrock"]);

/** When the cached prefix of a flow is let go: five minutes, or an hour, after it was last used. */
export function cacheUntil(flow: Pick<Flow, "dialect" | "started_at" | "usage">): number | null {
  if (!TIMED_CACHE.has(flow.dialect ?? "")) return null;
  const { cache_read, cache_write_5m, cache_write_1h } = flow.usage;
  if (!cache_read && !cache_write_5m && !cache_write_1h) return null;
  const kept = cache_write_1h ? 3_600_000 : 300_000;
  return Date.parse(flow.started_at) + kept;
}
