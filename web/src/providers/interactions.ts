// Gemini's Interactions API, read as conversations (source: the reference of the Interactions API).
import { readJson } from "@/lib/partialJson";
import type { Assembler, Conversation, Part, Tool, Turn } from "./conversation";
import { base64Bytes, isObject, type Json, list, settings, text } from "./read";

const GENERATION = ["max_output_tokens", "temperature", "top_p", "seed", "thinking_level"];
const SETTINGS = ["model", "agent", "previous_interaction_id", "background", "store"];

/** A request for an interaction; its input is a text, a content, or a list of contents, turns or steps. */
export function readInteraction(request: Json, cut: boolean): Conversation {
  const system = text(request["system_instruction"]);
  const config = request["generation_config"];
  return {
    system: system ? [{ kind: "text", text: system }] : [],
    tools: list(request["tools"]).map(readTool),
    turns: readInput(request["input"]),
    settings: [
      ...settings(request, SETTINGS),
      ...(isObject(config) ? settings(config, GENERATION) : []),
    ],
    cut,
  };
}

function readInput(input: unknown): Turn[] {
  const items = Array.isArray(input) ? input : [input];
  const turns: Turn[] = [];
  for (const item of items) {
    const { role, parts } = readItem(item);
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else turns.push({ role, parts });
  }
  return turns;
}

function readItem(item: unknown): Turn {
  if (typeof item === "string") return { role: "user", parts: [{ kind: "text", text: item }] };
  if (!isObject(item)) return { role: "?", parts: [other("input", item)] };
  const role = text(item["role"]);
  if (role !== null) {
    return { role: role === "model" ? "assistant" : role, parts: readContents(item["content"]) };
  }
  switch (item["type"]) {
    case "user_input":
      return { role: "user", parts: readContents(item["content"]) };
    case "model_output":
      return { role: "assistant", parts: readContents(item["content"]) };
    case "thought":
    case "function_call":
      return { role: "assistant", parts: [readContent(item)] };
    default:
      return { role: "user", parts: [readContent(item)] };
  }
}

function readContents(content: unknown): Part[] {
  if (typeof content === "string") return [{ kind: "text", text: content }];
  return (Array.isArray(content) ? content : [content]).map(readContent);
}

function readContent(content: unknown): Part {
  if (!isObject(content)) return other("content", content);
  const type = text(content["type"]) ?? "?";
  const name = text(content["name"]);
  switch (type) {
    case "text":
      return { kind: "text", text: text(content["text"]) ?? "" };
    case "thought": {
      const summary = list(content["summary"]).map((part) => (isObject(part) ? part["text"] : ""));
      return {
        kind: "thinking",
        text: summary.filter((said) => typeof said === "string").join(""),
      };
    }
    case "function_call": {
      const id = text(content["id"]) ?? "";
      return { kind: "tool_use", id, name: name ?? "?", input: content["arguments"] };
    }
    case "function_result": {
      const { result } = content;
      const said = text(result);
      const parts: Part[] =
        said === null ? [other("result", result)] : [{ kind: "text", text: said }];
      const id = text(content["call_id"]) ?? "";
      return { kind: "tool_result", id, name, error: content["is_error"] === true, parts };
    }
    case "image":
    case "audio":
    case "video":
    case "document": {
      const bytes = base64Bytes(content["data"]);
      const note = text(content["uri"]);
      return {
        kind: "media",
        what: type,
        mediaType: text(content["mime_type"]),
        bytes,
        ...(note ? { note: note.slice(0, 200) } : {}),
      };
    }
    default:
      return other(type, content);
  }
}

function readTool(tool: unknown): Tool {
  if (!isObject(tool)) return { name: "?", description: null, schema: tool };
  const name = text(tool["name"]) ?? text(tool["type"]) ?? "?";
  return { name, description: text(tool["description"]), schema: tool["parameters"] ?? tool };
}

function other(type: string, json: unknown): Part {
  return { kind: "other", type, json };
}

type Found = {
  block: number;
  kind: "text" | "thinking" | "tool_input";
  text: string;
  name?: string;
};

/** Numbers a block when a part of a step is first spoken of, as the server does. */
export class InteractionAssembler implements Assembler {
  private found: Found[] = [];
  private open = new Map<string, Found | null>();
  private next = 0;

  event(_type: string, data: string): void {
    const { value, cut } = readJson(data);
    if (cut || !isObject(value)) return;
    const verb = text(value["event_type"])?.replace(/^(step|content)\./, "");
    const step = typeof value["index"] === "number" ? value["index"] : 0;
    const told = value["delta"] ?? value["step"] ?? value["content"];
    if ((verb === "start" || verb === "delta") && isObject(told)) this.tell(step, told);
  }

  blocks() {
    return this.found;
  }

  private tell(step: number, told: Json): void {
    const type = text(told["type"]) ?? "";
    if (type === "text") this.say(step, "text", text(told["text"]) ?? "");
    else if (type === "thought" || type === "thought_signature") this.say(step, "thinking", "");
    else if (type === "thought_summary") {
      const { content } = told;
      this.say(step, "thinking", (isObject(content) ? text(content["text"]) : null) ?? "");
    } else if (type === "arguments_delta") {
      const piece = text(told["partial_arguments"]) ?? text(told["arguments"]);
      if (this.open.has(`${step} tool_input`)) this.say(step, "tool_input", piece ?? "");
    } else if (type === "function_call" && text(told["name"]) === null) return;
    else if (type.endsWith("_call")) {
      this.say(step, "tool_input", "", text(told["name"]) ?? type.replace(/_call$/, ""));
    } else if (type.endsWith("_result") ? "result" in told : "data" in told || "uri" in told) {
      this.next += 1;
    }
  }

  private say(step: number, kind: Found["kind"], piece: string, name?: string): void {
    const key = `${step} ${kind}`;
    const known = this.open.get(key);
    if (known) {
      known.text += piece;
      return;
    }
    const begun = {
      block: this.next++,
      kind,
      text: piece,
      ...(name === undefined ? {} : { name }),
    };
    this.found.push(begun);
    this.open.set(key, begun);
  }
}
