// Where a flow's time went, without what there cannot be.
// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { makeFlow } from "@/testing/flow";
import { phases, Timing } from "./Timing";

afterEach(cleanup);

const names = (over: Parameters<typeof makeFlow>[0]) => {
  const { container } = render(<Timing flow={makeFlow(over)} />);
  return [...container.querySelectorAll("dt")].map((name) => name.textContent);
};

test("a plain flow tells nothing of a handshake that it never had", () => {
  expect(names({ scheme: "https" })).toContain("TLS");
  expect(names({ scheme: "http", tls_ms: 0 })).not.toContain("TLS");
  const flow = makeFlow({ scheme: "http", tls_ms: 3, duration_ms: 10, ttfb_ms: 5 });
  expect(phases(flow).map(({ name }) => name)).toEqual(["Waiting", "Answer"]);
});

test("a WebSocket has no first token of its own", () => {
  expect(names({ status: 101 })).toEqual(["Connect", "TLS", "TTFB", "Total"]);
});

test("a connection made behind CONNECT comes before the total, any other is a part of it", () => {
  const times = { connect_ms: 20, tls_ms: 10, ttfb_ms: 40, duration_ms: 100 };
  const shown = (over: Parameters<typeof makeFlow>[0]) =>
    Object.fromEntries(phases(makeFlow({ ...times, ...over })).map(({ name, ms }) => [name, ms]));
  expect(shown({ mode: "forward" })).toEqual({ Connect: 20, TLS: 10, Waiting: 40, Answer: 60 });
  expect(shown({ mode: "reverse" })).toEqual({ Connect: 20, TLS: 10, Waiting: 10, Answer: 60 });
  const plain = { mode: "forward", scheme: "http" };
  expect(shown(plain)).toEqual({ Connect: 20, Waiting: 20, Answer: 60 });
  const early = shown({ ...plain, connect_ms: 50 });
  expect(early).toEqual({ Connect: 50, Waiting: 40, Answer: 60 });
});
