// The keys j and k walk the rows of a list, Esc goes back: the focus is the cursor, so Enter is the browser's.
import type { RefObject } from "react";
import { isOverlaid, isTyping, KEYS, useKeys } from "./keys";

/** Rows are links or buttons with the attribute `data-row`, inside of `box`. */
export function useRowKeys(box: RefObject<HTMLElement | null>, onEscape?: () => boolean): void {
  useKeys((event) => {
    if (isTyping(event) || isOverlaid()) return false;
    if (event.key === KEYS.close) return onEscape?.() ?? false;
    if (event.key !== KEYS.next && event.key !== KEYS.previous) return false;
    const rows = [...(box.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
    if (rows.length === 0) return false;
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const next =
      at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + (event.key === KEYS.next ? 1 : -1)));
    rows[next]?.focus();
    rows[next]?.scrollIntoView({ block: "nearest" });
    return true;
  });
}
