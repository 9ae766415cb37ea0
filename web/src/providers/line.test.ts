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

test("a line of Gemini CLI tells its thoughts, and its calls with their results", () => {
  const line = {
    type: "gemini",
    content: "",
    thoughts: [{ subject: "The file", description: "I look at it." }],
    toolCalls: [
      {
        id: "c1",
        name: "read_file",
        args: { path: "a.txt" },
        status: "success",
        result: [{ functionResponse: { id: "c1", name: "read_file", response: { output: "hi" } } }],
      },
      { id: "c2", name: "run", args: {}, result: "odd" },
      { id: "c3", name: "run", args: {} },
    ],
  };
  const parts = lineParts("gemini-cli", line);
  expect(parts.map(({ kind }) => kind)).toEqual([
    "thinking",
    "tool_use",
    "tool_result",
    "tool_use",
    "tool_result",
    "tool_use",
  ]);
  expect(parts[0]).toMatchObject({ text: "The file\nI look at it." });
  expect(parts[1]).toMatchObject({ name: "read_file", input: { path: "a.txt" } });
  expect(JSON.stringify(parts[2])).toContain("hi");
  expect(JSON.stringify(parts[4])).toContain("odd");
  for (const odd of [[7, null, {}], "text", {}]) {
    expect(() => lineParts("gemini-cli", { thoughts: odd, toolCalls: odd })).not.toThrow();
  }
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
