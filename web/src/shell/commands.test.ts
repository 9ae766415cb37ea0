// The palette finds what is named by any of its words, and never leaves what was typed without a way on.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Command, commandsFor } from "./commands";
import { KEYMAP } from "./keymap";
import { SCREENS } from "./screens";

const ids = (commands: Command[]) => commands.map(({ id }) => id);
const session = { value: "s/1", count: 3, first_at: "2026-01-02T03:04:05.000000Z", opening: "hi" };

test("without a word every screen is offered, and no search for nothing", () => {
  const offered = ids(commandsFor("  ", [session]));
  expect(offered).toEqual(expect.arrayContaining(SCREENS.map(({ to }) => to)));
  expect(offered).toContain("session s/1");
  expect(offered).not.toContain("search");
});

test("a screen is found by the beginning of any of its words", () => {
  expect(ids(commandsFor("cost", []))[0]).toBe("/spend");
  expect(ids(commandsFor("go sp", []))[0]).toBe("/spend");
  expect(ids(commandsFor("DARK", []))[0]).toBe("theme dark");
});

test("words that name nothing lead to a search for them", () => {
  const [first, second, ...rest] = commandsFor(" a&b cache ", []);
  expect(first?.act).toEqual({ go: "/search?q=a%26b+cache" });
  expect(second?.act).toEqual({ go: "/flows?q=a%26b+cache" });
  expect(rest).toEqual([]);
});

test("a flow's id leads to the flow at once, whatever its case", () => {
  const id = "0190f0c4-7e2a-7000-8000-00000000000a";
  expect(commandsFor(id.toUpperCase(), [])[0]?.act).toEqual({ go: `/flows/${id}` });
  expect(ids(commandsFor(id.slice(0, 8), []))).not.toContain(`flow ${id.slice(0, 8)}`);
});

test("an id that a session is known by leads to the session before a flow", () => {
  const value = "0190f0c4-7e2a-7000-8000-00000000000a";
  expect(ids(commandsFor(value, [session, { ...session, value }])).slice(0, 2)).toEqual([
    `session ${value}`,
    `flow ${value}`,
  ]);
});

test("a session's address holds its id as a whole", () => {
  const found = commandsFor("hi", [session]).find(({ id }) => id === "session s/1");
  expect(found?.act).toEqual({ go: "/sessions/s%2F1" });
});

test("the map tells each key once, and no key is heard that is not in the list of keys", () => {
  const told = KEYMAP.flatMap(({ entries }) => entries.map(({ keys }) => keys.join(" ")));
  expect(new Set(told).size).toBe(told.length);
  const plain = /\.key [!=]==? "[a-z/?]"|case "[a-z/?]"/;
  for (const name of readdirSync("src", { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(name) || name.includes(".test.")) continue;
    expect(readFileSync(`src/${name}`, "utf8"), name).not.toMatch(plain);
  }
});
