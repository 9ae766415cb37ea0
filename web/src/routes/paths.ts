// Every address of the dashboard, in one typed table; links and routes are both made from it.
import { FILTER_KEYS, type FlowFilter, readFilter } from "@/lib/filter";
import { type Hit, readHit } from "@/lib/hit";
import { DIMENSIONS, type Dimension, isRange, type Range } from "@/lib/spend";

export const paths = {
  home: "/",
  now: "/now",
  sessions: "/sessions",
  session: "/sessions/$id",
  history: "/history",
  conversation: "/history/$id",
  flows: "/flows",
  flow: "/flows/$id",
  spend: "/spend",
  tools: "/tools",
  findings: "/findings",
  search: "/search",
  health: "/health",
  settings: "/settings",
  setup: "/setup",
  /** Where a sign-in link leads; it stays there only when it does not work any more. */
  auth: "/auth",
} as const;

export const TABS = [
  "conversation",
  "events",
  "headers",
  "raw",
  "changes",
  "context",
  "timing",
] as const;
export type Tab = (typeof TABS)[number];

/** What the address of the flows screen holds: the filter, and how the detail is looked at. */
export type FlowsSearch = FlowFilter &
  Partial<Hit> & {
    tab?: Tab;
    /** Which body the raw view shows. */
    side?: "request" | "response";
    /** Which type of event is shown. */
    type?: string;
  };

export function readFlowsSearch(search: Record<string, unknown>): FlowsSearch {
  const found: FlowsSearch = readFilter(search);
  const tab = TABS.find((each) => each === search["tab"]);
  if (tab && tab !== "conversation") found.tab = tab;
  if (search["side"] === "request" || search["side"] === "response") found.side = search["side"];
  const type = search["type"];
  if (typeof type === "string" && type !== "" && type.length <= 100) found.type = type;
  return { ...found, ...readHit(search) };
}

/** The same without what belongs to one flow alone: the place in it that a search found. */
export function withoutHit({ hit, around, place, words, ...search }: FlowsSearch): FlowsSearch {
  return search;
}

/** The words of the search screen's address; nothing when there are none. */
export function readQuery(search: Record<string, unknown>): { q?: string } {
  const { q } = readFilter(search);
  return q === undefined ? {} : { q };
}

export function filterOf(search: FlowsSearch): FlowFilter {
  return readFilter(search);
}

/** The search of an address: plain words, in a fixed order, so that one filter has one address. */
export function writeSearch(search: Record<string, unknown>): string {
  const query = new URLSearchParams();
  const keys = [...FILTER_KEYS, "tab", "side", "type"];
  const rest = Object.keys(search).filter((key) => !keys.includes(key));
  for (const key of [...keys, ...rest]) {
    const value = search[key];
    if (typeof value === "string" && value !== "") query.set(key, value);
  }
  return query.size > 0 ? `?${query}` : "";
}

export function parseSearch(text: string): Record<string, unknown> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** The address of a flow, with the list's filter and the detail's tab kept. */
export function flowHref(id: string, search: FlowsSearch): string {
  return `${paths.flows}/${encodeURIComponent(id)}${writeSearch(search)}`;
}

/** The address of the list of flows that a filter names. */
export function flowsHref(filter: FlowFilter): string {
  return `${paths.flows}${writeSearch(filter)}`;
}

/** What the address of the costs holds: the span of time, by what they are told, and of what. */
export interface SpendView {
  range?: Range;
  by?: Dimension;
  model?: string;
  project?: string;
  /** What the hours of the week are told by; flows when it is not said. */
  heat?: "cost";
  /** What is told over time; the cost when it is not said. */
  chart?: "tokens";
  /** What costs are told from; what passed through the proxy when it is not said. */
  from?: "transcripts";
}

export function readSpendView(search: Record<string, unknown>): SpendView {
  const { model, project } = readFilter(search);
  const view: SpendView = { ...(model ? { model } : {}), ...(project ? { project } : {}) };
  if (isRange(search["range"])) view.range = search["range"];
  const by = DIMENSIONS.find((each) => each === search["by"]);
  if (by) view.by = by;
  if (search["heat"] === "cost") view.heat = "cost";
  if (search["chart"] === "tokens") view.chart = "tokens";
  if (search["from"] === "transcripts") view.from = "transcripts";
  return view;
}

export function spendHref(view: SpendView): string {
  return `${paths.spend}${writeSearch({ ...view })}`;
}

/** Which sessions are listed. */
export interface SessionsView {
  range?: Range;
  project?: string;
}

export function readSessionsView(search: Record<string, unknown>): SessionsView {
  const { project } = readFilter(search);
  const view: SessionsView = project ? { project } : {};
  if (isRange(search["range"])) view.range = search["range"];
  return view;
}

/** What of a session is shown: one lane of it, and the turns that are unfolded. */
export interface SessionView extends Partial<Hit> {
  /** A subagent's id, or `main` for the session's own agent. */
  lane?: string;
  /** The flow of the turn that is unfolded. */
  turn?: string;
}

export function readSessionView(search: Record<string, unknown>): SessionView {
  const lane = word(search["lane"]);
  const turn = word(search["turn"]);
  return { ...(lane ? { lane } : {}), ...(turn ? { turn, ...readHit(search) } : {}) };
}

export function sessionHref(id: string, view: SessionView = {}): string {
  return `${paths.sessions}/${encodeURIComponent(id)}${writeSearch({ ...view })}`;
}

/** Which conversations are listed. */
export interface HistoryView {
  range?: Range;
  project?: string;
  /** A part of the first prompt. */
  q?: string;
}

export function readHistoryView(search: Record<string, unknown>): HistoryView {
  const { project, q } = readFilter(search);
  const view: HistoryView = { ...(project ? { project } : {}), ...(q ? { q } : {}) };
  if (isRange(search["range"])) view.range = search["range"];
  return view;
}

export function historyHref(view: HistoryView = {}): string {
  return `${paths.history}${writeSearch({ ...view })}`;
}

/** What of a conversation is shown: one lane, what passed on the wire beside it, the agent's own notes. */
export interface ConversationView {
  lane?: string;
  wire?: "no";
  notes?: "yes";
  /** The line that comes first; the newest when it is not said. */
  order?: "oldest";
}

export function readConversationView(search: Record<string, unknown>): ConversationView {
  const view: ConversationView = {};
  const lane = word(search["lane"]);
  if (lane && /^\d{1,9}$/.test(lane)) view.lane = lane;
  if (search["wire"] === "no") view.wire = "no";
  if (search["notes"] === "yes") view.notes = "yes";
  if (search["order"] === "oldest") view.order = "oldest";
  return view;
}

export function conversationHref(id: string, view: ConversationView = {}): string {
  return `${paths.conversation.replace("$id", encodeURIComponent(id))}${writeSearch({ ...view })}`;
}

/** What of the tools is shown: which of them, in which session, and the call that is unfolded. */
export interface ToolsView {
  range?: Range;
  order?: ToolOrder;
  session?: string;
  tool?: string;
  call?: string;
}

export const TOOL_ORDERS = [
  "calls",
  "cost",
  "duration",
  "failures",
  "repeats",
  "violations",
] as const;
export type ToolOrder = (typeof TOOL_ORDERS)[number];

export function readToolsView(search: Record<string, unknown>): ToolsView {
  const view: ToolsView = {};
  if (isRange(search["range"])) view.range = search["range"];
  const order = TOOL_ORDERS.find((each) => each === search["order"]);
  if (order) view.order = order;
  for (const key of ["session", "tool", "call"] as const) {
    const value = word(search[key]);
    if (value) view[key] = value;
  }
  return view;
}

export function toolsHref(view: ToolsView): string {
  return `${paths.tools}${writeSearch({ ...view })}`;
}

/** Which findings are listed. */
export interface FindingsView {
  state?: string;
  kind?: string;
  session?: string;
}

const FINDING_STATES = ["current", "muted", "resolved", "all"];

export function readFindingsView(search: Record<string, unknown>): FindingsView {
  const view: FindingsView = {};
  const state = FINDING_STATES.find((each) => each === search["state"]);
  if (state) view.state = state;
  for (const key of ["kind", "session"] as const) {
    const value = word(search[key]);
    if (value) view[key] = value;
  }
  return view;
}

export function findingsHref(view: FindingsView): string {
  return `${paths.findings}${writeSearch({ ...view })}`;
}

/** A word of an address; longer than this it is nobody's. */
function word(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= 512 ? value : undefined;
}
