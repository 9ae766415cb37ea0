// Markdown read into blocks that are shown as text: nothing in them is ever interpreted as HTML, and nothing is left out.
import { Lexer, type Token, type Tokens } from "marked";

export type Inline =
  | { kind: "text" | "code"; text: string }
  | { kind: "strong" | "em" | "del"; inside: Inline[] }
  /** `address` is null where the words are the address. */
  | { kind: "link"; inside: Inline[]; address: string | null }
  | { kind: "image"; alt: string; address: string };

export type Align = "left" | "center" | "right" | null;

export interface Item {
  /** Whether a box before it is ticked; null where it has none. */
  done: boolean | null;
  blocks: Block[];
}

export type Block =
  | { kind: "paragraph"; inside: Inline[] }
  | { kind: "heading"; level: number; inside: Inline[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "quote"; blocks: Block[] }
  /** `start` is null for bullets. */
  | { kind: "list"; start: number | null; items: Item[] }
  | { kind: "table"; align: Align[]; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" };

/** What is nested deeper is shown as it was written: no honest text needs it. */
const DEPTH_MAX = 12;

/** Null where the text is nested too deeply to be read. */
export function readMarkdown(text: string): Block[] | null {
  try {
    return blocks(new Lexer({ gfm: true }).lex(text), 0);
  } catch {
    // The reader calls itself at each level, and a hostile text has thousands.
    return null;
  }
}

function blocks(tokens: Token[], depth: number): Block[] {
  return tokens.flatMap((token) => block(token, depth));
}

function block(token: Token, depth: number): Block[] {
  if (depth > DEPTH_MAX) return written(token.raw);
  switch (token.type) {
    case "space":
      return [];
    case "heading": {
      const { depth: level, tokens } = token as Tokens.Heading;
      return [{ kind: "heading", level, inside: inlines(tokens, depth) }];
    }
    case "paragraph":
    case "text": {
      const { tokens, raw } = token as Tokens.Text;
      return tokens ? [{ kind: "paragraph", inside: inlines(tokens, depth) }] : written(raw);
    }
    case "code": {
      const { lang = "", text } = token as Tokens.Code;
      return [{ kind: "code", language: lang, text }];
    }
    case "blockquote":
      return [{ kind: "quote", blocks: blocks((token as Tokens.Blockquote).tokens, depth + 1) }];
    case "list":
      return [list(token as Tokens.List, depth)];
    case "table": {
      const { header, align, rows } = token as Tokens.Table;
      const cells = (row: Tokens.TableCell[]) => row.map((cell) => inlines(cell.tokens, depth));
      return [{ kind: "table", align, head: cells(header), rows: rows.map(cells) }];
    }
    case "hr":
      return [{ kind: "rule" }];
    case "checkbox":
      return [];
    default:
      // HTML, definitions of links, and whatever else there is: as it was written.
      return written(token.raw);
  }
}

function written(raw: string): Block[] {
  const text = raw.replace(/^\n+|\s+$/g, "");
  return text === "" ? [] : [{ kind: "paragraph", inside: [{ kind: "text", text }] }];
}

function list({ ordered, start, items }: Tokens.List, depth: number): Block {
  return {
    kind: "list",
    start: ordered ? Number(start) || 0 : null,
    items: items.map((item) => ({
      done: item.task ? item.checked === true : null,
      blocks: blocks(item.tokens, depth + 1),
    })),
  };
}

function inlines(tokens: Token[], depth: number): Inline[] {
  return tokens.map((token) => inline(token, depth + 1));
}

function inline(token: Token, depth: number): Inline {
  const asWritten: Inline = { kind: "text", text: token.raw };
  if (depth > DEPTH_MAX * 2) return asWritten;
  switch (token.type) {
    case "escape":
      return { kind: "text", text: (token as Tokens.Escape).text };
    case "br":
      return { kind: "text", text: "\n" };
    case "codespan":
      return { kind: "code", text: (token as Tokens.Codespan).text };
    case "strong":
    case "em":
    case "del":
      return { kind: token.type, inside: inlines((token as Tokens.Strong).tokens, depth) };
    case "link": {
      const { href, title, text, tokens } = token as Tokens.Link;
      const same = href.replace(/^(https?:\/\/|mailto:)/, "") === text.replace(/^https?:\/\//, "");
      const address = title ? `${href} “${title}”` : href;
      return {
        kind: "link",
        inside: inlines(tokens, depth),
        address: same && !title ? null : address,
      };
    }
    case "image": {
      const { href, text } = token as Tokens.Image;
      return { kind: "image", alt: text, address: href };
    }
    default:
      return asWritten;
  }
}
