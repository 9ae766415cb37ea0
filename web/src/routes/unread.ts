// What an address says that its screen does not understand.
import {
  parseSearch,
  paths,
  readConversationView,
  readFindingsView,
  readFlowsSearch,
  readHistoryView,
  readQuery,
  readSessionsView,
  readSessionView,
  readSpendView,
  readToolsView,
} from "./paths";

type Reader = (search: Record<string, unknown>) => object;

const READERS: readonly [path: string, list: Reader, one?: Reader][] = [
  [paths.flows, readFlowsSearch, readFlowsSearch],
  [paths.sessions, readSessionsView, readSessionView],
  [paths.history, readHistoryView, readConversationView],
  [paths.spend, readSpendView],
  [paths.tools, readToolsView],
  [paths.findings, readFindingsView],
  [paths.search, readQuery],
];

/** What is understood and says what is so anyway. */
const USUAL: Record<string, string> = {
  tab: "conversation",
  heat: "flows",
  chart: "cost",
  order: "newest",
  wire: "yes",
  notes: "no",
};

/** Parts of a search's hit: without the rest of it they say nothing. */
const OF_A_HIT = ["hit", "around", "place", "words"];

/** Names and values that are not understood, in the order of the address. */
export function unread(path: string, search: string): [name: string, value: string][] {
  const [, screen = "", id] = path.split("/");
  const [, list, one] = READERS.find(([of]) => of === `/${screen}`) ?? [];
  const read = id ? one : list;
  if (!read) return [];
  const said = parseSearch(search);
  const known = read(said);
  return Object.entries(said).flatMap(([name, value]): [string, string][] => {
    if (typeof value !== "string" || value.trim() === "" || USUAL[name] === value) return [];
    return name in known || OF_A_HIT.includes(name) ? [] : [[name, value]];
  });
}
