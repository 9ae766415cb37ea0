// Text as lines of bounded length, so that a megabyte on one line costs no more to show than a page.

import { isDeep, laidOut } from "./json";

/** A longer line is carried on in the next row. */
export const LINE_MAX = 400;

export interface Line {
  /** Its number in the text, or null where it carries the line above on. */
  number: number | null;
  text: string;
}

export function toLines(text: string, max = LINE_MAX): Line[] {
  const lines: Line[] = [];
  let number = 0;
  for (const line of text.split("\n")) {
    number += 1;
    if (line.length <= max) {
      lines.push({ number, text: line });
      continue;
    }
    for (let start = 0; start < line.length; ) {
      let end = Math.min(start + max, line.length);
      // A pair of surrogates is one character.
      const last = line.charCodeAt(end - 1);
      if (end < line.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
      lines.push({ number: start === 0 ? number : null, text: line.slice(start, end) });
      start = end;
    }
  }
  return lines;
}

export type Tone = "key" | "string" | "number" | "word" | "plain" | "redacted";

export interface Span {
  tone: Tone;
  text: string;
}

const JSON_PARTS =
  /("(?:[^"\\]|\\.)*"?)(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|\b(true|false|null)\b/g;

/** One line of JSON as coloured parts; a line that is not JSON comes back whole. */
export function jsonSpans(line: string): Span[] {
  const spans: Span[] = [];
  let from = 0;
  for (const match of line.matchAll(JSON_PARTS)) {
    if (match.index > from) spans.push({ tone: "plain", text: line.slice(from, match.index) });
    const [all, string, colon, number] = match;
    if (string !== undefined) {
      spans.push({ tone: colon === undefined ? "string" : "key", text: string });
      if (colon !== undefined) spans.push({ tone: "plain", text: colon });
    } else spans.push({ tone: number === undefined ? "word" : "number", text: all });
    from = match.index + all.length;
  }
  if (from < line.length) spans.push({ tone: "plain", text: line.slice(from) });
  return spans;
}

/** Laid-out JSON where the text is JSON, else the text as it is. */
export function pretty(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return isDeep(value) ? text : laidOut(value);
  } catch {
    return text;
  }
}
