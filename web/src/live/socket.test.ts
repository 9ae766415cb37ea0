// How the live socket comes back.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LiveMessage } from "@/api/types";
import { LiveSocket, type SocketState } from "./socket";

class FakeSocket {
  static made: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: string[] = [];
  constructor() {
    FakeSocket.made.push(this);
  }
  send(text: string) {
    this.sent.push(text);
  }
  close() {}
}

function start() {
  const states: SocketState["at"][] = [];
  const heard: LiveMessage[] = [];
  const socket = new LiveSocket({
    url: "ws://localhost/ws",
    onMessage: (message) => heard.push(message),
    onState: ({ at }) => states.push(at),
    open: () => new FakeSocket() as unknown as WebSocket,
    random: () => 1,
  });
  socket.start();
  return { socket, states, heard };
}

const latest = () => {
  const last = FakeSocket.made.at(-1);
  if (!last) throw new Error("no socket was made");
  return last;
};

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.made = [];
});
afterEach(() => vi.useRealTimers());

describe("the live socket", () => {
  test("says what it wants after every connect", () => {
    const { socket } = start();
    latest().onopen?.();
    expect(latest().sent).toEqual(['{"subscribe":{"flows":true}}']);
    socket.want({ flows: true, flow: "a" });
    latest().onclose?.();
    vi.advanceTimersByTime(500);
    latest().onopen?.();
    expect(latest().sent).toEqual(['{"subscribe":{"flows":true,"flow":"a"}}']);
  });

  test("waits longer after each failure, up to a bound", () => {
    const { states } = start();
    for (const wait of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
      latest().onclose?.();
      const before = FakeSocket.made.length;
      vi.advanceTimersByTime(wait - 1);
      expect(FakeSocket.made.length).toBe(before);
      vi.advanceTimersByTime(1);
      expect(FakeSocket.made.length).toBe(before + 1);
    }
    expect(states.slice(0, 3)).toEqual(["connecting", "waiting", "connecting"]);
  });

  test("a nudge tries at once", () => {
    const { socket } = start();
    latest().onclose?.();
    socket.nudge();
    expect(FakeSocket.made.length).toBe(2);
  });

  test("what is no message is not heard", () => {
    const { heard } = start();
    latest().onopen?.();
    for (const data of ["{", "null", '"x"', "[]", new ArrayBuffer(1)])
      latest().onmessage?.({ data });
    latest().onmessage?.({ data: '{"type":"resync","revision":4}' });
    expect(heard).toEqual([{ type: "resync", revision: 4 }]);
  });
});
