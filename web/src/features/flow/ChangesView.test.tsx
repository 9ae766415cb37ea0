// What the comparison of two requests says of them.
// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { RequestDiff } from "@/api/types";
import { makeFlow } from "@/testing/flow";
import { renderScreen } from "@/testing/screen";
import { Changes } from "./ChangesView";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const FLOW = makeFlow({ id: "f-1", dialect: "anthropic", path: "/v1/messages" });
const none = { pieces: 0, bytes: 0 };

const GROWN: RequestDiff = {
  against: "0190f0c4-7e2a-7000-8000-000000000001",
  truncated: false,
  parts: [
    { kind: "tools", now: { pieces: 20, bytes: 20_480 }, added: none, removed: none },
    {
      kind: "user",
      now: { pieces: 3, bytes: 3_072 },
      added: { pieces: 1, bytes: 1_024 },
      removed: none,
    },
  ],
  diverges: null,
  added: [{ kind: "user", position: 4, bytes: 1_024, text: '{"role":"user","content":"\u202eon' }],
  removed: [],
};

test("a request that only goes on says so, and what is new", () => {
  render(<Changes flow={FLOW} diff={GROWN} />);
  expect(screen.getByText(/Nothing before the new part has changed/)).toBeTruthy();
  expect(screen.getByRole("link").getAttribute("href")).toContain(`${GROWN.against}?tab=changes`);
  const row = screen.getByText("User's turns").closest("tr") as HTMLElement;
  const cells = within(row).getAllByRole("cell");
  expect(cells.map((cell) => cell.textContent)).toEqual([
    "User's turns",
    "3",
    "3.0 KiB",
    "1.0 KiB",
    "0 B",
  ]);
  const piece = screen.getByText(/Turn 5/).closest("li") as HTMLElement;
  expect(piece.textContent).toContain("⟨RLO⟩on…");
  expect(screen.queryByText("No longer in it")).toBeNull();
});

test("where two requests diverge is named with both texts", () => {
  const diverges = {
    kind: "tools",
    position: 2,
    offset: 1_500,
    before: "old",
    after: null,
  } as const;
  render(<Changes flow={FLOW} diff={{ ...GROWN, diverges }} />);
  expect(screen.getByText("They diverge at Tool 3")).toBeTruthy();
  expect(screen.getByText(/From byte 1,500/)).toBeTruthy();
  expect(screen.getByText("old")).toBeTruthy();
  expect(screen.getByText("It has nothing there.")).toBeTruthy();
});

test("the first request of a session, a cut one, and a list that goes on say so", () => {
  const [part] = GROWN.parts;
  if (!part) throw new Error("no part");
  const parts = [{ ...part, added: { pieces: 250, bytes: 20_480 } }];
  render(<Changes flow={FLOW} diff={{ ...GROWN, against: null, truncated: true, parts }} />);
  expect(screen.getByText(/all of it is new/)).toBeTruthy();
  expect(screen.getByText(/was cut/)).toBeTruthy();
  expect(screen.getByText("and 249 more")).toBeTruthy();
  expect(screen.queryByRole("link")).toBeNull();
});

test("a new piece is told in words, and unfolds to the whole of it from the stored body", async () => {
  const use = { type: "tool_use", id: "t", name: "Bash", input: { command: "cargo test --all" } };
  const message = { role: "assistant", content: [{ type: "text", text: "Now the tests" }, use] };
  const text = JSON.stringify(message).slice(0, 60);
  const added = [{ kind: "assistant" as const, position: 1, bytes: 900, text }];
  const body = { messages: [{ role: "user", content: "go" }, message] };
  renderScreen(<Changes flow={FLOW} diff={{ ...GROWN, added }} />, {
    "/api/flows/f-1/request": { body: { text: JSON.stringify(body), truncated: false } },
  });
  const piece = screen.getByText(/Turn 2/).closest("details") as HTMLDetailsElement;
  expect(piece.textContent).toContain("Now th");
  expect(piece.textContent).not.toContain('"role"');
  piece.open = true;
  fireEvent(piece, new Event("toggle"));
  expect(await screen.findByText("cargo test --all")).toBeTruthy();
});
