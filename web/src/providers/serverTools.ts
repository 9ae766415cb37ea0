// What tools that the provider runs give back, in the words of a conversation (source: the Messages API reference).
import type { Part } from "./conversation";
import { isObject, type Json, list, text } from "./read";

/** Such as `web_search_tool_result`; null where the kind is no result of a tool. */
export function readServerResult(
  kind: string,
  content: unknown,
  call: { id: string; name: string | null; failed: boolean },
): Part | null {
  const tool = /^(.+)_tool_result$/.exec(kind)?.[1];
  if (tool === undefined) return null;
  const refused = isObject(content) ? text(content["error_code"]) : null;
  return {
    kind: "tool_result",
    id: call.id,
    name: call.name ?? tool,
    error: call.failed || refused !== null || exitOf(content) !== 0,
    parts: refused === null ? readResult(kind, content) : [{ kind: "text", text: refused }],
  };
}

function readResult(kind: string, content: unknown): Part[] {
  if (typeof content === "string") return [{ kind: "text", text: content }];
  if (Array.isArray(content)) return content.map(readItem);
  return readRun(content) ?? [other(kind, content)];
}

function exitOf(content: unknown): number {
  const code = isObject(content) ? content["return_code"] : 0;
  return typeof code === "number" ? code : 0;
}

/** What a program wrote, where it was one. */
function readRun(content: unknown): Part[] | null {
  if (!isObject(content) || content["return_code"] === undefined) return null;
  const written = ["stdout", "stderr"].map((name) => text(content[name]) ?? "").filter(Boolean);
  const files = list(content["content"]).map((file) => other("file", file));
  return [
    { kind: "text", text: [...written, `exit code ${exitOf(content)}`].join("\n") },
    ...files,
  ];
}

function readItem(item: unknown): Part {
  if (!isObject(item)) return other("?", item);
  const said = text(item["text"]);
  if (said !== null) return { kind: "text", text: said };
  const found = readFound(item);
  return found ?? other(text(item["type"]) ?? "?", item);
}

/** A page that was found on the web: what it is called and where it is; its content is sealed. */
function readFound(item: Json): Part | null {
  const url = text(item["url"]);
  if (item["type"] !== "web_search_result" || url === null) return null;
  const age = text(item["page_age"]);
  const title = text(item["title"]) ?? "";
  return { kind: "text", text: `${title}${age ? ` (${age})` : ""}\n${url}` };
}

function other(type: string, json: unknown): Part {
  return { kind: "other", type, json };
}
