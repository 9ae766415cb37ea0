// JSON as text, also of what is nested so deeply that the built-in writer gives up or its indents fill memory.

/** Levels that are laid out; what is deeper is written in one line. */
const DEEPEST = 200;

/** Laid out for reading; in one line, as it was sent, when it is nested too deeply for that. */
export function laidOut(value: unknown): string {
  return isDeep(value) ? flat(value) : (JSON.stringify(value, null, 2) ?? "undefined");
}

/** In one line. */
export function compact(value: unknown): string {
  return isDeep(value) ? flat(value) : (JSON.stringify(value) ?? "");
}

/** Whether a value has more levels than are laid out. */
export function isDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    level = level.flatMap((one) =>
      typeof one === "object" && one !== null ? Object.values(one) : [],
    );
  }
  return false;
}

/** A piece of text that is ready, or a value that is still to be written. */
type Piece = { text: string } | { value: unknown };

/** Written without recursion. */
function flat(value: unknown): string {
  const parts: string[] = [];
  const open: Piece[] = [{ value }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if ("text" in next) parts.push(next.text);
    else if (typeof next.value !== "object" || next.value === null) {
      parts.push(JSON.stringify(next.value) ?? "null");
    } else {
      const isList = Array.isArray(next.value);
      const pieces: Piece[] = [{ text: isList ? "[" : "{" }];
      for (const [at, [name, member]] of Object.entries(next.value).entries()) {
        const comma = at > 0 ? "," : "";
        pieces.push({ text: isList ? comma : `${comma}${JSON.stringify(name)}:` });
        pieces.push({ value: member });
      }
      pieces.push({ text: isList ? "]" : "}" });
      for (const piece of pieces.reverse()) open.push(piece);
    }
  }
  return parts.join("");
}
