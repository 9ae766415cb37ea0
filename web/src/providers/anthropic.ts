// Anthropic Messages: reads a request's body as a conversation (source: the Messages API reference).
import { readJson } from "@/lib/partialJson";
import type { Assembler, Conversation, Part, ProviderView, Tool, Turn } from "./conversation";
import { isObject, type Json, list, settings, text } from "./read";
import { readServerResult } from "./serverTools";

/** Parts nested deeper than a tool's result holds are shown as JSON. */
const NESTING_MAX = 3;

const SETTINGS = [
  "model",
  "max_tokens",
  "stream",
  "temperature",
  "top_p",
  "top_k",
  "thinking",
  "tool_choice",
  "stop_sequences",
  "service_tier",
  "output_config",
  "context_management",
];

export const anthropic: ProviderView = {
  id: "anthropic",
  label: "Anthropic",
  eventTypes: [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
    "error",
  ],
  request: (_path, body) => readRequest(body),
  assembler: () => new AnthropicAssembler(),
};

export function readRequest(body: string): Conversation | null {
  const { value, cut } = readJson(body);
  if (!isObject(value)) return null;
  const hasMessages = Array.isArray(value["messages"]);
  if (!hasMessages && value["system"] === undefined && value["model"] === undefined) return null;
  const names = new Map<string, string>();
  return {
    system: readContent(value["system"], names, 0),
    tools: list(value["tools"]).map(readTool),
    turns: list(value["messages"]).map((message) => readTurn(message, names)),
    settings: settings(value, SETTINGS),
    cut,
  };
}

function readTurn(message: unknown, names: Map<string, string>): Turn {
  if (!isObject(message))
    return { role: "?", parts: [{ kind: "other", type: "message", json: message }] };
  return {
    role: text(message["role"]) ?? "?",
    parts: readContent(message["content"], names, 0),
  };
}

function readContent(content: unknown, names: Map<string, string>, depth: number): Part[] {
  if (content === undefined || content === null) return [];
  if (typeof content === "string") return [{ kind: "text", text: content }];
  if (!Array.isArray(content)) return [{ kind: "other", type: "content", json: content }];
  return content.map((part: unknown) => readPart(part, names, depth));
}

function readPart(part: unknown, names: Map<string, string>, depth: number): Part {
  if (typeof part === "string") return { kind: "text", text: part };
  if (!isObject(part)) return { kind: "other", type: "?", json: part };
  const type = text(part["type"]) ?? "?";
  const cache = readCache(part);
  const other: Part = { kind: "other", type, json: part };
  switch (type) {
    case "text":
      return typeof part["text"] === "string"
        ? { kind: "text", text: part["text"], ...cache }
        : other;
    case "thinking":
      return typeof part["thinking"] === "string"
        ? { kind: "thinking", text: part["thinking"] }
        : other;
    case "redacted_thinking":
      return { kind: "thinking", text: "", note: "withheld by the provider" };
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use": {
      const id = text(part["id"]) ?? "";
      const name = text(part["name"]) ?? "?";
      names.set(id, name);
      const use: Part = { kind: "tool_use", id, name, input: part["input"] };
      if (type === "tool_use") return use;
      const server = text(part["server_name"]);
      return { ...use, ranAt: "provider", ...(server ? { server } : {}) };
    }
    case "tool_result": {
      const id = text(part["tool_use_id"]) ?? "";
      const parts =
        depth < NESTING_MAX
          ? readContent(part["content"], names, depth + 1)
          : [{ kind: "other", type: "content", json: part["content"] } as const];
      return {
        kind: "tool_result",
        id,
        name: names.get(id) ?? null,
        error: part["is_error"] === true,
        parts,
        ...cache,
      };
    }
    case "image":
    case "document":
      return readMedia(type, part);
    default: {
      const id = text(part["tool_use_id"]) ?? "";
      const call = { id, name: names.get(id) ?? null, failed: part["is_error"] === true };
      return readServerResult(type, part["content"], call) ?? other;
    }
  }
}

function readMedia(type: string, part: Json): Part {
  const source = isObject(part["source"]) ? part["source"] : {};
  const data = text(source["data"]);
  const from = text(source["type"]);
  const base64 =
    from === "base64" && data !== null && /^[A-Za-z0-9+/=\s]+$/.test(data.slice(0, 256));
  const note =
    text(source["url"]) ?? text(source["file_id"]) ?? (base64 ? null : data?.slice(0, 200));
  return {
    kind: "media",
    what: type,
    mediaType: text(source["media_type"]),
    bytes: base64 && data !== null ? Math.floor((data.length * 3) / 4) : null,
    ...(note ? { note } : {}),
  };
}

function readTool(tool: unknown): Tool {
  if (!isObject(tool)) return { name: "?", description: null, schema: tool };
  return {
    name: text(tool["name"]) ?? text(tool["type"]) ?? "?",
    description: text(tool["description"]),
    schema: tool["input_schema"] ?? tool,
    ...readCache(tool),
  };
}

function readCache(part: Json): { cache?: string } {
  const control = part["cache_control"];
  if (!isObject(control)) return {};
  return { cache: text(control["ttl"]) ?? "5m" };
}

class AnthropicAssembler implements Assembler {
  private found = new Map<
    number,
    { kind: "text" | "thinking" | "tool_input"; parts: string[]; name?: string }
  >();

  event(type: string, data: string): void {
    if (type !== "content_block_start" && type !== "content_block_delta") return;
    const { value } = readJson(data);
    if (!isObject(value) || typeof value["index"] !== "number") return;
    const index = value["index"];
    if (type === "content_block_start") {
      const block = isObject(value["content_block"]) ? value["content_block"] : {};
      const kind = block["type"];
      const name = text(block["name"]);
      if (kind === "text") this.found.set(index, { kind: "text", parts: [] });
      else if (kind === "thinking") this.found.set(index, { kind: "thinking", parts: [] });
      else if (name !== null) this.found.set(index, { kind: "tool_input", parts: [], name });
      return;
    }
    const delta = isObject(value["delta"]) ? value["delta"] : {};
    this.add(index, "text", delta["text"]);
    this.add(index, "thinking", delta["thinking"]);
    this.add(index, "tool_input", delta["partial_json"]);
  }

  blocks() {
    return [...this.found].map(([block, { kind, parts, name }]) => ({
      block,
      kind,
      text: parts.join(""),
      ...(name === undefined ? {} : { name }),
    }));
  }

  private add(index: number, kind: "text" | "thinking" | "tool_input", piece: unknown): void {
    if (typeof piece !== "string") return;
    const known = this.found.get(index);
    if (known) known.parts.push(piece);
    else this.found.set(index, { kind, parts: [piece] });
  }
}
