// Takes what the socket says, beat by beat, to the list, the cache and the live texts.
import type { QueryClient } from "@tanstack/react-query";
import { accessStore } from "@/api/access";
import { ApiError, ask } from "@/api/client";
import { flowQuery, statsQuery } from "@/api/queries";
import type { Flow, LiveMessage, Stats } from "@/api/types";
import { names } from "@/lib/names";
import { type Pace, pace } from "@/lib/pace";
import type { FlowWindow } from "./flowWindow";
import { type LiveBlock, LiveTexts } from "./liveText";
import { LiveSocket, type SocketOptions, type SocketState } from "./socket";

/** More distinct flows than this in one batch (a page long in the background): load anew instead. */
const PENDING_MAX = 5_000;

export interface FeedOptions {
  queries: QueryClient;
  url: string;
  open?: SocketOptions["open"];
  /** For tests. */
  pace?: Pace;
}

export class Feed {
  readonly texts = new LiveTexts();
  private readonly socket: LiveSocket;
  private readonly queries: QueryClient;
  private windows = new Set<FlowWindow>();
  private flows = new Map<string, Flow>();
  private words: ({ flow: string } & LiveBlock)[] = [];
  private counts = new Map<string, number>();
  private stats: Stats | null = null;
  private found = false;
  private readonly pace: Pace;
  /** Whether what was heard waits for the next beat. */
  private due = false;
  private state: SocketState = { at: "stopped" };
  private version = 0;
  private watched: string | undefined;
  private listeners = new Set<() => void>();
  private stateListeners = new Set<() => void>();

  constructor(options: FeedOptions) {
    this.queries = options.queries;
    this.pace = options.pace ?? pace;
    this.socket = new LiveSocket({
      url: options.url,
      onMessage: (message) => this.hear(message),
      onState: (state) => this.onState(state),
      ...(options.open ? { open: options.open } : {}),
    });
  }

  start(): void {
    this.socket.start();
  }

  stop(): void {
    this.due = false;
    this.socket.stop();
  }

  retry = (): void => this.socket.nudge();

  /** The flow whose text and events are wanted, besides the list. */
  watch(flow: string | undefined): void {
    if (flow === this.watched) return;
    this.watched = flow;
    // The server now tells the text of other flows than before: what comes does not follow what came.
    this.words = [];
    this.texts.lookAt(flow);
    this.socket.want(flow === undefined ? { flows: true } : { flows: true, flow });
  }

  add(window: FlowWindow): () => void {
    this.windows.add(window);
    return () => this.windows.delete(window);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): number => this.version;

  subscribeState = (listener: () => void): (() => void) => {
    this.stateListeners.add(listener);
    return () => this.stateListeners.delete(listener);
  };

  socketState = (): SocketState => this.state;

  private hear(message: LiveMessage): void {
    switch (message.type) {
      case "hello":
        // What commits from here on is kept for this page, so a list loaded now has no hole after it.
        this.resync();
        return;
      case "resync":
        this.resync();
        return;
      case "flow": {
        const known = this.flows.get(message.flow.id);
        // The envelope's revision is the row's, whichever of both the server filled.
        const flow = names.share(message.flow);
        flow.revision ??= message.revision;
        if (!known || known.revision < flow.revision) this.flows.set(flow.id, flow);
        break;
      }
      case "event":
        this.counts.set(message.flow_id, message.event_count);
        break;
      case "text": {
        const last = this.words.at(-1);
        const { flow_id: flow, block, kind, text } = message;
        if (last?.flow === flow && last.block === block && last.kind === kind) last.text += text;
        else this.words.push({ flow, block, kind, text });
        break;
      }
      case "stats":
        this.stats = message;
        break;
      case "finding":
        this.found = true;
        break;
      default:
        // A newer server may say more.
        return;
    }
    if (this.due) return;
    this.due = true;
    this.pace.soon(() => this.flush());
  }

  private flush(): void {
    if (!this.due) return;
    this.due = false;
    const { flows, words, counts, stats, found } = this;
    this.found = false;
    this.flows = new Map();
    this.words = [];
    this.counts = new Map();
    this.stats = null;
    for (const { flow, block, kind, text } of words) this.texts.add(flow, block, kind, text);
    if (stats) this.queries.setQueryData(statsQuery().queryKey, stats);
    if (found) void this.queries.invalidateQueries({ queryKey: ["findings"] });
    if (flows.size > PENDING_MAX) {
      this.resync();
      return;
    }
    const batch = [...flows.values()];
    if (batch.length > 0) for (const window of this.windows) window.apply(batch);
    for (const flow of batch) this.update(flow);
    for (const [id, count] of counts) {
      this.queries.setQueryData(flowQuery(id).queryKey, (known) =>
        known && known.event_count < count ? { ...known, event_count: count } : known,
      );
    }
    this.tell();
  }

  private tell(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }

  /** News of a flow that is open in the detail: its summary at once, its parts asked again when it ended. */
  private update(flow: Flow): void {
    const { queryKey } = flowQuery(flow.id);
    const known = this.queries.getQueryData(queryKey);
    if (known === undefined || known.revision >= flow.revision) return;
    this.queries.setQueryData(queryKey, flow);
    const ended = known.outcome === null && flow.outcome !== null;
    const answered = known.status === null && flow.status !== null;
    const stale = ended ? ["request", "response", "events", "calls"] : answered ? ["response"] : [];
    for (const part of stale) {
      void this.queries.invalidateQueries({ queryKey: ["flow", flow.id, part] });
    }
  }

  private resync(): void {
    this.texts.clear();
    this.tell();
    for (const window of this.windows) void window.resync();
    void this.queries.invalidateQueries();
  }

  private onState(state: SocketState): void {
    this.state = state;
    // A refused upgrade looks like an absent server; a plain question tells them apart.
    if (state.at === "waiting") void this.probe();
    for (const listener of this.stateListeners) listener();
  }

  private async probe(): Promise<void> {
    try {
      await ask<Stats>("/api/stats");
    } catch (error) {
      accessStore.note(error);
      if (error instanceof ApiError && error.failure === "signed_out") this.stop();
    }
  }
}
