// What the strip says of its figures while nothing new comes.
// @vitest-environment jsdom
import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, test, vi } from "vitest";
import { createQueryClient, statsQuery } from "@/api/queries";
import type { Stats } from "@/api/types";
import { FeedContext } from "@/live/context";
import { Feed } from "@/live/feed";
import { HealthStrip } from "./HealthStrip";

vi.mock("@tanstack/react-router", () => ({
  Link: ({ children }: { children: ReactNode }) => <a href="/health">{children}</a>,
}));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const stats = {
  open_flows: 3,
  queue: { items: 1, bytes: 0 },
  writer_lag_ms: 1,
  writer_failing: false,
  recorder: { threads_failed: 0 },
  drops: { total: 43 },
  gaps_total: 0,
  db_bytes: 0,
  version: "1",
} as unknown as Stats;

function strip(at: "live" | "waiting", age: number) {
  vi.stubGlobal("fetch", () => new Promise(() => {}));
  const queries = createQueryClient();
  queries.setQueryData(statsQuery().queryKey, stats, { updatedAt: Date.now() - age });
  const feed = new Feed({ queries, url: "ws://localhost/ws" });
  const state = at === "live" ? { at } : { at, retryAt: 0 };
  feed.socketState = () => state;
  render(
    <QueryClientProvider client={queries}>
      <FeedContext value={feed}>
        <HealthStrip />
      </FeedContext>
    </QueryClientProvider>,
  );
  return screen.getByText("43").className;
}

test("figures that are kept current warn, and nothing is said of their age", () => {
  expect(strip("live", 60_000)).toContain("text-bad");
  expect(screen.queryByRole("status")).toBeNull();
  cleanup();
  expect(strip("waiting", 1_000)).toContain("text-bad");
});

test("figures from before the connection was lost are grey, and their moment is told", () => {
  expect(strip("waiting", 60_000)).toContain("text-ink-3");
  expect(screen.getByRole("status").textContent).toMatch(/^Not connected · as of \S/);
});
