// The theme: light, dark, or as the system has it; kept in this browser (theme.js applies it at start).
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark" | "system";

/** The same key stands in public/theme.js. */
const KEY = "langley.theme";
const listeners = new Set<() => void>();

function current(): Theme {
  const set = document.documentElement.dataset["theme"];
  return set === "light" || set === "dark" ? set : "system";
}

export function setTheme(theme: Theme): void {
  const page = document.documentElement;
  if (theme === "system") delete page.dataset["theme"];
  else page.dataset["theme"] = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, current);
}
