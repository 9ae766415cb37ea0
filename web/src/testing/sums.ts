// Makes sums, sessions and costs for tests: complete, with only what matters stated.
import type { CostItem, CostPage, Session, Totals, UsageSums } from "@/api/types";

export const NO_USAGE: UsageSums = {
  input: null,
  input_uncached: null,
  cache_read: null,
  cache_write_5m: null,
  cache_write_1h: null,
  output: null,
  reasoning: null,
  reasoning_apart: null,
  web_search_requests: null,
};

export function makeCostItem(over: Partial<CostItem> = {}): CostItem {
  return {
    day: null,
    hour: null,
    host: null,
    provider: null,
    model: null,
    agent: null,
    flows: 1,
    priced_flows: 1,
    unpriced_flows: 0,
    cost: { micro_usd: 1_000_000 },
    cost_by_class: null,
    estimated: null,
    usage: NO_USAGE,
    session: null,
    subagent: null,
    task: null,
    project: null,
    tool: null,
    tool_cost: null,
    class: null,
    units: null,
    ...over,
  };
}

export function makeCostPage(
  group: string,
  items: CostItem[],
  over: Partial<CostPage> = {},
): CostPage {
  const { cost, flows, priced_flows, unpriced_flows, usage, cost_by_class, estimated } =
    makeCostItem();
  return {
    complete: true,
    from_flows: false,
    group_by: group.split(","),
    items,
    more: false,
    next_cursor: null,
    tools: null,
    read: null,
    source: "record",
    totals: { cost, flows, priced_flows, unpriced_flows, usage, cost_by_class, estimated },
    tz: "+00:00",
    unpriced: [],
    ...over,
  };
}

export function makeTotals(over: Partial<Totals> = {}): Totals {
  return {
    flows: {
      total: 1,
      open: 0,
      completed: 1,
      provider_error: 0,
      client_gone: 0,
      upstream_gone: 0,
      timed_out: 0,
      refused: 0,
      lost: 0,
    },
    cost: null,
    priced_flows: 0,
    unpriced_flows: 0,
    dropped_events: 0,
    estimated: null,
    events: 0,
    latency: { duration: null, ttfb: null, ttft: null, percentile_error_percent: 1 },
    request_bytes: 0,
    response_bytes: 0,
    usage: NO_USAGE,
    usage_flows: {
      input: 0,
      input_uncached: 0,
      cache_read: 0,
      cache_write_5m: 0,
      cache_write_1h: 0,
      output: 0,
      reasoning: 0,
      web_search_requests: 0,
    },
    ...over,
  };
}

export function makeSession(over: Partial<Session> = {}): Session {
  return {
    id: "s-1",
    source: null,
    agent: null,
    model: null,
    models: [],
    project: null,
    preview: null,
    first_at: "2026-01-02T03:04:05.000000Z",
    last_at: "2026-01-02T03:05:05.000000Z",
    starred_at: null,
    totals: makeTotals(),
    ...over,
  };
}
