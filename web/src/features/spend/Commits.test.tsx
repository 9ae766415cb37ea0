// What commits cost: each leads to its sessions, and what is in none of them is told.
// @vitest-environment jsdom
import { cleanup, screen, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { CommitItem, CommitPage } from "@/api/types";
import { HARMLESS, HOSTILE, renderScreen } from "@/testing/screen";
import { makeCostItem, makeCostPage } from "@/testing/sums";
import { Commits } from "./Commits";
import { SpendScreen } from "./SpendScreen";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const { totals } = makeCostPage("day", []);
const commit = (over: Partial<CommitItem> = {}): CommitItem => ({
  ...totals,
  commit: "0123456789abcdef",
  committed_at: "2026-01-02T03:04:05Z",
  more_sessions: false,
  pull_request: null,
  repository: "/home/me/work/shop",
  sessions: ["s/1"],
  subject: "A message",
  ...over,
});
const page = (items: CommitItem[], over: Partial<CommitPage> = {}): CommitPage => ({
  complete: true,
  elsewhere: { ...totals, flows: 0, cost: null },
  items,
  more: false,
  next_cursor: null,
  totals,
  ...over,
});
const COMMITS = "/api/analytics/commits";

test("a commit tells its message as text, its cost and its folder, and leads to its sessions", async () => {
  const { container } = renderScreen(<Commits params={{}} />, {
    [COMMITS]: page([commit({ subject: HOSTILE, pull_request: 412 })]),
  });
  const row = await screen.findByRole("listitem");
  for (const told of [HARMLESS, "$1.00", "01234567", "pull request #412", "shop"]) {
    expect(row.textContent).toContain(told);
  }
  expect(within(row).getByRole("link").getAttribute("href")).toBe("/sessions/s%2F1");
  expect(container.querySelector("img")).toBeNull();
});

test("work that is not committed, sessions that may be missing, and costs of no commit are told", async () => {
  const { container } = renderScreen(<Commits params={{}} />, {
    [COMMITS]: page([commit({ commit: null, subject: null, more_sessions: true })], {
      complete: false,
      more: true,
      elsewhere: { ...totals, flows: 3, cost: null },
    }),
  });
  await screen.findByText("not committed yet");
  for (const told of ["maybe others", "still being added up", "Only the newest", "3 flows (—)"]) {
    expect(container.textContent).toContain(told);
  }
});

test("without a commit it is told why there may be none", async () => {
  renderScreen(<Commits params={{}} />, { [COMMITS]: page([]) });
  expect(await screen.findByText("No cost is told by commit")).toBeTruthy();
});

test("the screen asks for commits with what it is narrowed to", async () => {
  const { asked } = renderScreen(
    <SpendScreen view={{ by: "commit", project: "/p", range: "all" }} onLook={() => {}} />,
    {
      "/api/analytics/cost": makeCostPage("day", [makeCostItem({ day: "2026-01-02" })]),
      [COMMITS]: page([commit()]),
    },
  );
  await screen.findByText("A message");
  expect(asked).toContain(`${COMMITS}?project=%2Fp&limit=100`);
});
