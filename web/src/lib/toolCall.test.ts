// Inputs of tools are told as what they do; what has not the shape of its name is left as it is.
import { describe, expect, test } from "vitest";
import { lineDiff } from "./lineDiff";
import { readJson } from "./partialJson";
import { readCall, readName } from "./toolCall";

const signs = (before: string, after: string) =>
  lineDiff(before, after).map(
    ({ sign, text }) => `${{ same: " ", gone: "-", new: "+" }[sign]}${text}`,
  );

describe("a comparison of lines", () => {
  test("keeps what is common and tells what is gone and new in order", () => {
    expect(signs("a\nb\nc\nd", "a\nx\nc\nd\ne")).toEqual([" a", "-b", "+x", " c", " d", "+e"]);
    expect(signs("", "a\n")).toEqual(["+a"]);
    expect(signs("a", "")).toEqual(["-a"]);
    expect(signs("same", "same")).toEqual([" same"]);
    expect(signs("", "")).toEqual([]);
  });

  test("of very many lines is still made, as an exchange of all between the common ends", () => {
    const lines = (word: string) => Array.from({ length: 5_000 }, (_, at) => `${word} ${at}`);
    const made = lineDiff(["top", ...lines("a")].join("\n"), ["top", ...lines("b")].join("\n"));
    expect(made[0]).toEqual({ sign: "same", text: "top" });
    expect(made.filter(({ sign }) => sign === "gone")).toHaveLength(5_000);
    expect(made.filter(({ sign }) => sign === "new")).toHaveLength(5_000);
  });
});

describe("a tool's input", () => {
  test("of Claude Code's edits is a diff of each stretch", () => {
    const one = { old_string: "a\nb", new_string: "a\nc" };
    expect(readCall("Edit", { file_path: "/x.rs", ...one })).toEqual({
      kind: "edits",
      files: [
        {
          path: "/x.rs",
          what: "Edit",
          hunks: [
            [
              { sign: "same", text: "a" },
              { sign: "gone", text: "b" },
              { sign: "new", text: "c" },
            ],
          ],
        },
      ],
    });
    const many = readCall("MultiEdit", { file_path: "/x.rs", edits: [one, one] });
    expect(many).toMatchObject({ files: [{ hunks: [{ length: 3 }, { length: 3 }] }] });
    const lines = (word: string) => Array.from({ length: 400 }, (_, at) => `${word} ${at}`);
    const long = {
      old_string: [...lines("a"), "same", "x"].join("\n"),
      new_string: [...lines("b"), "same", "y"].join("\n"),
    };
    const read = readCall("MultiEdit", { file_path: "/x.rs", edits: [long, long, long] });
    const [{ hunks } = { hunks: [] }] = read?.kind === "edits" ? read.files : [];
    // Two are compared line by line; the last is told as an exchange.
    const same = hunks.map((hunk) => hunk.filter(({ sign }) => sign === "same").length);
    expect(same).toEqual([1, 1, 0]);
    expect(readCall("Write", { file_path: "/x.rs", content: "1\n2\n" })).toMatchObject({
      files: [{ what: "Write", hunks: [[{ sign: "new", text: "1" }, { text: "2" }]] }],
    });
  });

  test("of Codex is read as patch, command and plan", () => {
    const patch =
      "*** Begin Patch\n*** Update File: a.rs\n*** Move to: b.rs\n@@ fn main()\n same\n-old\n+new\n*** Add File: c\n+one\n*** Delete File: d\n*** End Patch";
    const read = readCall("apply_patch", patch);
    expect(read).toMatchObject({
      files: [
        { what: "Update", path: "a.rs → b.rs" },
        { what: "Add", path: "c", hunks: [[{ sign: "new", text: "one" }]] },
        { what: "Delete", path: "d", hunks: [] },
      ],
    });
    expect(readCall("apply_patch", { input: patch })).toEqual(read);
    expect(readCall("shell", { command: ["apply_patch", patch] })).toEqual(read);
    expect(readCall("shell", { command: ["bash", "-lc", "ls | wc"] })).toMatchObject({
      command: "ls | wc",
    });
    expect(readCall("shell", { command: ["grep", "a b", "it's"] })).toMatchObject({
      command: "grep 'a b' 'it'\\''s'",
    });
    expect(
      readCall("update_plan", {
        plan: [{ step: "Look", status: "in_progress" }],
        explanation: "So",
      }),
    ).toEqual({ kind: "tasks", note: "So", tasks: [{ text: "Look", state: "doing" }] });
  });

  test("is one line where the tool looks at something, with whatever else it says", () => {
    expect(readCall("Grep", { pattern: "fn", path: "src", "-n": true, tags: ["a"] })).toEqual({
      kind: "look",
      verb: "Search for",
      target: "fn",
      rest: [
        ["path", "src"],
        ["-n", "true"],
        ["tags", "1 of them"],
      ],
    });
    expect(readCall("web_search", { query: "rust" })).toMatchObject({ target: "rust" });
  });

  test("of another shape, or of a tool that nobody knows, is left as it is", () => {
    for (const [name, input] of [
      ["Edit", { file_path: 1, old_string: "a" }],
      ["Edit", {}],
      ["MultiEdit", { file_path: "/x", edits: [null] }],
      ["TodoWrite", { todos: [{ content: "a", status: "constructor" }] }],
      ["TodoWrite", { todos: "all" }],
      ["shell", { command: ["ls", 1] }],
      ["Bash", null],
      ["Bash", []],
      ["constructor", { a: 1 }],
      ["__proto__", { a: 1 }],
      ["mcp__github__search", { query: "a" }],
      ["apply_patch", "not a patch"],
    ] as const) {
      expect(readCall(name, input), name).toBeNull();
    }
  });

  test("that was cut off anywhere is read as far as it goes, and never fails", () => {
    const inputs: [string, object][] = [
      ["Edit", { file_path: "/x", old_string: "a\nb", new_string: "c" }],
      ["MultiEdit", { file_path: "/x", edits: [{ old_string: "a", new_string: "b" }] }],
      ["TodoWrite", { todos: [{ content: "a", status: "pending" }] }],
      ["Bash", { command: "ls -la", description: "List" }],
      ["update_plan", { plan: [{ step: "a", status: "completed" }] }],
    ];
    for (const [name, input] of inputs) {
      const text = JSON.stringify(input);
      for (let end = 0; end < text.length; end += 1) {
        expect(() => readCall(name, readJson(text.slice(0, end)).value)).not.toThrow();
      }
      expect(readCall(name, input), name).not.toBeNull();
    }
    const patch = "*** Begin Patch\n*** Update File: a\n@@\n-b\n+c\n*** End Patch";
    for (let end = 0; end <= patch.length; end += 1) {
      expect(() => readCall("apply_patch", patch.slice(0, end))).not.toThrow();
    }
  });
});

test("a tool of an MCP server is named with its server", () => {
  expect(readName("mcp__github__search_code")).toEqual({ server: "github", tool: "search_code" });
  expect(readName("mcp__a__b__c")).toEqual({ server: "a", tool: "b__c" });
  expect(readName("mcp____")).toEqual({ server: null, tool: "mcp____" });
  expect(readName("Bash")).toEqual({ server: null, tool: "Bash" });
});

test("members of any kind are read, or the input is left as it is", () => {
  const odd = [null, 1, true, [], {}, { toString: 1, valueOf: 1 }, Object.create(null)];
  for (const value of odd) {
    for (const command of ["view", "str_replace", "create", "insert"]) {
      const input = {
        command,
        path: "/a",
        insert_text: "x",
        insert_line: value,
        view_range: value,
      };
      expect(() => readCall("str_replace_based_edit_tool", input)).not.toThrow();
    }
  }
  const insert = { command: "insert", path: "/a", insert_text: "x", insert_line: { toString: 1 } };
  expect(readCall("str_replace_based_edit_tool", insert)).toMatchObject({ kind: "edits" });
});
