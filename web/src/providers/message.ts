// The assembled answer, as the server keeps it for every provider, in the words of a conversation.
import type { Block } from "@/api/types";
import type { Part } from "./conversation";
import { isObject, text } from "./read";
import { readServerResult } from "./serverTools";

export function blockParts(blocks: Block[]): Part[] {
  const names = new Map<string, string>();
  return blocks.flatMap((block): Part[] => {
    if (block.type === "server_tool_use") names.set(block.id, block.name);
    const part = blockPart(block, names);
    const sources = block.type === "text" ? block.citations : [];
    return sources.length > 0 ? [part, { kind: "other", type: "sources", json: sources }] : [part];
  });
}

function blockPart(block: Block, names: Map<string, string>): Part {
  switch (block.type) {
    case "text":
      return { kind: "text", text: block.text };
    case "thinking":
      return { kind: "thinking", text: block.text };
    case "redacted_thinking":
      return { kind: "thinking", text: "", note: "withheld by the provider" };
    case "tool_use":
    case "server_tool_use": {
      const use = {
        id: block.id,
        name: block.name,
        input: block.input,
        raw: block.input_raw,
        whole: block.complete,
      };
      return block.type === "tool_use"
        ? { kind: "tool_use", ...use }
        : { kind: "tool_use", ...use, ranAt: "provider" };
    }
    case "server_tool_result": {
      const { kind, json, tool_use_id: id } = block;
      const call = { id, name: names.get(id) ?? null, failed: false };
      return readServerResult(kind, json, call) ?? { kind: "other", type: kind, json };
    }
    case "other":
      return media(block.json) ?? { kind: "other", type: block.kind, json: block.json };
    default:
      return { kind: "other", type: "?", json: block };
  }
}

/** An image or the like, of which the server keeps type and size. */
function media(json: unknown): Part | null {
  if (!isObject(json) || typeof json["bytes"] !== "number") return null;
  const named = json["mime_type"] ?? json["mimeType"] ?? json["media_type"] ?? json["format"];
  const mediaType = text(named);
  const family = mediaType?.split("/", 1)[0] ?? "";
  const what = ["image", "audio", "video"].includes(family) ? family : "file";
  return { kind: "media", what, mediaType, bytes: json["bytes"] };
}
