// What a request is made of, part by part: their names, their size in the unit that is known, their order.
import type { Context } from "@/api/types";

/** What a kind is told apart by: each has a colour of its own. */
export type PartTone =
  | "system"
  | "memory"
  | "tools"
  | "calls"
  | "results"
  | "images"
  | "prompts"
  | "answers"
  | "thinking"
  | "rest";

interface Face {
  name: string;
  tone: PartTone;
}

const FACES: Record<string, Face> = {
  system: { name: "System prompt", tone: "system" },
  memory: { name: "Memory", tone: "memory" },
  tools: { name: "Tools", tone: "tools" },
  tool_calls: { name: "Tool calls", tone: "calls" },
  tool_results: { name: "Tool results", tone: "results" },
  images: { name: "Images", tone: "images" },
  prompts: { name: "Prompts", tone: "prompts" },
  answers: { name: "Answers", tone: "answers" },
  thinking: { name: "Thinking", tone: "thinking" },
  rest: { name: "Rest", tone: "rest" },
};

export interface ContextPart extends Face {
  key: string;
  /** The server whose tools these are. */
  server: string | null;
  pieces: number;
  bytes: number;
  tokens: number | null;
  /** Of the whole, from 0 to 1; by tokens, or by bytes where those are not known. */
  share: number;
}

/** The largest first. A part of a kind that this page does not know has the word it came with. */
export function partsOf({ items }: Pick<Context, "items">): ContextPart[] {
  const byTokens = items.every(({ tokens }) => tokens !== null);
  const size = (item: (typeof items)[number]) => (byTokens ? (item.tokens ?? 0) : item.bytes);
  const whole = items.reduce((sum, item) => sum + size(item), 0);
  return items
    .map((item) => ({
      ...(FACES[item.kind] ?? { name: item.kind, tone: "rest" as const }),
      key: `${item.kind} ${item.server ?? ""}`,
      server: item.server,
      pieces: item.count,
      bytes: item.bytes,
      tokens: item.tokens,
      share: whole > 0 ? size(item) / whole : 0,
    }))
    .sort((one, other) => other.share - one.share);
}
