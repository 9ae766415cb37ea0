// Google's Gemini, read as conversations (source: the references of the Gemini API and of Vertex AI).
import { readJson } from "@/lib/partialJson";
import type { Assembler, Conversation, Part, ProviderView, Tool, Turn } from "./conversation";
import { InteractionAssembler, readInteraction } from "./interactions";
import { base64Bytes, inPath, isObject, type Json, list, settings, text, written } from "./read";

const GENERATION = [
  "maxOutputTokens",
  "temperature",
  "topP",
  "topK",
  "candidateCount",
  "stopSequences",
  "seed",
  "presencePenalty",
  "frequencyPenalty",
  "thinkingConfig",
  "responseMimeType",
  "responseSchema",
  "responseJsonSchema",
  "responseModalities",
  "responseLogprobs",
  "mediaResolution",
  "speechConfig",
  "imageConfig",
];

const SETTINGS = ["toolConfig", "safetySettings", "cachedContent", "serviceTier", "labels"];

/** Members that say something of a part and are no content. */
const ASIDE = ["thought", "thoughtSignature", "partMetadata", "videoMetadata", "mediaResolution"];

/** What the provider's own tool for running code is called, as the server calls it. */
const CODE = "codeExecution";

export const gemini: ProviderView = {
  id: "gemini",
  label: "Gemini",
  // Its events have no name, except those of interactions.
  eventTypes: [
    "message",
    "interaction.created",
    "step.start",
    "step.delta",
    "step.stop",
    "interaction.completed",
    "error",
  ],
  request: readRequest,
  assembler: () => new GeminiAssembler(),
};

export function readRequest(path: string, body: string): Conversation | null {
  const { value, cut } = readJson(body);
  if (!isObject(value)) return null;
  if ("input" in value) return readInteraction(value, cut);
  // Tokens are counted of contents alone, or of a whole request; code assist wraps one.
  const wrapped = [member(value, "generateContentRequest"), value["request"]].find(isObject);
  const request = wrapped ?? value;
  const contents = request["contents"];
  const system = member(request, "systemInstruction");
  const config = member(request, "generationConfig");
  const isThere = (value: unknown) => typeof value === "object" && value !== null;
  if (![contents, system, config].some(isThere)) return null;
  const names = new Map<string, string>();
  const model =
    modelOf(path) ?? (text(request["model"]) ?? text(value["model"]))?.replace(/^models\//, "");
  return {
    system: typeof system === "string" ? readParts([system], names) : readContent(system, names),
    tools: several(request["tools"]).flatMap(readTools),
    turns: several(contents).map((content) => readTurn(content, names)),
    settings: [
      ...(model ? [["model", model] satisfies [string, string]] : []),
      ...named(isObject(config) ? config : {}, GENERATION),
      ...named(request, SETTINGS),
    ],
    cut,
  };
}

/** A member under either form of its name: the service takes `camelCase` and `snake_case`. */
function member(object: Json, name: string): unknown {
  return object[name] ?? object[name.replace(/[A-Z]/g, (big) => `_${big.toLowerCase()}`)];
}

function named(object: Json, names: readonly string[]): [string, string][] {
  return settings(Object.fromEntries(names.map((name) => [name, member(object, name)])), names);
}

/** Vertex AI takes one object where a list belongs. */
function several(value: unknown): unknown[] {
  return isObject(value) ? [value] : list(value);
}

/** The model of `…/models/{model}:{method}`; one of another collection with the collection's name. */
function modelOf(path: string): string | null {
  const [bare = ""] = path.split(/[?#]/, 1);
  const resource = bare.slice(0, Math.max(0, bare.lastIndexOf(":")));
  for (const collection of ["/models/", "/tunedModels/", "/endpoints/"]) {
    const at = resource.lastIndexOf(collection);
    if (at < 0) continue;
    const name = resource.slice(collection === "/models/" ? at + collection.length : at + 1);
    return name === "" || name.endsWith("/") ? null : inPath(name);
  }
  return null;
}

function readTurn(content: unknown, names: Map<string, string>): Turn {
  if (!isObject(content)) {
    return { role: "?", parts: [{ kind: "other", type: "content", json: content }] };
  }
  // Without a role a user speaks; an older form gives results a role of their own.
  const role = text(content["role"]) || "user";
  const speaker = role === "model" ? "assistant" : role === "function" ? "user" : role;
  return { role: speaker, parts: readContent(content, names) };
}

function readContent(content: unknown, names: Map<string, string>): Part[] {
  return isObject(content) ? readParts(content["parts"], names) : [];
}

function readParts(parts: unknown, names: Map<string, string>): Part[] {
  return several(parts).flatMap((part) => readPart(part, names));
}

/** A part's content; none when it is an empty text, which only carries a signature. */
function readPart(part: unknown, names: Map<string, string>): Part[] {
  if (typeof part === "string") return part ? [{ kind: "text", text: part }] : [];
  if (!isObject(part)) return [{ kind: "other", type: "?", json: part }];
  const said = text(part["text"]);
  if (said === "") return [];
  if (said !== null) return [{ kind: part["thought"] === true ? "thinking" : "text", text: said }];
  const type = kindOf(part) ?? Object.keys(part)[0] ?? "?";
  const content = part[type];
  return [(isObject(content) ? readKnown(type, content, names) : null) ?? other(type, part)];
}

/** The name of what a part holds. */
function kindOf(part: Json): string | undefined {
  return Object.keys(part).find((name) => !ASIDE.includes(camel(name)));
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, small: string) => small.toUpperCase());
}

function readKnown(type: string, content: Json, names: Map<string, string>): Part | null {
  const id = text(content["id"]) ?? "";
  switch (camel(type)) {
    case "functionCall": {
      const name = text(content["name"]) ?? "?";
      if (id) names.set(id, name);
      return { kind: "tool_use", id, name, input: content["args"] };
    }
    case "functionResponse": {
      const { parts, error } = readResponse(content["response"]);
      parts.push(...several(content["parts"]).map(readAttached));
      const name = text(content["name"]) ?? names.get(id) ?? null;
      return { kind: "tool_result", id, name, error, parts };
    }
    case "executableCode":
      return { kind: "tool_use", id, name: CODE, input: content, ranAt: "provider" };
    case "codeExecutionResult": {
      const output = text(content["output"]);
      const error = !["OUTCOME_OK", null].includes(text(content["outcome"]));
      const parts: Part[] = output ? [{ kind: "text", text: output }] : [];
      return { kind: "tool_result", id, name: CODE, error, parts };
    }
    case "inlineData":
    case "fileData":
      return readMedia(content);
    default:
      return null;
  }
}

/** What a function gave back: an object, of which `output` and `error` are the usual members. */
function readResponse(response: unknown): { parts: Part[]; error: boolean } {
  if (response === undefined || response === null) return { parts: [], error: false };
  if (!isObject(response)) return { parts: [other("response", response)], error: false };
  const error = (response["error"] ?? null) !== null;
  const names = Object.keys(response);
  if (names.length === 0) return { parts: [], error };
  const said = names.length === 1 ? (text(response["output"]) ?? text(response["error"])) : null;
  return {
    parts: [said === null ? other("response", response) : { kind: "text", text: said }],
    error,
  };
}

/** What comes along with a function's answer: media and nothing else. */
function readAttached(part: unknown): Part {
  if (!isObject(part)) return other("?", part);
  const media = member(part, "inlineData") ?? member(part, "fileData");
  return isObject(media) ? readMedia(media) : other(kindOf(part) ?? "?", part);
}

function readMedia(content: Json): Part {
  const mediaType = text(member(content, "mimeType"));
  const family = mediaType?.split("/", 1)[0] ?? "";
  const data = text(content["data"]);
  const bytes = base64Bytes(data);
  const note = text(member(content, "fileUri")) ?? (bytes === null ? data : null);
  return {
    kind: "media",
    what: ["image", "audio", "video"].includes(family) ? family : "file",
    mediaType,
    bytes,
    ...(note ? { note: note.slice(0, 200) } : {}),
  };
}

function other(type: string, json: unknown): Part {
  return { kind: "other", type, json };
}

/** Each function of the agent's, and each tool of the provider's own, which has but a name. */
function readTools(tool: unknown): Tool[] {
  if (!isObject(tool)) return [{ name: "?", description: null, schema: tool }];
  return Object.entries(tool).flatMap(([name, own]): Tool[] => {
    return camel(name) === "functionDeclarations" && Array.isArray(own)
      ? own.map(readFunction)
      : [{ name, description: null, schema: own }];
  });
}

function readFunction(declared: unknown): Tool {
  if (!isObject(declared)) return { name: "?", description: null, schema: declared };
  return {
    name: text(declared["name"]) ?? "?",
    description: text(declared["description"]),
    schema: declared["parameters"] ?? member(declared, "parametersJsonSchema") ?? declared,
  };
}

type Kind = "text" | "thinking" | "tool_input";

/**
 * Parts of one kind that follow each other are one block; anything else is a block of its own, which
 * takes a number even when it is not shown. A chunk that the server could not read has no blocks.
 */
class GeminiAssembler implements Assembler {
  private found: { block: number; kind: Kind; parts: string[]; name?: string }[] = [];
  private next = 0;
  /** What a text of its kind would continue. */
  private open: { kind: Kind; parts: string[] } | null = null;

  /** For a stream that is an interaction's. */
  private interaction: InteractionAssembler | null = null;

  event(type: string, data: string): void {
    const { value: outer, cut } = readJson(data);
    if (cut || !isObject(outer)) return;
    if ("event_type" in outer) {
      this.interaction ??= new InteractionAssembler();
      this.interaction.event(type, data);
      return;
    }
    const value = isObject(outer["response"]) ? outer["response"] : outer;
    if ((value["error"] ?? null) !== null) return;
    for (const candidate of list(value["candidates"])) {
      // A message is one answer, so other candidates are left out.
      if (!isObject(candidate)) continue;
      const { index, content } = candidate;
      if (typeof index === "number" && index > 0) continue;
      if (isObject(content)) for (const part of list(content["parts"])) this.part(part);
    }
  }

  blocks() {
    if (this.interaction) return this.interaction.blocks();
    return this.found.map(({ block, kind, parts, name }) => ({
      block,
      kind,
      text: parts.join(""),
      ...(name === undefined ? {} : { name }),
    }));
  }

  private part(part: unknown): void {
    if (!isObject(part)) return;
    const said = part["text"] ?? null;
    if (said !== null) {
      if (typeof said === "string" && said !== "") {
        this.say(part["thought"] === true ? "thinking" : "text", said);
      }
      return;
    }
    const kind = Object.keys(part).find((name) => !ASIDE.includes(name));
    if (kind === undefined) return;
    this.open = null;
    const block = this.next++;
    const content = part[kind];
    if (kind === "executableCode") this.call(block, CODE, content);
    else if (kind === "functionCall" && isObject(content) && (content["name"] ?? null) !== null) {
      this.call(block, text(content["name"]) ?? "", content["args"]);
    }
  }

  private say(kind: Kind, piece: string): void {
    if (this.open?.kind === kind) {
      this.open.parts.push(piece);
      return;
    }
    const begun = { block: this.next++, kind, parts: [piece] };
    this.found.push(begun);
    this.open = begun;
  }

  private call(block: number, name: string, input: unknown): void {
    const parts = (input ?? null) === null ? [] : [written(input)];
    this.found.push({ block, kind: "tool_input", parts, name });
  }
}
