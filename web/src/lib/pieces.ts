// Pieces of a request, of which a comparison tells the beginnings: what they say, and each whole from its body.
import type { PieceKind } from "@/api/types";
import { callWords } from "./callWords";
import { readJson } from "./partialJson";
import { plainLine } from "./plain";

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What the beginning of a piece says, without the JSON around it. */
export function pieceWords(kind: PieceKind, text: string, limit = 200): string {
  const { value } = readJson(text);
  if (kind === "tools" && isObject(value)) {
    const tool = [value["function"], value["toolSpec"], value].find(isObject) ?? value;
    const { name, description } = tool;
    const told = [name, description].filter((each) => typeof each === "string");
    if (told.length > 0) return plainLine(told.join(": "), limit);
  }
  const said = kind === "rest" ? "" : words(value, 0);
  return plainLine(said || text, limit);
}

/** Levels at which words are looked for: contents stand in blocks, in messages. */
const DEEPEST = 5;

function words(value: unknown, depth: number): string {
  if (typeof value === "string") return value;
  if (depth > DEEPEST) return "";
  if (Array.isArray(value)) {
    return value
      .map((each) => words(each, depth + 1))
      .filter(Boolean)
      .join(" ");
  }
  if (!isObject(value)) return "";
  const { name, type } = value;
  const input = value["input"] ?? value["arguments"] ?? value["args"];
  if (typeof name === "string" && input !== undefined) {
    const read = typeof input === "string" ? readJson(input).value : input;
    return `${name} ${callWords(name, read ?? input)}`;
  }
  for (const member of [
    "text",
    "thinking",
    "content",
    "parts",
    "output",
    "functionCall",
    "toolUse",
  ]) {
    const found = words(value[member], depth + 1);
    if (found !== "") return found;
  }
  return typeof name === "string" ? name : typeof type === "string" ? `[${type}]` : "";
}

export interface WholePiece {
  value: unknown;
  /** The member of the request that has it in a list; null for what is in none. */
  list: "messages" | "input" | "contents" | null;
}

/** Null where the body has no such piece, as when it was cut, or is put together in another way. */
export function wholePiece(
  body: string,
  { kind, position, text }: { kind: PieceKind; position: number; text: string },
): WholePiece | null {
  const { value: request } = readJson(body);
  if (!isObject(request) || kind === "rest") return null;
  const begun = readJson(text).value;
  if (kind === "tools" || kind === "system") {
    const held = kind === "tools" ? request["tools"] : request["system"];
    const value = (Array.isArray(held) ? held : [held])[position];
    return value !== undefined && isSame(value, begun) ? { value, list: null } : null;
  }
  for (const list of ["messages", "input", "contents"] as const) {
    const held = request[list];
    const value = Array.isArray(held) ? held[position] : undefined;
    if (value !== undefined) return isSame(value, begun) ? { value, list } : null;
  }
  return null;
}

/** Whether a value may be what begins so. */
function isSame(value: unknown, begun: unknown): boolean {
  if (!isObject(value) || !isObject(begun)) return typeof value === typeof begun;
  return ["role", "type", "name"].every(
    (name) =>
      begun[name] === undefined ||
      typeof begun[name] === "object" ||
      String(value[name]).startsWith(String(begun[name])),
  );
}
