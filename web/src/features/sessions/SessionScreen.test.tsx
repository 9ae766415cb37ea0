// What a session and its turns tell without being unfolded, and what they unfold to.
// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { Flow, Invocation, Ledger } from "@/api/types";
import { saidIn } from "@/lib/action";
import { makeFlow } from "@/testing/flow";
import { HARMLESS, HOSTILE, renderScreen } from "@/testing/screen";
import { makeSession, makeTotals } from "@/testing/sums";
import { LedgerLine } from "./LedgerLine";
import { laneOf, lanesOf, MAIN, promptsIn } from "./lanes";
import { Listed, SessionsScreen } from "./SessionsScreen";
import { goesOn } from "./Timeline";
import { TurnCard } from "./TurnCard";
import { newTurns } from "./TurnDetail";
import { lastedMs } from "./totals";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const call = (over: Partial<Invocation> = {}): Invocation => ({
  id: "c-1",
  tool: "Bash",
  flow_id: "f-1",
  flow_started_at: "2026-01-02T03:04:05.000000Z",
  agent: null,
  block: 0,
  position: 0,
  proposed_at: null,
  complete_at: null,
  returned_at: null,
  duration_ms: 12,
  input_bytes: 2,
  input_head: null,
  result_bytes: 3,
  outcome: "failed",
  state: "failed",
  repeated: false,
  replayed: false,
  server: false,
  session_id: "s-1",
  violations: [],
  ...over,
});

test("a folded turn tells its cost, its time, its cache and the tools that failed", () => {
  const flow = makeFlow({
    duration_ms: 1_500,
    cost: { micro_usd: 12_000 },
    tool_names: ["Bash"],
    preview: HOSTILE,
    usage: { ...makeFlow().usage, input: 100, cache_read: 900, output: 50 },
  });
  const { container } = render(
    <TurnCard flow={flow} lanes={[]} failed={[call()]} open={false} onOpen={() => {}} />,
  );
  for (const told of ["$0.012", "1.50 s", "cache warm 90 %", "Bash failed", "Called Bash"]) {
    expect(container.textContent).toContain(told);
  }
  expect(container.textContent).toContain(HARMLESS);
  expect(container.querySelector("img")).toBeNull();
});

test("a turn is unfolded by its own button, and leads to its flow", async () => {
  const onOpen = vi.fn();
  render(<TurnCard flow={makeFlow()} lanes={[]} failed={[]} open={false} onOpen={onOpen} />);
  fireEvent.click(screen.getByRole("button", { expanded: false }));
  expect(onOpen).toHaveBeenCalledWith(true);
  cleanup();
  const flow = makeFlow({ id: "f-1" });
  const body = JSON.stringify({
    messages: [
      { role: "user", content: "first" },
      { role: "assistant", content: "said before" },
      { role: "user", content: "asked anew" },
    ],
  });
  const { container } = renderScreen(
    <TurnCard flow={flow} lanes={[]} failed={[call()]} open onOpen={() => {}} />,
    {
      "/api/flows/f-1/request": { body: { text: body, truncated: false } },
      "/api/flows/f-1/response": {
        message: { blocks: [{ type: "text", text: "the answer", citations: [], complete: true }] },
      },
    },
  );
  expect(await screen.findByText("the answer")).toBeTruthy();
  expect(container.textContent).toContain("asked anew");
  expect(container.textContent).not.toContain("said before");
  expect(screen.getByRole("link", { name: "Open the flow" }).getAttribute("href")).toBe(
    "/flows/f-1",
  );
  expect(screen.getByRole("link", { name: /^Bash failed/ }).getAttribute("href")).toContain(
    "/tools?",
  );
});

test("a turn that goes on with the prompt before it is told by its answer, an estimate beside its cost", () => {
  const flow = makeFlow({
    preview: "Find the rules → I'll look",
    usage: { ...makeFlow().usage, input: null, cache_read: null, output: null },
    usage_estimate: { cost: { micro_usd: 7_200 }, input: null, output: 9, source: "bytes" },
  });
  const turn = (goesOn: boolean) => {
    const props = { flow, lanes: [], failed: [], open: false, goesOn, onOpen: () => {} };
    const { container } = render(<TurnCard {...props} />);
    const told = container.textContent;
    cleanup();
    return told;
  };
  expect(turn(false)).toContain("Find the rules");
  expect(turn(true)).toContain("→ I'll look");
  expect(turn(true)).not.toContain("Find the rules");
  expect(turn(true)).toContain("+ ~$0.00720");
  expect(turn(true)).not.toContain("input");
});

test("the same words asked twice are two prompts, once the first was answered", () => {
  const turn = (preview: string, more: Partial<Flow> = {}) => makeFlow({ preview, ...more });
  const goes = (...turns: Flow[]) => goesOn(turns[0] as Flow, 0, { at: (index) => turns[index] });
  const calls = { tool_names: ["Bash"] };
  expect(goes(turn("continue → b"), turn("continue → a"))).toBe(false);
  expect(goes(turn("continue → b"), turn("continue → [Bash]", calls))).toBe(true);
  expect(goes(turn("go on → b"), turn("continue → [Bash]", calls))).toBe(false);
  expect(goes(turn("continue → b"), turn("continue", { outcome: "client_gone" }))).toBe(true);
  const other = turn("look", { agent_id: "a1" });
  expect(goes(turn("continue → b"), other, turn("continue → [Bash]", calls))).toBe(true);
});

test("new in a request is what follows the model's last words", () => {
  const turn = (role: string) => ({ role, parts: [] });
  expect(newTurns([turn("user")])).toHaveLength(1);
  expect(newTurns([turn("user"), turn("assistant"), turn("user"), turn("user")])).toHaveLength(2);
  expect(newTurns([turn("user"), turn("model")])).toHaveLength(0);
});

test("lanes are the session's own agent, then its subagents as they began", () => {
  const totals = (flows: number, micro_usd: number) =>
    makeTotals({ flows: { ...makeTotals().flows, total: flows }, cost: { micro_usd } });
  const agent = (agent_id: string, first_at: string) => ({
    agent_id,
    first_at,
    last_at: first_at,
    totals: totals(2, 10),
  });
  const session = makeSession({ totals: totals(10, 100) });
  const lanes = lanesOf(session, [
    agent("late", "2026-01-02T03:05:00Z"),
    agent("early", "2026-01-02T03:04:30Z"),
  ]);
  expect(lanes.map(({ id, column, flows, cost }) => [id, column, flows, cost])).toEqual([
    [MAIN, 0, 6, 80],
    ["early", 1, 2, 10],
    ["late", 2, 2, 10],
  ]);
  expect(laneOf(makeFlow({ agent_id: "early", session_id: "s" }))).toBe("early");
  expect(laneOf(makeFlow({ agent_id: "s", session_id: "s" }))).toBe(MAIN);
});

test("a lane has the name that transcripts tell of its subagent, and a turn in it too", () => {
  const session = makeSession();
  const agent = (agent_id: string) => ({
    agent_id,
    first_at: session.first_at,
    last_at: session.last_at,
    totals: makeTotals(),
  });
  const told = {
    number: 1,
    agent_id: "a1",
    agent_type: "Explore",
    description: "Find the parser",
    prompt: HOSTILE,
    first_at: session.first_at,
    last_at: session.last_at,
    lines: 3,
    responses: 1,
    cost: null,
  };
  const nameless = { ...told, number: 2, agent_id: "a2", agent_type: null, description: null };
  const lanes = lanesOf(
    session,
    [agent("a1"), agent("a2"), agent("a3"), agent("a4")],
    [told, { ...nameless, prompt: "**Look** at it" }],
    promptsIn([
      makeFlow({ agent_id: "a1", session_id: "s", preview: "Not this" }),
      makeFlow({ agent_id: "a4", session_id: "s", preview: "Find the rules → Found" }),
      makeFlow({ agent_id: "s", session_id: "s", preview: "The person's" }),
    ]),
  );
  expect(lanes.map(({ name }) => name)).toEqual([
    "Main agent",
    "Explore: Find the parser",
    "Look at it",
    "a3",
    "Find the rules",
  ]);
  expect(lanes[1]?.title).toContain(HARMLESS);
  const flow = makeFlow({ agent_id: "a1", session_id: "s", preview: "Look → **Found** it" });
  const { container } = render(
    <TurnCard flow={flow} lanes={lanes} failed={[]} open={false} onOpen={() => {}} />,
  );
  expect(container.textContent).toContain("Explore: Find the parser");
  expect(container.textContent).toContain("→ Found it");
});

test("a row of a turn begins with the prompt, and has the answer apart", () => {
  expect(saidIn("Mend it → Done → so")).toEqual({ asked: "Mend it", answered: "Done → so" });
  expect(saidIn("Mend it")).toEqual({ asked: "Mend it", answered: null });
  expect(saidIn(null)).toEqual({ asked: null, answered: null });
});

test("a session of one flow lasts as long as that flow", () => {
  const duration = { flows: 1, mean_ms: 2_300, p50_ms: 2_300, p95_ms: 2_300 };
  const at = { first_at: "2026-01-02T03:04:05Z", last_at: "2026-01-02T03:04:05Z" };
  const totals = makeTotals();
  const latency = { ...totals.latency, duration };
  expect(lastedMs(makeSession({ ...at, totals: { ...totals, latency } }))).toBe(2_300);
  expect(lastedMs(makeSession({ ...at, last_at: "2026-01-02T03:05:05Z" }))).toBe(60_000);
});

test("a session in the list tells what is open, what failed and what has no price", () => {
  const totals = makeTotals({
    flows: { ...makeTotals().flows, total: 5, open: 1, provider_error: 2, client_gone: 1 },
    unpriced_flows: 3,
    cost: { micro_usd: 1_234_000 },
  });
  render(<Listed sessions={[makeSession({ id: "a b", totals, preview: HOSTILE })]} />);
  const row = screen.getByRole("link");
  expect(row.getAttribute("href")).toBe("/sessions/a%20b");
  for (const told of ["1 open", "2 failed", "3 unpriced", "$1.23", HARMLESS]) {
    expect(row.textContent).toContain(told);
  }
});

test("a session in the list names its models, and all of them to look up", () => {
  const names = ["claude-opus-4-5", "claude-haiku-4-5", "gpt-6", "gemini"];
  const row = (models: string[]) => {
    render(<Listed sessions={[makeSession({ model: models[0] ?? null, models })]} />);
    const text = screen.getByRole("link").textContent;
    const title = screen.queryByTitle(/^4 models: /)?.title;
    cleanup();
    return { text, title };
  };
  expect(row(names)).toEqual({
    text: expect.stringContaining("Opus 4.5, Haiku 4.5+2"),
    title: `4 models: ${names.join(", ")}`,
  });
  expect(row(["gpt-6"]).text).toContain("gpt-6");
  expect(row(["gpt-6"]).text).not.toContain("+");
});

test("no session, and a refused question, are told", async () => {
  renderScreen(<SessionsScreen view={{}} onLook={() => {}} />, {
    "/api/sessions": { items: [], next_cursor: null, complete: true },
  });
  expect(await screen.findByText("No session in this time")).toBeTruthy();
  cleanup();
  renderScreen(<SessionsScreen view={{}} onLook={() => {}} />, { "/api/sessions": 400 });
  expect(await screen.findByText("The sessions could not be loaded")).toBeTruthy();
});

test("the ledger agrees, differs, or says that no file tells of the session", async () => {
  const usage = makeFlow().usage;
  const sum = (responses: number) => ({ responses, unpriced: 0, cost: null, usage });
  const ledger = (over: Partial<Ledger>): Ledger => ({
    session: "s-1",
    complete: true,
    joined: 4,
    differing: 0,
    entries: [],
    gaps: [],
    wire: sum(4),
    transcript: sum(4),
    ...over,
  });
  const line = async (over: Partial<Ledger>, words: RegExp) => {
    renderScreen(<LedgerLine session="s-1" />, { "/api/sessions/s-1/ledger": ledger(over) });
    expect(await screen.findByText(words)).toBeTruthy();
    cleanup();
  };
  await line({}, /^4 responses on both sides$/);
  await line({ transcript: sum(0) }, /no file of an agent tells/);
  const gaps = [{ ...sum(2), side: "wire", reason: "cut", why: "because" }];
  await line({ differing: 1, gaps }, /4 responses on both sides, 1 differ, 2 on one side alone/);
});
