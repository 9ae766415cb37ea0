// Hostile content in a conversation stays text.
// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Parts } from "./Parts";

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
        { kind: "other", type: "new_thing", json: { a: 1 } },
        { kind: "tool_result", id: "t", name: null, error: true, parts: [] },
      ]}
    />,
  );
  expect(screen.getByText(/withheld by the provider/)).toBeTruthy();
  expect(screen.getByText(/2\.0 KiB/)).toBeTruthy();
  expect(screen.getByText("new_thing")).toBeTruthy();
  expect(screen.getByText("Failed")).toBeTruthy();
});
