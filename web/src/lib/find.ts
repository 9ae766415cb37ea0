// Where the words of a search stand: in a turn, and on the page.
import type { Part, Turn } from "@/providers/conversation";

/** The words of a search as a person types it, without what only tells how they are meant. */
export function wordsOf(query: string): string[] {
  return query.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
}

function holds(text: string, words: readonly string[]): boolean {
  const lower = text.toLowerCase();
  return words.length > 0 && words.every((word) => lower.includes(word));
}

function says(part: Part): string {
  switch (part.kind) {
    case "text":
    case "thinking":
      return part.text;
    case "tool_use":
      return part.raw ?? JSON.stringify(part.input) ?? "";
    case "tool_result":
      return part.parts.map(says).join("\n");
    default:
      return "";
  }
}

/** The last turn that has all of the words: a request repeats what was said before it. -1 where none has. */
export function turnWith(turns: readonly Turn[], words: readonly string[]): number {
  return turns.findLastIndex(({ parts }) => holds(parts.map(says).join("\n"), words));
}

/** The last text within `box` that has all of the words, as the range of the first of them. */
export function rangeOf(box: Element, words: readonly string[]): Range | null {
  const texts = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const [first = ""] = words;
  let found: Node | null = null;
  while (texts.nextNode()) {
    if (holds(texts.currentNode.nodeValue ?? "", words)) found = texts.currentNode;
  }
  if (!found) return null;
  const at = found.nodeValue?.toLowerCase().indexOf(first) ?? 0;
  const range = document.createRange();
  range.setStart(found, at);
  // A letter may be longer in capitals than not: never beyond the text.
  range.setEnd(found, Math.min(at + first.length, found.nodeValue?.length ?? 0));
  return range;
}
