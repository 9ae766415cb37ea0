// A stand-in for the API, for component states that a real server cannot be brought into at will.
// tidy: long because it is one program to run by hand, with its made-up data beside its routes.
//
// Serves dist/ under the same content policy as the server, 10,000 made-up flows, and a live stream.
// Controls: POST /mock/stream starts a stream, /mock/away (of the API), /mock/down (of the files too), /mock/signed-out, /mock/empty, /mock/demo,
// /mock/priced, /mock/normal switch what the API answers, /mock/resync tells every page to load anew.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { history } from "./mock-history.mjs";
import { insight, judge } from "./mock-insight.mjs";
import { TALK_ID, TALK_SNIPPET, talkBlocks, talkRequest } from "./mock-talk.mjs";

const PORT = Number(process.env.PORT ?? 9191);
const TOTAL = Number(process.env.FLOWS ?? 10_000);
const QUIET = process.env.QUIET === "1";
const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

let mode = "normal";
let revision = 1;
/** Newest first. */
const flows = [];
const streams = new Map();
let seed = 7;

function random() {
  seed = (seed * 1103515245 + 12345) & 0x7fffffff;
  return seed / 0x7fffffff;
}
const pick = (list) => list[Math.floor(random() * list.length)];
const between = (low, high) => low + random() * (high - low);

function uuid7(at) {
  const time = Math.floor(at).toString(16).padStart(12, "0");
  const rest = randomBytes(10).toString("hex");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-8${rest.slice(3, 6)}-${rest.slice(6, 18)}`;
}

const MODELS = [
  "claude-opus-4-5-20251101",
  "claude-sonnet-4-5-20250929",
  "claude-haiku-4-5-20251001",
];
const ASKS = [
  "Fix the failing test in crates/store and explain what was wrong",
  "Read the log and tell me which requests took longer than a second",
  "Refactor the flow window so that pages below can be let go",
  "Add a migration that keeps the old rows",
  "Why does the build fail on the second run?",
  "<script>alert('no')</script> is only text \u202etxet ylno si\u202c here",
  "\u001b[31mred?\u001b[0m no: escape codes are shown as they came",
  "Write a summary of yesterday's changes for the team",
];
// All begin alike, as ids that are made one after the other do.
const SESSIONS = Array.from({ length: 12 }, (_, at) => uuid7(Date.now() - 86_400_000 + at));
const stars = new Map();

/** Whose flows there are: Anthropic's mostly. */
const WAYS = [
  ...Array.from({ length: 6 }, () => ({
    provider: "anthropic",
    host: "api.anthropic.com",
    models: MODELS,
    agents: ["claude-code", "claude-code", "python-sdk"],
    path: "/v1/messages?beta=true",
  })),
  {
    provider: "openai",
    host: "api.openai.com",
    models: ["gpt-6.1-sol", "gpt-5"],
    agents: ["codex"],
    path: "/v1/responses",
  },
  {
    provider: "gemini",
    host: "generativelanguage.googleapis.com",
    models: ["gemini-2.5-pro"],
    agents: ["gemini-cli"],
    path: "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
  },
];

function makeFlow(at, over = {}) {
  const roll = random();
  const outcome =
    roll < 0.93
      ? "completed"
      : roll < 0.955
        ? "provider_error"
        : roll < 0.97
          ? "client_gone"
          : roll < 0.98
            ? "upstream_gone"
            : roll < 0.988
              ? "timed_out"
              : roll < 0.995
                ? "refused"
                : "lost";
  const tools =
    random() < 0.55
      ? Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
          pick(["Bash", "Read", "Edit", "Grep", "mcp__github__search"]),
        )
      : [];
  const count = random() < 0.06;
  const duration = between(300, 38_000);
  const ttfb = Math.min(duration, between(180, 1_900));
  const way = pick(WAYS);
  const model = pick(way.models);
  const cached = Math.floor(between(0, 180_000));
  const includes = way.provider !== "anthropic";
  const done = outcome === "completed";
  const failed = outcome === "provider_error";
  return {
    id: uuid7(at),
    connection_id: uuid7(at - 5),
    revision: revision++,
    started_at: new Date(at).toISOString().replace("Z", "000Z"),
    ended_at: new Date(at + duration).toISOString().replace("Z", "000Z"),
    duration_ms: duration,
    ttfb_ms: outcome === "refused" ? null : ttfb,
    ttft_ms: done && !count ? ttfb + between(20, 300) : null,
    ttlt_ms: done && !count ? duration * 0.98 : null,
    longest_stall_ms: done && !count ? duration * 0.11 : null,
    tokens_per_second: done && !count ? 61.5 : null,
    connect_ms: random() < 0.2 ? between(8, 40) : null,
    tls_ms: random() < 0.2 ? between(20, 70) : null,
    mode: "forward",
    scheme: "https",
    host: way.host,
    port: 443,
    method: "POST",
    path: count ? "/v1/messages/count_tokens?beta=true" : way.path,
    version_in: "HTTP/1.1",
    version_out: "HTTP/2",
    status: outcome === "refused" ? 502 : failed ? pick([429, 529, 400, 500]) : 200,
    outcome,
    reason: outcome === "refused" ? "The name api.anthropic.com could not be resolved." : null,
    error: failed ? { kind: "overloaded_error", message: "Overloaded" } : null,
    provider: way.provider,
    dialect: way.provider,
    model: done ? model : null,
    model_requested: model,
    streaming: !count,
    session_id: pick(SESSIONS),
    session_source: "body:metadata.user_id",
    task_id: null,
    task_source: null,
    retry_of: null,
    client_addr: "127.0.0.1:50112",
    client_pid: null,
    client_process: null,
    user_agent: "claude-cli/2.0.1 (external, cli)",
    agent: pick(way.agents),
    agent_version: "2.0.1",
    agent_id: random() < 0.12 ? "a1b2c3d4" : null,
    usage:
      done && !count
        ? {
            input: Math.floor(between(3, 4000)) + (includes ? cached : 0),
            cache_read: cached,
            cache_write_5m: includes ? null : random() < 0.4 ? Math.floor(between(200, 9000)) : 0,
            cache_write_1h: includes ? null : 0,
            output: Math.floor(between(20, 4200)),
            reasoning: includes ? Math.floor(between(1, 20)) : null,
          }
        : {
            input: failed ? null : 1204,
            cache_read: null,
            cache_write_5m: null,
            cache_write_1h: null,
            output: null,
            reasoning: null,
          },
    cost: null,
    usage_estimate: null,
    cost_source: null,
    stop_reason: done ? (tools.length ? "tool_use" : "end_turn") : null,
    tool_names: done ? tools : [],
    rate_limits: done
      ? [{ name: "tokens", limit: 80_000, remaining: 79_000, reset_at: new Date(at).toISOString() }]
      : [],
    event_count: done && !count ? Math.floor(between(12, 900)) : 0,
    unknown_events: 0,
    dropped_events: random() < 0.004 ? 31 : 0,
    request_bytes: Math.floor(between(2_000, 900_000)),
    response_bytes: Math.floor(between(300, 90_000)),
    body_truncated: random() < 0.01,
    capture_gaps: 0,
    request_gap: { chunks: 0, bytes: 0 },
    response_gap: { chunks: 0, bytes: 0 },
    decode_note: null,
    ja4_in: "t13d1516h2_8daaf6152771_02713d6af862",
    ja4_out: "t13d1516h2_8daaf6152771_02713d6af862",
    tls_note: null,
    provider_request_id: `req_011C${randomBytes(8).toString("hex")}`,
    message_id: done ? `msg_01${randomBytes(10).toString("hex")}` : null,
    preview: count ? null : pick(ASKS),
    ...over,
  };
}

for (let i = 0, at = Date.now() - 4_000; i < TOTAL; i += 1, at -= between(200, 14_000))
  flows.push(makeFlow(at));
/** A flow in which there is something of every kind. */
const talk = flows.find(
  ({ outcome, dialect, streaming }, at) =>
    at > 40 && outcome === "completed" && dialect === "anthropic" && streaming,
);
if (talk) {
  Object.assign(talk, {
    id: TALK_ID,
    tool_names: ["Edit", "Edit"],
    body_truncated: false,
    preview: "Please mend the parser",
  });
}
/** A flow of which much is missing. */
const torn = flows[3];
if (torn) {
  Object.assign(torn, {
    outcome: "upstream_gone",
    capture_gaps: 3,
    response_gap: { chunks: 3, bytes: 48_213 },
    dropped_events: 12,
    decode_note: "Three chunks were not captured; decoding went on at the next event.",
    body_truncated: true,
    unknown_events: 2,
    reason: "The provider reset the connection after 41 events.",
    error: null,
    connect_ms: 21.4,
    tls_ms: 38.9,
  });
}

// A WebSocket, and the responses that it carried.
const socket = makeFlow(Date.now() - 3_000, {
  method: "GET",
  path: "/v1/responses",
  host: "api.openai.com",
  status: 101,
  outcome: "completed",
  reason: null,
  error: null,
  provider: "openai",
  dialect: "openai",
  model: null,
  model_requested: null,
  agent: "codex",
  preview: null,
  tool_names: [],
  event_count: 0,
  duration_ms: 2_400,
  usage: {
    input: null,
    cache_read: null,
    cache_write_5m: null,
    cache_write_1h: null,
    output: null,
    reasoning: null,
  },
});
for (const [at, preview] of [
  "",
  "hi → I'll write the note.",
  "Done: the note is written.",
].entries()) {
  const call = makeFlow(Date.now() - 2_900 + at * 100, {
    method: "WS",
    path: "/v1/responses",
    host: "api.openai.com",
    status: 101,
    outcome: "completed",
    reason: null,
    error: null,
    provider: "openai",
    dialect: "openai",
    model: "gpt-6.1-sol",
    model_requested: "gpt-6.1-sol",
    agent: "codex",
    preview: preview || null,
    session_id: socket.session_id,
    connection_id: socket.connection_id,
    event_count: 35,
    tool_names: at === 1 ? ["exec"] : [],
  });
  if (at === 0) flows.unshift(socket);
  flows.unshift(call);
}

function requestBody(flow) {
  if (flow === talk) return talkRequest(flow);
  const messages = [];
  for (let turn = 0; turn < 18; turn += 1) {
    messages.push({
      role: "user",
      content:
        turn === 0
          ? [
              {
                type: "text",
                text: "<system-reminder>\nThe project is called Langley.\n</system-reminder>",
                cache_control: { type: "ephemeral", ttl: "1h" },
              },
              { type: "text", text: flow.preview ?? "Count this" },
            ]
          : [
              {
                type: "tool_result",
                tool_use_id: `toolu_${turn - 1}`,
                is_error: turn % 7 === 3,
                content:
                  turn % 5 === 2
                    ? [
                        { type: "text", text: "A screenshot:" },
                        {
                          type: "image",
                          source: {
                            type: "base64",
                            media_type: "image/png",
                            data: "aGVsbG8=".repeat(4000),
                          },
                        },
                      ]
                    : `running 14 tests\n\u001b[32mtest store::a_reader_never_blocks_the_writer ... ok\u001b[0m\n<b>not bold</b>\n${"test engine::endings ... ok\n".repeat(turn * 4)}`,
              },
            ],
    });
    messages.push({
      role: "assistant",
      content: [
        {
          type: "thinking",
          thinking:
            "The window keeps its pages by cursor, so the page below can be loaded again once the reader comes back. ".repeat(
              4,
            ),
          signature: "EqQB",
        },
        {
          type: "text",
          text: `Step ${turn + 1}. I will look at the test first, then at the code that it covers.`,
        },
        {
          type: "tool_use",
          id: `toolu_${turn}`,
          name: ["Bash", "Read", "Edit"][turn % 3],
          input: {
            command: "cargo nextest run -p langley-store",
            description: "Run the store's tests",
            timeout: 120000,
            nested: { key: "[redacted:anthropic_key]" },
          },
        },
      ],
    });
  }
  messages.push({
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "toolu_17", content: "ok" },
      { type: "text", text: flow.preview ?? "Count this", cache_control: { type: "ephemeral" } },
    ],
  });
  return JSON.stringify({
    model: flow.model_requested,
    max_tokens: 32000,
    stream: true,
    thinking: { type: "enabled", budget_tokens: 31999 },
    metadata: { user_id: `user_x_account__session_${flow.session_id}` },
    system: [
      { type: "text", text: "You are Claude Code, Anthropic's official CLI for Claude." },
      {
        type: "text",
        text: "You help people with software. ".repeat(60),
        cache_control: { type: "ephemeral", ttl: "1h" },
      },
    ],
    tools: [
      "Bash",
      "Read",
      "Edit",
      "Grep",
      "Glob",
      "Write",
      "WebFetch",
      "Task",
      "mcp__github__search",
    ].map((name) => ({
      name,
      description: `${name}: does what its name says, with care. `.repeat(3),
      input_schema: {
        type: "object",
        properties: { command: { type: "string" } },
        required: ["command"],
      },
    })),
    messages,
  });
}

function body(text, flow) {
  return {
    text,
    base64: null,
    media_type: "application/json",
    stored_bytes: text.length,
    original_bytes: flow.body_truncated ? text.length * 2 : text.length,
    truncated: flow.body_truncated,
  };
}

const WORDS =
  "The test failed because the page below was let go while its cursor was still in use. I keep the cursor with the page, so it can be loaded again when the reader comes back. ".split(
    " ",
  );

const THOUGHT = {
  index: 0,
  complete: true,
  type: "thinking",
  text: "First the cursor, then the rows. ".repeat(12),
  signature_bytes: 412,
};

function message(flow) {
  if (flow.outcome === "refused" || flow.outcome === null) return null;
  const error =
    flow.outcome === "provider_error" ? { kind: "overloaded_error", message: "Overloaded" } : null;
  const text =
    streams.get(flow.id)?.text ??
    `${WORDS.join(" ").repeat(3)}\n\n1. The cursor stays.\n2. The rows go.\n\n\`cargo nextest run\` is green: 14 tests, 14 passed.\nhttps://example.com/${"long".repeat(120)}`;
  const blocks = error
    ? []
    : flow === talk
      ? talkBlocks()
      : [
          ...(streams.has(flow.id) ? [] : [THOUGHT]),
          { index: 1, complete: flow.outcome === "completed", type: "text", text, citations: [] },
          ...flow.tool_names.map((name, at) => ({
            index: at + 2,
            complete: true,
            type: "tool_use",
            id: `toolu_${at}z`,
            name,
            input: { command: "git status --short", description: "Show what changed" },
            input_raw: '{"command":"git status --short"}',
          })),
        ];
  return {
    id: flow.message_id,
    model: flow.model,
    role: "assistant",
    stop_reason: flow.stop_reason,
    stop_sequence: null,
    stop_details: null,
    usage: flow.usage,
    error,
    truncated: false,
    blocks,
  };
}

function eventsOf(flow) {
  const stream = streams.get(flow.id);
  if (stream) return stream.events;
  const events = [];
  let offset = flow.ttfb_ms ?? 0;
  for (let seq = 1; seq <= flow.event_count; seq += 1) {
    offset += 12;
    if (flow === torn && seq > 20 && seq < 33) continue;
    const type =
      seq === 1
        ? "message_start"
        : seq === 2
          ? "content_block_start"
          : seq === flow.event_count
            ? "message_stop"
            : seq === flow.event_count - 1
              ? "message_delta"
              : seq % 40 === 0
                ? "ping"
                : "content_block_delta";
    const data =
      type === "content_block_delta"
        ? { type, index: 0, delta: { type: "text_delta", text: `${WORDS[seq % WORDS.length]} ` } }
        : { type };
    events.push({
      seq,
      offset_ms: offset,
      type,
      data: JSON.stringify(data),
      original_bytes: JSON.stringify(data).length + 30,
    });
  }
  return events;
}

function filtered(query) {
  return flows.filter((flow) => {
    if (query.get("starred") && !stars.has(flow.session_id)) return false;
    for (const [param, field] of [
      ["connection", "connection_id"],
      ["host", "host"],
      ["provider", "provider"],
      ["session", "session_id"],
      ["task", "task_id"],
    ]) {
      const wanted = query.get(param);
      if (wanted && flow[field] !== wanted) return false;
    }
    const outcome = query.get("outcome");
    if (outcome && (flow.outcome ?? "open") !== outcome) return false;
    const model = query.get("model");
    if (model && (flow.model ?? flow.model_requested) !== model) return false;
    const tool = query.get("tool")?.toLowerCase();
    if (tool && !flow.tool_names.some((name) => name.toLowerCase() === tool)) return false;
    const status = query.get("status");
    if (
      status &&
      !(status.endsWith("xx")
        ? String(flow.status)[0] === status[0]
        : String(flow.status) === status)
    )
      return false;
    const since = query.get("since");
    if (since && flow.started_at < since) return false;
    const until = query.get("until");
    if (until && flow.started_at >= until) return false;
    const q = query.get("q")?.toLowerCase();
    return (
      !q ||
      `${flow.preview} ${flow.path} ${flow.model_requested} ${flow.id}`.toLowerCase().includes(q)
    );
  });
}

function facet(key, q) {
  const counts = new Map();
  for (const flow of flows) if (flow[key]) counts.set(flow[key], (counts.get(flow[key]) ?? 0) + 1);
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .filter(({ value }) => value.toLowerCase().includes(q))
    .sort((a, b) => b.count - a.count);
}

function sessions(q) {
  const found = new Map();
  for (const { session_id: value, started_at, preview } of flows) {
    const known = found.get(value) ?? { value, count: 0, first_at: started_at, opening: null };
    found.set(value, {
      ...known,
      count: known.count + 1,
      first_at: started_at,
      opening: preview ?? known.opening,
    });
  }
  return [...found.values()].filter(({ value, opening }) =>
    `${value} ${opening}`.toLowerCase().includes(q),
  );
}

/** Flows whose preview holds all the words, and where in it. */
function searched(query) {
  const words = (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  if (words[0] === "wombat") {
    return { items: [{ flow: talk, snippets: [TALK_SNIPPET] }], next_cursor: null, unindexed: 0 };
  }
  const hits = filtered(new URLSearchParams()).filter(({ preview }) =>
    words.every((word) => preview?.toLowerCase().includes(word)),
  );
  const cursor = query.get("cursor");
  const from = cursor ? hits.findIndex(({ id }) => id === cursor) + 1 : 0;
  const page = hits.slice(from, from + 20);
  return {
    items: page.map((flow) => ({
      flow,
      snippets: [
        {
          place: "prompt",
          text: flow.preview,
          highlights: words
            .map((word) => {
              const start = [...flow.preview.slice(0, flow.preview.toLowerCase().indexOf(word))]
                .length;
              return { start, end: start + [...word].length };
            })
            .sort((a, b) => a.start - b.start),
          cut_before: false,
          cut_after: true,
        },
      ],
    })),
    next_cursor: from + 20 < hits.length ? page.at(-1).id : null,
    unindexed: 0,
  };
}

const started = Date.now();
const stats = () => ({
  version: "0.1.0",
  uptime_s: (Date.now() - started) / 1000,
  flows_total: mode === "empty" ? 0 : flows.length,
  flows: mode === "empty" ? 0 : flows.length,
  events_total: 2_481_220,
  open_flows: flows.filter(({ outcome }) => outcome === null).length,
  queue: { items: 12, bytes: 48_112, high_water: 611, high_water_bytes: 1_204_000 },
  intake: { items: 3, bytes: 9_112, high_water: 214, high_water_bytes: 812_000 },
  gap_bytes_total: 48_213,
  writer_failing: false,
  write_retries: 0,
  batches_failed: 0,
  watchers: 1,
  drops: { total: 43, by_reason: { writer_queue_full: 31, capture_queue_full: 12 } },
  gaps_total: 3,
  writer_lag_ms: 148,
  db_bytes: 48_312_320,
  db_free_bytes: 2_310_000,
  wal_bytes: 4_120_000,
  batches_total: 88_121,
  records_dropped: 0,
  revision: 412_008,
  maintenance: {
    phase: null,
    running: null,
    last: {
      started_at: new Date(Date.now() - 5 * 3_600_000).toISOString(),
      ended_at: new Date(Date.now() - 5 * 3_600_000 + 2_400).toISOString(),
      flows: 812,
      events: 1_204_118,
      bodies: 2_044,
      contents: 9_201,
      tunnels: 12,
      drops: 3,
      freed_bytes: 31_457_280,
    },
    next_at: new Date(Date.now() + 19 * 3_600_000).toISOString(),
    failed: false,
  },
  redactions: [
    { rule: "header:authorization", count: 10_412 },
    { rule: "header:x-api-key", count: 9_120 },
    { rule: "key:anthropic", count: 212 },
    { rule: "base64_image", count: 48 },
    { rule: "jwt", count: 3 },
  ],
  transcripts: {
    following: true,
    folders: ["/home/me/.claude/projects", "/home/me/.codex/sessions"],
    looked_at: new Date().toISOString(),
    waiting: 2,
    files: 112,
    deleted: 4,
    lines: 48_210,
    bytes: 91_220_118,
    unreadable: 1,
    mended: 0,
    cut: 0,
    deleted_conversations: 1,
    left_out: 12,
    damaged: 0,
    refused: 1,
    refused_why: "/home/me/.codex/sessions/old: permission denied",
  },
  tunnels_total: 2,
  analysis_waiting: 2,
  analysis_given_up: 0,
  tokens_waiting: 3,
  tokens_given_up: 1,
  background_panics: 0,
  lost_flows: 1,
  proxy_connections: 4,
  insecure_hosts: [],
  budgets_spent: [],
  raw_bodies: null,
  decode_errors: 2,
  recorder: {
    captures: 3_120_221,
    open_flows: 2,
    batches: 88_121,
    busy_us: 4_812_993,
    threads_failed: 0,
  },
});

async function api(path, query) {
  if (path === "/api/health") return { status: "ok", version: "0.1.0" };
  if (path === "/api/stats") return stats();
  if (path === "/api/setup") {
    const ready = mode !== "empty";
    return {
      proxy_url: "http://127.0.0.1:9090",
      reverse_url: "http://127.0.0.1:9090/anthropic",
      api_url: `http://127.0.0.1:${PORT}`,
      intercept_hosts: ["api.anthropic.com"],
      ca_path: "/home/me/.local/share/langley/ca/ca.pem",
      ca_fingerprint:
        "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08",
      home: "/home/me/.local/share/langley",
      commands: [{ label: "Run any agent", command: "langley run -- claude" }],
      clients: ["claude", "codex", "opencode", "aider", "curl"].map((name) => ({
        name: name === "claude" ? "Claude Code" : name,
        run: `langley run -- ${name}`,
        proxied: `HTTPS_PROXY=http://127.0.0.1:9090 NODE_EXTRA_CA_CERTS=/home/me/.local/share/langley/ca/ca.pem ${name}`,
        based: name === "curl" ? null : `ANTHROPIC_BASE_URL=http://127.0.0.1:9090 ${name}`,
      })),
      checklist: { proxy_up: true, trust_ready: ready, first_byte: ready, first_token: ready },
      demo: false,
      ...(mode === "demo" ? { demo: true } : {}),
    };
  }
  if (path === "/api/facets") {
    const q = (query.get("q") ?? "").toLowerCase();
    return {
      hosts: facet("host", q),
      providers: facet("provider", q),
      models: facet("model", q),
      outcomes: facet("outcome", ""),
      sessions: sessions(q).slice(0, 12),
      // As many as there are: so the page says that there may be more.
      limit: 12,
    };
  }
  if (path === "/api/stars")
    return {
      items: [...stars].map(([session_id, starred_at]) => ({ session_id, starred_at })),
      next_cursor: null,
    };
  if (path === "/api/search") return query.get("q")?.includes("explode") ? null : searched(query);
  if (path === "/api/drops")
    return {
      items: Array.from({ length: 14 }, (_, at) => ({
        at: new Date(started - at * 61_000).toISOString(),
        flow_id: at % 3 ? (flows[at]?.id ?? null) : null,
        reason: at % 2 ? "writer_queue_full" : "capture_queue_full",
        count: 1 + at,
        bytes: 812 * (at + 1),
      })),
      next_cursor: null,
    };
  if (path === "/api/tunnels")
    return {
      items: [
        {
          connection_id: uuid7(started),
          host: "github.com",
          port: 443,
          started_at: new Date(started).toISOString(),
          ended_at: null,
          bytes_up: 4_120,
          bytes_down: 812_331,
          why: "not_listed",
        },
        {
          connection_id: uuid7(started),
          host: "registry.example.org",
          port: 8443,
          started_at: new Date(started - 91_000).toISOString(),
          ended_at: new Date(started).toISOString(),
          bytes_up: 1_120,
          bytes_down: 41_310,
          why: "not_listed",
        },
      ],
      next_cursor: null,
    };
  if (path === "/api/flows/count") return { count: mode === "empty" ? 0 : filtered(query).length };
  if (path === "/api/flows") {
    const all = mode === "empty" ? [] : filtered(query);
    const limit = Math.min(500, Number(query.get("limit") ?? 100));
    const cursor = query.get("cursor");
    const from = cursor ? all.findIndex(({ id }) => id === cursor) + 1 : 0;
    const priced = (flow) =>
      mode === "priced" && flow.usage.output !== null
        ? { ...flow, cost: { micro_usd: flow.usage.output * 15 }, cost_source: "priced" }
        : flow;
    const items = all.slice(from, from + limit).map(priced);
    return { items, next_cursor: from + limit < all.length ? items.at(-1).id : null };
  }
  if (path === "/api/flows/export") return exported(query);
  const known = mode === "empty" ? [] : flows;
  const told = history(path, query, known) ?? insight(path, query, known, stars);
  if (told !== undefined) return told;
  const match = /^\/api\/flows\/([^/]+)(?:\/(request|response|events|diff))?$/.exec(path);
  const flow = match && flows.find(({ id }) => id === match[1]);
  if (!flow) return undefined;
  if (match[2] === "request") {
    const text = requestBody(flow);
    return {
      method: flow.method,
      path: flow.path,
      host: flow.host,
      trailers: [],
      body_retired: false,
      body: body(flow.body_truncated ? text.slice(0, text.length >> 1) : text, flow),
      headers: [
        ["Host", flow.host],
        ["User-Agent", flow.user_agent],
        ["x-api-key", "[redacted:x-api-key]"],
        ["Authorization", "Bearer [redacted:authorization]"],
        ["anthropic-version", "2023-06-01"],
        [
          "anthropic-beta",
          "claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14",
        ],
        ["content-type", "application/json"],
        ["X-Stainless-Lang", "js"],
      ],
    };
  }
  if (match[2] === "diff") return diffOf(flow);
  if (match[2] === "response")
    return {
      status: flow.status,
      headers: [
        ["content-type", "text/event-stream; charset=utf-8"],
        ["request-id", flow.provider_request_id],
        ["set-cookie", "[redacted:set-cookie]"],
        ["anthropic-ratelimit-unified-status", "allowed"],
      ],
      trailers: [],
      body: null,
      body_retired: false,
      message: message(flow),
    };
  if (match[2] === "events") {
    const type = query.get("type");
    const all = eventsOf(flow).filter((event) => !type || event.type === type);
    const after = Number(query.get("after") ?? 0);
    const rest = all.filter(({ seq }) => seq > after);
    const items = rest.slice(0, Number(query.get("limit") ?? 500));
    return {
      items,
      next_cursor: rest.length > items.length ? String(items.at(-1).seq) : null,
      total: all.length,
      damaged: 0,
      types: query.get("after") ? [] : typesOf(eventsOf(flow)),
      retired: false,
    };
  }
  return flow;
}

/** What a file is saved from: text as it goes over the wire. */
class Text {
  constructor(text) {
    this.text = text;
  }
}

function exported(query) {
  const items = filtered(query);
  return query.get("format") === "json"
    ? { items }
    : new Text(items.map((flow) => `${JSON.stringify(flow)}\n`).join(""));
}

function typesOf(events) {
  const counts = new Map();
  for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, count]) => ({ type, count }));
}

/** A request that has two more turns than the one before, and a changed system prompt. */
function diffOf(flow) {
  const part = (kind, pieces, size, added = 0, removed = 0) => ({
    kind,
    now: { pieces, bytes: size },
    added: { pieces: added, bytes: added * 1_900 },
    removed: { pieces: removed, bytes: removed * 1_700 },
  });
  const earlier = flows.find(
    ({ id, session_id }) => session_id === flow.session_id && id < flow.id,
  );
  const piece = (kind, position, text) => ({ kind, position, bytes: 1_900, text });
  return {
    against: earlier?.id ?? null,
    truncated: flow.body_truncated,
    parts: [
      part("tools", 18, 42_000),
      part("system", 3, 21_000, 1, 1),
      part("user", 31, 180_000, 1),
      part("assistant", 30, 64_000, 1),
      part("rest", 1, 420),
    ],
    diverges: earlier && {
      kind: "system",
      position: 2,
      offset: 57,
      before: '2026-01-30\\n</env>"}',
      after: '2026-01-31\\n</env>"}',
    },
    added: [
      piece("system", 2, '{"type":"text","text":"<env>\\nToday is 2026-01-31'),
      piece("assistant", 59, '{"role":"assistant","content":[{"type":"tool_use","name":"Bash"'),
      piece("user", 60, '{"role":"user","content":[{"type":"tool_result","content":"\u202eok'),
    ],
    removed: [piece("system", 2, '{"type":"text","text":"<env>\\nToday is 2026-01-30')],
  };
}

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const send = (status, value) => {
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify(value));
  };
  if (url.pathname.startsWith("/mock/")) {
    const verb = url.pathname.slice(6);
    if (verb === "stream")
      return send(200, {
        id: startStream(
          Number(url.searchParams.get("words") ?? 200),
          url.searchParams.get("tool"),
          url.searchParams.get("session"),
        ),
      });
    if (verb === "resync") broadcast({ type: "resync", revision });
    else mode = verb;
    if (["away", "down", "signed-out"].includes(verb))
      for (const client of sockets.clients) client.terminate();
    return send(200, { mode });
  }
  if (mode === "down") return request.socket.destroy();
  if (url.pathname.startsWith("/api/")) {
    if (mode === "away") return request.socket.destroy();
    if (mode === "signed-out")
      return send(401, { error: { code: "unauthorised", message: "No session.", hint: null } });
    const starred = /^\/api\/sessions\/(.+)\/star$/.exec(url.pathname);
    if (starred) {
      const session_id = decodeURIComponent(starred[1]);
      if (request.method === "POST") stars.set(session_id, new Date().toISOString());
      else stars.delete(session_id);
      return send(200, { session_id, starred_at: stars.get(session_id) ?? null });
    }
    const said = /^\/api\/findings\/(\d+)\/(\w+)$/.exec(url.pathname);
    if (said && request.method === "POST") return send(200, judge(said[1], said[2], flows));
    const answer = await api(url.pathname, url.searchParams);
    if (answer === null)
      return send(400, {
        error: {
          code: "bad_query",
          message: "The search words cannot be read.",
          hint: "Leave out what is not a word.",
        },
      });
    if (answer instanceof Text) return response.end(answer.text);
    return answer === undefined
      ? send(404, { error: { code: "not_found", message: "There is no such thing.", hint: null } })
      : send(200, answer);
  }
  if (url.pathname === "/auth" && url.searchParams.get("code") === "spent") {
    response.writeHead(401, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": POLICY,
    });
    return response.end(await readFile(join(DIST, "index.html")));
  }
  if (url.pathname === "/auth") {
    response.writeHead(303, {
      location: "/",
      "set-cookie": "langley_session=mock; HttpOnly; SameSite=Strict; Path=/",
    });
    return response.end();
  }
  const file = normalize(url.pathname);
  const path = extname(file) ? join(DIST, file) : join(DIST, "index.html");
  try {
    const content = await readFile(path);
    response.writeHead(200, {
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      "content-security-policy": POLICY,
    });
    response.end(content);
  } catch {
    send(404, { error: { code: "not_found", message: "No such file.", hint: null } });
  }
});

const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  if (["away", "down", "signed-out"].includes(mode)) return socket.destroy();
  sockets.handleUpgrade(request, socket, head, (client) => {
    client.send(JSON.stringify({ type: "hello", revision, version: "0.1.0" }));
    client.on("message", (data) => {
      client.flow = JSON.parse(String(data)).subscribe?.flow;
      client.send(JSON.stringify({ type: "subscribed", revision }));
    });
  });
});

function broadcast(message, flow) {
  for (const client of sockets.clients) {
    if (flow === undefined || client.flow === flow) client.send(JSON.stringify(message));
  }
}

function announce(flow) {
  flow.revision = revision++;
  broadcast({ type: "flow", revision: flow.revision, flow });
}

/** A stream of words: live text at once, events committed half a second later, as the store does it. */
function startStream(total, tool = null, session = null, every = 40) {
  const flow = makeFlow(Date.now(), {
    ...(session ? { session_id: session } : {}),
    outcome: null,
    ended_at: null,
    duration_ms: null,
    ttft_ms: null,
    event_count: 0,
    status: null,
    tool_names: [],
    stop_reason: null,
    message_id: null,
    preview: "Tell me why the test failed",
    error: null,
    reason: null,
    provider: "anthropic",
    dialect: "anthropic",
    model_requested: "claude-opus-4-5-20251101",
    host: "api.anthropic.com",
    path: "/v1/messages?beta=true",
    streaming: true,
    dropped_events: 0,
    usage: {
      input: null,
      cache_read: null,
      cache_write_5m: null,
      cache_write_1h: null,
      output: null,
      reasoning: null,
    },
  });
  const stream = { text: "", events: [] };
  streams.set(flow.id, stream);
  flows.unshift(flow);
  announce(flow);
  const waiting = [];
  const push = (type, data) =>
    waiting.push({
      seq: stream.events.length + waiting.length + 1,
      offset_ms: Date.now() - Date.parse(flow.started_at),
      type,
      data: JSON.stringify({ type, ...data }),
      original_bytes: 90,
    });
  const commit = setInterval(() => {
    if (waiting.length === 0) return;
    stream.events.push(...waiting.splice(0));
    flow.event_count = stream.events.length;
    flow.status = 200;
    flow.ttft_ms = 320;
    announce(flow);
    broadcast(
      { type: "event", revision, flow_id: flow.id, event_count: flow.event_count },
      flow.id,
    );
  }, 500);
  push("message_start", {});
  push("content_block_start", { index: 1, content_block: { type: "text", text: "" } });
  let word = 0;
  const words = setInterval(() => {
    const text = `${WORDS[word % WORDS.length]} `;
    stream.text += text;
    push("content_block_delta", { index: 1, delta: { type: "text_delta", text } });
    broadcast({ type: "text", flow_id: flow.id, block: 1, kind: "text", text }, flow.id);
    word += 1;
    if (word < total) return;
    clearInterval(words);
    if (tool) {
      push("content_block_start", {
        index: 2,
        content_block: { type: "tool_use", id: "toolu_live", name: tool, input: {} },
      });
      const partial_json = '{"command":"cargo nextest';
      push("content_block_delta", { index: 2, delta: { type: "input_json_delta", partial_json } });
      broadcast(
        { type: "text", flow_id: flow.id, block: 2, kind: "tool_input", text: partial_json },
        flow.id,
      );
    }
    setTimeout(
      () => {
        clearInterval(commit);
        Object.assign(flow, {
          outcome: "completed",
          ended_at: new Date().toISOString(),
          duration_ms: Date.now() - Date.parse(flow.started_at),
          stop_reason: "end_turn",
          message_id: "msg_live",
          usage: {
            input: 12,
            cache_read: 40_112,
            cache_write_5m: 812,
            cache_write_1h: 0,
            output: total,
            reasoning: null,
          },
        });
        announce(flow);
      },
      // A tool that is called stays so for as long as a slow machine needs to look at it.
      tool ? 30_000 : 700,
    );
  }, every);
  return flow.id;
}

if (!QUIET) {
  setInterval(() => {
    if (mode === "normal") startStream(30 + Math.floor(random() * 120));
  }, 2_500);
}
setInterval(() => broadcast({ type: "stats", revision, ...stats() }), 1_000);

server.listen(PORT, "127.0.0.1", () =>
  console.log(`mock: http://127.0.0.1:${server.address().port}/`),
);
