// Every address of the dashboard, in one typed table; links and routes are both made from it.
import { FILTER_KEYS, type FlowFilter, readFilter } from "@/lib/filter";

export const paths = {
  home: "/",
  flows: "/flows",
  flow: "/flows/$id",
  search: "/search",
  health: "/health",
  setup: "/setup",
  /** Where a sign-in link leads; it stays there only when it does not work any more. */
  auth: "/auth",
} as const;

export const TABS = ["conversation", "events", "headers", "raw", "changes"] as const;
export type Tab = (typeof TABS)[number];

/** What the address of the flows screen holds: the filter, and how the detail is looked at. */
export type FlowsSearch = FlowFilter & {
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
  return found;
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
