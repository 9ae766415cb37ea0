// How connections without a readable request are told apart and counted.
import { expect, test } from "vitest";
import type { Tunnel } from "@/api/types";
import { makeFlow } from "@/testing/flow";
import { attemptsOf, unreachedCalls } from "./attempts";

function tunnel(over: Partial<Tunnel>): Tunnel {
  return {
    connection_id: "c",
    host: "api.anthropic.com",
    port: 443,
    started_at: "2026-05-02T12:00:00.000000Z",
    ended_at: "2026-05-02T12:00:01.000000Z",
    bytes_up: 1,
    bytes_down: 2,
    why: "not_listed",
    reason: null,
    ...over,
  };
}

test("each reason has its place, and one that is not known was passed on", () => {
  const all = [
    tunnel({ host: "a", why: "not_listed" }),
    tunnel({ host: "b", why: "not_tls" }),
    tunnel({ host: "c", why: "client_certificate_asked" }),
    tunnel({ host: "d", why: "client_rejected_certificate" }),
    tunnel({ host: "e", why: "handshake_failed" }),
    tunnel({ host: "f", why: "dial_failed" }),
    tunnel({ host: "g", why: "something_new" }),
  ];
  const hosts = (fate: Parameters<typeof attemptsOf>[1]) =>
    attemptsOf(all, fate).map(({ host }) => host);
  expect(hosts("passed")).toEqual(["a", "b", "c", "g"]);
  expect(hosts("distrusted")).toEqual(["d", "e"]);
  expect(hosts("unreached")).toEqual(["f"]);
  expect(attemptsOf(all, "passed").at(-1)?.why).toBe("something new");
});

test("ten attempts are one row with their number, the latest time and the latest reason", () => {
  const all = Array.from({ length: 10 }, (_, at) =>
    tunnel({
      why: "dial_failed",
      started_at: `2026-05-02T12:00:0${9 - at}.000000Z`,
      ended_at: at === 0 ? null : "2026-05-02T12:00:10.000000Z",
      reason: at === 0 ? "connection refused" : "no network",
    }),
  );
  const [row, ...rest] = attemptsOf(
    [...all, tunnel({ why: "dial_failed", port: 80 })],
    "unreached",
  );
  expect(rest).toHaveLength(1);
  expect(row).toMatchObject({
    times: 10,
    open: 1,
    last: "2026-05-02T12:00:09.000000Z",
    reason: "connection refused",
    up: 10,
    down: 20,
  });
});

test("a call that came to no connection counts, one that broke off or has a tunnel does not", () => {
  const ended = (kind: string | null, over = {}) =>
    makeFlow({
      outcome: "upstream_gone",
      error: kind === null ? null : { kind, message: `said of ${kind}` },
      ...over,
    });
  const kinds = [
    "upstream_name_not_resolved",
    "upstream_unreachable",
    "upstream_connect_timed_out",
    "upstream_proxy_unreachable",
    "upstream_proxy_refused",
  ];
  expect(unreachedCalls(kinds.map((kind) => ended(kind))).map(({ reason }) => reason)).toEqual(
    kinds.map((kind) => `said of ${kind}`),
  );
  expect(
    unreachedCalls([
      ended(null),
      ended("overloaded_error"),
      ended("upstream_protocol_error"),
      ended("upstream_unreachable", { method: "CONNECT", path: "" }),
    ]),
  ).toEqual([]);
  const socket = ended("upstream_unreachable", { method: "CONNECT", path: "/v1/responses" });
  expect(unreachedCalls([socket])).toHaveLength(1);
});

test("calls and tunnels to one place are one row, told by the latest of both", () => {
  const call = makeFlow({
    started_at: "2026-05-02T12:00:05.000000Z",
    error: { kind: "upstream_unreachable", message: "unused" },
    reason: "no network",
  });
  const before = tunnel({ why: "dial_failed", reason: "connection refused" });
  expect(attemptsOf([before, ...unreachedCalls([call])], "unreached")).toMatchObject([
    { times: 2, open: 0, last: call.started_at, reason: "no network" },
  ]);
});
