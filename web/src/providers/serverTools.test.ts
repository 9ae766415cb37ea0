// Results of tools that the provider ran are told as results, failures as failures.
import { expect, test } from "vitest";
import { readRequest } from "./anthropic";
import { readServerResult } from "./serverTools";

const CALL = { id: "s1", name: null, failed: false };

test("a search gives titles and addresses, a run its output, an error its code", () => {
  const found = {
    type: "web_search_result",
    title: "Rust",
    url: "https://r.example",
    page_age: "1 day",
  };
  expect(readServerResult("web_search_tool_result", [found], CALL)).toMatchObject({
    name: "web_search",
    error: false,
    parts: [{ kind: "text", text: "Rust (1 day)\nhttps://r.example" }],
  });
  const run = {
    type: "code_execution_result",
    stdout: "1\n",
    stderr: "no",
    return_code: 2,
    content: [],
  };
  expect(readServerResult("code_execution_tool_result", run, CALL)).toMatchObject({
    error: true,
    parts: [{ text: "1\n\nno\nexit code 2" }],
  });
  const refused = { type: "web_search_tool_result_error", error_code: "max_uses_exceeded" };
  expect(readServerResult("web_search_tool_result", refused, CALL)).toMatchObject({
    error: true,
    parts: [{ text: "max_uses_exceeded" }],
  });
});

test("what has no known shape is kept whole", () => {
  const odd = { type: "new", a: [1] };
  expect(readServerResult("x_tool_result", odd, CALL)).toMatchObject({
    parts: [{ kind: "other", json: odd }],
  });
  expect(readServerResult("x_tool_result", [null], CALL)).toMatchObject({
    parts: [{ kind: "other", json: null }],
  });
  expect(readServerResult("thing", {}, CALL)).toBeNull();
});

test("a call to an MCP server names it, and its result the tool", () => {
  const content = [
    { type: "mcp_tool_use", id: "m1", name: "search", server_name: "github", input: { q: "a" } },
    { type: "mcp_tool_result", tool_use_id: "m1", is_error: true, content: "no such thing" },
  ];
  const parts = readRequest(
    JSON.stringify({ model: "m", messages: [{ role: "assistant", content }] }),
  )?.turns[0]?.parts;
  expect(parts).toMatchObject([
    { kind: "tool_use", name: "search", server: "github", ranAt: "provider" },
    { kind: "tool_result", name: "search", error: true, parts: [{ text: "no such thing" }] },
  ]);
});
