// The types of events to choose from.
import { expect, test } from "vitest";
import type { StreamEvent } from "@/api/types";
import { damagedOf, typesOf } from "./EventsView";

const event = (seq: number, type: string): StreamEvent => ({
  seq,
  type,
  offset_ms: 0,
  data: "{}",
  original_bytes: 2,
});

test("only types that occur are offered, each with its number", () => {
  const told = [
    { type: "start", count: 1 },
    { type: "delta", count: 40 },
  ];
  expect(typesOf(told, [event(0, "start")], undefined, 41)).toEqual(told);
});

test("while the stream grows, no number is told that may be wrong", () => {
  const types = typesOf([{ type: "start", count: 1 }], [event(3, "delta")], "ping", 9);
  expect(types).toEqual([
    { type: "start", count: null },
    { type: "delta", count: null },
    { type: "ping", count: null },
  ]);
});

test("the chosen type stays in the list where none is of it", () => {
  expect(typesOf([{ type: "start", count: 1 }], [], "ping", 1).at(-1)).toEqual({
    type: "ping",
    count: 0,
  });
});

test("damaged events are counted once, however often the end is asked for", () => {
  const tail = { items: [], damaged: 3 };
  expect(damagedOf([])).toBe(0);
  expect(damagedOf([{ items: [1], damaged: 2 }, { items: [2], damaged: 3 }, tail, tail])).toBe(5);
  expect(damagedOf([tail, tail])).toBe(3);
});
