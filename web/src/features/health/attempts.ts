// Connections without a readable request, by what became of them, and alike ones told once.
import type { Flow, Tunnel } from "@/api/types";

/** What is told of one attempt. */
export type Attempt = Pick<
  Tunnel,
  "host" | "port" | "why" | "reason" | "started_at" | "ended_at" | "bytes_up" | "bytes_down"
>;

export type Fate = "passed" | "distrusted" | "unreached";

/** What became of a connection, by its reason. A reason this version does not know was passed on. */
const FATES: Record<string, Fate> = {
  not_listed: "passed",
  not_tls: "passed",
  client_certificate_asked: "passed",
  client_rejected_certificate: "distrusted",
  handshake_failed: "distrusted",
  dial_failed: "unreached",
};

const WORDS: Record<string, string> = {
  not_listed: "not on the intercept list",
  not_tls: "no TLS inside",
  client_certificate_asked: "the provider asked for a client certificate",
  client_rejected_certificate: "the agent rejected Langley's certificate",
  handshake_failed: "the TLS handshake with the agent failed",
  dial_failed: "not reached",
};

export interface Attempts {
  host: string;
  port: number;
  /** In words. */
  why: string;
  /** What the server says of the latest; it may say nothing. */
  reason: string | null;
  times: number;
  open: number;
  last: string;
  up: number;
  down: number;
}

/** Langley's own words for a provider that no connection came to. */
const UNREACHED = new Set([
  "upstream_name_not_resolved",
  "upstream_unreachable",
  "upstream_connect_timed_out",
  "upstream_proxy_unreachable",
  "upstream_proxy_refused",
]);

/**
 * The calls whose provider was not reached and that no tunnel tells of: those in reverse mode, by
 * plain http, and on a connection that was open already. A refused CONNECT is a tunnel as well.
 */
export function unreachedCalls(flows: Flow[]): Attempt[] {
  return (
    flows
      .filter(({ error }) => UNREACHED.has(error?.kind ?? ""))
      // A WebSocket over HTTP/2 is a CONNECT too; that one has a path.
      .filter(({ method, path }) => method !== "CONNECT" || path !== "")
      .map(({ host, port, reason, error, started_at, ended_at }) => ({
        host,
        port,
        why: "dial_failed",
        reason: reason ?? error?.message ?? null,
        started_at,
        ended_at: ended_at ?? started_at,
        bytes_up: 0,
        bytes_down: 0,
      }))
  );
}

/** Those of one fate, alike ones together, the latest first. */
export function attemptsOf(all: Attempt[], fate: Fate): Attempts[] {
  const found = new Map<string, Attempts>();
  const newestFirst = all.toSorted((a, b) => b.started_at.localeCompare(a.started_at));
  for (const tunnel of newestFirst) {
    if ((FATES[tunnel.why] ?? "passed") !== fate) continue;
    const key = `${tunnel.why} ${tunnel.port} ${tunnel.host}`;
    const known = found.get(key) ?? {
      host: tunnel.host,
      port: tunnel.port,
      why: WORDS[tunnel.why] ?? tunnel.why.replaceAll("_", " "),
      reason: tunnel.reason ?? null,
      times: 0,
      open: 0,
      last: tunnel.started_at,
      up: 0,
      down: 0,
    };
    known.times += 1;
    known.open += tunnel.ended_at ? 0 : 1;
    known.up += tunnel.bytes_up;
    known.down += tunnel.bytes_down;
    found.set(key, known);
  }
  return [...found.values()];
}
