// Lines and flows interleave by time, and none is shown above a gap that is not loaded.
import { expect, test } from "vitest";
import { makeFlow } from "@/testing/flow";
import { makeLine } from "@/testing/history";
import { fromTheStart, oneTimeline } from "./oneTimeline";

const at = (second: number) => `2026-01-02T00:00:${String(second).padStart(2, "0")}.000Z`;
const line = (second: number) =>
  makeLine({ at: at(second), src: { path: "f", line: second, offset: second, bytes: 1 } });
const flow = (second: number) => makeFlow({ id: `f-${second}`, started_at: at(second) });
const seconds = (told: ReturnType<typeof oneTimeline>) =>
  told.entries.map(({ kind, at }) => `${kind} ${new Date(at).getUTCSeconds()}`);

test("both are told in the order of time, the newest first", () => {
  const told = oneTimeline(
    { items: [line(9), line(5), line(1)], more: false },
    { items: [flow(7), flow(2)], more: false },
  );
  expect(seconds(told)).toEqual(["line 9", "flow 7", "line 5", "flow 2", "line 1"]);
  expect(told.next).toBeNull();
});

test("what is older than the oldest of a source that goes on waits for that source", () => {
  const lines = { items: [line(9), line(5)], more: true };
  const flows = { items: [flow(8), flow(2)], more: true };
  const told = oneTimeline(lines, flows);
  expect(seconds(told)).toEqual(["line 9", "flow 8", "line 5"]);
  expect(told.next).toBe("line");
  const later = oneTimeline({ items: [line(9), line(5), line(1)], more: false }, flows);
  expect(seconds(later)).toEqual(["line 9", "flow 8", "line 5", "flow 2"]);
  expect(later.next).toBe("flow");
});

test("without the wire lines stand alone", () => {
  const told = oneTimeline({ items: [line(3)], more: true }, null);
  expect(seconds(told)).toEqual(["line 3"]);
  expect(told.next).toBe("line");
});

test("from the start both are told in the order of time", () => {
  const told = fromTheStart({ items: [line(1), line(5), line(9)], more: true }, [flow(5), flow(2)]);
  expect(seconds(told)).toEqual(["line 1", "flow 2", "flow 5", "line 5", "line 9"]);
  expect(told.next).toBe("line");
});
