// What the stand-in's flows add up to: costs by made-up prices, which some models lack, and by commits that never were.

/** Micro-dollars for a token, by class. */
const PRICES = { input: 3, cache_read: 0.3, cache_write_5m: 3.75, cache_write_1h: 6, output: 15 };
export const UNPRICED = "gpt-6.1-sol";
const PROJECTS = [
  "/home/me/work/langley",
  "/home/me/work/a-shop-with-a-rather-long-name-for-a-folder",
  null,
];
const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;

export const sum = (values) => values.reduce((total, value) => total + value, 0);
const known = (values) => {
  const there = values.filter((value) => value !== null && value !== undefined);
  return there.length > 0 ? sum(there) : null;
};
const money = (micro_usd) => (micro_usd === null ? null : { micro_usd: Math.round(micro_usd) });
export const numberOf = (text) =>
  [...(text ?? "")].reduce((hash, c) => (hash * 31 + c.charCodeAt(0)) | 0, 7);
export const projectOf = ({ session_id }) =>
  PROJECTS[Math.abs(numberOf(session_id)) % PROJECTS.length];
export const modelOf = (flow) => flow.model ?? flow.model_requested;

/** What each class of a flow cost; null where its model has no price or nothing is known. */
function classesOf(flow) {
  const { usage } = flow;
  if (usage.output === null || modelOf(flow) === UNPRICED) return null;
  const uncached =
    flow.provider === "anthropic" ? usage.input : (usage.input ?? 0) - (usage.cache_read ?? 0);
  const of = (name, tokens) => (tokens ?? 0) * PRICES[name];
  return {
    input: of("input", uncached),
    cache_write_5m: of("cache_write_5m", usage.cache_write_5m),
    cache_write_1h: of("cache_write_1h", usage.cache_write_1h),
    cache_read: of("cache_read", usage.cache_read),
    output: of("output", usage.output),
    reasoning: 0,
    web_search: 0,
    undivided: 0,
  };
}

export function spent(flows) {
  const priced = flows.flatMap((flow) => classesOf(flow) ?? []);
  const unpriced = flows.filter(
    (flow) => flow.usage.output !== null && classesOf(flow) === null,
  ).length;
  const cost_by_class = Object.fromEntries(
    Object.keys({ ...PRICES, reasoning: 0, web_search: 0, undivided: 0 }).map((name) => [
      name,
      money(sum(priced.map((classes) => classes[name] ?? 0))),
    ]),
  );
  const total = sum(priced.map((classes) => sum(Object.values(classes))));
  const of = (name) => known(flows.map(({ usage }) => usage[name]));
  return {
    cost: priced.length > 0 ? money(total) : null,
    cost_by_class: priced.length > 0 ? cost_by_class : null,
    estimated: null,
    flows: flows.length,
    priced_flows: priced.length,
    unpriced_flows: unpriced,
    usage: {
      input: of("input"),
      input_uncached: known(
        flows.map(({ usage, provider }) =>
          usage.input === null
            ? null
            : usage.input - (provider === "anthropic" ? 0 : (usage.cache_read ?? 0)),
        ),
      ),
      cache_read: of("cache_read"),
      cache_write_5m: of("cache_write_5m"),
      cache_write_1h: of("cache_write_1h"),
      output: of("output"),
      reasoning: of("reasoning"),
      reasoning_apart: null,
      web_search_requests: null,
    },
  };
}

export function totals(flows) {
  const ended = (outcome) => flows.filter((flow) => flow.outcome === outcome).length;
  const { cost, estimated, priced_flows, unpriced_flows, usage } = spent(flows);
  const outcomes = [
    "completed",
    "provider_error",
    "client_gone",
    "upstream_gone",
    "timed_out",
    "refused",
    "lost",
  ];
  return {
    cost,
    estimated,
    priced_flows,
    unpriced_flows,
    usage,
    dropped_events: 0,
    events: sum(flows.map(({ event_count }) => event_count)),
    flows: {
      total: flows.length,
      open: ended(null),
      ...Object.fromEntries(outcomes.map((each) => [each, ended(each)])),
    },
    latency: { duration: null, ttfb: null, ttft: null, percentile_error_percent: 1 },
    request_bytes: 0,
    response_bytes: 0,
    usage_flows: {},
  };
}

export function groups(flows, keyOf) {
  const found = new Map();
  for (const flow of flows) {
    const key = keyOf(flow);
    const known = found.get(key);
    if (known) known.push(flow);
    else found.set(key, [flow]);
  }
  return found;
}

export function chosen(flows, query) {
  const since = query.get("since");
  const model = query.get("model");
  const project = query.get("project");
  const session = query.get("session");
  return flows.filter(
    (flow) =>
      (!since || flow.started_at >= since) &&
      (!model || modelOf(flow) === model) &&
      (!project || projectOf(flow) === project) &&
      (!session || flow.session_id === session),
  );
}

const LABELS = {
  day: null,
  hour: null,
  host: null,
  provider: null,
  model: null,
  agent: null,
  session: null,
  subagent: null,
  task: null,
  project: null,
  tool: null,
  class: null,
  units: null,
  tool_cost: null,
};

/**
 * The flows reach back a day. A shape of a working week is laid over the days before, so that
 * charts of a month have something to show.
 */
function spread(page, group, query) {
  const since = Math.max(Date.parse(query.get("since") ?? "") || 0, Date.now() - 60 * DAY_MS);
  const items = [];
  for (let at = Math.ceil(since / HOUR_MS) * HOUR_MS; at < Date.now(); at += HOUR_MS) {
    const date = new Date(at);
    const weekend = date.getDay() % 6 === 0;
    const busy = Math.max(0, Math.sin(((date.getHours() - 7) / 13) * Math.PI));
    const flows = Math.round(busy * (weekend ? 3 : 60) * (0.4 + Math.abs(Math.sin(at / 7e7))));
    if (flows > 0) items.push({ at, flows });
  }
  const keyOf = ({ at }) => {
    const date = new Date(at);
    const pad = (value) => String(value).padStart(2, "0");
    return group === "hour"
      ? date.toISOString()
      : `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  };
  const one = page.totals.flows || 1;
  const scaled = (value, share) => (value === null ? null : money(value.micro_usd * share));
  return [...groups(items, keyOf)].map(([key, hours]) => {
    const flows = sum(hours.map((hour) => hour.flows));
    const share = flows / one;
    const classes = Object.entries(page.totals.cost_by_class ?? {});
    return {
      ...LABELS,
      ...page.totals,
      [group]: key,
      flows,
      usage: Object.fromEntries(
        Object.entries(page.totals.usage).map(([name, tokens]) => [
          name,
          tokens === null ? null : Math.round(tokens * share),
        ]),
      ),
      cost: scaled(page.totals.cost, share),
      cost_by_class: Object.fromEntries(classes.map(([name, cost]) => [name, scaled(cost, share)])),
    };
  });
}

export function toolTotals(calls) {
  const failed = Math.floor(calls / 12);
  return {
    calls,
    succeeded: calls - failed,
    failed,
    denied: 0,
    cancelled: 0,
    timed_out: 0,
    lost: 0,
    orphaned: 0,
    repeated: Math.floor(calls / 20),
    violated: 0,
    failure_rate: calls > 0 ? failed / calls : null,
    duration: { calls, mean_ms: 812, p50_ms: 240, p95_ms: 3_900, percentile_error_percent: 1 },
  };
}

export function tools(flows) {
  const calls = new Map();
  for (const name of flows.flatMap(({ tool_names }) => tool_names))
    calls.set(name, (calls.get(name) ?? 0) + 1);
  return [...calls]
    .map(([name, count]) => ({ name, totals: toolTotals(count) }))
    .sort((one, other) => other.totals.calls - one.totals.calls);
}

function toolCost(calls) {
  return {
    calls,
    results: calls,
    cost: money(calls * 900),
    output: money(calls * 300),
    result: money(calls * 600),
    reread: money(calls * 2_400),
    search: money(0),
    unpriced_calls: 0,
    unpriced_results: 0,
  };
}

export function cost(flows, query) {
  const by = (query.get("group_by") ?? "").split(",");
  const of = chosen(flows, query);
  const page = {
    complete: true,
    from_flows: false,
    source: "record",
    read: null,
    group_by: by,
    items: [],
    more: false,
    next_cursor: null,
    tools: null,
    totals: spent(of),
    tz: query.get("tz") ?? "+00:00",
    unpriced: [],
  };
  const [group] = by.slice(-1);
  const reading = {
    model: modelOf,
    host: ({ host }) => host,
    agent: ({ agent }) => agent,
    project: projectOf,
    session: ({ session_id }) => session_id,
    subagent: ({ agent_id, session_id }) => agent_id && `${session_id}\n${agent_id}`,
  };
  if (group === "day" || group === "hour") page.items = spread(page, group, query);
  else if (group === "class") {
    page.items = Object.entries(page.totals.cost_by_class ?? {})
      .filter(([, { micro_usd }]) => micro_usd > 0)
      .map(([name, cost]) => ({
        ...LABELS,
        ...page.totals,
        class: name,
        cost,
        units: Math.round(cost.micro_usd / PRICES[name]),
      }));
  } else if (group === "tool") {
    const calls = sum(tools(of).map(({ totals }) => totals.calls));
    page.tools = toolCost(calls);
    page.items = tools(of).map(({ name, totals: { calls } }) => ({
      ...LABELS,
      ...page.totals,
      tool: name,
      tool_cost: toolCost(calls),
    }));
  } else if (reading[group]) {
    page.items = [...groups(of, reading[group])]
      .filter(([key]) => group !== "subagent" || key !== null)
      .map(([key, flows]) => {
        const [session, subagent] = group === "subagent" ? key.split("\n") : [key, null];
        const named = group === "subagent" ? { session, subagent } : { [group]: key };
        return { ...LABELS, ...spent(flows), ...named };
      })
      .sort((one, other) => (other.cost?.micro_usd ?? 0) - (one.cost?.micro_usd ?? 0));
  }
  const without = of.filter((flow) => flow.usage.output !== null && classesOf(flow) === null);
  page.unpriced = [...groups(without, modelOf)].map(([model, { length }]) => ({
    model,
    provider: "openai",
    unpriced_flows: length,
  }));
  return page;
}

const SUBJECTS = [
  "Keep the cursor with the page, so that it can be loaded again (#412)",
  "Tell what a commit cost",
  "<b>not bold</b> and \u202etxet esrever\u202c in a message",
  "Fix the build on the second run",
  "Add a migration that keeps the old rows, and a test that fails without it, and many more words than there is room for in a line",
];

export function commits(flows, query) {
  const of = chosen(flows, query).filter((flow) => projectOf(flow) !== null);
  const size = Math.ceil(of.length / (SUBJECTS.length + 1)) || 1;
  const items = [null, ...SUBJECTS].flatMap((subject, at) => {
    const part = of.slice(at * size, (at + 1) * size);
    if (part.length === 0) return [];
    return {
      ...spent(part),
      commit: subject && `${at}f${"3a9c5e7".repeat(6)}`.slice(0, 40),
      committed_at: subject && part[0].started_at.replace(/\.\d+Z$/, "Z"),
      subject,
      pull_request: at === 1 ? 412 : null,
      repository: PROJECTS[at % 2],
      sessions: [...new Set(part.map(({ session_id }) => session_id))].slice(0, at + 1),
      more_sessions: at === 2,
    };
  });
  const elsewhere = spent(chosen(flows, query).filter((flow) => projectOf(flow) === null));
  return {
    complete: true,
    items,
    more: false,
    next_cursor: null,
    elsewhere,
    totals: spent(chosen(flows, query)),
  };
}
