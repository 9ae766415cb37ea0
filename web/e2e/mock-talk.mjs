// A flow of the stand-in that holds everything a conversation may: each kind of text, tool and result, and hostile ones.

export const TALK_ID = "0190f0c4-7e2a-7000-8000-7a1c00000001";

const text = (text) => ({ type: "text", text });
const user = (...content) => ({ role: "user", content });
const assistant = (...content) => ({ role: "assistant", content });
const use = (id, name, input) => ({ type: "tool_use", id, name, input });
const result = (id, content, is_error = false) => ({
  type: "tool_result",
  tool_use_id: id,
  content,
  is_error,
});

export const MARKDOWN = `# What was wrong

The **header parser** split values at *every* colon, see \`parse_header\` and [the standard](https://www.rfc-editor.org/rfc/rfc9110).

## What I changed

1. It splits at the first colon only.
2. It keeps the value's own white space:
   - leading blanks are cut,
   - ~~trailing ones~~ are kept.

- [x] Write the test
- [ ] Mend the docs

\`\`\`rust
fn parse_header(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    Some((name, value.trim_start()))
}
\`\`\`

| Header | Before | After |
|:-------|:------:|------:|
| \`Host: a:1\` | \`a\` | \`a:1\` |
| \`Date\` | 12 | 12:04:09 |

> A field value does not include leading or trailing whitespace.

![A picture](https://example.com/a.png) and <img src=x onerror="alert(1)"> stay where they are.

---

Done.`;

const HOSTILE = `# <script>alert("title")</script>

<iframe src="https://evil.example"></iframe>

[click me](javascript:alert(1)) [https://good.example](https://evil.example "not good") \u202etxet desrever\u202c \u001b[31mred\u001b[0m

${">".repeat(60)} deep

| ${"x".repeat(300)} | b |
|---|---|
| 1 | 2 |

\`\`\`<b>html</b>
${"0123456789".repeat(60)}
\`\`\`

${"long".repeat(500)}`;

const FILE = "crates/http/src/header.rs";
const PATCH = `*** Begin Patch
*** Update File: ${FILE}
@@ fn parse_header
 fn parse_header(line: &str) -> Option<(&str, &str)> {
-    let (name, value) = line.rsplit_once(':')?;
+    let (name, value) = line.split_once(':')?;
     Some((name, value.trim_start()))
*** Add File: tests/colons.rs
+#[test]
+fn a_value_keeps_its_colons() {}
*** Delete File: tests/old.rs
*** End Patch`;

/** One call of each kind with its result. */
const CALLS = [
  use("t1", "TodoWrite", {
    todos: [
      { content: "Find the split", status: "completed", activeForm: "Finding" },
      { content: "Mend it", status: "in_progress", activeForm: "Mending" },
      { content: "Write a test", status: "pending", activeForm: "Writing" },
    ],
  }),
  use("t2", "Bash", {
    command: "cargo nextest run -p http \\\n  --no-fail-fast 2>&1 | tail -40",
    description: "Run the tests of the parser",
    timeout: 120000,
  }),
  use("t3", "Read", { file_path: `/home/ada/parser/${FILE}`, offset: 40, limit: 60 }),
  use("t4", "Grep", { pattern: "split_once\\(", path: "crates", output_mode: "content" }),
  use("t5", "Edit", {
    file_path: `/home/ada/parser/${FILE}`,
    old_string:
      "fn parse_header(line: &str) {\n    let (name, value) = line.rsplit_once(':')?;\n    Some((name, value))\n}",
    new_string:
      "fn parse_header(line: &str) {\n    let (name, value) = line.split_once(':')?;\n    Some((name, value.trim_start()))\n}",
  }),
  use("t6", "MultiEdit", {
    file_path: "/home/ada/parser/README.md",
    edits: [
      { old_string: "colons are cut", new_string: "colons are kept" },
      { old_string: "", new_string: "One more line.\n" },
    ],
  }),
  use("t7", "Write", {
    file_path: "/home/ada/parser/tests/colons.rs",
    content: `//! Colons.\n\n${"assert!(true);\n".repeat(120)}`,
  }),
  use("t8", "apply_patch", { input: PATCH }),
  use("t9", "update_plan", {
    explanation: "Two steps are left.",
    plan: [
      { step: "Look at the parser", status: "completed" },
      { step: "Run everything", status: "in_progress" },
    ],
  }),
  use("t10", "mcp__github__search_code", { q: "rsplit_once", per_page: 3 }),
  use("t11", "WebFetch", { url: "https://www.rfc-editor.org/rfc/rfc9110", prompt: "Whitespace?" }),
  use("t12", "Edit", { unexpected: ["shape"] }),
];

const RESULTS = [
  result("t1", "Todos have been modified."),
  result(
    "t2",
    `error: test failed\n${"running colons ... FAILED\n".repeat(20)}Exit code 101`,
    true,
  ),
  result("t3", [
    text("fn parse_header() {}"),
    {
      type: "image",
      source: { type: "base64", media_type: "image/png", data: "aGVsbG8=".repeat(4_000) },
    },
  ]),
  result("t4", `${"crates/http/src/lib.rs: nothing\n".repeat(40)}a wombat hides here\n`),
];

const SERVER = [
  {
    type: "server_tool_use",
    id: "s1",
    name: "web_search",
    input: { query: "rfc 9110 whitespace" },
  },
  {
    type: "web_search_tool_result",
    tool_use_id: "s1",
    content: [
      {
        type: "web_search_result",
        title: "RFC 9110: HTTP Semantics",
        url: "https://www.rfc-editor.org/rfc/rfc9110",
        page_age: "June 2022",
        encrypted_content: "EqQB",
      },
    ],
  },
  { type: "server_tool_use", id: "s2", name: "bash_code_execution", input: { command: "wc -l a" } },
  {
    type: "bash_code_execution_tool_result",
    tool_use_id: "s2",
    content: {
      type: "bash_code_execution_result",
      stdout: "",
      stderr: "wc: a: No such file",
      return_code: 1,
      content: [],
    },
  },
  { type: "mcp_tool_use", id: "s3", name: "lookup", server_name: "library", input: { id: 7 } },
  { type: "mcp_tool_result", tool_use_id: "s3", is_error: false, content: [text("found")] },
];

/** The request: calls and results early, many turns between, the texts at its end. */
export function talkRequest(flow) {
  return JSON.stringify({
    model: flow.model_requested,
    max_tokens: 32000,
    system: [text("You are Claude Code.")],
    messages: [
      user(text("Please **mend** the parser:\n\n- values with a colon are cut\n- see `header.rs`")),
      assistant(...CALLS.slice(0, 4)),
      user(...RESULTS),
      ...Array.from({ length: 30 }, (_, at) =>
        at % 2 === 0 ? assistant(text(`Step ${at}.`)) : user(text("Go on.")),
      ),
      assistant(...CALLS.slice(4)),
      user(...CALLS.slice(4).map(({ id }) => result(id, "ok"))),
      assistant(...SERVER),
      user(text(HOSTILE)),
    ],
  });
}

/** The answer's blocks, as the server keeps them. */
export function talkBlocks() {
  const call = CALLS[4];
  const raw = JSON.stringify(call.input);
  return [
    {
      index: 0,
      complete: true,
      type: "thinking",
      text: "First the **colon**.",
      signature_bytes: 4,
    },
    { index: 1, complete: true, type: "text", text: MARKDOWN, citations: [] },
    { index: 2, complete: true, ...call, input_raw: raw },
    { index: 3, complete: false, ...call, input: null, input_raw: raw.slice(0, -40) },
  ];
}

/** Where a search for `wombat` finds it. */
export const TALK_SNIPPET = {
  place: "tool_result",
  text: "nothing crates/http/src/lib.rs: nothing a wombat hides here",
  highlights: [{ start: 42, end: 48 }],
  cut_before: true,
  cut_after: false,
};
