// Which place is the one that something was opened from.
import { createMemoryHistory } from "@tanstack/react-router";
import { expect, test } from "vitest";
import { Trail } from "./trail";

function walked(...steps: string[]) {
  const history = createMemoryHistory({ initialEntries: ["/search"] });
  const trail = new Trail(history);
  for (const step of steps) history.push(step);
  return { history, trail };
}

test("it leads to the last place with another path, whatever was looked at there", () => {
  const { history, trail } = walked("/flows/1", "/flows/1?tab=raw");
  expect(trail.before()).toBe("/search");
  trail.back();
  expect(history.location.pathname).toBe("/search");
  expect(trail.before()).toBeNull();
});

test("where this page has seen no other place there is none to go back to", () => {
  const { history, trail } = walked();
  expect(trail.before()).toBeNull();
  trail.back();
  expect(history.location.pathname).toBe("/search");
});

test("what was replaced, and what one went back from, is no place any more", () => {
  const { history, trail } = walked("/flows/1");
  history.replace("/flows/2");
  history.push("/sessions/s");
  expect(trail.before()).toBe("/flows/2");
  history.back();
  history.push("/tools");
  history.push("/flows/3");
  expect(trail.before()).toBe("/tools");
  trail.back();
  expect(trail.before()).toBe("/flows/2");
});
