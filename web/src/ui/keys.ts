// Keyboard shortcuts that stay out of the way of typing.
import { useEffect, useRef } from "react";

/** Whether a key press is meant for a field rather than for the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
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
