// Answers, the live feed and the clock come as they like; the screen changes a few times a second.
// @vitest-environment jsdom
import {
  defaultScheduler,
  notifyManager,
  QueryClient,
  QueryClientProvider,
  useQuery,
} from "@tanstack/react-query";
import { cleanup, render } from "@testing-library/react";
import { Profiler } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { flowQuery } from "@/api/queries";
import { pace } from "@/lib/pace";
import { nth } from "@/testing/flow";
import { useNow } from "@/ui/useNow";
import { FeedContext, useLiveTail } from "./context";
import { Feed } from "./feed";

beforeEach(() => {
  vi.useFakeTimers();
  notifyManager.setScheduler(pace.soon);
});
afterEach(() => {
  cleanup();
  notifyManager.setScheduler(defaultScheduler);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function Count({ id }: { id: string }) {
  return useQuery(flowQuery(id)).data?.event_count;
}

function Words({ id }: { id: string }) {
  return useLiveTail(id).blocks[0]?.text;
}

function Clock() {
  return new Date(useNow()).getSeconds();
}

test("ten seconds of a stream at fifty events a second are at most ten changes in each", async () => {
  const queries = new QueryClient();
  const { id } = nth(1);
  queries.setQueryData(flowQuery(id).queryKey, nth(1, { revision: 0, event_count: 0 }));
  const socket = { send: () => {}, close: () => {} } as unknown as WebSocket;
  const feed = new Feed({ queries, url: "ws://localhost/ws", open: () => socket });
  feed.start();
  socket.onopen?.(new Event("open"));
  const say = (event: unknown) =>
    socket.onmessage?.({ data: JSON.stringify(event) } as MessageEvent);
  let changes = 0;
  const shown = render(
    <QueryClientProvider client={queries}>
      <FeedContext value={feed}>
        <Profiler id="all" onRender={() => (changes += 1)}>
          <Count id={id} /> <Words id={id} /> <Clock />
        </Profiler>
      </FeedContext>
    </QueryClientProvider>,
  );
  changes = 0;
  // As in a browser: nobody gathers changes but the page itself.
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", false);
  for (let at = 1; at <= 500; at += 1) {
    const flow = nth(1, { revision: at, event_count: at });
    say({ type: "flow", revision: at, flow });
    say({ type: "text", flow_id: id, block: 0, kind: "text", text: "x" });
    await vi.advanceTimersByTimeAsync(20);
  }
  await vi.advanceTimersByTimeAsync(1_000);
  expect(shown.container.textContent).toContain(`500 ${"x".repeat(500)} `);
  expect(changes).toBeGreaterThan(50);
  expect(changes).toBeLessThanOrEqual(100);
  feed.stop();
});
