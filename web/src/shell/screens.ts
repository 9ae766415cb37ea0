// The screens in the order of the navigation: their names, the letter that leads to each after `g`, their icons.
import { paths } from "@/routes/paths";
import {
  FindingsIcon,
  FlowsIcon,
  HealthIcon,
  HistoryIcon,
  NowIcon,
  SearchIcon,
  SessionsIcon,
  SettingsIcon,
  SetupIcon,
  SpendIcon,
  ToolIcon,
} from "@/ui/icons";

/** `words` are others that people look for it by. */
export const SCREENS = [
  { to: paths.now, label: "Now", key: "n", words: "running live", Icon: NowIcon },
  { to: paths.sessions, label: "Sessions", key: "e", words: "timeline", Icon: SessionsIcon },
  {
    to: paths.history,
    label: "History",
    key: "y",
    words: "conversations transcripts imported",
    Icon: HistoryIcon,
  },
  { to: paths.flows, label: "Flows", key: "f", words: "requests traffic", Icon: FlowsIcon },
  { to: paths.spend, label: "Spend", key: "c", words: "costs money", Icon: SpendIcon },
  { to: paths.tools, label: "Tools", key: "t", words: "calls", Icon: ToolIcon },
  { to: paths.findings, label: "Findings", key: "i", words: "insights", Icon: FindingsIcon },
  { to: paths.search, label: "Search", key: "w", words: "words text", Icon: SearchIcon },
  { to: paths.health, label: "Health", key: "h", words: "drops queue", Icon: HealthIcon },
  { to: paths.settings, label: "Settings", key: ",", words: "preferences", Icon: SettingsIcon },
  { to: paths.setup, label: "Setup", key: "s", words: "certificate proxy", Icon: SetupIcon },
] as const;

/** Whether an address is one of a screen, not of the API. */
export function isScreen(href: string): boolean {
  return SCREENS.some(({ to }) => href.startsWith(to) && /^($|[/?])/.test(href.slice(to.length)));
}
