// Where the words of a search stand in a conversation, so that a hit is opened at its place.
import type { Snippet } from "@/api/types";
import type { Conversation, Part } from "@/providers/conversation";

/** What an address says of a hit: the words, some of the text around them, and where that stood. */
export interface Hit {
  hit: string;
  around?: string;
  place?: string;
  /** The other words that were found beside the first, with blanks between. */
  words?: string;
}

/** Characters of the surroundings that are named; enough to tell one place from another. */
const BEFORE = 40;
const BEHIND = 80;
/** An address may hold anything; longer than this it is nobody's hit. */
const HIT_MAX = 400;

export function hitOf({ text, highlights, place }: Snippet): Hit | null {
  const first = highlights[0];
  if (first === undefined) return null;
  const points = Array.from(text);
  const around = points.slice(Math.max(0, first.start - BEFORE), first.end + BEHIND).join("");
  const found = highlights.map(({ start, end }) => points.slice(start, end).join(""));
  const [hit = "", ...others] = new Set(found.map((word) => word.slice(0, HIT_MAX)));
  const words = others.join(" ").slice(0, HIT_MAX);
  return { hit, around, place, ...(words ? { words } : {}) };
}

export function readHit(search: Record<string, unknown>): Partial<Hit> {
  const word = (name: string) => {
    const value = search[name];
    return typeof value === "string" && value !== "" && value.length <= HIT_MAX ? value : undefined;
  };
  const hit = word("hit");
  if (hit === undefined) return {};
  const around = word("around");
  const place = word("place");
  const words = word("words");
  return {
    hit,
    ...(around ? { around } : {}),
    ...(place ? { place } : {}),
    ...(words ? { words } : {}),
  };
}

/** A text of a part, with where the words stand in it. */
export interface Located {
  part: Part;
  text: string;
  start: number;
  end: number;
  /** The turn of the request, or in what else it stands. */
  turn: number | "system" | "answer";
  /** The other words that were looked for. */
  words: readonly string[];
}

/** Characters of one text that are looked through. */
const TEXT_MAX = 2_000_000;

/** Null where the words are not in what is kept of the conversation. */
export function locate(
  conversation: Conversation | null,
  answer: readonly Part[],
  hit: Hit,
): Located | null {
  const asked = (conversation?.turns ?? [])
    .map(({ parts }, turn) => ({ turn, parts }) as const)
    // What is new in a request stands at its end, and that is what is found.
    .reverse();
  const answered = { turn: "answer", parts: answer } as const;
  const system = { turn: "system", parts: conversation?.system ?? [] } as const;
  const said = hit.place === "prompt" || hit.place === "tool_result";
  const places = said ? [...asked, answered, system] : [answered, ...asked, system];
  const patterns = [
    hit.around === undefined ? null : pattern(hit.hit, hit.around),
    pattern(hit.hit, undefined, true),
    // What was found may be the beginning of a word.
    pattern(hit.hit, undefined),
  ];
  for (const sought of patterns) {
    if (sought === null) continue;
    for (const { turn, parts } of places) {
      for (const part of parts.flatMap(inside)) {
        const text = textOf(part).slice(0, TEXT_MAX);
        const [start, end] = sought.exec(text)?.indices?.[1] ?? [];
        if (start === undefined || end === undefined) continue;
        const words = (hit.words ?? "").split(" ").filter(Boolean);
        return { part, text, turn, words, start, end };
      }
    }
  }
  return null;
}

/** A part, or what a tool's result is made of. */
function inside(part: Part): Part[] {
  return part.kind === "tool_result" ? part.parts.flatMap(inside) : [part];
}

/** Whether a part is another, or holds it. */
export function holds(part: Part, other: Part): boolean {
  return inside(part).includes(other);
}

/** What of a part can be found: that of a call is the words of its input. */
function textOf(part: Part): string {
  switch (part.kind) {
    case "text":
    case "thinking":
      return part.text;
    case "tool_use":
      return part.input === null || part.input === undefined
        ? (part.raw ?? "")
        : leaves(part.input).join("\n");
    case "other":
      return leaves(part.json).join("\n");
    default:
      return "";
  }
}

/** Every value of a JSON value after its name, without recursion: a hostile one is nested thousands deep. */
function leaves(value: unknown): string[] {
  const found: string[] = [];
  const open: [name: string, value: unknown][] = [["", value]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [name, value] = next;
    if (typeof value === "object" && value !== null) {
      const isList = Array.isArray(value);
      const members = Object.entries(value).map(([key, member]): [string, unknown] => [
        isList ? name : key,
        member,
      ]);
      open.push(...members.reverse());
    } else if (value !== null)
      found.push(name === "" ? String(value) : `${name}: ${String(value)}`);
  }
  return found;
}

/** What is neither letter nor digit: a snippet is in one line, and a text may be laid out in any way. */
const BETWEEN = "[^\\p{L}\\p{N}]";

const WORD = /[\p{L}\p{N}]+/gu;

/**
 * Finds the words with what stands around them, by their letters, or without, `apart` from other letters; the words
 * are its group. Null where they have none.
 */
function pattern(hit: string, around: string | undefined, apart = false): RegExp | null {
  const words = hit.match(WORD);
  if (words === null || around === "") return null;
  const said = words.join(`${BETWEEN}*`);
  if (around === undefined) {
    const [before, behind] = apart ? ["(?<![\\p{L}\\p{N}])", "(?![\\p{L}\\p{N}])"] : ["", ""];
    return new RegExp(`${before}(${said})${behind}`, "dui");
  }
  const at = standing(hit, around);
  if (at === null) return null;
  // At the ends words may be cut.
  const before = around.slice(0, at.start).match(WORD) ?? [];
  const behind = around.slice(at.end).match(WORD) ?? [];
  const parts = [...before, `(${said})`, ...behind];
  return new RegExp(parts.join(`${BETWEEN}*`), "dui");
}

/** Where the words stand in what is around them: as words of their own, if they do so anywhere. */
function standing(hit: string, around: string): { start: number; end: number } | null {
  const [first] = standings(around, [hit]);
  if (first) return first;
  const start = around.toLowerCase().indexOf(hit.toLowerCase());
  return start < 0 ? null : { start, end: start + hit.length };
}

/** Words of a search that are looked for. */
const WORDS_MAX = 20;

/** Where any of `words` stands in a text as a word of its own, in order and apart. */
export function standings(
  text: string,
  words: readonly string[],
): { start: number; end: number }[] {
  const known = words
    .slice(0, WORDS_MAX)
    .map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  if (known.length === 0) return [];
  const any = new RegExp(`(?<![\\p{L}\\p{N}])(?:${known.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  return [...text.matchAll(any)].map(({ 0: word, index }) => ({
    start: index,
    end: index + word.length,
  }));
}
