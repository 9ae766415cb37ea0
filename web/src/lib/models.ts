// Models in little room: the first by name, how many others there are, and all of them to look up.
import { plural } from "./format";
import { oneLine } from "./hostile";

export interface ModelWords {
  text: string;
  /** All of them, where there is more than one. */
  title: string | undefined;
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
