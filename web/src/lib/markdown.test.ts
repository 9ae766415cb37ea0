// Markdown is laid out whatever is in it, and nothing of it is lost.
import { expect, test } from "vitest";
import { looksLikeMarkdown } from "./looks";
import { type Block, readMarkdown } from "./markdown";

/** Every word that is shown of a text. */
function words(blocks: Block[] | null): string {
  const said: string[] = [];
  JSON.stringify(blocks, (name, value) => {
    if (["text", "address", "alt", "language"].includes(name) && typeof value === "string") {
      said.push(value);
    }
    return value as unknown;
  });
  return said.join(" ");
}

test("headings, lists, tables, code and quotes become blocks", () => {
  const blocks = readMarkdown(
    "# Title\n\nSome **bold** words.\n\n- [x] one\n- [ ] two\n\n3. three\n\n```rust\nfn main() {}\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n> said\n\n---\n",
  );
  expect(blocks?.map(({ kind }) => kind)).toEqual([
    "heading",
    "paragraph",
    "list",
    "list",
    "code",
    "table",
    "quote",
    "rule",
  ]);
  expect(blocks?.[2]).toMatchObject({ start: null, items: [{ done: true }, { done: false }] });
  expect(blocks?.[3]).toMatchObject({ start: 3 });
  expect(blocks?.[4]).toEqual({ kind: "code", language: "rust", text: "fn main() {}" });
  expect(blocks?.[5]).toMatchObject({ align: [null, "right"], rows: [{ length: 2 }] });
});

test("html, definitions and entities stay the text that they were", () => {
  const text =
    '<script>alert(1)</script>\n\nsee <b onclick="x">this</b> &lt;that&gt;\n\n[1]: https://evil.example "t"\n';
  expect(words(readMarkdown(text))).toContain("<script>alert(1)</script>");
  expect(words(readMarkdown(text))).toContain('<b onclick="x">');
  expect(words(readMarkdown(text))).toContain("&lt;that&gt;");
  expect(words(readMarkdown(text))).toContain('[1]: https://evil.example "t"');
});

test("a link tells its address, and that of another one cannot hide behind it", () => {
  const [block] =
    readMarkdown("[https://good.example](https://evil.example) https://a.example") ?? [];
  expect(block?.kind === "paragraph" && block.inside).toMatchObject([
    { kind: "link", address: "https://evil.example" },
    { kind: "text" },
    { kind: "link", address: null },
  ]);
});

test("nesting that no reader follows is given up, not followed", () => {
  expect(readMarkdown(">".repeat(6_000))).toBeNull();
  expect(readMarkdown("1. ".repeat(6_000))).toBeNull();
  const deep = `${"> ".repeat(40)}deepest`;
  expect(words(readMarkdown(deep))).toContain("deepest");
});

test("texts of every kind of sign are read", () => {
  for (const sign of [
    "*",
    "_",
    "`",
    "[",
    "![",
    "](",
    "|",
    "<",
    "~~",
    "\\",
    "- ",
    "#",
    "a@",
    "http://",
  ]) {
    const text = sign.repeat(2_000);
    const blocks = readMarkdown(text);
    expect(Array.isArray(blocks) || blocks === null, sign).toBe(true);
  }
});

test("only a text with signs of markdown is laid out", () => {
  for (const text of [
    "# a",
    "- a",
    "1. a",
    "use `cargo`",
    "**b**",
    "a\n> b",
    "```\nx\n```",
    "[a](b)",
  ]) {
    expect(looksLikeMarkdown(text), text).toBe(true);
  }
  for (const text of ["", "plain words, 3 * 4 * 5", "snake_case_name", "#tag", "-1 and -2"]) {
    expect(looksLikeMarkdown(text), text).toBe(false);
  }
});
