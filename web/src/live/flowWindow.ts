// The list's window on the flows: a snapshot in pages, the live tail merged in by revision, both bounded.
import type { Flow, Page } from "@/api/types";

/** Flows whose data is kept; of the rest only the place in the list is. */
export const ROWS_MAX = 5_000;
/** A list whose top is looked at begins anew once so many rows came by themselves. */
const GROWN_MAX = 1_000;
/** Rows that a list that is loaded anew has again before it is shown, as far as there were so many. */
const SHOWN_AGAIN = 50;
/** Newcomers kept aside while the reader is further down; beyond it the list is loaded anew. */
const ASIDE_MAX = 500;

export interface WindowOptions {
  load: (cursor: string | null, signal: AbortSignal) => Promise<Page<Flow>>;
  matches: (flow: Flow) => boolean;
  onError?: (error: unknown) => void;
  rowsMax?: number;
  /** The newest are all that is wanted: beyond so many the oldest quarter goes, and is not loaded again. */
  newest?: number;
}

export interface WindowView {
  /** Grows with every change. */
  version: number;
  status: "loading" | "ready" | "failed";
  error: unknown;
  /** Rows of the list as far as it was loaded. */
  length: number;
  /** Whether the server has more below. */
  more: boolean;
  loadingMore: boolean;
  /** Something in view could not be loaded: nothing asks again by itself until `retry`. */
  stuck: boolean;
  /** Newcomers that wait until the reader is back at the top. */
  aside: number;
}

interface Entry {
  id: string;
  at: string;
}

interface Part {
  /** The cursor that loads it; null for the first. */
  cursor: string | null;
  entries: Entry[];
  /** Whether its rows are held. */
  held: boolean;
  loading: boolean;
}

export class FlowWindow {
  private parts: Part[] = [];
  private rows = new Map<string, Flow>();
  private next: string | null = null;
  private status: WindowView["status"] = "loading";
  private error: unknown = null;
  private loadingMore = false;
  /** What could not be loaded, to be done again by `retry`. */
  private failed: (() => Promise<void>) | null = null;
  /** Live flows that came while the snapshot was on its way. */
  private queued: Map<string, Flow> | null = null;
  private aside = new Map<string, Flow>();
  /** Rows that came by themselves since the list was loaded. */
  private came = 0;
  private atTop = true;
  private seenAt = 0;
  private abort = new AbortController();
  private listeners = new Set<() => void>();
  private view: WindowView;

  constructor(private readonly options: WindowOptions) {
    this.view = this.look(0);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): WindowView => this.view;

  /** Loads the first page anew; live flows wait meanwhile and are replayed over it. */
  async resync(): Promise<void> {
    this.abort.abort();
    const abort = new AbortController();
    this.abort = abort;
    this.queued ??= new Map();
    this.loadingMore = false;
    if (this.parts.length === 0) this.status = "loading";
    this.changed();
    try {
      const pages = await this.firstPages(abort.signal);
      if (abort.signal.aborted) return;
      const queued = this.queued ?? new Map<string, Flow>();
      this.queued = null;
      this.aside.clear();
      this.came = 0;
      // A live flow may be newer than the snapshot's word on it: keep the higher revision of both.
      const known = this.rows;
      this.rows = new Map();
      for (const flow of pages.flatMap(({ items }) => items)) {
        this.rows.set(flow.id, newer(known.get(flow.id), flow));
      }
      this.parts = pages.map(({ items }, at) => ({
        cursor: pages[at - 1]?.next_cursor ?? null,
        entries: items.map(entry),
        held: true,
        loading: false,
      }));
      this.next = pages.at(-1)?.next_cursor ?? null;
      this.status = "ready";
      this.error = null;
      this.failed = null;
      this.seenAt = 0;
      for (const flow of queued.values()) this.take(flow, true);
      this.changed();
    } catch (error) {
      if (abort.signal.aborted) return;
      this.status = this.parts.length === 0 ? "failed" : "ready";
      this.fail(error, () => this.resync());
      const queued = this.queued;
      this.queued = null;
      if (queued) for (const flow of queued.values()) this.take(flow, this.atTop);
      this.changed();
    }
  }

  /** The first page, and those below it as long as the list would become shorter than it was: a page of a
   * search ends after some texts are read, whatever was found. */
  private async firstPages(signal: AbortSignal): Promise<Page<Flow>[]> {
    const wanted = Math.min(this.length(), SHOWN_AGAIN);
    const pages: Page<Flow>[] = [];
    let found = 0;
    let cursor: string | null = null;
    do {
      const page: Page<Flow> = await this.options.load(cursor, signal);
      pages.push(page);
      found += page.items.length;
      cursor = page.next_cursor;
    } while (found < wanted && cursor !== null && !signal.aborted);
    return pages;
  }

  /** Applies live flows, the latest of each. */
  apply(flows: Iterable<Flow>): void {
    for (const flow of flows) {
      if (this.queued) this.queued.set(flow.id, newer(this.queued.get(flow.id), flow));
      else this.take(flow, this.atTop);
    }
    if (this.queued) return;
    if (this.aside.size > ASIDE_MAX && this.atTop && !this.isStuck()) void this.resync();
    else if (this.atTop && !this.isLoadingRows() && this.hasGrown()) this.trim();
    this.changed();
  }

  /** Loads the page below, unless it is on its way, there is none, or it could not be loaded. */
  async loadMore(): Promise<void> {
    if (this.status !== "ready" || this.next === null || this.loadingMore || this.queued) return;
    if (this.isStuck()) return;
    const { signal } = this.abort;
    const cursor = this.next;
    this.loadingMore = true;
    this.changed();
    try {
      const page = await this.options.load(cursor, signal);
      if (signal.aborted) return;
      const held = new Set(this.parts.flatMap((part) => part.entries.map(({ id }) => id)));
      const fresh = page.items.filter(({ id }) => !held.has(id));
      for (const flow of page.items) this.rows.set(flow.id, newer(this.rows.get(flow.id), flow));
      this.parts.push({ cursor, entries: fresh.map(entry), held: true, loading: false });
      this.next = page.next_cursor;
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.fail(error, () => this.loadMore());
    } finally {
      if (!signal.aborted) {
        this.loadingMore = false;
        this.evict();
        this.changed();
      }
    }
  }

  /** Loads again what could not be loaded. */
  retry(): void {
    const again = this.failed;
    this.failed = null;
    this.error = null;
    // On its way before the listeners know, so that none of them asks a second time.
    void again?.();
    this.changed();
  }

  /** The reader looks at these rows: what is missing of them is loaded, what is far away let go. */
  lookAt(first: number, last: number, atTop: boolean): void {
    this.seenAt = first;
    this.atTop = atTop;
    if (atTop && this.aside.size > 0) this.catchUp();
    let index = 0;
    for (const part of this.parts) {
      const end = index + part.entries.length;
      if (!part.held && end > first && index <= last) void this.reload(part);
      index = end;
    }
  }

  /** Brings the waiting newcomers in. */
  catchUp(): void {
    if (this.aside.size > ASIDE_MAX || !(this.parts[0]?.held ?? true)) {
      if (!this.isStuck()) void this.resync();
      return;
    }
    const waiting = [...this.aside.values()];
    this.aside.clear();
    for (const flow of waiting) this.take(flow, true);
    this.changed();
  }

  /** The flow at a place in the list; undefined while its page is not held. */
  at(index: number): Flow | undefined {
    const id = this.idAt(index);
    return id === undefined ? undefined : this.rows.get(id);
  }

  idAt(index: number): string | undefined {
    let from = 0;
    for (const part of this.parts) {
      if (index < from + part.entries.length) return part.entries[index - from]?.id;
      from += part.entries.length;
    }
    return undefined;
  }

  indexOf(id: string): number {
    let from = 0;
    for (const part of this.parts) {
      const found = part.entries.findIndex((each) => each.id === id);
      if (found >= 0) return from + found;
      from += part.entries.length;
    }
    return -1;
  }

  flow(id: string): Flow | undefined {
    return this.rows.get(id);
  }

  /** Whether any flow whose row is held is such a one. */
  some(is: (flow: Flow) => boolean): boolean {
    for (const flow of this.rows.values()) if (is(flow)) return true;
    return false;
  }

  isAtTop(): boolean {
    return this.atTop;
  }

  /** Whether a page is on its way. */
  isLoading(): boolean {
    return this.loadingMore || this.queued !== null;
  }

  /** Stops what is on its way; `resync` starts it again. */
  pause(): void {
    this.abort.abort();
  }

  private take(flow: Flow, insert: boolean): void {
    const known = this.rows.get(flow.id);
    if (known) {
      if (flow.revision <= known.revision) return;
      if (this.options.matches(flow)) this.rows.set(flow.id, flow);
      else this.remove(flow.id);
      return;
    }
    const waiting = this.aside.get(flow.id);
    if (waiting && flow.revision <= waiting.revision) return;
    if (!this.options.matches(flow)) {
      this.aside.delete(flow.id);
      return;
    }
    if (this.status !== "ready" || this.indexOf(flow.id) >= 0) return;
    if (insert) this.insert(flow);
    else if (this.isNewest(flow)) {
      if (this.aside.size <= ASIDE_MAX || waiting) this.aside.set(flow.id, flow);
    } else this.insert(flow);
  }

  private isNewest(flow: Flow): boolean {
    const first = this.parts[0]?.entries[0];
    return first === undefined || before(flow, first);
  }

  private insert(flow: Flow): void {
    const last = this.parts.length - 1;
    for (const [at, part] of this.parts.entries()) {
      const place = part.entries.findIndex((each) => before(flow, each));
      // Beyond the last loaded row only when there is nothing below it: else its page will bring it. Where
      // nothing was found yet, it is the newest.
      if (place < 0 && !(at === last && (this.next === null || this.length() === 0))) continue;
      part.entries.splice(place < 0 ? part.entries.length : place, 0, entry(flow));
      this.rows.set(flow.id, flow);
      this.came += 1;
      return;
    }
  }

  private remove(id: string): void {
    this.rows.delete(id);
    for (const part of this.parts) {
      const place = part.entries.findIndex((each) => each.id === id);
      if (place >= 0) part.entries.splice(place, 1);
    }
  }

  private async reload(part: Part): Promise<void> {
    if (this.isStuck()) return;
    if (part.cursor === null) {
      // The first page moved on since it was loaded.
      if (!this.queued) void this.resync();
      return;
    }
    if (part.loading) return;
    const { signal } = this.abort;
    part.loading = true;
    try {
      const page = await this.options.load(part.cursor, signal);
      if (signal.aborted) return;
      for (const flow of page.items) this.rows.set(flow.id, newer(this.rows.get(flow.id), flow));
      part.entries = page.items.map(entry);
      part.held = true;
    } catch (error) {
      if (!signal.aborted) this.fail(error, () => this.reload(part));
    } finally {
      part.loading = false;
      if (!signal.aborted) {
        this.evict();
        this.changed();
      }
    }
  }

  private fail(error: unknown, again: () => Promise<void>): void {
    this.error = error;
    this.failed = again;
    this.options.onError?.(error);
  }

  /** Lets go of the rows of the pages that are furthest from what is looked at. */
  private evict(): void {
    while (this.rows.size > this.rowsMax()) {
      let index = 0;
      let furthest: Part | null = null;
      let distance = 0;
      for (const part of this.parts) {
        const end = index + part.entries.length;
        const away = this.seenAt < index ? index - this.seenAt : Math.max(0, this.seenAt - end);
        if (part.held && part.entries.length > 0 && away > distance) {
          furthest = part;
          distance = away;
        }
        index = end;
      }
      if (!furthest) return;
      furthest.held = false;
      for (const { id } of furthest.entries) this.rows.delete(id);
    }
  }

  /** At the top with a long tail: the pages below can be loaded again, so their places go too. */
  private trim(): void {
    const keep = this.parts[0];
    const below = this.parts[1];
    if (!keep) return;
    if (this.options.newest !== undefined) {
      this.keepNewest(Math.ceil(this.options.newest * 0.75));
    } else if (below && keep.entries.length < Math.min(this.rowsMax(), GROWN_MAX)) {
      for (const part of this.parts.slice(1)) {
        for (const { id } of part.entries) this.rows.delete(id);
      }
      this.parts = [keep];
      this.next = below.cursor;
    } else if (!this.isStuck()) void this.resync();
  }

  private keepNewest(most: number): void {
    const entries = this.parts.flatMap((part) => part.entries);
    for (const { id } of entries.slice(most)) this.rows.delete(id);
    this.parts = [{ cursor: null, entries: entries.slice(0, most), held: true, loading: false }];
    this.next = null;
  }

  private isStuck(): boolean {
    return this.failed !== null;
  }

  private length(): number {
    return this.parts.reduce((sum, part) => sum + part.entries.length, 0);
  }

  private rowsMax(): number {
    return this.options.rowsMax ?? ROWS_MAX;
  }

  /** Whether there is more than is needed: what somebody asked for is not counted. */
  private hasGrown(): boolean {
    const { newest } = this.options;
    if (newest !== undefined) return this.length() > newest;
    return this.came > GROWN_MAX || this.length() > this.rowsMax();
  }

  /** A page on its way belongs behind those that are there now. */
  private isLoadingRows(): boolean {
    return this.loadingMore || this.parts.some(({ loading }) => loading);
  }

  private look(version: number): WindowView {
    return {
      version,
      status: this.status,
      error: this.error,
      length: this.length(),
      more: this.next !== null,
      loadingMore: this.loadingMore,
      stuck: this.isStuck(),
      aside: this.aside.size,
    };
  }

  private changed(): void {
    this.view = this.look(this.view.version + 1);
    for (const listener of this.listeners) listener();
  }
}

function newer(known: Flow | undefined, came: Flow): Flow {
  return known && known.revision > came.revision ? known : came;
}

function entry(flow: Flow): Entry {
  return { id: flow.id, at: flow.started_at };
}

/** Newest first; flows of one moment by id, which also grows with time. */
function before(flow: Flow, other: Entry): boolean {
  return flow.started_at === other.at ? flow.id > other.id : flow.started_at > other.at;
}
