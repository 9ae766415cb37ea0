// Amazon Bedrock's Converse, and Anthropic's Messages through InvokeModel, read as conversations (source: the Bedrock Runtime API reference).
import { readJson } from "@/lib/partialJson";
import { anthropic, readRequest as readMessages } from "./anthropic";
import type { Assembler, Conversation, Part, ProviderView, Tool, Turn } from "./conversation";
import { base64Bytes, inPath, isObject, type Json, list, settings, text } from "./read";

const INFERENCE = ["maxTokens", "temperature", "topP", "topK", "max_new_tokens", "stopSequences"];

const SETTINGS = [
  "additionalModelRequestFields",
  "additionalModelResponseFieldPaths",
  "guardrailConfig",
  "outputConfig",
  "performanceConfig",
  "promptVariables",
  "requestMetadata",
  "serviceTier",
];

export const bedrock: ProviderView = {
  id: "bedrock",
  label: "Bedrock",
  eventTypes: [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
    ...anthropic.eventTypes,
    "chunk",
    "internalServerException",
    "modelStreamErrorException",
    "modelTimeoutException",
    "serviceUnavailableException",
    "throttlingException",
    "validationException",
  ],
  request: readRequest,
  assembler: () => new BedrockAssembler(),
};

export function readRequest(path: string, body: string): Conversation | null {
  const { value, cut } = readJson(body);
  if (!isObject(value)) return null;
  const name = modelOf(path) ?? text(value["model"]);
  const model: [string, string][] = name === null ? [] : [["model", name]];
  if (isMessages(value)) {
    const found = readMessages(body);
    const rest = found?.settings.filter(([setting]) => setting !== "model") ?? [];
    return found && { ...found, settings: [...model, ...rest] };
  }
  const { messages, system } = value;
  const inference = value["inferenceConfig"];
  if (!Array.isArray(messages) && !Array.isArray(system) && !isObject(inference)) return null;
  const names = new Map<string, string>();
  const config = isObject(value["toolConfig"]) ? value["toolConfig"] : {};
  return {
    system: readBlocks(system, readSaid),
    tools: readTools(config["tools"]),
    turns: list(messages).map((message) => readTurn(message, names)),
    settings: [
      ...model,
      ...settings(isObject(inference) ? inference : {}, INFERENCE),
      ...settings(config, ["toolChoice"]),
      ...settings(value, SETTINGS),
    ],
    cut,
  };
}

/** The model of `…/model/{model}/{verb}`; its id may itself have slashes. */
function modelOf(path: string): string | null {
  const [bare = ""] = path.split(/[?#]/, 1);
  const at = bare.indexOf("/model/");
  const named = bare.slice(at + "/model/".length).replace(/\/$/, "");
  const end = named.lastIndexOf("/");
  return at < 0 || end <= 0 ? null : inPath(named.slice(0, end));
}

/**
 * Whether a body is of Anthropic's form: there a block states its type, in Converse its member does.
 * The path does not tell: other models that are invoked may speak either.
 */
function isMessages(value: Json): boolean {
  if (value["anthropic_version"] !== undefined) return true;
  return list(value["messages"]).some((message) => {
    const content = isObject(message) ? message["content"] : null;
    return (
      typeof content === "string" ||
      list(content).some((block) => isObject(block) && typeof block["type"] === "string")
    );
  });
}

function readTurn(message: unknown, names: Map<string, string>): Turn {
  if (!isObject(message)) return { role: "?", parts: [other("message", message)] };
  return {
    role: text(message["role"]) ?? "?",
    parts: readBlocks(message["content"], (type, content) => readBlock(type, content, names)),
  };
}

/** Reads blocks, each of which is one member. A mark for the cache belongs to what stands before it. */
function readBlocks(content: unknown, read: (type: string, content: unknown) => Part): Part[] {
  if (content === undefined || content === null) return [];
  if (!Array.isArray(content)) return [other("content", content)];
  const parts: Part[] = [];
  for (const block of content) {
    const [type, inner] = first(block);
    const last = parts.at(-1);
    const cache = type === "cachePoint" ? ttl(inner) : undefined;
    if (cache !== undefined && (last?.kind === "text" || last?.kind === "tool_result")) {
      last.cache = cache;
    } else {
      parts.push(read(type, inner));
    }
  }
  return parts;
}

/** Name and value of the member that a union has. */
function first(union: unknown): [type: string, content: unknown] {
  if (!isObject(union)) return ["?", union];
  return Object.entries(union).find(([, content]) => content !== null) ?? ["?", union];
}

function ttl(point: unknown): string {
  return (isObject(point) ? text(point["ttl"]) : null) ?? "5m";
}

function readBlock(type: string, content: unknown, names: Map<string, string>): Part {
  if (!isObject(content)) return readSaid(type, content);
  const id = text(content["toolUseId"]) ?? "";
  switch (type) {
    case "toolUse": {
      const name = text(content["name"]) ?? "?";
      names.set(id, name);
      const use: Part = { kind: "tool_use", id, name, input: content["input"] };
      return content["type"] === "server_tool_use" ? { ...use, ranAt: "provider" } : use;
    }
    case "toolResult":
      return {
        kind: "tool_result",
        id,
        name: names.get(id) ?? null,
        error: content["status"] === "error",
        // A result holds no results, so nothing here is nested without end.
        parts: readBlocks(content["content"], readSaid),
      };
    case "reasoningContent": {
      const reasoning = isObject(content["reasoningText"]) ? content["reasoningText"] : {};
      const thought = text(reasoning["text"]) ?? "";
      const sealed = thought ? {} : { note: "withheld by the provider" };
      return { kind: "thinking", text: thought, ...sealed };
    }
    default:
      return readSaid(type, content);
  }
}

/** What may stand in a message, in a result and in the system prompt alike. */
function readSaid(type: string, content: unknown): Part {
  if (type === "text" && typeof content === "string") return { kind: "text", text: content };
  if (!isObject(content)) return other(type, content);
  switch (type) {
    case "image":
    case "document":
    case "audio":
    case "video":
      return readMedia(type, content);
    case "guardContent": {
      const [guarded, inner] = first(content);
      if (!isObject(inner)) return other(type, content);
      if (guarded === "image") return readMedia(guarded, inner);
      const said = text(inner["text"]);
      return said === null ? other(type, content) : { kind: "text", text: said };
    }
    case "citationsContent": {
      const said = list(content["content"]).map((part) =>
        isObject(part) ? (text(part["text"]) ?? "") : "",
      );
      return { kind: "text", text: said.join("") };
    }
    default:
      return other(type, content);
  }
}

function readMedia(what: string, content: Json): Part {
  const format = text(content["format"]);
  // Bytes, where they lie, or a document's text or parts.
  const [place, source] = first(content["source"]);
  const bytes = place === "bytes" ? base64Bytes(source) : null;
  const told = [source, ...list(source)].find(isObject) ?? {};
  const from = bytes === null ? (text(source) ?? text(told["uri"]) ?? text(told["text"])) : null;
  const note = text(content["name"]) ?? from;
  return {
    kind: "media",
    what,
    mediaType: format === null || what === "document" ? format : `${what}/${format}`,
    bytes,
    ...(note ? { note: note.slice(0, 200) } : {}),
  };
}

function other(type: string, json: unknown): Part {
  return { kind: "other", type, json };
}

function readTools(tools: unknown): Tool[] {
  const found: Tool[] = [];
  for (const tool of list(tools)) {
    const [type, inner] = first(tool);
    const last = found.at(-1);
    if (type === "cachePoint" && last) last.cache = ttl(inner);
    else found.push(readTool(type, isObject(inner) ? inner : {}, tool));
  }
  return found;
}

function readTool(type: string, spec: Json, tool: unknown): Tool {
  const schema = isObject(spec["inputSchema"]) ? spec["inputSchema"] : {};
  return {
    name: text(spec["name"]) ?? type,
    description: text(spec["description"]),
    schema: schema["json"] ?? tool,
  };
}

type Kind = "text" | "thinking" | "tool_input";

/** Of both APIs: the types of their events differ, and blocks have their numbers in the events. */
class BedrockAssembler implements Assembler {
  private invoked = anthropic.assembler();
  private found = new Map<number, { kind: Kind; parts: string[]; name?: string }>();

  event(type: string, data: string): void {
    if (type !== "contentBlockStart" && type !== "contentBlockDelta") {
      this.invoked.event(type, data);
      return;
    }
    const { value } = readJson(data);
    if (!isObject(value)) return;
    const block = value["contentBlockIndex"];
    if (typeof block !== "number" || !Number.isInteger(block) || block < 0) return;
    if (type === "contentBlockStart") this.start(block, value["start"]);
    else this.delta(block, value["delta"]);
  }

  blocks() {
    const converse = [...this.found].map(([block, { kind, parts, name }]) => ({
      block,
      kind,
      text: parts.join(""),
      ...(name === undefined ? {} : { name }),
    }));
    return [...converse, ...this.invoked.blocks()];
  }

  /** Only calls are announced: text and reasoning begin with their first delta. */
  private start(block: number, start: unknown): void {
    const [type, content] = first(start);
    if (type === "toolUse" && isObject(content)) {
      this.add(block, "tool_input", "", text(content["name"]) ?? undefined);
    }
  }

  private delta(block: number, delta: unknown): void {
    const [type, content] = first(delta);
    if (type === "text") this.add(block, "text", content);
    else if (type === "citation") this.add(block, "text", "");
    else if (!isObject(content)) return;
    else if (type === "toolUse") this.add(block, "tool_input", content["input"]);
    else if (type === "reasoningContent") {
      this.add(block, "thinking", content["text"]);
      // A signature may be all that is told of it.
      if (typeof content["signature"] === "string") this.add(block, "thinking", "");
    }
  }

  private add(block: number, kind: Kind, piece: unknown, name?: string): void {
    if (typeof piece !== "string") return;
    const known = this.found.get(block);
    if (known) known.parts.push(piece);
    else this.found.set(block, { kind, parts: [piece], ...(name === undefined ? {} : { name }) });
  }
}
