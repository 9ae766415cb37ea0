// Where a request sets its cache marks, in the order in which a model reads: tools, system prompt, turns.
import type { Conversation, Part, Tool } from "./conversation";

export interface CacheMark {
  /** As people count, from 1. */
  place: { of: "tools" | "system" | "turns"; number: number };
  /** What stands there: a tool's name, or whose turn it is. */
  name: string | null;
  /** How long it is kept, as the request says it. */
  ttl: string;
  /** The share of the request's text up to and with the mark, from 0 to 1. */
  share: number;
}

interface Piece {
  place: CacheMark["place"];
  name: string | null;
  size: number;
  ttl: string | undefined;
}

export function cacheMarks(conversation: Conversation): CacheMark[] {
  const read = pieces(conversation);
  const whole = read.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  return read.flatMap(({ place, name, size, ttl }) => {
    before += size;
    return ttl === undefined ? [] : [{ place, name, ttl, share: whole > 0 ? before / whole : 0 }];
  });
}

function pieces({ tools, system, turns }: Conversation): Piece[] {
  return [
    ...tools.map((tool, at) => ({
      place: { of: "tools" as const, number: at + 1 },
      name: tool.name,
      size: toolSize(tool),
      ttl: tool.cache,
    })),
    ...system.map((part, at) => ({
      place: { of: "system" as const, number: at + 1 },
      name: null,
      size: partSize(part),
      ttl: ttlOf(part),
    })),
    ...turns.flatMap(({ role, parts }, at) =>
      parts.map((part) => ({
        place: { of: "turns" as const, number: at + 1 },
        name: role,
        size: partSize(part),
        ttl: ttlOf(part),
      })),
    ),
  ];
}

function ttlOf(part: Part): string | undefined {
  return "cache" in part ? part.cache : undefined;
}

function toolSize({ name, description, schema }: Tool): number {
  return name.length + (description?.length ?? 0) + jsonSize(schema);
}

function partSize(part: Part): number {
  switch (part.kind) {
    case "text":
    case "thinking":
      return part.text.length;
    case "tool_use":
      return part.name.length + (part.raw?.length ?? jsonSize(part.input));
    case "tool_result":
      return part.parts.reduce((sum, each) => sum + partSize(each), 0);
    case "media":
      // What an image is read as is not its bytes; it is the provider's secret.
      return 0;
    default:
      return jsonSize(part.json);
  }
}

function jsonSize(value: unknown): number {
  return value === undefined ? 0 : (JSON.stringify(value)?.length ?? 0);
}
