// A line of an agent's own file as the parts of a turn: each agent writes messages much as its provider takes them.
import type { Part } from "./conversation";
import { dialectView } from "./registry";

/** Where a line has what was said, in the form of which provider's requests. */
function asked(agent: string, line: Record<string, unknown>): [string, string, unknown] | null {
  if (agent === "claude-code") {
    const { message } = line;
    return isRecord(message) ? ["anthropic", "/v1/messages", { messages: [message] }] : null;
  }
  if (agent === "codex") {
    // Lines of early versions are the payload alone.
    const payload = isRecord(line["payload"]) ? line["payload"] : line;
    const said = line["type"] === "response_item" || line["payload"] === undefined;
    return said ? ["openai", "/v1/responses", { input: [payload] }] : null;
  }
  const { content, type } = line;
  const said = typeof content === "string" ? [{ text: content }] : list(content);
  const parts = [
    ...list(line["thoughts"]).map(({ subject, description }) => ({
      thought: true,
      text: [subject, description].filter((it) => typeof it === "string").join("\n"),
    })),
    ...said.filter(({ text }) => text !== ""),
    // With their results: Gemini CLI writes a line again once they are there.
    ...list(line["toolCalls"]).flatMap(({ id, name, args, result }) => [
      { functionCall: { id, name, args } },
      ...(result === undefined || result === null ? [] : resultOf({ id, name }, result)),
    ]),
  ];
  const role = type === "user" ? "user" : "model";
  return parts.length > 0
    ? ["gemini", "/v1beta/models/-:generateContent", { contents: [{ role, parts }] }]
    : null;
}

/** Mostly the parts that the model is sent; else whatever the tool answered. */
function resultOf(call: { id: unknown; name: unknown }, result: unknown): object[] {
  const parts = list(result).filter((part) => "functionResponse" in part);
  return parts.length > 0 ? parts : [{ functionResponse: { ...call, response: { result } } }];
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** Of lines that were read, while they are kept. */
const READ = new WeakMap<object, Part[]>();

/** What a line says; nothing where it is no message. */
export function lineParts(agent: string, content: unknown): Part[] {
  if (!isRecord(content)) return [];
  const known = READ.get(content);
  if (known) return known;
  const parts = read(agent, content);
  READ.set(content, parts);
  return parts;
}

function read(agent: string, content: Record<string, unknown>): Part[] {
  const found = asked(agent, content);
  if (found === null) return [];
  const [dialect, path, body] = found;
  const turns = dialectView(dialect)?.request(path, JSON.stringify(body))?.turns ?? [];
  return turns.flatMap(({ parts }) => parts);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
