// What a tool is asked to do in one line: for lists, where there is no room for its input.
import { plural } from "./format";
import { oneLine } from "./hostile";
import { isDeep } from "./json";
import { readJson } from "./partialJson";
import { plainLine } from "./plain";
import { readCall, type ToolCall } from "./toolCall";

/** Members of an input that are told, and characters of each. */
const MEMBERS = 6;
const MEMBER_MAX = 120;

/** `head` is the input as JSON text, or its beginning. Empty where there is nothing in it. */
export function headWords(name: string, head: string, limit = 240): string {
  const patch = readCall(name, head);
  if (patch) return oneLine(wordsOf(patch), limit);
  const { value } = readJson(head);
  return value === undefined ? oneLine(head, limit) : callWords(name, value, limit);
}

/** The same of an input that was read. */
export function callWords(name: string, input: unknown, limit = 240): string {
  const call = readCall(name, input);
  return oneLine(call ? wordsOf(call) : members(input), limit);
}

function wordsOf(call: ToolCall): string {
  switch (call.kind) {
    case "edits": {
      const [first, ...more] = call.files;
      if (!first) return "";
      return `${first.what} ${first.path}${more.length > 0 ? ` and ${plural(more.length, "more file")}` : ""}`;
    }
    case "command":
      return call.command;
    case "code":
      return call.code;
    case "tasks": {
      const now = call.tasks.find(({ state }) => state === "doing");
      const done = call.tasks.filter(({ state }) => state === "done").length;
      return `${done} of ${plural(call.tasks.length, "task")} done${now ? `: ${now.text}` : ""}`;
    }
    case "agent":
      return [call.type, call.about ?? plainLine(call.prompt ?? "")].filter(Boolean).join(": ");
    case "look":
      return `${call.verb} ${call.target}`;
  }
}

function members(input: unknown): string {
  if (typeof input !== "object" || input === null) return String(input ?? "");
  return Object.entries(input)
    .slice(0, MEMBERS)
    .map(([name, value]) => `${Array.isArray(input) ? "" : `${name}: `}${short(value)}`)
    .join(", ");
}

function short(value: unknown): string {
  if (typeof value === "string") return oneLine(value, MEMBER_MAX);
  if (typeof value !== "object" || value === null) return String(value);
  return isDeep(value) ? "…" : oneLine(JSON.stringify(value), MEMBER_MAX);
}
