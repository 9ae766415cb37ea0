// How what the socket says reaches the list and the cache.
import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { flowQuery } from "@/api/queries";
import { BEAT_MS, Pace } from "@/lib/pace";
import { nth } from "@/testing/flow";
import { Feed } from "./feed";
import { FlowWindow } from "./flowWindow";

let handlers: {
  onmessage?: (event: { data: string }) => void;
  onopen?: () => void;
  send(): void;
  close(): void;
};

function start() {
  const queries = new QueryClient();
  const feed = new Feed({
    queries,
    url: "ws://localhost/ws",
    pace: new Pace(),
    open: () => {
      handlers = { send: () => {}, close: () => {} };
      return handlers as unknown as WebSocket;
    },
  });
  feed.start();
  handlers.onopen?.();
  const say = (message: unknown) => handlers.onmessage?.({ data: JSON.stringify(message) });
  return { feed, queries, say };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test("many messages become one change, with the latest revision of each flow", () => {
  const { feed, say } = start();
  let changes = 0;
  feed.subscribe(() => {
    changes += 1;
  });
  const window = new FlowWindow({
    load: async () => ({ items: [], next_cursor: null }),
    matches: () => true,
  });
  const applied = vi.spyOn(window, "apply");
  feed.add(window);
  for (const revision of [1, 2, 3]) {
    say({ type: "flow", revision, flow: nth(1, { revision, event_count: revision }) });
  }
  say({ type: "flow", revision: 2, flow: nth(1, { revision: 2 }) });
  vi.advanceTimersByTime(BEAT_MS);
  expect(changes).toBe(1);
  expect([...(applied.mock.calls[0]?.[0] ?? [])].map((flow) => flow.revision)).toEqual([3]);
  feed.stop();
});

test("a flow in the cache takes a newer revision, and never an older one", () => {
  const { feed, queries, say } = start();
  const key = flowQuery(nth(1).id).queryKey;
  queries.setQueryData(key, nth(1, { revision: 5 }));
  say({ type: "flow", revision: 4, flow: nth(1, { revision: 4, status: 500 }) });
  vi.advanceTimersByTime(BEAT_MS);
  expect(queries.getQueryData(key)?.status).toBe(200);
  say({ type: "flow", revision: 6, flow: nth(1, { revision: 6, status: 529 }) });
  vi.advanceTimersByTime(BEAT_MS);
  expect(queries.getQueryData(key)?.status).toBe(529);
  feed.stop();
});

test("a resync loads the list anew and forgets live text that may have a hole", () => {
  const { feed, say } = start();
  const window = new FlowWindow({
    load: async () => ({ items: [], next_cursor: null }),
    matches: () => true,
  });
  const resync = vi.spyOn(window, "resync");
  feed.add(window);
  say({ type: "text", flow_id: "a", block: 0, kind: "text", text: "half" });
  vi.advanceTimersByTime(BEAT_MS);
  expect(feed.texts.of("a").blocks).toHaveLength(1);
  say({ type: "resync", revision: 9 });
  expect(resync).toHaveBeenCalledOnce();
  expect(feed.texts.of("a").blocks).toEqual([]);
  feed.stop();
});

test("messages of a newer server are left alone", () => {
  const { feed, say } = start();
  say({ type: "quite_new", revision: 3 });
  vi.advanceTimersByTime(BEAT_MS);
  expect(feed.snapshot()).toBe(0);
  feed.stop();
});

test("a finding that is told has the lists of findings asked anew, once for many", () => {
  const { feed, queries, say } = start();
  const stale = vi.spyOn(queries, "invalidateQueries");
  stale.mockClear();
  for (const id of [1, 2, 3]) say({ type: "finding", revision: 1, finding: { id } });
  vi.advanceTimersByTime(BEAT_MS);
  expect(stale.mock.calls).toEqual([[{ queryKey: ["findings"] }]]);
  feed.stop();
});

test("text that was heard before another flow was looked at is not joined with what comes after", () => {
  const { feed, say } = start();
  say({ type: "text", flow_id: "a", block: 0, kind: "text", text: "before" });
  feed.watch("a");
  vi.advanceTimersByTime(BEAT_MS);
  say({ type: "text", flow_id: "a", block: 0, kind: "text", text: "after" });
  feed.watch("a");
  vi.advanceTimersByTime(BEAT_MS);
  expect(feed.texts.of("a").blocks[0]?.text).toBe("after");
  feed.stop();
});
