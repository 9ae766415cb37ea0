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

interface Screen {
  path: string;
  list: Reader;
  one?: Reader;
  /** What is understood and says what is so anyway. */
  usual?: Record<string, string>;
}

const SCREENS: readonly Screen[] = [
  {
    path: paths.flows,
    list: readFlowsSearch,
    one: readFlowsSearch,
    usual: { tab: "conversation" },
  },
  { path: paths.sessions, list: readSessionsView, one: readSessionView },
  {
    path: paths.history,
    list: readHistoryView,
    one: readConversationView,
    usual: { order: "newest", wire: "yes", notes: "no" },
  },
  { path: paths.spend, list: readSpendView, usual: { heat: "flows", chart: "cost" } },
  { path: paths.tools, list: readToolsView },
  { path: paths.findings, list: readFindingsView },
  { path: paths.search, list: readQuery },
];

/** Parts of a search's hit: without the rest of it they say nothing. */
const OF_A_HIT = ["hit", "around", "place", "words"];

/** Names and values that are not understood, in the order of the address. */
export function unread(path: string, search: string): [name: string, value: string][] {
  const [, name = "", id] = path.split("/");
  const screen = SCREENS.find((each) => each.path === `/${name}`);
  const read = id ? screen?.one : screen?.list;
  if (!screen || !read) return [];
  const said = parseSearch(search);
  const known = read(said);
  return Object.entries(said).flatMap(([name, value]): [string, string][] => {
    if (typeof value !== "string" || value.trim() === "") return [];
    const isUsual = screen.usual !== undefined && Object.hasOwn(screen.usual, name);
    if (isUsual && screen.usual?.[name] === value) return [];
    return Object.hasOwn(known, name) || OF_A_HIT.includes(name) ? [] : [[name, value]];
  });
}
