// Where a flow's time went, without what there cannot be.
// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { makeFlow } from "@/testing/flow";
import { phases, Timing } from "./Timing";
import { TimingView } from "./TimingView";

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

test("each phase begins where the one before ended, and what was before the request below zero", () => {
  const times = { connect_ms: 20, tls_ms: 10, ttfb_ms: 40, ttft_ms: 55, duration_ms: 100 };
  const from = (over: Parameters<typeof makeFlow>[0]) =>
    phases(makeFlow({ ...times, ...over })).map(({ name, from, ms }) => [name, from, from + ms]);
  expect(from({ mode: "forward" })).toEqual([
    ["Connect", -30, -10],
    ["TLS", -10, 0],
    ["Waiting", 0, 40],
    ["First token", 40, 55],
    ["Answer", 55, 100],
  ]);
  expect(from({ mode: "reverse" })[0]).toEqual(["Connect", 0, 20]);
});

test("the waterfall tells each phase in words too, and a flow that goes on has none", () => {
  render(<TimingView flow={makeFlow({ ttfb_ms: 40, duration_ms: 100, longest_stall_ms: 7 })} />);
  const table = screen.getByRole("table", { name: "Phases" });
  expect(table.textContent).toContain("Waiting40 ms");
  expect(screen.getByLabelText("Timing").textContent).toContain("Longest pause7.0 ms");
  cleanup();
  render(<TimingView flow={makeFlow({ outcome: null })} />);
  expect(screen.getByText("It is not over yet")).toBeTruthy();
});
