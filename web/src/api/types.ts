// Names for what the API says; the only file that knows how the types came about.

/** Milliseconds, fractional. */
export type Millis = number;

export interface Usage {
  input: number | null;
  cache_read: number | null;
  cache_write_5m: number | null;
  cache_write_1h: number | null;
  output: number | null;
  reasoning: number | null;
}

export interface Gap {
  chunks: number;
  bytes: number;
}

export interface ProviderError {
  kind: string | null;
  message: string | null;
}

export interface Cost {
  micro_usd: number;
}

export interface Flow {
  id: string;
  connection_id: string;
  revision: number;
  started_at: string;
  ended_at: string | null;
  duration_ms: Millis | null;
  ttfb_ms: Millis | null;
  ttft_ms: Millis | null;
  connect_ms: Millis | null;
  tls_ms: Millis | null;
  mode: string;
  scheme: string;
  host: string;
  port: number;
  method: string;
  path: string;
  version_in: string;
  version_out: string;
  status: number | null;
  outcome: string | null;
  reason: string | null;
  error: ProviderError | null;
  provider: string | null;
  model: string | null;
  model_requested: string | null;
  streaming: boolean | null;
  session_id: string | null;
  session_source: string | null;
  task_id: string | null;
  task_source: string | null;
  user_agent: string | null;
  agent: string | null;
  agent_version: string | null;
  agent_id: string | null;
  usage: Usage;
  cost: Cost | null;
  cost_source: string | null;
  stop_reason: string | null;
  tool_names: string[];
  event_count: number;
  unknown_events: number;
  dropped_events: number;
  request_bytes: number;
  response_bytes: number;
  body_truncated: boolean;
  capture_gaps: number;
  request_gap: Gap;
  response_gap: Gap;
  decode_note: string | null;
  ja4_in: string | null;
  ja4_out: string | null;
  provider_request_id: string | null;
  message_id: string | null;
  preview: string | null;
}

export interface Body {
  text: string | null;
  base64: string | null;
  media_type: string | null;
  stored_bytes: number;
  original_bytes: number;
  truncated: boolean;
}

export type Header = [name: string, value: string];

export interface RequestView {
  method: string;
  path: string;
  host: string;
  headers: Header[];
  trailers: Header[];
  body: Body | null;
}

export type Block = { index: number; complete: boolean } & (
  | { type: "text"; text: string; citations: unknown[] }
  | { type: "thinking"; text: string; signature_bytes: number }
  | { type: "redacted_thinking"; bytes: number }
  | {
      type: "tool_use" | "server_tool_use";
      id: string;
      name: string;
      input: unknown;
      input_raw: string;
    }
  | { type: "server_tool_result"; kind: string; tool_use_id: string; json: unknown }
  | { type: "other"; kind: string; json: unknown }
);

export interface Message {
  id: string | null;
  model: string | null;
  role: string | null;
  stop_reason: string | null;
  stop_sequence: string | null;
  usage: Usage;
  error: ProviderError | null;
  truncated: boolean;
  blocks: Block[];
}

export interface ResponseView {
  status: number | null;
  headers: Header[];
  trailers: Header[];
  body: Body | null;
  message: Message | null;
}

export interface StreamEvent {
  seq: number;
  offset_ms: Millis;
  type: string;
  data: string;
  original_bytes: number;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
  total?: number | null;
}

export interface Stats {
  version: string;
  uptime_s: number;
  flows_total: number;
  events_total: number;
  open_flows: number;
  queue: { items: number; bytes: number; high_water: number };
  drops: { total: number; by_reason: Record<string, number> };
  gaps_total: number;
  writer_lag_ms: number;
  db_bytes: number;
  wal_bytes: number;
  redactions: { rule: string; count: number }[];
  tunnels_total: number;
  lost_flows: number;
  proxy_connections: number;
  decode_errors: number;
  recorder: Record<string, unknown>;
}

export interface Tunnel {
  connection_id: string;
  host: string;
  port: number;
  started_at: string;
  ended_at: string | null;
  bytes_up: number;
  bytes_down: number;
  why: string;
}

export interface Drop {
  at: string;
  flow_id: string | null;
  reason: string;
  count: number;
  bytes: number;
}

export interface Facet {
  value: string;
  count: number;
}

export interface Facets {
  hosts: Facet[];
  providers: Facet[];
  models: Facet[];
  outcomes: Facet[];
  sessions: Facet[];
}

export interface Setup {
  proxy_url: string;
  reverse_url: string;
  api_url: string;
  ca_path: string;
  ca_fingerprint: string;
  home: string;
  commands: { label: string; command: string }[];
  checklist: {
    proxy_up: boolean;
    trust_ready: boolean;
    first_byte: boolean;
    first_token: boolean;
  };
}

/** What the live socket says. */
export type LiveMessage =
  | { type: "hello"; revision: number; version: string }
  | { type: "flow"; revision: number; flow: Flow }
  | { type: "event"; revision: number; flow_id: string; event_count: number }
  | { type: "text"; flow_id: string; block: number; kind: LiveKind; text: string }
  | ({ type: "stats" } & Stats)
  | { type: "resync"; revision: number };

export type LiveKind = "text" | "thinking" | "tool_input";

/** What the page says on the live socket. */
export interface Subscription {
  flows: boolean;
  session?: string;
  flow?: string;
}
