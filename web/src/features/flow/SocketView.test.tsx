// What the page of a WebSocket says of the responses it carried.
// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { callsOf, isSocket } from "@/lib/socket";
import { makeFlow, nth } from "@/testing/flow";
import { Calls } from "./SocketView";

afterEach(cleanup);

const socket = makeFlow({ method: "GET", status: 101, path: "/v1/responses" });
const call = (n: number, over = {}) =>
  nth(n, { method: "WS", status: 101, path: "/v1/responses", preview: `ask ${n}`, ...over });

test("a connection is told by its status, and its calls by their method and path", () => {
  expect([isSocket(socket), isSocket(makeFlow()), isSocket(call(1))]).toEqual([true, false, false]);
  expect(isSocket(makeFlow({ method: "CONNECT", status: 200 }))).toBe(true);
  expect(isSocket(makeFlow({ method: "CONNECT", status: 502 }))).toBe(false);
  const flows = [call(2), socket, nth(3), call(4, { path: "/other" }), call(1)];
  expect(callsOf(socket, flows).map(({ preview }) => preview)).toEqual(["ask 1", "ask 2"]);
});

test("each response is a link, and that all completed is said without a fault", () => {
  render(<Calls socket={socket} calls={[call(1), call(2)]} cut={false} />);
  expect(screen.getByText("All 2 responses completed.")).toBeTruthy();
  const links = screen.getAllByRole("link").map((link) => link.getAttribute("href"));
  expect(links).toEqual([call(1), call(2)].map(({ id }) => `/flows/${id}`));
});

test("while nothing has ended yet, nothing is called completed", () => {
  const { container, rerender } = render(
    <Calls socket={socket} calls={[call(1, { outcome: null })]} cut={false} />,
  );
  expect(screen.getByText("1 going on.").className).toContain("text-info");
  expect(container.textContent).not.toContain("completed");
  rerender(<Calls socket={socket} calls={[call(1), call(2, { outcome: null })]} cut={false} />);
  expect(screen.getByText("The response completed, 1 going on.").className).toContain("text-ok");
});

test("a response that did not complete is counted as what it is", () => {
  const calls = [call(1), call(2, { outcome: "upstream_gone" }), call(3, { outcome: null })];
  render(<Calls socket={socket} calls={calls} cut={false} />);
  expect(screen.getByText("1 of 2 responses completed, 1 going on.")).toBeTruthy();
});
