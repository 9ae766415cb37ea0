// Made-up conversations and lines of agents' own files.
import type { Conversation, ConversationLine } from "@/api/types";

export function makeConversation(over: Partial<Conversation> = {}): Conversation {
  return {
    id: "s-1",
    agent: "claude-code",
    model: "claude-sonnet-4-5",
    project: "/home/dev/project",
    branch: "main",
    first_at: "2026-01-02T00:00:00.000000Z",
    last_at: "2026-01-02T00:10:00.000000Z",
    first_prompt: "Mend the parser",
    lines: 12,
    messages: 6,
    prompts: 2,
    responses: 4,
    compactions: 0,
    unpriced: 0,
    cost: { micro_usd: 120_000 },
    ...over,
  };
}

export function makeLine(over: Partial<ConversationLine> = {}): ConversationLine {
  return {
    at: "2026-01-02T00:00:01.000000Z",
    role: "prompt",
    kind: "user",
    subkind: null,
    text: "Mend the parser",
    tools: [],
    model: null,
    message_id: null,
    request_id: null,
    uuid: "u-1",
    parent: null,
    logical_parent: null,
    branch: 0,
    lane: 0,
    content: null,
    src: { path: "/home/dev/.claude/projects/p/s-1.jsonl", line: 1, offset: 0, bytes: 200 },
    ...over,
  };
}
