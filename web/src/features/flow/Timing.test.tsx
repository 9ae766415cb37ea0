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
