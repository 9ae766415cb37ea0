// A call is said in one line, whole or cut, known or not.
import { expect, test } from "vitest";
import { callWords, headWords } from "./callWords";

test("a known tool's call is told in its words", () => {
  expect(callWords("Bash", { command: "cargo test\n-p x", description: "Run" })).toBe(
    "cargo test -p x",
  );
  expect(callWords("Read", { file_path: "/a/b.rs" })).toBe("Read /a/b.rs");
  expect(callWords("Edit", { file_path: "/a", old_string: "1", new_string: "2" })).toBe("Edit /a");
  const todos = [
    { content: "one", status: "completed" },
    { content: "two", status: "in_progress" },
  ];
  expect(callWords("TodoWrite", { todos })).toBe("1 of 2 tasks done: two");
  expect(
    callWords("Task", { subagent_type: "Explore", description: "Find it", prompt: "Look" }),
  ).toBe("Explore: Find it");
});

test("another tool's is told by its members", () => {
  expect(callWords("mcp__github__search", { query: "x", page: 2, of: { a: [1] } })).toBe(
    'query: x, page: 2, of: {"a":[1]}',
  );
  expect(callWords("constructor", null)).toBe("");
});

test("a beginning is read as far as it goes", () => {
  expect(headWords("Bash", '{"command":"cargo te')).toBe("cargo te");
  expect(headWords("Write", '{"file_path":"/a","content":"fn ma')).toBe("Write /a");
  expect(headWords("apply_patch", "*** Begin Patch\n*** Update File: a.rs\n@@\n-x\n+y")).toBe(
    "Update a.rs",
  );
  expect(headWords("x", "no json")).toBe("no json");
});
