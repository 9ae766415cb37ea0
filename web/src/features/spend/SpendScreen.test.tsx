// Each bar of the costs leads to what it is made of, and what has no price is never passed over.
// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { HARMLESS, HOSTILE, renderScreen } from "@/testing/screen";
import { makeCostItem, makeCostPage } from "@/testing/sums";
import { SpendScreen } from "./SpendScreen";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const COST = "/api/analytics/cost";
const today = new Date();
const day = [today.getFullYear(), today.getMonth() + 1, today.getDate()]
  .map((part) => String(part).padStart(2, "0"))
  .join("-");

test("a column leads to the flows of its day, and a bar to those of its model", async () => {
  renderScreen(<SpendScreen view={{}} onLook={() => {}} />, {
    [COST]: makeCostPage("day,model", [
      makeCostItem({ day, model: "claude-x", cost: { micro_usd: 2_500_000 } }),
    ]),
  });
  const column = await screen.findByTitle(/: \$2\.50, 1 flow$/);
  const since = new Date(today.getFullYear(), today.getMonth(), today.getDate()).toISOString();
  expect(column.getAttribute("href")).toContain(`since=${encodeURIComponent(since)}`);
  const bar = (await screen.findByText("claude-x")).closest("a");
  expect(bar?.getAttribute("href")).toContain("/flows?model=claude-x");
});

test("what has no price is told, by its model", async () => {
  const page = makeCostPage("day,model", [makeCostItem({ day, model: "claude-x" })]);
  const { container } = renderScreen(<SpendScreen view={{}} onLook={() => {}} />, {
    [COST]: {
      ...page,
      totals: { ...page.totals, flows: 3, unpriced_flows: 2 },
      unpriced: [{ ...page.totals, model: HOSTILE, provider: null, unpriced_flows: 2 }],
    },
  });
  const unpriced = await screen.findByLabelText("Models without a price");
  expect(unpriced.textContent).toContain(HARMLESS);
  expect(unpriced.querySelector("a")?.getAttribute("href")).toContain("/flows?model=");
  expect(container.querySelector("img")).toBeNull();
});

const tool_cost = {
  calls: 4,
  results: 4,
  cost: { micro_usd: 5_000 },
  output: { micro_usd: 2_000 },
  result: { micro_usd: 3_000 },
  reread: { micro_usd: 7_000 },
  search: { micro_usd: 0 },
  unpriced_calls: 0,
  unpriced_results: 0,
};

test.each([
  ["session", makeCostItem({ session: "s/1" }), "/sessions/s%2F1"],
  ["subagent", makeCostItem({ session: "s-1", subagent: HOSTILE }), "/sessions/s-1?lane="],
  ["tool", makeCostItem({ tool: HOSTILE, tool_cost }), "/tools?tool="],
] as const)(
  "a bar of a %s leads to its own screen, with its words as text",
  async (by, item, href) => {
    const { container } = renderScreen(<SpendScreen view={{ by }} onLook={() => {}} />, {
      [COST]: makeCostPage(`day,session,${by}`, [item]),
    });
    const list = await screen.findByLabelText(`Cost by ${by}`);
    expect(list.querySelector("a")?.getAttribute("href")).toContain(href);
    expect(container.querySelector("img")).toBeNull();
  },
);

test("what tools cost, and what they do not, is told as the whole", async () => {
  const page = makeCostPage("day,tool", [makeCostItem({ tool: "Bash", tool_cost })]);
  const { container } = renderScreen(<SpendScreen view={{ by: "tool" }} onLook={() => {}} />, {
    [COST]: { ...page, tools: tool_cost },
  });
  const row = (await screen.findByText("Bash")).closest("li");
  expect(row?.textContent).toContain(
    "calls $0.00200 + results $0.00300 · beside it, read again $0.00700",
  );
  const sums = [...container.querySelectorAll("dt")]
    .slice(-3)
    .map((name) => `${name.textContent}: ${name.parentElement?.querySelector("dd")?.textContent}`);
  expect(sums).toEqual(["All tools: $0.00500", "Not a tool's: $0.995", "Together: $1.00"]);
});

test("it says what is counted, and where agents' own files are", async () => {
  const show = (by: "model" | "tool" | "class") =>
    renderScreen(<SpendScreen view={{ by }} onLook={() => {}} />, {
      [COST]: makeCostPage(`day,${by}`, [makeCostItem()]),
    });
  show("model");
  expect(await screen.findByText("counted in flows: a request and its answer each")).toBeTruthy();
  expect(screen.getByRole("link", { name: "History" }).getAttribute("href")).toBe("/history");
  cleanup();
  show("tool");
  expect(await screen.findByText("counted in calls of the tool")).toBeTruthy();
  cleanup();
  show("class");
  expect(await screen.findByText("counted in tokens")).toBeTruthy();
});

test("a group without a name is told as not known, and leads nowhere", async () => {
  renderScreen(<SpendScreen view={{ by: "project" }} onLook={() => {}} />, {
    [COST]: makeCostPage("day,project", [makeCostItem()]),
  });
  const list = await screen.findByLabelText("Cost by project");
  expect(list.textContent).toContain("not known");
  expect(list.querySelector("a")).toBeNull();
});

test("nothing spent, and a question that is refused, are told as such", async () => {
  const empty = makeCostPage("day", []);
  renderScreen(<SpendScreen view={{}} onLook={() => {}} />, {
    [COST]: { ...empty, totals: { ...empty.totals, flows: 0 } },
  });
  expect(await screen.findByText("Nothing was spent in this time")).toBeTruthy();
  cleanup();
  renderScreen(<SpendScreen view={{}} onLook={() => {}} />, { [COST]: 400 });
  expect(await screen.findByText("The costs could not be loaded")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Try again" })).toBeTruthy();
});

test("the span of time is asked for, and chosen", async () => {
  const onLook = vi.fn();
  const { asked } = renderScreen(<SpendScreen view={{ range: "today" }} onLook={onLook} />, {
    [COST]: makeCostPage("hour,model", [makeCostItem()]),
  });
  await screen.findByText("By hour");
  expect(asked[0]).toContain("group_by=hour");
  fireEvent.click(screen.getByRole("radio", { name: "All" }));
  expect(onLook).toHaveBeenCalledWith({ range: "all" });
});

test("where nothing passed, it leads to what agents' own files tell", async () => {
  const empty = makeCostPage("day", []);
  renderScreen(<SpendScreen view={{ model: "m", range: "all" }} onLook={() => {}} />, {
    [COST]: { ...empty, totals: { ...empty.totals, flows: 0 } },
    [`${COST}?model=m&from=transcripts`]: makeCostPage("", [], {
      source: "transcripts",
      totals: { ...empty.totals, flows: 12, cost: { micro_usd: 3_000_000 } },
    }),
  });
  const link = await screen.findByRole("link", { name: "show what they cost" });
  expect(link.getAttribute("href")).toContain("/spend?model=m");
  expect(link.getAttribute("href")).toContain("from=transcripts");
  expect(link.parentElement?.textContent).toContain("12 responses in it, for $3.00");
});

test("what agents' files tell is counted in responses, and leads to what they wrote", async () => {
  const page = makeCostPage("day,session", [makeCostItem({ day, session: "s/1" })], {
    source: "transcripts",
    read: { files: 3, refused: 1, lines: 9, unreadable_lines: 2 },
  });
  const onLook = vi.fn();
  renderScreen(<SpendScreen view={{ from: "transcripts", by: "session" }} onLook={onLook} />, {
    [COST]: page,
  });
  const list = await screen.findByLabelText("Cost by session");
  expect(list.querySelector("a")?.getAttribute("href")).toBe("/history/s%2F1");
  expect(list.textContent).toContain("1 response");
  expect(
    screen.getByText(/^1 file could not be read; 2 lines that should tell usage/),
  ).toBeTruthy();
  const columns = screen.getByLabelText("Cost over time");
  expect(columns.querySelector("a")).toBeNull();
  expect(screen.queryByRole("radio", { name: "Tool" })).toBeNull();
  expect(screen.queryByRole("radio", { name: "Commit" })).toBeNull();
  fireEvent.click(screen.getByRole("radio", { name: "Traffic" }));
  expect(onLook).toHaveBeenCalledWith({ by: "session" });
});
