// Keyboard shortcuts that stay out of the way of typing: which keys there are, and how they are heard.
import { useEffect, useRef } from "react";

/** The keys of the dashboard as a key press names them; `palette` goes with Ctrl or ⌘. */
export const KEYS = {
  close: "Escape",
  go: "g",
  help: "?",
  next: "j",
  open: "Enter",
  palette: "k",
  previous: "k",
  search: "/",
  undo: "u",
} as const;

/** How a key is written where it is told. */
export function keyName(key: keyof typeof KEYS): string {
  if (key === "palette") return isMac() ? "⌘ K" : "Ctrl K";
  return key === "close" ? "Esc" : KEYS[key];
}

function isMac(): boolean {
  return typeof navigator !== "undefined" && /^Mac|iP(hone|ad)/.test(navigator.platform);
}

/** Whether the commands are asked for: from anywhere, a field too. */
export function asksForPalette(event: KeyboardEvent): boolean {
  const { ctrlKey, metaKey, altKey, shiftKey } = event;
  return ctrlKey !== metaKey && !altKey && !shiftKey && event.key.toLowerCase() === KEYS.palette;
}

/** Whether a key press is meant for a field rather than for the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  // What lay over the page and is closed has the focus until the browser draws the page anew.
  if (target.closest("dialog:not([open])") !== null) return false;
  // A choice takes no letters: its arrows are the browser's.
  if (target instanceof HTMLInputElement && /^(radio|checkbox)$/.test(target.type)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Whether something lies over the page that a key is meant for. */
export function isOverlaid(): boolean {
  return document.querySelector("dialog[open], [data-overlay]") !== null;
}

/** Calls `handle` for each plain key press; it answers whether it took the key. */
export function useKeys(handle: (event: KeyboardEvent) => boolean): void {
  const latest = useRef(handle);
  useEffect(() => {
    latest.current = handle;
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (latest.current(event)) event.preventDefault();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}
