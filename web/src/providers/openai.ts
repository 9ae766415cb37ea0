// OpenAI's Chat Completions and Responses, read as conversations (source: the two APIs' references).
import { readJson } from "@/lib/partialJson";
import type { Assembler, Conversation, Part, ProviderView, Tool, Turn } from "./conversation";
import { isObject, type Json, list, settings, text } from "./read";

const SETTINGS = [
  "model",
  "max_tokens",
  "max_completion_tokens",
  "max_output_tokens",
  "stream",
  "temperature",
  "top_p",
  "reasoning",
  "reasoning_effort",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "text",
  "store",
  "previous_response_id",
  "prompt_cache_key",
  "service_tier",
  "generate",
];

export const openai: ProviderView = {
  id: "openai",
  label: "OpenAI",
  eventTypes: [
    "chat.completion.chunk",
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.reasoning_summary_text.delta",
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
    "response.output_item.done",
    "response.completed",
    "error",
    "[DONE]",
  ],
  request: (_path, body) => readRequest(body),
  assembler: () => new OpenAiAssembler(),
};

export function readRequest(body: string): Conversation | null {
  const { value, cut } = readJson(body);
  if (!isObject(value)) return null;
  const conversation: Conversation = {
    system: [],
    tools: list(value["tools"]).flatMap(readTools),
    turns: [],
    settings: settings(value, SETTINGS),
    cut,
  };
  const instructions = text(value["instructions"]);
  if (instructions) conversation.system.push({ kind: "text", text: instructions });
  const names = new Map<string, string>();
  if (Array.isArray(value["messages"])) {
    for (const message of value["messages"]) readMessage(message, names, conversation);
  } else if (typeof value["input"] === "string") {
    conversation.turns.push({ role: "user", parts: [{ kind: "text", text: value["input"] }] });
  } else if (Array.isArray(value["input"])) {
    for (const item of value["input"]) readItem(item, names, conversation);
  } else if (value["model"] === undefined) {
    return null;
  }
  return conversation;
}

/** Adds parts to the last turn when it is of the same role: an item is not a turn. */
function say(turns: Turn[], role: string, parts: Part[]): void {
  const last = turns.at(-1);
  if (last?.role === role) last.parts.push(...parts);
  else if (parts.length > 0) turns.push({ role, parts });
}

function readMessage(message: unknown, names: Map<string, string>, into: Conversation): void {
  if (!isObject(message)) {
    into.turns.push({ role: "?", parts: [{ kind: "other", type: "message", json: message }] });
    return;
  }
  const role = text(message["role"]) ?? "?";
  const said = readContent(message["content"]);
  if (role === "system" || role === "developer") {
    into.system.push(...said);
    return;
  }
  if (role === "tool" || role === "function") {
    const id = text(message["tool_call_id"]) ?? "";
    const name = names.get(id) ?? text(message["name"]);
    say(into.turns, "user", [{ kind: "tool_result", id, name, error: false, parts: said }]);
    return;
  }
  const reasoning = text(message["reasoning_content"]) ?? text(message["reasoning"]);
  const parts: Part[] = reasoning ? [{ kind: "thinking", text: reasoning }] : [];
  parts.push(...said);
  const refusal = text(message["refusal"]);
  if (refusal) parts.push({ kind: "text", text: refusal });
  for (const call of list(message["tool_calls"])) {
    if (!isObject(call)) continue;
    const body = [call["function"], call["custom"]].find(isObject) ?? {};
    const id = text(call["id"]) ?? "";
    parts.push(toolUse(id, text(body["name"]), body["arguments"] ?? body["input"], names));
  }
  into.turns.push({ role, parts });
}

function readItem(item: unknown, names: Map<string, string>, into: Conversation): void {
  const { turns } = into;
  if (!isObject(item)) {
    turns.push({ role: "?", parts: [{ kind: "other", type: "item", json: item }] });
    return;
  }
  const type = text(item["type"]) ?? "message";
  const id = text(item["call_id"]) ?? text(item["id"]) ?? "";
  switch (type) {
    case "message":
      readMessage(item, names, into);
      return;
    case "additional_tools":
      into.tools.push(...list(item["tools"]).flatMap(readTools));
      return;
    case "reasoning": {
      const told = [...list(item["summary"]), ...list(item["content"])];
      const words = told.map((part) => (isObject(part) ? (text(part["text"]) ?? "") : ""));
      const thought = words.filter(Boolean).join("\n\n");
      const sealed = thought ? {} : { note: "withheld by the provider" };
      say(turns, "assistant", [{ kind: "thinking", text: thought, ...sealed }]);
      return;
    }
    case "function_call":
    case "custom_tool_call": {
      const input = item["arguments"] ?? item["input"];
      say(turns, "assistant", [toolUse(id, text(item["name"]), input, names)]);
      return;
    }
    default:
      break;
  }
  if (type.endsWith("_output")) {
    const parts = readContent(item["output"]);
    say(turns, "user", [
      { kind: "tool_result", id, name: names.get(id) ?? null, error: false, parts },
    ]);
  } else if (type.endsWith("_call")) {
    const name = text(item["name"]) ?? type.slice(0, -"_call".length);
    const input = item["action"] ?? item["arguments"] ?? item["queries"] ?? item["code"];
    const call = toolUse(id, name, input, names);
    const server = text(item["server_label"]);
    const run = { ranAt: "provider", ...(server ? { server } : {}) } as const;
    say(turns, "assistant", [call.kind === "tool_use" ? { ...call, ...run } : call]);
  } else {
    say(turns, "assistant", [{ kind: "other", type, json: item }]);
  }
}

function toolUse(
  id: string,
  name: string | null,
  input: unknown,
  names: Map<string, string>,
): Part {
  names.set(id, name ?? "?");
  const use = { kind: "tool_use", id, name: name ?? "?" } as const;
  if (typeof input !== "string") return { ...use, input };
  const { value, cut } = readJson(input);
  // Custom tools take free text.
  return isObject(value) && !cut
    ? { ...use, input: value }
    : { ...use, input: undefined, raw: input, whole: true };
}

function readContent(content: unknown): Part[] {
  if (content === undefined || content === null) return [];
  if (typeof content === "string") return content ? [{ kind: "text", text: content }] : [];
  if (!Array.isArray(content)) return [{ kind: "other", type: "content", json: content }];
  return content.map(readPart);
}

function readPart(part: unknown): Part {
  if (typeof part === "string") return { kind: "text", text: part };
  if (!isObject(part)) return { kind: "other", type: "?", json: part };
  const type = text(part["type"]) ?? "?";
  const said = text(part["text"]) ?? text(part["refusal"]);
  if (said !== null) return { kind: "text", text: said };
  if (type.includes("image") || type.includes("file") || type.includes("audio")) {
    return readMedia(type, part);
  }
  return { kind: "other", type, json: part };
}

function readMedia(type: string, part: Json): Part {
  const image = part["image_url"];
  const url = text(image) ?? (isObject(image) ? text(image["url"]) : null);
  const file = isObject(part["file"]) ? part["file"] : part;
  const where = url ?? text(file["file_data"]) ?? text(file["file_id"]) ?? text(file["file_url"]);
  const inline = where?.match(/^data:([^;,]+);base64,/);
  const what = type.replace(/^input_/, "").replace(/_url$/, "");
  if (where && inline) {
    const bytes = Math.floor(((where.length - inline[0].length) * 3) / 4);
    return { kind: "media", what, mediaType: inline[1] ?? null, bytes };
  }
  const note = where ? { note: where.slice(0, 200) } : {};
  return { kind: "media", what, mediaType: null, bytes: null, ...note };
}

function readTools(tool: unknown): Tool[] {
  if (!isObject(tool)) return [{ name: "?", description: null, schema: tool }];
  const inner = list(tool["tools"]);
  if (inner.length > 0) return inner.flatMap(readTools);
  const body = [tool["function"], tool["custom"]].find(isObject) ?? tool;
  return [
    {
      name: text(body["name"]) ?? text(tool["type"]) ?? "?",
      description: text(body["description"]),
      schema: body["parameters"] ?? body["format"] ?? tool,
    },
  ];
}

type Kind = "text" | "thinking" | "tool_input";

/** Both APIs number parts in their own way; blocks are numbered here as they come, as the server does. */
class OpenAiAssembler implements Assembler {
  private found = new Map<string, { kind: Kind; parts: string[]; name?: string }>();

  event(type: string, data: string): void {
    const { value } = readJson(data);
    if (!isObject(value)) return;
    if (Array.isArray(value["choices"])) {
      for (const choice of value["choices"]) this.choice(choice);
      return;
    }
    const item = String(value["output_index"] ?? 0);
    const part = `${item}.${String(value["content_index"] ?? 0)}`;
    const delta = value["delta"];
    switch (type.replace(/^response\./, "")) {
      case "output_item.added":
        this.begin(item, value["item"]);
        break;
      case "output_text.delta":
      case "refusal.delta":
        this.add(part, "text", delta);
        break;
      case "reasoning_summary_text.delta":
      case "reasoning_text.delta":
        this.add(item, "thinking", delta);
        break;
      case "function_call_arguments.delta":
      case "custom_tool_call_input.delta":
      case "mcp_call_arguments.delta":
      case "code_interpreter_call_code.delta":
        this.add(item, "tool_input", delta);
        break;
      default:
        break;
    }
  }

  blocks() {
    return [...this.found.values()].map(({ kind, parts, name }, block) => ({
      block,
      kind,
      text: parts.join(""),
      ...(name === undefined ? {} : { name }),
    }));
  }

  private begin(item: string, value: unknown): void {
    if (!isObject(value)) return;
    const type = text(value["type"]) ?? "";
    if (type === "reasoning") this.add(item, "thinking", "");
    else if (type.endsWith("_call")) {
      this.add(item, "tool_input", "", text(value["name"]) ?? type.slice(0, -"_call".length));
    }
  }

  private choice(choice: unknown): void {
    if (!isObject(choice) || !isObject(choice["delta"])) return;
    const key = String(choice["index"] ?? 0);
    const delta = choice["delta"];
    this.add(`${key}.thinking`, "thinking", delta["reasoning_content"] ?? delta["reasoning"]);
    this.add(`${key}.text`, "text", delta["content"]);
    this.add(`${key}.refusal`, "text", delta["refusal"]);
    for (const call of list(delta["tool_calls"])) {
      if (!isObject(call)) continue;
      const body = [call["function"], call["custom"]].find(isObject) ?? {};
      const name = text(body["name"]) ?? undefined;
      const at = `${key}.call.${String(call["index"] ?? 0)}`;
      if (name !== undefined) this.add(at, "tool_input", "", name);
      this.add(at, "tool_input", body["arguments"] ?? body["input"]);
    }
  }

  private add(key: string, kind: Kind, piece: unknown, name?: string): void {
    if (typeof piece !== "string") return;
    const known = this.found.get(key);
    if (known) known.parts.push(piece);
    else if (piece !== "" || kind !== "text") {
      this.found.set(key, { kind, parts: [piece], ...(name === undefined ? {} : { name }) });
    }
  }
}
