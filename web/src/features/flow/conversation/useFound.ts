// Brings what a search has found into view, once, and marks it.
import { type RefObject, useEffect, useRef } from "react";
import { rangeOf } from "@/lib/find";

/** The name of the mark in the styles. */
const MARK = "found";

export function useFound(
  box: RefObject<HTMLElement | null>,
  words: readonly string[],
  ready: boolean,
): void {
  const shown = useRef(false);
  useEffect(() => {
    const view = box.current;
    if (!ready || shown.current || !view || words.length === 0) return;
    shown.current = true;
    const range = rangeOf(view, words);
    if (range) {
      const { top } = range.getBoundingClientRect();
      view.scrollTop += top - view.getBoundingClientRect().top - view.clientHeight / 3;
      // The text itself is left as it is: it may be in the middle of anything.
      CSS.highlights?.set(MARK, new Highlight(range));
    } else {
      // It is folded away, or too far down in its text: its turn is all there is to show.
      view.querySelector("[data-found]")?.scrollIntoView({ block: "start" });
    }
  }, [box, words, ready]);
  useEffect(() => () => void CSS.highlights?.delete(MARK), []);
}
