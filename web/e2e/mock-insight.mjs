// What the stand-in answers where sums are asked for: made from its flows, so that each leads to its evidence.
//
// Tools' results, findings, limits and settings are invented.
import {
  chosen,
  commits,
  cost,
  groups,
  HOUR_MS,
  modelOf,
  numberOf,
  projectOf,
  spent,
  sum,
  tools,
  toolTotals,
  totals,
  UNPRICED,
} from "./mock-sums.mjs";

function sessions(flows, stars, query) {
  return [...groups(chosen(flows, query), ({ session_id }) => session_id)].map(([id, of]) =>
    session(id, of, stars),
  );
}

/** `flows` newest first. */
function session(id, flows, stars) {
  const [newest] = flows;
  return {
    id,
    source: newest.session_source,
    agent: newest.agent,
    model: modelOf(newest),
    models: [...new Set(flows.map(modelOf).filter(Boolean))].slice(0, 16),
    project: projectOf(newest),
    preview: flows.findLast(({ preview }) => preview)?.preview ?? null,
    first_at: flows.at(-1).started_at,
    last_at: newest.started_at,
    starred_at: stars.get(id) ?? null,
    totals: totals(flows),
  };
}

function ledger(id, flows) {
  const heard = { responses: flows.length, unpriced: 0, ...spent(flows) };
  const odd = flows[2];
  return {
    session: id,
    complete: true,
    joined: Math.max(0, flows.length - 1),
    differing: 0,
    wire: heard,
    transcript: { ...heard, responses: flows.length - 1 },
    gaps: odd
      ? [
          {
            side: "wire",
            reason: "not_in_transcript",
            why: "The agent did not write it down: it asks for a title so.",
            responses: 1,
            unpriced: 0,
            cost: null,
            usage: odd.usage,
          },
        ]
      : [],
    entries: odd
      ? [
          {
            at: odd.started_at,
            flow_id: odd.id,
            message_id: odd.message_id,
            model: odd.model,
            other_session: null,
            reason: "not_in_transcript",
            request_id: odd.provider_request_id,
            transcript: null,
            wire: odd.usage,
          },
        ]
      : [],
  };
}

function invocations(flows, name) {
  return flows
    .filter(({ tool_names }) => tool_names.includes(name))
    .slice(0, 100)
    .map((flow, at) => invocation(flow, name, at % 12 === 5));
}

const INPUTS = [
  { command: "git status --short", description: "Show what changed" },
  { command: `cargo test -p langley-store -- a_name_that_is_${"rather_".repeat(14)}long` },
  { command: "echo '<b>odd</b>\u202e'" },
];

function invocation(flow, tool, failed) {
  const state = failed ? "failed" : "succeeded";
  return {
    id: `${flow.id}.${flow.tool_names.indexOf(tool)}`,
    tool,
    flow_id: flow.id,
    flow_started_at: flow.started_at,
    session_id: flow.session_id,
    agent: flow.agent,
    block: 1,
    position: 0,
    proposed_at: flow.started_at,
    complete_at: flow.ended_at,
    returned_at: flow.ended_at,
    duration_ms: 90 + (Math.abs(numberOf(flow.id)) % 4_000),
    input_bytes: 62,
    input_head: JSON.stringify(INPUTS[Math.abs(numberOf(flow.id)) % INPUTS.length]),
    result_bytes: 4_812,
    outcome: state,
    state,
    repeated: failed,
    replayed: false,
    server: false,
    violations: [],
  };
}

function invocationOf(flows, id) {
  const [flowId, position] = id.split(".");
  const flow = flows.find((each) => each.id === flowId);
  const tool = flow?.tool_names[Number(position)];
  if (!tool) return undefined;
  return {
    ...invocation(flow, tool, false),
    input: { command: "git status --short", description: "Show what changed" },
    input_raw: null,
    result: " M crates/store/src/lib.rs\n?? <b>odd name</b>.txt\n",
    result_flow_id: flow.id,
    executions: [
      {
        source: "wire",
        started_at: flow.started_at,
        ended_at: flow.ended_at,
        outcome: "succeeded",
        inferred: true,
        backgrounded: false,
      },
    ],
  };
}

/** What was said of findings, until the stand-in ends. */
const judged = new Map();
const STATES = { acknowledge: "acknowledged", mute: "muted", resolve: "resolved", reopen: "open" };

export function judge(id, saying, flows) {
  judged.set(Number(id), STATES[saying]);
  return findings(flows, new URLSearchParams({ state: "all" })).find(
    (each) => each.id === Number(id),
  );
}

/** How many findings there are of each kind, whatever kind is asked for. */
function kindsOf(flows, query) {
  const any = new URLSearchParams(query);
  any.delete("kind");
  const all = findings(flows, any);
  return [...new Set(all.map(({ kind }) => kind))].map((kind) => {
    const of = all.filter((each) => each.kind === kind);
    const costs = of.flatMap(({ cost }) => (cost === null ? [] : [cost.micro_usd]));
    return {
      kind,
      findings: of.length,
      cost: costs.length === 0 ? null : { micro_usd: sum(costs) },
    };
  });
}

function findings(flows, query) {
  const [one, two, three] = flows;
  if (!three) return [];
  const base = {
    agent_id: null,
    baseline: null,
    state: "open",
    times: 3,
    first_at: three.started_at,
    last_at: one.started_at,
    flow_ids: [one.id, two.id, three.id],
    session_id: one.session_id,
  };
  const all = [
    {
      ...base,
      id: 1,
      kind: "cache_break",
      severity: "critical",
      title: "The cache was thrown away in the middle of a session",
      what: "The system prompt changed after 12 requests, so 84,000 tokens were written anew.",
      why: "A date stands in it.",
      next: "Put what changes behind the last cache mark.",
      subject: "system",
      cost: { micro_usd: 1_840_000 },
      numbers: [{ name: "tokens", unit: "tokens", value: 84_000 }],
    },
    {
      ...base,
      id: 2,
      kind: "failing_tool",
      severity: "warning",
      title: "Bash fails again and again",
      what: "9 of 31 calls failed.",
      why: null,
      next: "Look at what it is called with.",
      subject: "Bash",
      cost: { micro_usd: 210_000 },
      numbers: [{ name: "failures", unit: "count", value: 9 }],
    },
    {
      ...base,
      id: 3,
      kind: "unpriced_model",
      severity: "info",
      title: "A model has no price",
      what: `${UNPRICED} is in no price book, so what it costs is not known.`,
      why: null,
      next: "Set a price in pricing.overrides.",
      subject: UNPRICED,
      cost: null,
      numbers: [],
    },
  ];
  // The same in other sessions, too.
  const others = [...new Set(flows.slice(0, 400).map(({ session_id }) => session_id))]
    .filter((id) => id && id !== one.session_id)
    .slice(0, 6);
  for (const [at, session_id] of others.entries()) {
    const cost = at === 5 ? null : { micro_usd: 90_000 - at * 11_000 };
    all.push({ ...all[1], id: 10 + at, session_id, cost });
  }
  for (const each of all) each.state = judged.get(each.id) ?? "open";
  const state = query.get("state") ?? "open";
  return all.filter((each) => state === "all" || each.state === state);
}

const PARTS = [
  ["system", null, 3, 21_000],
  ["tools", null, 14, 31_000],
  ["tools", "github", 26, 58_000],
  ["tools", "<b>odd</b>", 4, 6_000],
  ["memory", null, 1, 9_000],
  ["prompts", null, 12, 14_000],
  ["answers", null, 30, 24_000],
  ["thinking", null, 18, 12_000],
  ["tool_calls", null, 44, 16_000],
  ["tool_results", null, 44, 164_000],
  ["images", null, 2, 40_000],
  ["rest", null, 1, 420],
];

function context(flow) {
  const bytes = sum(PARTS.map(([, , , size]) => size));
  const tokens = flow.usage.input === null ? null : Math.round(bytes / 3.6);
  return {
    flow_id: flow.id,
    bytes,
    tokens,
    window: flow.provider === "anthropic" ? 200_000 : null,
    truncated: flow.body_truncated,
    next_cursor: null,
    items: PARTS.map(([kind, server, count, size]) => ({
      kind,
      server,
      count,
      bytes: size,
      tokens: tokens === null ? null : Math.round((tokens * size) / bytes),
    })),
  };
}

const SETTINGS = {
  home: "/home/me/.local/share/langley",
  "proxy.host": "127.0.0.1",
  "proxy.port": 9090,
  "api.port": 9091,
  "retention.flows_ttl_days": 30,
  "retention.events_ttl_days": 7,
  "retention.bodies_ttl_days": 3,
  "persistence.body_max_bytes": 1_048_576,
  "redaction.patterns": ["internal-[a-z]{8}"],
  "analytics.anomaly_context_tokens": 100_000,
  "pricing.overrides": [],
  "transcripts.enabled": true,
};

const page = (items, more = {}) => ({ items, next_cursor: null, ...more });

/** The answer to a question; undefined where it is another's, or there is no such thing. */
export function insight(path, query, flows, stars) {
  if (path === "/api/analytics/cost") return cost(flows, query);
  if (path === "/api/analytics/commits") return commits(flows, query);
  if (path === "/api/analytics/limits")
    return page(
      [
        ["5h", 62, 2],
        ["7d", 91, 80],
      ].map(([name, used_percent, hours]) => ({
        name,
        used_percent,
        limit: null,
        remaining: null,
        reset_at: new Date(Date.now() + hours * HOUR_MS).toISOString(),
        over: false,
        host: "api.anthropic.com",
        provider: "anthropic",
        flow_id: flows[0]?.id ?? "",
        seen_at: new Date().toISOString(),
      })),
      { flows: flows.length, truncated: false },
    );
  if (path === "/api/analytics/context") {
    const wanted = query.get("flow");
    const session = query.get("session");
    const flow = flows.find(({ id, session_id }) =>
      wanted ? id === wanted : session_id === session,
    );
    return flow && context(flow);
  }
  if (path === "/api/budgets")
    return page([
      {
        name: "a day",
        scope: "day",
        action: "warn",
        agent: null,
        model: null,
        project: null,
        limit: { micro_usd: 20_000_000 },
        spent: { micro_usd: 13_400_000 },
        is_spent: false,
        sessions: [],
        since: null,
        until: null,
        unpriced_flows: 0,
      },
    ]);
  if (path === "/api/settings")
    return page(
      Object.entries(SETTINGS).map(([key, value]) => ({
        key,
        value,
        origin: key === "home" ? "flag --home" : "default",
        source: key === "home" ? "flag" : "default",
      })),
    );
  if (path === "/api/findings") {
    const items = findings(flows, query);
    return page(items, { total: items.length, kinds: kindsOf(flows, query) });
  }
  if (path === "/api/tools") {
    const items = tools(chosen(flows, query));
    const calls = sum(items.map(({ totals }) => totals.calls));
    return page(items, { complete: true, totals: toolTotals(calls) });
  }
  if (path === "/api/sessions") return page(sessions(flows, stars, query), { complete: true });
  const called = /^\/api\/tools\/(.+)\/invocations$/.exec(path);
  if (called) return page(invocations(chosen(flows, query), decodeURIComponent(called[1])));
  const call = /^\/api\/tool-invocations\/(.+)$/.exec(path);
  if (call) return invocationOf(flows, decodeURIComponent(call[1]));
  const of = /^\/api\/sessions\/([^/]+)(\/ledger)?$/.exec(path);
  if (!of) return undefined;
  const id = decodeURIComponent(of[1]);
  const its = flows.filter(({ session_id }) => session_id === id);
  if (its.length === 0) return undefined;
  if (of[2]) return ledger(id, its);
  const apart = groups(
    its.filter(({ agent_id }) => agent_id),
    ({ agent_id }) => agent_id,
  );
  return {
    ...session(id, its, stars),
    agents: [...apart].map(([agent_id, flows]) => ({
      agent_id,
      first_at: flows.at(-1).started_at,
      last_at: flows[0].started_at,
      totals: totals(flows),
    })),
  };
}
