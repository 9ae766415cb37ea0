// A tool's result by itself as the parts of a turn, whichever provider's request it stood in.
import type { Part } from "./conversation";
import { base64Bytes, isObject, text, written } from "./read";
import { dialectView } from "./registry";

/** Parts of contents as OpenAI names them; the other providers' are as Anthropic's. */
const OPENAI = /^(input|output)_|^image_url$/;

/** Null where the value is no content, but a value of the tool's own. */
export function resultParts(value: unknown): Part[] | null {
  if (typeof value === "string") return [{ kind: "text", text: value }];
  const items = Array.isArray(value) ? value : [value];
  if (items.length === 0 || !items.every(isContent)) return null;
  return items.flatMap((item) => {
    const media = mcpMedia(item);
    if (media) return [media];
    const type = isObject(item) ? (text(item["type"]) ?? "") : "";
    const message = { role: "user", content: [item] };
    const [dialect, path, body] = OPENAI.test(type)
      ? (["openai", "/v1/responses", { input: [{ type: "message", ...message }] }] as const)
      : (["anthropic", "/v1/messages", { messages: [message] }] as const);
    const turns = dialectView(dialect)?.request(path, written(body))?.turns ?? [];
    return turns.flatMap(({ parts }) => parts);
  });
}

function isContent(item: unknown): boolean {
  return typeof item === "string" || (isObject(item) && typeof item["type"] === "string");
}

/** An image as an MCP server gives it: its data beside its type (source: Model Context Protocol, tool results). */
function mcpMedia(item: unknown): Part | null {
  if (!isObject(item)) return null;
  const { type, data, mimeType } = item;
  if ((type !== "image" && type !== "audio") || typeof data !== "string") return null;
  return { kind: "media", what: type, mediaType: text(mimeType), bytes: base64Bytes(data) };
}
