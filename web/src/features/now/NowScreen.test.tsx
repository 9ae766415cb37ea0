// Which sessions are at work, in which order, and what is told of each.
// @vitest-environment jsdom
import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { Flow, QuotaWindow } from "@/api/types";
import { makeFlow } from "@/testing/flow";
import { HARMLESS, HOSTILE, renderScreen } from "@/testing/screen";
import { makeSession, makeTotals } from "@/testing/sums";
import { usedOf } from "./Quotas";
import { doing, RunningCard } from "./RunningCard";
import { modelsOf, PAUSE_MS, RESTING_MS, runningOf, TOOLS_RUN_MS } from "./running";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const NOW = Date.parse("2026-01-02T12:00:00Z");
const ago = (ms: number) => new Date(NOW - ms).toISOString();
const flow = (session: string | null, began: number, over: Partial<Flow> = {}) =>
  makeFlow({
    id: `f-${session}-${began}`,
    session_id: session,
    started_at: ago(began),
    ended_at: ago(began),
    ...over,
  });

test("a session is at work while it answers, and while its tools run", () => {
  const at = (over: Partial<Flow>, began: number) =>
    runningOf([flow("s", began, over)], NOW)[0]?.isAtWork;
  const tools = { tool_names: ["Bash"], stop_reason: "tool_use" };
  expect(at({ outcome: null, ended_at: null }, 1_000_000)).toBe(true);
  expect(at(tools, TOOLS_RUN_MS - 1)).toBe(true);
  expect(at(tools, TOOLS_RUN_MS)).toBe(false);
  expect(at({}, PAUSE_MS - 1)).toBe(true);
  expect(at({}, PAUSE_MS)).toBe(false);
  expect(runningOf([flow("s", RESTING_MS)], NOW)).toEqual([]);
  // Whose agent is gone is at work no more.
  expect(at({ outcome: "client_gone" }, 1)).toBe(false);
  expect(at({ outcome: "provider_error" }, 1)).toBe(true);
});

test("a session's models are told once each, the newest first", () => {
  const asked = (model: string | null, model_requested: string | null) =>
    makeFlow({ model, model_requested });
  expect(modelsOf([asked(null, "c"), asked("b", "c"), asked(null, null), asked("c", "c")])).toEqual(
    ["c", "b"],
  );
});

test("those at work keep the order in which they began; those at rest follow, the latest first", () => {
  const open = { outcome: null, ended_at: null };
  const sessions = runningOf(
    [
      flow("b", 1_000, open),
      flow("a", 2_000, open),
      flow("d", 60_000),
      flow("c", 90_000),
      flow("a", 99_000),
    ],
    NOW,
  ).map(({ session }) => session);
  expect(sessions).toEqual(["a", "b", "d", "c"]);
});

test("context and cache are the main agent's, of its newest request that says them", () => {
  const usage = { ...makeFlow().usage, input: 10, cache_read: 90 };
  const [running] = runningOf(
    [
      flow("s", 1_000, { outcome: null, ended_at: null }),
      flow("s", 2_000, { agent_id: "sub", usage: { ...usage, input: 7_000 } }),
      flow("s", 3_000, { usage }),
    ],
    NOW,
  );
  expect(running?.context?.tokens).toBe(100);
  expect(running?.cacheUntil).toBe(NOW - 3_000 + 300_000);
});

test("the last action says that tools run, and that nothing followed them", () => {
  const tools = { tool_names: ["Bash", "Bash"], stop_reason: "tool_use" };
  const words = (began: number) => {
    const running = runningOf([flow("s", began, tools)], NOW)[0];
    return running && doing(running).words;
  };
  expect(words(1_000)).toBe("Runs Bash ×2");
  expect(words(TOOLS_RUN_MS)).toBe("Called Bash ×2, then nothing");
});

test("a card tells cost, context, cache and stalls, and its words are text", async () => {
  const open = flow("s", 60_000, { outcome: null, ended_at: null, preview: HOSTILE });
  const usage = { ...makeFlow().usage, input: 10, cache_read: 90 };
  const [running] = runningOf([open, flow("s", 200_000, { usage })], NOW);
  if (!running) throw new Error("The session is at work.");
  const { container } = renderScreen(
    <RunningCard
      running={running}
      sums={makeSession({ totals: makeTotals({ cost: { micro_usd: 2_000_000 } }) })}
      now={NOW}
      quietSince={() => NOW - 45_000}
    />,
    { "/api/analytics/context": { window: 200 } },
  );
  expect(await screen.findByText("50 % of 200")).toBeTruthy();
  for (const told of ["$2.00", "warm for 1m 40s", "quiet for 45.0 s", "Answering", HARMLESS]) {
    expect(container.textContent).toContain(told);
  }
  expect(container.querySelector("img")).toBeNull();
  expect(screen.getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual([
    "/sessions/s",
    `/flows/${open.id}`,
  ]);
});

test("a session at work keeps the place of its stream between two answers", () => {
  const tools = { tool_names: ["Bash"], stop_reason: "tool_use", preview: "I look at it." };
  const places = (flows: Flow[]) => {
    const [running] = runningOf(flows, NOW);
    if (!running) throw new Error("The session is known.");
    renderScreen(
      <RunningCard running={running} sums={undefined} now={NOW} quietSince={() => NOW} />,
      {
        "/api/analytics/context": { window: 200 },
      },
    );
    const shown = screen.queryAllByTestId("stream").map(({ textContent }) => textContent);
    cleanup();
    return shown;
  };
  expect(places([flow("s", 1_000, { outcome: null, ended_at: null })])).toEqual(["No text yet"]);
  expect(places([flow("s", 1_000, tools)])).toEqual([
    "Nothing is being written: the next request is awaited",
  ]);
  expect(places([flow("s", TOOLS_RUN_MS, tools)])).toEqual([]);
});

test("a window tells how much of it is used, and nothing once it is over", () => {
  const limit = (over: Partial<QuotaWindow>): QuotaWindow => ({
    name: "tokens",
    host: "h",
    provider: null,
    flow_id: "f",
    seen_at: ago(0),
    reset_at: null,
    limit: null,
    remaining: null,
    used_percent: null,
    over: false,
    ...over,
  });
  expect(usedOf(limit({ limit: 100, remaining: 25 }))).toBe(0.75);
  expect(usedOf(limit({ used_percent: 40 }))).toBe(0.4);
  expect(usedOf(limit({ limit: 100 }))).toBeNull();
  expect(usedOf(limit({ limit: 100, remaining: 25, over: true }))).toBeNull();
});
