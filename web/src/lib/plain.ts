// A text in one line without the marks of its markdown, for where there is room for its words alone.
import { oneLine } from "./hostile";

/** Characters that are looked at: what stands behind them is not shown anyway. */
const LOOKED_AT = 2_000;

/** Marks with nothing in them, or that are part of a word (`2**3`, `__init__`), are no marks. */
const MARKS: readonly [RegExp, string][] = [
  [/^[ \t]*(```|~~~)[^\n]*$/gm, " "],
  [/```/g, " "],
  [/^[ \t]*(#{1,6}|>+|[-*+])[ \t]+/gm, ""],
  [/!?\[([^\]\n]{1,300})\]\([^()\s]{1,500}\)/g, "$1"],
  [/(?<![\w*])\*\*(?=[^\s*])([^*\n]*[^\s*])\*\*(?![\w*])/g, "$1"],
  [/`([^`\n]+)`/g, "$1"],
  // What was cut behind its beginning has no end.
  [/(?<![\w*])\*\*(?=[^\s*])([^*]*)$/, "$1"],
];

/** The words of `text` on one line, cut at `limit` characters, harmless as {@link oneLine} makes them. */
export function plainLine(text: string, limit = 240): string {
  const words = MARKS.reduce(
    (left, [mark, kept]) => left.replace(mark, kept),
    text.slice(0, LOOKED_AT),
  );
  return oneLine(words, limit);
}
