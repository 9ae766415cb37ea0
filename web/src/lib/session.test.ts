// How a session is told apart in little room.
import { expect, test } from "vitest";
import { SESSION_TONES, sessionTail, sessionTone, subagent } from "./session";

test("ids that begin alike are told by their ends", () => {
  expect(sessionTail("0190f0c4-7e2a-7000-8000-00000000abcd")).toBe("0000abcd");
  expect(sessionTail("ses_1")).toBe("ses_1");
});

test("an id has one tone, and ids that differ in their end spread over all", () => {
  const id = (n: number) => `0190f0c4-7e2a-7000-8000-${String(n).padStart(12, "0")}`;
  expect(sessionTone(id(1))).toBe(sessionTone(id(1)));
  const tones = new Set(Array.from({ length: 200 }, (_, n) => sessionTone(id(n))));
  expect(tones.size).toBe(SESSION_TONES);
});

test("a main thread with the session's id is no subagent", () => {
  expect(subagent({ agent_id: "a", session_id: "s" })).toBe("a");
  expect(subagent({ agent_id: "s", session_id: "s" })).toBeNull();
  expect(subagent({ agent_id: null, session_id: "s" })).toBeNull();
});
