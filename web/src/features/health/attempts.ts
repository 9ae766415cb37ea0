// Connections without a readable request, by what became of them, and alike ones told once.
import type { Tunnel } from "@/api/types";

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

/** Those of one fate, alike ones together, the latest first. `tunnels` come newest first. */
export function attemptsOf(tunnels: Tunnel[], fate: Fate): Attempts[] {
  const found = new Map<string, Attempts>();
  for (const tunnel of tunnels) {
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
