// One line of a text has its words, and not the marks of its markdown.
import { expect, test } from "vitest";
import { plainLine } from "./plain";

test("marks of markdown are left out of a line", () => {
  expect(plainLine("## **Fix** the `parser`\n\n- see [the docs](https://x.test/a)\n> so")).toBe(
    "Fix the parser see the docs so",
  );
  expect(plainLine("```rust\nfn main() {}\n```")).toBe("fn main() {}");
});

test("what only looks like a mark stays", () => {
  for (const text of [
    "2**3 and 4**5",
    "__init__ of snake_case",
    "a ** b",
    "x[0](1 2)",
    "C# and #1",
  ])
    expect(plainLine(text)).toBe(text);
});

test("a mark whose end was cut off goes, and control characters are spelled", () => {
  expect(plainLine("I **looked at")).toBe("I looked at");
  expect(plainLine("**\u202eno**")).toBe("⟨RLO⟩no");
});
