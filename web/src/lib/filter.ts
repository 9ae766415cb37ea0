// The filter of the flows list: its names in the URL, its question to the server, its answer for a live flow.
import type { Params } from "@/api/client";
import type { Flow } from "@/api/types";

export const FILTER_KEYS = [
  "q",
  "outcome",
  "provider",
  "model",
  "host",
  "status",
  "session",
  "starred",
  "task",
  "project",
  "tool",
  "since",
  "until",
] as const;

export type FilterKey = (typeof FILTER_KEYS)[number];
export type FlowFilter = Partial<Record<FilterKey, string>>;

/** Time ranges that move with the clock, by their word in the URL. */
export const RANGES: Record<string, { label: string; ms: number }> = {
  "15m": { label: "Last 15 minutes", ms: 15 * 60_000 },
  "1h": { label: "Last hour", ms: 3_600_000 },
  "24h": { label: "Last 24 hours", ms: 86_400_000 },
  "7d": { label: "Last 7 days", ms: 7 * 86_400_000 },
};

/** A value in a URL may be anything; longer than this it is nobody's filter. */
const VALUE_MAX = 512;

/** Takes from a URL's parameters what is a filter, and nothing else. */
export function readFilter(search: Record<string, unknown>): FlowFilter {
  const filter: FlowFilter = {};
  for (const key of FILTER_KEYS) {
    const value = search[key];
    if (typeof value !== "string") continue;
    const trimmed = value.trim();
    if (trimmed === "" || trimmed.length > VALUE_MAX || !isAccepted(key, trimmed)) continue;
    filter[key] = trimmed;
  }
  return filter;
}

function isAccepted(key: FilterKey, value: string): boolean {
  if (key === "starred") return value === "true";
  if (key === "status") return /^[1-5](\d\d|xx)$/.test(value);
  if (key === "since" || key === "until")
    return value in RANGES || !Number.isNaN(Date.parse(value));
  return true;
}

export function isEmpty(filter: FlowFilter): boolean {
  return FILTER_KEYS.every((key) => filter[key] === undefined);
}

/** The question for the server; moving ranges become a moment. */
export function toParams(filter: FlowFilter, now = Date.now()): Params {
  const params: Params = {};
  for (const key of FILTER_KEYS) {
    const value = filter[key];
    if (value === undefined) continue;
    params[key] = key === "since" || key === "until" ? moment(value, now) : value;
  }
  return params;
}

function moment(value: string, now: number): string {
  const range = RANGES[value];
  return new Date(range ? now - range.ms : Date.parse(value)).toISOString();
}

/**
 * Whether a flow that came live belongs to the list. The free text is looked for in the summary
 * only: the server searches deeper, and the list asks it again when this says no.
 */
export function matches(
  filter: FlowFilter,
  flow: Flow,
  now = Date.now(),
  stars: ReadonlySet<string> = NO_STARS,
): boolean {
  const is = (key: FilterKey, value: string | null) =>
    filter[key] === undefined || filter[key] === value;
  if (!is("provider", flow.provider) || !is("host", flow.host)) return false;
  if (!is("session", flow.session_id) || !is("task", flow.task_id)) return false;
  if (!is("project", flow.project)) return false;
  if (!is("outcome", flow.outcome ?? "open")) return false;
  if (filter.model !== undefined && filter.model !== (flow.model ?? flow.model_requested))
    return false;
  if (filter.starred !== undefined && (flow.session_id === null || !stars.has(flow.session_id)))
    return false;
  const tool = filter.tool?.toLowerCase();
  if (tool !== undefined && !flow.tool_names.some((name) => name.toLowerCase() === tool))
    return false;
  if (filter.status !== undefined && !statusMatches(filter.status, flow.status)) return false;
  const started = Date.parse(flow.started_at);
  if (filter.since !== undefined && started < Date.parse(moment(filter.since, now))) return false;
  if (filter.until !== undefined && started > Date.parse(moment(filter.until, now))) return false;
  return filter.q === undefined || mentions(flow, filter.q);
}

const NO_STARS: ReadonlySet<string> = new Set();

function statusMatches(wanted: string, status: number | null): boolean {
  if (status === null) return false;
  return wanted.endsWith("xx") ? wanted[0] === String(status)[0] : wanted === String(status);
}

function mentions(flow: Flow, text: string): boolean {
  const needle = text.toLowerCase();
  const hay = [
    flow.preview,
    flow.path,
    flow.host,
    flow.model,
    flow.id,
    flow.session_id,
    flow.message_id,
    flow.provider_request_id,
    flow.agent,
    ...flow.tool_names,
  ];
  return hay.some((part) => part?.toLowerCase().includes(needle));
}
