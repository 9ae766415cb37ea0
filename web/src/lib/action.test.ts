// What an exchange is said to have done, and how warm its cache was.
import { expect, test } from "vitest";
import type { Flow, Usage } from "@/api/types";
import { makeFlow } from "@/testing/flow";
import { actionOf, cacheUntil, tallied, warmthOf } from "./action";

const used = (usage: Partial<Usage>, over: Partial<Flow> = {}) =>
  makeFlow({ usage: { ...makeFlow().usage, ...usage }, ...over });

test("an action is told in words", () => {
  const words = (over: Partial<Flow>) => actionOf(makeFlow(over)).words;
  expect(words({ outcome: null, status: null })).toBe("Waits for the provider");
  expect(words({ outcome: null })).toBe("Answering");
  expect(words({})).toBe("Answered");
  expect(words({ tool_names: ["Bash", "Read", "Bash"] })).toBe("Called Bash ×2, Read");
  const error = { kind: "overloaded_error", message: null };
  expect(words({ outcome: "provider_error", status: 529, error })).toBe(
    "Provider error: overloaded_error",
  );
  expect(words({ outcome: "provider_error", status: 500 })).toBe("Provider error: 500");
  expect(words({ outcome: "client_gone", tool_names: ["Bash"] })).toBe("Client gone");
  expect(tallied([])).toBe("");
});

test("warmth is the share of the whole input that the cache had", () => {
  expect(warmthOf(used({ input: 100, cache_read: 900 }))?.label).toBe("warm 90 %");
  expect(warmthOf(used({ input: 900, cache_read: 300 }))?.label).toBe("partly warm 25 %");
  expect(warmthOf(used({ input: 9, cache_read: 0, cache_write_5m: 5_000 }))?.label).toBe(
    "cold, cache written",
  );
  const openai = { dialect: "openai" } as const;
  expect(warmthOf(used({ input: 1_000, cache_read: 900 }, openai))?.label).toBe("warm 90 %");
});

test("where the cache is not spoken of, or there was nothing to keep, no warmth is claimed", () => {
  expect(warmthOf(used({ input: 100 }))).toBeNull();
  expect(warmthOf(used({ input: 100, cache_read: 0 }))).toBeNull();
});

test("a cache is let go five minutes, or an hour, after its last use, where that is known", () => {
  const began = Date.parse(makeFlow().started_at);
  expect(cacheUntil(used({ cache_read: 1 }))).toBe(began + 300_000);
  expect(cacheUntil(used({ cache_read: 1, cache_write_1h: 1 }))).toBe(began + 3_600_000);
  expect(cacheUntil(used({ cache_read: 0 }))).toBeNull();
  expect(cacheUntil(used({ cache_read: 1 }, { dialect: "openai" }))).toBeNull();
});
