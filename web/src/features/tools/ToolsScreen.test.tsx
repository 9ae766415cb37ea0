// What is told of tools, and of each call of one.
// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ToolTotals } from "@/api/types";
import { HARMLESS, HOSTILE, renderScreen } from "@/testing/screen";
import { makeCostItem, makeCostPage } from "@/testing/sums";
import { InvocationDetail } from "./InvocationDetail";
import { Invocations, stateOf } from "./Invocations";
import { ToolsScreen } from "./ToolsScreen";

beforeEach(() => {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const TOTALS: ToolTotals = {
  calls: 10,
  succeeded: 7,
  failed: 2,
  denied: 1,
  cancelled: 0,
  timed_out: 0,
  lost: 0,
  orphaned: 0,
  repeated: 4,
  violated: 0,
  failure_rate: 0.3,
  duration: null,
};
const tools = (names: string[]) => ({
  items: names.map((name) => ({ name, totals: TOTALS })),
  next_cursor: null,
  complete: true,
  totals: TOTALS,
});

test("a tool tells its calls, failures, repeats and cost, and leads to its calls", async () => {
  const tool_cost = {
    calls: 10,
    results: 10,
    cost: { micro_usd: 50_000 },
    output: null,
    result: null,
    reread: { micro_usd: 0 },
    search: { micro_usd: 0 },
    unpriced_calls: 0,
    unpriced_results: 0,
  };
  const { container } = renderScreen(<ToolsScreen view={{}} onLook={() => {}} />, {
    "/api/tools": tools([HOSTILE]),
    "/api/analytics/cost": makeCostPage("tool", [makeCostItem({ tool: HOSTILE, tool_cost })]),
  });
  const row = await screen.findByRole("link");
  expect(await screen.findByText("$0.050")).toBeTruthy();
  for (const told of [HARMLESS, "10", "3 · 30 %", "4 repeated"]) {
    expect(row.textContent).toContain(told);
  }
  expect(row.getAttribute("href")).toBe(`/tools?${new URLSearchParams({ tool: HOSTILE })}`);
  expect(container.querySelector("img")).toBeNull();
});

test("no tool, and a refused question, are told", async () => {
  renderScreen(<ToolsScreen view={{}} onLook={() => {}} />, { "/api/tools": tools([]) });
  expect(await screen.findByText("No tool was called in this time")).toBeTruthy();
  cleanup();
  renderScreen(<ToolsScreen view={{}} onLook={() => {}} />, { "/api/tools": 400 });
  expect(await screen.findByText("The tools could not be loaded")).toBeTruthy();
});

const CALL = {
  id: "c-1",
  tool: "Bash",
  flow_id: "f-1",
  flow_started_at: "2026-01-02T03:04:05.000000Z",
  duration_ms: 1_500,
  input_bytes: 10,
  input_head: null,
  result_bytes: 20,
  outcome: "failed",
  state: "failed",
  repeated: true,
  replayed: false,
  server: false,
  session_id: "s-1",
  violations: [{ code: "V02", name: "x", message: "y" }],
};

test("a call unfolds to its input and its result", async () => {
  const onOpen = vi.fn();
  renderScreen(
    <Invocations tool="Bash" params={{}} open={undefined} onOpen={onOpen} onClose={() => {}} />,
    { "/api/tools/Bash/invocations": { items: [CALL], next_cursor: null } },
  );
  const row = await screen.findByRole("button", { expanded: false });
  for (const told of ["failed", "1.50 s", "repeated", "V02"]) {
    expect(row.textContent).toContain(told);
  }
  fireEvent.click(row);
  expect(onOpen).toHaveBeenCalledWith("c-1");
});

test("a call says what it was asked to do without being unfolded", async () => {
  const head = JSON.stringify({ command: `cargo test\n${HOSTILE}` });
  const { asked } = renderScreen(
    <Invocations tool="Bash" params={{}} open={undefined} onOpen={() => {}} onClose={() => {}} />,
    {
      "/api/tools/Bash/invocations": {
        // Cut where it was too long to be told whole.
        items: [{ ...CALL, input_head: head.slice(0, -2) }],
        next_cursor: null,
      },
    },
  );
  const row = await screen.findByRole("button", { expanded: false });
  expect(row.textContent).toContain(`cargo test ${HARMLESS}`);
  expect(asked.some((path) => path.includes("input=true"))).toBe(true);
});

test("an image in a result is told by its type and size", async () => {
  const source = { type: "base64", media_type: "image/png", data: "aGVsbG8x" };
  const { container } = renderScreen(<InvocationDetail id="c-1" />, {
    "/api/tool-invocations/c-1": {
      ...CALL,
      executions: [],
      result_flow_id: "f-2",
      input: {},
      input_raw: null,
      result: [
        { type: "text", text: "seen" },
        { type: "image", source },
      ],
    },
  });
  expect(await screen.findByText(/image\/png · 6 B/)).toBeTruthy();
  expect(container.textContent).not.toContain("aGVsbG8x");
  expect(container.querySelector("img")).toBeNull();
});

test("input and result are text, whatever is in them", async () => {
  const detail = (over: object) =>
    renderScreen(<InvocationDetail id="c-1" />, {
      "/api/tool-invocations/c-1": {
        ...CALL,
        executions: [],
        result_flow_id: "f-2",
        input: { command: HOSTILE },
        input_raw: null,
        result: [{ type: "text", text: HOSTILE }],
        ...over,
      },
    });
  const { container } = detail({});
  await screen.findByText("Result");
  expect(container.textContent).toContain(HARMLESS);
  expect(container.querySelector("img")).toBeNull();
  expect(screen.getByRole("link", { name: "Its session" }).getAttribute("href")).toBe(
    "/sessions/s-1?turn=f-1",
  );
  cleanup();
  detail({ input: null, input_raw: '{"command":"l', result: null, result_flow_id: null });
  expect(await screen.findByText("The input was cut off.")).toBeTruthy();
  expect(screen.getByText("No later request has one.")).toBeTruthy();
});

test("a state has words and a tone, also one that this page does not know", () => {
  expect(stateOf({ outcome: null, state: "args_complete" })).toEqual({
    word: "no result yet",
    tone: "info",
  });
  expect(stateOf({ outcome: "timed_out", state: "timed_out" })).toEqual({
    word: "timed out",
    tone: "bad",
  });
  expect(stateOf({ outcome: null, state: "quite_new" }).word).toBe("quite new");
});

test("tools are put in order by cost where it is asked for, and an unknown cost is no zero", async () => {
  const { container, asked } = renderScreen(
    <ToolsScreen view={{ order: "cost" }} onLook={() => {}} />,
    { "/api/tools": tools(["Read", "Odd"]), "/api/analytics/cost": makeCostPage("tool", []) },
  );
  expect(await screen.findByText("Odd")).toBeTruthy();
  expect(asked.some((path) => path.startsWith("/api/tools") && path.includes("order=cost"))).toBe(
    true,
  );
  expect(screen.getByRole("radio", { name: "Cost", checked: true })).toBeTruthy();
  expect(container.querySelector("ul")?.textContent).not.toContain("$0");
});
