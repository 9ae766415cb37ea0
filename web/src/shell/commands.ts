// What the palette offers for the words that are typed: screens, sessions, a flow, a search, the theme.
import type { SessionFacet } from "@/api/types";
import { flowHref, flowsHref, paths, sessionHref, writeSearch } from "@/routes/paths";
import { KEYS, keyName } from "@/ui/keys";
import type { Theme } from "@/views/theme";
import { SCREENS } from "./screens";

export type CommandAct = { go: string } | { theme: Theme } | { help: true };

export interface Command {
  id: string;
  act: CommandAct;
  shown:
    | { kind: "plain"; group: string; name: string; keys?: readonly string[] }
    | { kind: "session"; session: SessionFacet };
}

/** Sessions that are offered. */
const SESSIONS_MAX = 8;
const FLOW_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const THEMES: Record<Theme, string> = {
  light: "Light theme",
  dark: "Dark theme",
  system: "Theme as the system has it",
};

/** `sessions` are those that the server found for the same words. */
export function commandsFor(typed: string, sessions: readonly SessionFacet[]): Command[] {
  const words = typed.trim();
  // Ids of sessions may look like those of flows: one that is known comes first.
  const known = sessions.filter(({ value }) => value === words);
  const others = sessions.filter(({ value }) => value !== words);
  const named = fixed().filter((command) => holds(command.named, words));
  const found = others.slice(0, SESSIONS_MAX).map(openSession);
  const isScreenCommand = ({ id }: Command) => SCREENS.some(({ to }) => to === id);
  const offered =
    words === ""
      ? [...named.filter(isScreenCommand), ...found, ...named.filter((it) => !isScreenCommand(it))]
      : [
          ...known.map(openSession),
          ...(FLOW_ID.test(words) ? [openFlow(words.toLowerCase())] : []),
          ...named,
          ...found,
          ...searches(words),
        ];
  return offered.map(({ id, act, shown }) => ({ id, act, shown }));
}

function fixed(): (Command & { named: string })[] {
  const plain = (id: string, act: CommandAct, group: string, name: string, keys?: string[]) => ({
    id,
    act,
    shown: { kind: "plain" as const, group, name, ...(keys ? { keys } : {}) },
    named: `${group} ${name}`,
  });
  return [
    ...SCREENS.map(({ to, label, key, words }) => {
      const command = plain(to, { go: to }, "Go to", label, [KEYS.go, key]);
      return { ...command, named: `${command.named} ${words}` };
    }),
    ...(Object.keys(THEMES) as Theme[]).map((theme) =>
      plain(`theme ${theme}`, { theme }, "Theme", THEMES[theme]),
    ),
    plain("help", { help: true }, "Help", "Keyboard map", [keyName("help")]),
  ];
}

/** Whether each of the words begins a word of the name. */
function holds(named: string, words: string): boolean {
  const names = named.toLowerCase().split(/\s+/);
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => names.some((name) => name.startsWith(word)));
}

function openFlow(id: string): Command {
  return {
    id: `flow ${id}`,
    act: { go: flowHref(id, {}) },
    shown: { kind: "plain", group: "Flow", name: id },
  };
}

function openSession(session: SessionFacet): Command {
  return {
    id: `session ${session.value}`,
    act: { go: sessionHref(session.value) },
    shown: { kind: "session", session },
  };
}

function searches(words: string): Command[] {
  return [
    {
      id: "search",
      act: { go: `${paths.search}${writeSearch({ q: words })}` },
      shown: { kind: "plain", group: "Search", name: `What was said: ${words}` },
    },
    {
      id: "flows",
      act: { go: flowsHref({ q: words }) },
      shown: { kind: "plain", group: "Search", name: `Flows with: ${words}` },
    },
  ];
}
