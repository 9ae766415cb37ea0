// Makes what travelled on the wire safe to look at: control and direction characters become visible.

/** Direction marks and overrides can make text read differently from what it says; the controls met most have names. */
const NAMES: Record<string, string> = {
  "\u0000": "NUL",
  "\u0007": "BEL",
  "\u0008": "BS",
  "\u000d": "CR",
  "\u001b": "ESC",
  "\u007f": "DEL",
  "\u200b": "ZWSP",
  "\u061c": "ALM",
  "\u200e": "LRM",
  "\u200f": "RLM",
  "\u202a": "LRE",
  "\u202b": "RLE",
  "\u202c": "PDF",
  "\u202d": "LRO",
  "\u202e": "RLO",
  "\u2066": "LRI",
  "\u2067": "RLI",
  "\u2068": "FSI",
  "\u2069": "PDI",
};

const INVISIBLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu;

/** The text with every control, direction and invisible character written out; newlines and tabs stay. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(INVISIBLE, spell);
}

/** The same on one line, cut at `limit` characters, for tables. */
export function oneLine(text: string, limit = 240): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return visible(cut).replace(/\s+/g, " ").trim();
}

function spell(character: string): string {
  const name = NAMES[character];
  if (name) return `⟨${name}⟩`;
  const code = character.codePointAt(0) ?? 0;
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** What the redactor leaves in the place of a secret, such as `[redacted:anthropic_key]`. */
export const REDACTED = /[[«‹⟨<]\s*redacted\b[^\]»›⟩>\n]{0,80}[\]»›⟩>]/i;
