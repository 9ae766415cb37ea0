// A line of each agent's file tells the parts that a turn of its provider would.
import { expect, test } from "vitest";
import { lineParts } from "./line";

const kinds = (agent: string, line: unknown) => lineParts(agent, line).map(({ kind }) => kind);

test("what each agent writes of a message becomes its parts", () => {
  const claude = {
    type: "assistant",
    message: {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm" },
        { type: "tool_use", id: "t", name: "Bash", input: { command: "ls" } },
      ],
    },
  };
  expect(kinds("claude-code", claude)).toEqual(["thinking", "tool_use"]);
  expect(lineParts("claude-code", { message: { role: "user", content: "hi" } })).toMatchObject([
    { kind: "text", text: "hi" },
  ]);
  const codex = {
    type: "response_item",
    payload: { type: "message", role: "user", content: [{ type: "input_text", text: "go" }] },
  };
  expect(lineParts("codex", codex)).toMatchObject([{ kind: "text", text: "go" }]);
  expect(kinds("codex", { type: "event_msg", payload: { type: "token_count" } })).toEqual([]);
  expect(lineParts("gemini-cli", { type: "gemini", content: "done" })).toMatchObject([
    { kind: "text", text: "done" },
  ]);
});

test("what is no message has no parts", () => {
  for (const line of [null, "text", 7, [], {}, { message: "odd" }, { content: 3 }]) {
    for (const agent of ["claude-code", "codex", "gemini-cli"]) {
      // A payload alone is a line of an early Codex.
      if (agent === "codex" && typeof line === "object") continue;
      expect(lineParts(agent, line)).toEqual([]);
    }
  }
});
