// Makes flows for tests: complete, with only what matters stated.
import type { Flow } from "@/api/types";

export function makeFlow(over: Partial<Flow> = {}): Flow {
  return {
    id: "0190f0c4-7e2a-7000-8000-000000000000",
    connection_id: "0190f0c4-7e2a-7000-8000-00000000000c",
    revision: 1,
    started_at: "2026-01-02T03:04:05.000000Z",
    ended_at: null,
    duration_ms: null,
    ttfb_ms: null,
    ttft_ms: null,
    connect_ms: null,
    tls_ms: null,
    mode: "forward",
    scheme: "https",
    host: "api.anthropic.com",
    port: 443,
    method: "POST",
    path: "/v1/messages",
    version_in: "HTTP/1.1",
    version_out: "HTTP/2",
    status: 200,
    outcome: "completed",
    reason: null,
    error: null,
    provider: "anthropic",
    model: "claude-sonnet-4-5",
    model_requested: "claude-sonnet-4-5",
    streaming: true,
    session_id: null,
    session_source: null,
    task_id: null,
    task_source: null,
    user_agent: null,
    agent: null,
    agent_version: null,
    agent_id: null,
    usage: {
      input: null,
      cache_read: null,
      cache_write_5m: null,
      cache_write_1h: null,
      output: null,
      reasoning: null,
    },
    cost: null,
    cost_source: null,
    stop_reason: null,
    tool_names: [],
    event_count: 0,
    unknown_events: 0,
    dropped_events: 0,
    request_bytes: 0,
    response_bytes: 0,
    body_truncated: false,
    capture_gaps: 0,
    request_gap: { chunks: 0, bytes: 0 },
    response_gap: { chunks: 0, bytes: 0 },
    decode_note: null,
    ja4_in: null,
    ja4_out: null,
    provider_request_id: null,
    message_id: null,
    preview: null,
    ...over,
  };
}

/** The n-th flow in time. */
export function nth(n: number, over: Partial<Flow> = {}): Flow {
  const place = String(n).padStart(6, "0");
  return makeFlow({
    id: `0190f0c4-7e2a-7000-8000-000000${place}`,
    started_at: `2026-01-02T03:04:05.${place}Z`,
    ...over,
  });
}
