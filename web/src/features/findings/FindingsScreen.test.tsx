// What a finding tells, and what may be said of it.
// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { Finding, FindingPage } from "@/api/types";
import { HARMLESS, HOSTILE, renderScreen } from "@/testing/screen";
import { numberWords } from "./FindingCard";
import { FindingsScreen } from "./FindingsScreen";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const finding = (over: Partial<Finding> = {}): Finding => ({
  id: 7,
  kind: "failing_tool",
  severity: "warning",
  state: "open",
  title: "Bash fails",
  what: HOSTILE,
  why: HOSTILE,
  next: "Look at it",
  subject: "Bash",
  times: 3,
  cost: { micro_usd: 1_500_000 },
  baseline: null,
  numbers: [{ name: "failures", unit: "count", value: 3 }],
  session_id: "s-1",
  agent_id: null,
  flow_ids: ["0190f0c4-7e2a-7000-8000-000000000001"],
  first_at: "2026-01-02T03:04:05.000000Z",
  last_at: "2026-01-02T03:04:05.000000Z",
  ...over,
});
const page = (items: Finding[]): FindingPage => ({
  items,
  next_cursor: null,
  total: items.length,
  kinds: items.map(({ kind, cost }) => ({ kind, cost, findings: 1 })),
});

test("a finding tells its cost and what happened, and unfolds to its evidence", async () => {
  const { container } = renderScreen(<FindingsScreen view={{}} onLook={() => {}} />, {
    "/api/findings": page([finding()]),
  });
  const row = await screen.findByRole("button", { expanded: false, name: /Bash fails/ });
  for (const told of ["Warning", "$1.50", "Bash fails", "3 flows", HARMLESS]) {
    expect(row.textContent).toContain(told);
  }
  fireEvent.click(row);
  expect(screen.getByText("Look at it")).toBeTruthy();
  expect(screen.getByRole("link", { name: "000000000001" }).getAttribute("href")).toBe(
    "/flows/0190f0c4-7e2a-7000-8000-000000000001",
  );
  expect(container.querySelector("img")).toBeNull();
});

test("an unknown cost is no zero", async () => {
  renderScreen(<FindingsScreen view={{}} onLook={() => {}} />, {
    "/api/findings": page([finding({ cost: null })]),
  });
  const row = await screen.findByRole("button", { expanded: false, name: /Bash fails/ });
  expect(row.textContent).toContain("—");
  expect(row.textContent).not.toContain("$0");
});

test("it is acknowledged, muted, resolved and reopened as its state allows", async () => {
  const { asked } = renderScreen(<FindingsScreen view={{}} onLook={() => {}} />, {
    "/api/findings": page([finding(), finding({ id: 8, state: "muted", title: "Muted one" })]),
    "/api/findings/7/mute": finding({ state: "muted" }),
  });
  await screen.findByText("Bash fails");
  expect(screen.getAllByRole("button", { name: /^(Acknowledge|Mute|Resolve): / })).toHaveLength(3);
  expect(screen.getByRole("button", { name: "Reopen: Muted one" })).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Mute: Bash fails" }));
  await waitFor(() => expect(asked).toContain("POST /api/findings/7/mute"));
  // The list is asked again, so that what was muted goes.
  await waitFor(() =>
    expect(asked.filter((each) => each.startsWith("/api/findings?")).length).toBeGreaterThan(1),
  );
});

test("what was said can be taken back, by a button and by a key, to the state before", async () => {
  const { asked } = renderScreen(<FindingsScreen view={{}} onLook={() => {}} />, {
    "/api/findings": page([
      finding(),
      finding({ id: 8, subject: "Read", state: "acknowledged", title: "Seen" }),
    ]),
    "/api/findings/7/": finding({ state: "muted" }),
    "/api/findings/8/": finding({ id: 8, state: "muted", title: "Seen" }),
  });
  fireEvent.click(await screen.findByRole("button", { name: "Mute: Bash fails" }));
  await screen.findByText("Muted: Bash fails", { selector: "[role=status]" });
  fireEvent.click(screen.getByRole("button", { name: /^Undo/ }));
  await screen.findByText("Undone: Bash fails", { selector: "[role=status]" });
  expect(screen.queryByRole("button", { name: /^Undo/ })).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Mute: Seen" }));
  await screen.findByText("Muted: Seen", { selector: "[role=status]" });
  fireEvent.keyDown(document.body, { key: "u" });
  await screen.findByText("Undone: Seen", { selector: "[role=status]" });
  expect(asked.filter((each) => each.startsWith("POST"))).toEqual([
    "POST /api/findings/7/mute",
    "POST /api/findings/7/reopen",
    "POST /api/findings/8/mute",
    "POST /api/findings/8/acknowledge",
  ]);
});

test("a saying that is refused is told, and so are no findings", async () => {
  renderScreen(<FindingsScreen view={{}} onLook={() => {}} />, {
    "/api/findings": page([finding()]),
    "/api/findings/7/resolve": 409,
  });
  fireEvent.click(await screen.findByRole("button", { name: "Resolve: Bash fails" }));
  expect(await screen.findByText("Not changed: Refused with 409.")).toBeTruthy();
  cleanup();
  renderScreen(<FindingsScreen view={{}} onLook={() => {}} />, { "/api/findings": page([]) });
  expect(await screen.findByText("Nothing to change was found")).toBeTruthy();
  cleanup();
  renderScreen(<FindingsScreen view={{}} onLook={() => {}} />, { "/api/findings": 400 });
  expect(await screen.findByText("The findings could not be loaded")).toBeTruthy();
});

test("a number is told in its unit", () => {
  const words = (unit: "count" | "tokens" | "ms" | "bytes" | "micro_usd") =>
    numberWords({ name: "x", unit, value: 2_048 });
  expect(
    ["count", "tokens", "ms", "bytes", "micro_usd"].map((unit) => words(unit as never)),
  ).toEqual(["2,048", "2,048 tokens", "2.05 s", "2.0 KiB", "$0.00205"]);
});

test("the same in many sessions is one row with its count and its sum, and unfolds to each", async () => {
  const look = vi.fn();
  renderScreen(<FindingsScreen view={{}} onLook={look} />, {
    "/api/findings": page([
      finding({ id: 1, session_id: "s-1", cost: { micro_usd: 1_000_000 } }),
      finding({ id: 2, kind: "stall", subject: "m", title: "It stalled", cost: null }),
      finding({ id: 3, session_id: "s-2", cost: { micro_usd: 500_000 }, times: 4 }),
      finding({ id: 4, session_id: "s-2", agent_id: "a1", subject: "Bash of a1", cost: null }),
      finding({ id: 5, subject: "Read", title: "Read fails", cost: { micro_usd: 1_200_000 } }),
    ]),
  });
  const list = await screen.findByRole("list", { name: "Findings" });
  const rows = within(list).getAllByRole("button", { expanded: false });
  // By their sums: what one finding cost alone would put the second before the first.
  expect(
    rows.map(({ textContent }) => /Bash fails|Read fails|It stalled/.exec(textContent)?.[0]),
  ).toEqual(["Bash fails", "Read fails", "It stalled"]);
  for (const told of ["$1.50", "×3", "in 2 sessions", "10 flows", "1 of unknown cost"]) {
    expect(rows[0]?.textContent).toContain(told);
  }
  fireEvent.click(rows[0] as HTMLElement);
  const each = within(screen.getByRole("list", { name: /^3 findings/ }));
  expect(each.getAllByRole("button", { name: /^Mute: / })).toHaveLength(3);
  expect(screen.getByText(/rows do not add up/)).toBeTruthy();
});

test("of all that are one row the same is said at once, and taken back at once", async () => {
  const { asked } = renderScreen(<FindingsScreen view={{}} onLook={() => {}} />, {
    "/api/findings": page([finding(), finding({ id: 8, state: "acknowledged" })]),
    "/api/findings/7/": finding({ state: "muted" }),
    "/api/findings/8/": finding({ id: 8, state: "muted" }),
  });
  fireEvent.click(await screen.findByRole("button", { name: "Mute all 2: Bash fails" }));
  await screen.findByText("Muted: 2 findings", { selector: "[role=status]" });
  fireEvent.click(screen.getByRole("button", { name: /^Undo/ }));
  await screen.findByText("Undone: 2 findings", { selector: "[role=status]" });
  expect(asked.filter((each) => each.startsWith("POST")).sort()).toEqual([
    "POST /api/findings/7/mute",
    "POST /api/findings/7/reopen",
    "POST /api/findings/8/acknowledge",
    "POST /api/findings/8/mute",
  ]);
});

test("a kind is picked of those there are, and findings without a cost come by how grave they are", async () => {
  const look = vi.fn();
  const kinds = [
    { kind: "cache_break", findings: 12_000, cost: null },
    { kind: "failing_tool", findings: 1, cost: null },
  ];
  renderScreen(<FindingsScreen view={{ state: "all" }} onLook={look} />, {
    "/api/findings": { ...page([finding({ cost: null })]), kinds, total: 12_001 },
  });
  expect(await screen.findByText("1 of 12,001 findings, the gravest first")).toBeTruthy();
  // jsdom knows no popovers: what is in one is there once it begins to open.
  const panel = document.querySelector("[popover]") as HTMLElement;
  fireEvent(panel, Object.assign(new Event("beforetoggle"), { newState: "open" }));
  const offered = await screen.findAllByRole("option", { hidden: true });
  expect(offered.map(({ textContent }) => textContent)).toEqual([
    "cache break12,000—",
    "failing tool1—",
  ]);
  fireEvent.change(screen.getByRole("combobox", { hidden: true }), { target: { value: "cache" } });
  expect(screen.getAllByRole("option", { hidden: true })).toHaveLength(1);
});
