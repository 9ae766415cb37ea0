// What the pieces of a request are called, and their tones: a total record, so that none is without a face.
import type { PieceKind } from "@/api/types";

interface Face {
  /** The part as a whole. */
  part: string;
  /** One piece of it. */
  one: string;
  tone: string;
}

export const FACES: Record<PieceKind, Face> = {
  tools: { part: "Tools", one: "Tool", tone: "bg-violet" },
  system: { part: "System prompt", one: "System prompt, part", tone: "bg-info" },
  user: { part: "User's turns", one: "Turn", tone: "bg-ok" },
  assistant: { part: "Model's turns", one: "Turn", tone: "bg-warn" },
  tool_results: { part: "Tool results", one: "Turn", tone: "bg-accent" },
  other: { part: "Other turns", one: "Turn", tone: "bg-idle" },
  rest: { part: "Parameters", one: "Parameters", tone: "bg-line-strong" },
};
