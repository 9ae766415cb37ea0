// Hostile content in a conversation stays text.
// @vitest-environment jsdom
import { cleanup, configure, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Parts, PartView } from "./Parts";

// The reader of markdown is loaded when it is needed, which a busy machine may take long for.
configure({ asyncUtilTimeout: 10_000 });
afterEach(cleanup);

test("markup, escape codes and direction marks are shown as text", () => {
  const { container } = render(
    <Parts
      parts={[
        { kind: "text", text: '<img src=x onerror="alert(1)"><script>alert(2)</script>' },
        { kind: "text", text: "\u001b[31mred\u001b[0m \u202eback\u202c" },
      ]}
    />,
  );
  expect(container.querySelector("img, script")).toBeNull();
  expect(container.textContent).toContain('<img src=x onerror="alert(1)">');
  expect(container.textContent).toContain("⟨ESC⟩[31mred");
  expect(container.textContent).toContain("⟨RLO⟩back⟨PDF⟩");
});

test("a very long text is folded, and all of it is there when asked for", () => {
  const text = "word ".repeat(40_000);
  const { container } = render(<Parts parts={[{ kind: "text", text }]} />);
  expect(container.textContent?.length).toBeLessThan(10_000);
  fireEvent.click(screen.getByRole("button", { name: /Show all/ }));
  expect(container.textContent?.length).toBeGreaterThan(text.length);
});

test("what is being written is laid out as it will be, and only its end where it is long", async () => {
  const live = (text: string) => <PartView part={{ kind: "text", text }} live />;
  const { container, rerender } = render(live("Two points:\n\n- one"));
  expect(await screen.findByRole("list")).toBeTruthy();
  rerender(live("Two points:\n\n- one\n- the **other**"));
  expect(screen.getAllByRole("listitem").map((it) => it.textContent)).toEqual(["one", "the other"]);
  rerender(live(`- first ${"word ".repeat(3_000)}end`));
  expect(screen.queryByRole("list")).toBeNull();
  expect(container.textContent).toMatch(/ end$/);
  expect(container.textContent).not.toContain("first");
});

test("a redacted value stands out", () => {
  render(<Parts parts={[{ kind: "text", text: "key [redacted:anthropic_key] end" }]} />);
  expect(screen.getByTitle("Redacted before it was stored").textContent).toBe(
    "[redacted:anthropic_key]",
  );
});

test("a tool's cut input is shown raw and told", () => {
  render(
    <Parts
      parts={[{ kind: "tool_use", id: "t1", name: "Bash", input: null, raw: '{"command":"ls' }]}
    />,
  );
  expect(screen.getByText("The input was cut off.")).toBeTruthy();
});

test("parts of any shape are shown", () => {
  render(
    <Parts
      parts={[
        { kind: "thinking", text: "", note: "withheld by the provider" },
        { kind: "media", what: "image", mediaType: "image/png", bytes: 2_048 },
        {
          kind: "media",
          what: "image",
          mediaType: null,
          bytes: null,
          note: "[redacted:base64_image image/gif 70 bytes 0ddaa1eae7dfe226]",
        },
        { kind: "other", type: "new_thing", json: { a: 1 } },
        { kind: "tool_result", id: "t", name: null, error: true, parts: [] },
      ]}
    />,
  );
  expect(screen.getByText(/withheld by the provider/)).toBeTruthy();
  expect(screen.getByText(/2\.0 KiB/)).toBeTruthy();
  expect(screen.getByText("image/gif · 70 B, its data was not kept")).toBeTruthy();
  expect(screen.getByText("new_thing")).toBeTruthy();
  expect(screen.getByText("Failed")).toBeTruthy();
});

test("markdown is laid out, nothing in it is interpreted, and it can be seen as it was written", async () => {
  const text =
    "# Done\n\n- **one** `code`\n- two\n\n<img src=x onerror=alert(1)>\n\n[here](javascript:alert(2)) ![pic](https://x.example/p.png)\n\n\u202eback key [redacted:anthropic_key]";
  const { container } = render(<Parts parts={[{ kind: "text", text }]} />);
  expect(await screen.findByText("one")).toBeTruthy();
  expect(container.querySelectorAll("li")).toHaveLength(2);
  expect(container.querySelector("a, img, script, h1, iframe")).toBeNull();
  for (const words of [
    "<img src=x onerror=alert(1)>",
    "here (javascript:alert(2))",
    "pic (https://x.example/p.png)",
    "⟨RLO⟩back",
  ]) {
    expect(container.textContent).toContain(words);
  }
  expect(screen.getByTitle("Redacted before it was stored")).toBeTruthy();
  const toggle = screen.getByRole("button", { name: "As written" });
  fireEvent.click(toggle);
  expect(toggle.getAttribute("aria-pressed")).toBe("true");
  expect(container.textContent).toContain("- **one** `code`");
});

test("a long markdown is folded, and what is too long to be laid out is there as written", async () => {
  const text = "- item of a list\n".repeat(1_000);
  const { container, rerender } = render(<Parts parts={[{ kind: "text", text }]} />);
  expect(await screen.findAllByRole("listitem")).not.toHaveLength(0);
  expect(container.textContent?.length).toBeLessThan(10_000);
  fireEvent.click(screen.getByRole("button", { name: /^Show all/ }));
  expect(screen.getAllByRole("listitem")).toHaveLength(1_000);
  rerender(<Parts parts={[{ kind: "text", text: text.repeat(4) }]} />);
  fireEvent.click(screen.getByRole("button", { name: /too long to be laid out/ }));
  expect(screen.queryAllByRole("listitem")).toHaveLength(0);
  expect(container.textContent).toContain("- item of a list");
});

test("an edit is a diff, and its JSON is at hand", () => {
  const input = {
    file_path: "/a.rs",
    old_string: "let a = 1;",
    new_string: "let a = 2;\u001b[31m",
  };
  const { container } = render(
    <Parts parts={[{ kind: "tool_use", id: "t1", name: "Edit", input }]} />,
  );
  expect(container.textContent).toContain("removed: let a = 1;");
  expect(container.textContent).toContain("added: let a = 2;⟨ESC⟩[31m");
  expect(container.textContent).toContain("+1 −1");
  expect(container.textContent).not.toContain("old_string");
  fireEvent.click(screen.getByRole("button", { name: "As JSON" }));
  expect(container.textContent).toContain("old_string");
});

test("a long edit is folded, and its long lines are cut", () => {
  const content = `${"x".repeat(100_000)}\n${"line\n".repeat(300)}`;
  const { container } = render(
    <Parts
      parts={[{ kind: "tool_use", id: "t1", name: "Write", input: { file_path: "/a", content } }]}
    />,
  );
  expect(container.textContent?.length).toBeLessThan(5_000);
  expect(container.textContent).toContain("99,600 more characters");
  fireEvent.click(screen.getByRole("button", { name: "Show all (301 lines)" }));
  expect(container.textContent?.match(/added: line/g)).toHaveLength(300);
});

test("tasks, commands and look-ups are told in their own way, an MCP tool with its server", () => {
  const use = (name: string, input: unknown) => ({
    kind: "tool_use" as const,
    id: "",
    name,
    input,
  });
  const { container } = render(
    <Parts
      parts={[
        use("TodoWrite", { todos: [{ content: "Mend it", status: "completed" }] }),
        use("Bash", { command: "cargo test", description: "Run the tests", timeout: 5 }),
        use("Read", { file_path: "/etc/hosts", limit: 3 }),
        use("mcp__github__search", { query: "a" }),
      ]}
    />,
  );
  expect(screen.getByRole("list", { name: "Tasks" }).textContent).toContain("doneMend it");
  expect(screen.getByRole("button", { name: "Copy the command" })).toBeTruthy();
  expect(container.textContent).toContain("timeout 5");
  expect(container.textContent).toContain("Read /etc/hosts");
  expect(screen.getByText("MCP github")).toBeTruthy();
});

test("a cut input is told as far as it goes, with what was written at hand", () => {
  const raw = '{"file_path":"/a.rs","old_string":"one","new_string":"tw';
  const { container } = render(
    <Parts parts={[{ kind: "tool_use", id: "t1", name: "Edit", input: null, raw }]} />,
  );
  expect(container.textContent).toContain("removed: one");
  expect(screen.getByText("The input was cut off.")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "As written" }));
  expect(container.textContent).toContain(raw);
});
