// What the stand-in answers of agents' own files: for each session of its flows a conversation, invented.
import { groups, spent } from "./mock-sums.mjs";

const HOSTILE = '<img src=x onerror="alert(1)">\u202e then\u001b[31m red';

function conversation(id, flows) {
  const newest = flows[0];
  const answered = flows.filter(({ model }) => model);
  return {
    id,
    agent: "claude-code",
    model: answered[0]?.model ?? null,
    project: newest.project ?? "/home/dev/project",
    branch: "main",
    first_at: flows.at(-1).started_at,
    last_at: newest.started_at,
    first_prompt: flows.findLast(({ preview }) => preview)?.preview ?? null,
    lines: lines(id, flows).length,
    messages: 2 * flows.length,
    prompts: flows.length,
    responses: answered.length,
    compactions: flows.length > 4 ? 1 : 0,
    unpriced: 0,
    cost: spent(flows).cost,
  };
}

/** Oldest first: for each flow a prompt, an answer with a call, and its result. */
function lines(id, flows) {
  const path = `/home/dev/.claude/projects/project/${id}.jsonl`;
  return [...flows].reverse().flatMap((flow, turn) => {
    const at = (ms) => new Date(Date.parse(flow.started_at) + ms).toISOString();
    const line = (nth, role, kind, over) => ({
      at: at(nth * 40),
      role,
      kind,
      subkind: null,
      text: null,
      tools: [],
      model: null,
      message_id: null,
      request_id: null,
      uuid: `${id}-${turn}-${nth}`,
      parent: null,
      logical_parent: null,
      branch: 0,
      lane: 0,
      src: { path, line: turn * 4 + nth + 1, offset: (turn * 4 + nth) * 500, bytes: 480 },
      ...over,
    });
    const asked = turn === 0 ? HOSTILE : (flow.preview ?? "Go on");
    const answer = [
      { type: "thinking", thinking: "First the tests, then the change." },
      { type: "text", text: "I **looked** at it:\n\n- the parser\n- its tests" },
      { type: "tool_use", id: `call-${turn}`, name: "Bash", input: { command: "cargo test" } },
    ];
    const result = [{ type: "tool_result", tool_use_id: `call-${turn}`, content: "12 passed" }];
    return [
      line(-2, "prompt", "user", {
        text: asked,
        content: { type: "user", message: { role: "user", content: asked } },
      }),
      line(-1, "note", "system", {
        subkind: "stop_hook_summary",
        text: "hooks ran",
        content: { type: "system", subtype: "stop_hook_summary", hookCount: 1 },
      }),
      line(1, "answer", "assistant", {
        text: "I looked at it",
        tools: ["Bash"],
        model: flow.model,
        message_id: flow.message_id,
        content: { type: "assistant", message: { role: "assistant", content: answer } },
      }),
      line(2, "tool_result", "user", {
        text: "12 passed",
        content: { type: "user", message: { role: "user", content: result } },
      }),
    ];
  });
}

/** Answers a question about conversations; nothing where it is about something else. */
export function history(path, query, flows) {
  const all = [...groups(flows, ({ session_id }) => session_id)].filter(([id]) => id);
  if (path === "/api/conversations") {
    const q = (query.get("q") ?? "").toLowerCase();
    const items = all
      .map(([id, of]) => conversation(id, of))
      .filter(({ first_prompt }) => (first_prompt ?? "").toLowerCase().includes(q))
      .filter(({ project }) => !query.get("project") || project === query.get("project"));
    return { items, next_cursor: null };
  }
  const id = /^\/api\/conversations\/([^/]+)$/.exec(path)?.[1];
  const of = id && all.find(([session]) => session === decodeURIComponent(id))?.[1];
  if (!of) return undefined;
  const told = conversation(decodeURIComponent(id), of);
  const shown = lines(told.id, of).filter(
    ({ role }) => role !== "note" || query.get("notes") === "true",
  );
  if (query.get("order") === "newest") shown.reverse();
  const from = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 200);
  const lane = { lines: shown.length, responses: told.responses, cost: told.cost };
  return {
    ...told,
    complete: true,
    branches: [],
    lanes: [null, ...new Set(of.map(({ agent_id }) => agent_id).filter(Boolean))].map(
      (agent_id, number) => ({
        number,
        agent_id,
        agent_type: agent_id === null ? null : "Explore",
        description: agent_id === null ? null : "Find where headers are parsed",
        prompt: agent_id === null ? null : `Look for ${HOSTILE}`,
        first_at: told.first_at,
        last_at: told.last_at,
        ...lane,
      }),
    ),
    items: shown.slice(from, from + limit),
    next_cursor: from + limit < shown.length ? String(from + limit) : null,
  };
}
