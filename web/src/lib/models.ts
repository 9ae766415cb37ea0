// Models in little room: the first ones by name, how many others there are, and all of them to look up.
import { plural } from "./format";
import { oneLine } from "./hostile";

export interface ModelWords {
  text: string;
  /** All of them, where there is more than one. */
  title: string | undefined;
}

/** Those that a short list names; the others are counted. */
const LISTED = 2;

export interface ModelList extends ModelWords {
  /** How many more there are. */
  more: number;
}

/** The first of a list of models by their short names; their own names can be looked up. */
export function modelList(names: readonly string[]): ModelList {
  const clean = names.map((name) => oneLine(name, 60));
  // Two names of one model, as its alias and its dated name are, are told as one.
  const short = [...new Set(clean.map(shortModel))];
  const told = short.slice(0, LISTED).join(", ");
  const more = Math.max(0, short.length - LISTED);
  const [only = ""] = clean;
  if (clean.length > 1) {
    return { text: told, more, title: `${plural(clean.length, "model")}: ${clean.join(", ")}` };
  }
  return { text: told, more, title: told === only ? undefined : only };
}

/** A Claude model as people say it, `Opus 4.5`; any other as it is called. */
export function shortModel(name: string): string {
  const found =
    /^claude-(?<family>[a-z]+)-(?<major>\d{1,2})(?:-(?<minor>\d{1,2}))?(?:-\d{8})?$/.exec(name) ??
    /^claude-(?<major>\d{1,2})(?:-(?<minor>\d{1,2}))?-(?<family>[a-z]+)(?:-\d{8})?$/.exec(name);
  const { family = "", major, minor } = found?.groups ?? {};
  if (!found) return name;
  return `${family.charAt(0).toUpperCase()}${family.slice(1)} ${minor ? `${major}.${minor}` : major}`;
}

/** Of models named once each, the one that matters most first; of none it says nothing. */
export function modelWords(names: readonly string[]): ModelWords {
  const [first = "", ...others] = names.map((name) => oneLine(name, 60));
  if (others.length === 0) return { text: first, title: undefined };
  return {
    text: `${first} and ${others.length} more`,
    title: `${plural(names.length, "model")}: ${[first, ...others].join(", ")}`,
  };
}
