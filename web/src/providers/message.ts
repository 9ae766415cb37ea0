// The assembled answer, as the server keeps it for every provider, in the words of a conversation.
import type { Block } from "@/api/types";
import type { Part } from "./conversation";

export function blockParts(blocks: Block[]): Part[] {
  return blocks.map(blockPart);
}

function blockPart(block: Block): Part {
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
    case "server_tool_result":
      return { kind: "other", type: block.kind, json: block.json };
    case "other":
      return { kind: "other", type: block.kind, json: block.json };
    default:
      return { kind: "other", type: "?", json: block };
  }
}
