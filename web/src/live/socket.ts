// The live socket: keeps one connection to the server, with back-off, and tells how it stands.
import type { LiveMessage, Subscription } from "@/api/types";

export type SocketState =
  | { at: "connecting" }
  | { at: "live" }
  | { at: "waiting"; retryAt: number }
  | { at: "stopped" };

export interface SocketOptions {
  url: string;
  onMessage: (message: LiveMessage) => void;
  onState: (state: SocketState) => void;
  /** For tests. */
  open?: (url: string) => WebSocket;
  random?: () => number;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** A connection that lived this long starts the back-off afresh. */
const SETTLED_MS = 5_000;

export class LiveSocket {
  private socket: WebSocket | null = null;
  private failures = 0;
  private openedAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wanted: Subscription = { flows: true };
  private state: SocketState = { at: "stopped" };

  constructor(private readonly options: SocketOptions) {}

  start(): void {
    if (this.state.at === "stopped") this.connect();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.close();
    this.move({ at: "stopped" });
  }

  /** Tries at once, if it is waiting: the person or the network says the server may be back. */
  nudge(): void {
    if (this.state.at !== "waiting") return;
    clearTimeout(this.timer);
    this.connect();
  }

  /** What the server shall send; said again after every reconnect. */
  want(subscription: Subscription): void {
    if (JSON.stringify(subscription) === JSON.stringify(this.wanted)) return;
    this.wanted = subscription;
    if (this.state.at === "live") this.say();
  }

  private connect(): void {
    this.move({ at: "connecting" });
    const socket = this.options.open?.(this.options.url) ?? new WebSocket(this.options.url);
    this.socket = socket;
    socket.onopen = () => {
      if (socket !== this.socket) return;
      this.openedAt = Date.now();
      this.move({ at: "live" });
      this.say();
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (socket !== this.socket) return;
      const message = parse(event.data);
      if (message) this.options.onMessage(message);
    };
    socket.onclose = () => {
      if (socket !== this.socket) return;
      this.socket = null;
      this.wait();
    };
  }

  private wait(): void {
    const settled = this.openedAt > 0 && Date.now() - this.openedAt >= SETTLED_MS;
    this.openedAt = 0;
    this.failures = settled ? 1 : this.failures + 1;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.failures - 1));
    const random = this.options.random ?? Math.random;
    // Between half and all of it, so that many pages do not come back at one moment.
    const wait = Math.round(longest * (0.5 + random() / 2));
    this.move({ at: "waiting", retryAt: Date.now() + wait });
    this.timer = setTimeout(() => this.connect(), wait);
  }

  private say(): void {
    this.socket?.send(JSON.stringify({ subscribe: this.wanted }));
  }

  private close(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private move(state: SocketState): void {
    this.state = state;
    this.options.onState(state);
  }
}

function parse(data: unknown): LiveMessage | null {
  if (typeof data !== "string") return null;
  try {
    const message = JSON.parse(data) as LiveMessage;
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}
