// Whatever comes, and from wherever, the screen changes a few times a second.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BEAT_MS, Pace } from "./pace";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("work from several places is done in one task, and ten tasks a second are never passed", () => {
  const pace = new Pace();
  const tasks: number[] = [];
  const note = () => {
    if (tasks.at(-1) !== Date.now()) tasks.push(Date.now());
  };
  let done = 0;
  for (let ms = 0; ms < 1_000; ms += 1) {
    for (let from = 0; from < 3; from += 1) {
      pace.soon(() => {
        done += 1;
        note();
      });
    }
    vi.advanceTimersByTime(1);
  }
  vi.advanceTimersByTime(BEAT_MS);
  expect(done).toBe(3_000);
  expect(tasks.length).toBeLessThanOrEqual(10);
});

test("after a rest work is done at once, and what it asks for with it", () => {
  const pace = new Pace();
  const done: string[] = [];
  pace.soon(() => {
    done.push("first");
    pace.soon(() => done.push("asked for by it"));
  });
  expect(done).toEqual([]);
  vi.advanceTimersByTime(0);
  expect(done).toEqual(["first", "asked for by it"]);
  pace.soon(() => done.push("soon after"));
  vi.advanceTimersByTime(BEAT_MS - 1);
  expect(done).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(done).toHaveLength(3);
});

test("work that fails is reported and keeps nothing else away", () => {
  const reported = vi.fn();
  vi.stubGlobal("reportError", reported);
  const pace = new Pace();
  const done = vi.fn();
  pace.soon(() => {
    throw new Error("failed");
  });
  pace.soon(done);
  vi.advanceTimersByTime(0);
  expect(done).toHaveBeenCalledOnce();
  expect(reported).toHaveBeenCalledOnce();
});
