// The keyboard map: every key of the dashboard with what it does, told from the keys themselves.
import { KEYS, keyName } from "@/ui/keys";
import { SCREENS } from "./screens";

export interface KeyEntry {
  /** Pressed one after the other. */
  keys: readonly string[];
  what: string;
}

export const KEYMAP: readonly { title: string; entries: readonly KeyEntry[] }[] = [
  {
    title: "Everywhere",
    entries: [
      { keys: [keyName("palette")], what: "Commands: go to a screen, a session, a flow" },
      { keys: [keyName("search")], what: "Search" },
      {
        keys: [keyName("close")],
        what: "Close what is open, back to where it was opened from; or leave a field",
      },
      { keys: [keyName("help")], what: "Show this map" },
    ],
  },
  {
    title: "In a list",
    entries: [
      { keys: [keyName("next")], what: "Next row" },
      { keys: [keyName("previous")], what: "Previous row" },
      { keys: [keyName("open")], what: "Open the row" },
      { keys: [keyName("undo")], what: "Take back what was just said of a finding" },
    ],
  },
  {
    title: "Screens",
    entries: SCREENS.map(({ key, label }) => ({ keys: [KEYS.go, key], what: label })),
  },
];
