// Every question the dashboard asks, with its cache key and how long its answer stays fresh.
import {
  infiniteQueryOptions,
  keepPreviousData,
  MutationCache,
  QueryCache,
  QueryClient,
  queryOptions,
} from "@tanstack/react-query";
import { names } from "@/lib/names";
import { accessStore } from "./access";
import { ApiError, ask, type Params } from "./client";
import type {
  Conversation,
  Drop,
  EventPage,
  Facets,
  Flow,
  FlowCount,
  Page,
  RequestDiff,
  RequestView,
  ResponseView,
  SearchFlow,
  Setup,
  Star,
  Stats,
  Tunnel,
} from "./types";

/** Flows in one page of the list. */
export const FLOW_PAGE = 100;
/** Events in one page; the server's own limit. */
export const EVENT_PAGE = 500;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onSuccess: () => accessStore.note(null),
      onError: (error) => accessStore.note(error),
    }),
    mutationCache: new MutationCache({ onError: (error) => accessStore.note(error) }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        gcTime: 60_000,
        // A server that is away is asked again by the connection's own back-off, not by each view.
        retry: (count, error) =>
          error instanceof ApiError && error.failure === "refused" && (error.status ?? 0) >= 500
            ? count < 2
            : false,
      },
    },
  });
}

export const statsQuery = () =>
  queryOptions({
    queryKey: ["stats"],
    queryFn: ({ signal }) => ask<Stats>("/api/stats", {}, signal),
    // The socket brings news each second while something changes; this is for the quiet times.
    refetchInterval: 15_000,
  });

export const flowQuery = (id: string) =>
  queryOptions({
    queryKey: ["flow", id],
    queryFn: ({ signal }) => ask<Flow>(`/api/flows/${encodeURIComponent(id)}`, {}, signal),
    // The live feed keeps it current, and invalidates it after a resync.
    staleTime: Number.POSITIVE_INFINITY,
  });

export const requestQuery = (id: string) =>
  queryOptions({
    queryKey: ["flow", id, "request"],
    queryFn: ({ signal }) =>
      ask<RequestView>(`/api/flows/${encodeURIComponent(id)}/request`, {}, signal),
    // A request is whole once it was sent; bodies are large, so few are kept.
    staleTime: 30_000,
    gcTime: 30_000,
  });

export const diffQuery = (id: string) =>
  queryOptions({
    queryKey: ["flow", id, "diff"],
    queryFn: ({ signal }) =>
      ask<RequestDiff>(`/api/flows/${encodeURIComponent(id)}/diff`, {}, signal),
    staleTime: 30_000,
    gcTime: 30_000,
  });

export const responseQuery = (id: string) =>
  queryOptions({
    queryKey: ["flow", id, "response"],
    queryFn: ({ signal }) =>
      ask<ResponseView>(`/api/flows/${encodeURIComponent(id)}/response`, {}, signal),
    staleTime: 30_000,
    gcTime: 30_000,
    placeholderData: keepPreviousDataOf(id),
  });

export const eventsPage = (
  id: string,
  after: number | undefined,
  type: string | undefined,
  signal?: AbortSignal,
) =>
  ask<EventPage>(
    `/api/flows/${encodeURIComponent(id)}/events`,
    { after, limit: EVENT_PAGE, type },
    signal,
  );

export const eventsQuery = (id: string, type: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["flow", id, "events", type ?? ""],
    queryFn: ({ pageParam, signal }) => eventsPage(id, pageParam, type, signal),
    initialPageParam: undefined as number | undefined,
    // An open flow grows at its end, so there is always a place to go on from.
    getNextPageParam: (page, _pages, from) => page.items.at(-1)?.seq ?? from,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 10_000,
  });

export const flowsPage = async (filter: Params, cursor: string | null, signal?: AbortSignal) =>
  names.share(
    await ask<Page<Flow>>(
      "/api/flows",
      { ...filter, cursor: cursor ?? undefined, limit: FLOW_PAGE },
      signal,
    ),
  );

export const flowCountQuery = (filter: Params) =>
  queryOptions({
    queryKey: ["flows", "count", filter],
    queryFn: ({ signal }) => ask<FlowCount>("/api/flows/count", filter, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });

/** With words: only the values that contain them. */
export const facetsQuery = (q = "") =>
  queryOptions({
    queryKey: ["facets", q],
    queryFn: ({ signal }) => ask<Facets>("/api/facets", { q }, signal),
    placeholderData: keepPreviousData,
    staleTime: 15_000,
    refetchInterval: 30_000,
  });

export const starsQuery = () =>
  queryOptions({
    queryKey: ["stars"],
    queryFn: ({ signal }) => ask<Page<Star>>("/api/stars", {}, signal),
    staleTime: 30_000,
  });

/** What a WebSocket carried: the flows of its connection while it was open, newest first. */
export const callsQuery = (socket: Flow) =>
  queryOptions({
    queryKey: ["flow", socket.id, "calls"],
    queryFn: ({ signal }) =>
      flowsPage(
        {
          connection: socket.connection_id,
          since: socket.started_at,
          until: socket.ended_at ?? undefined,
        },
        null,
        signal,
      ),
    refetchInterval: socket.outcome === null ? 2_000 : false,
  });

export const searchQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ["search", q],
    queryFn: ({ pageParam, signal }) =>
      ask<Page<SearchFlow> & { unindexed: number }>(
        "/api/search",
        { q, cursor: pageParam ?? undefined },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    gcTime: 30_000,
  });

export const setupQuery = () =>
  queryOptions({
    queryKey: ["setup"],
    queryFn: ({ signal }) => ask<Setup>("/api/setup", {}, signal),
    refetchInterval: 2_000,
  });

/** When each source spoke last: the newest flow, and the conversation with the newest line. */
export const sourcesQuery = () =>
  queryOptions({
    queryKey: ["sources"],
    queryFn: async ({ signal }) => {
      const [flows, conversations] = await Promise.all([
        ask<Page<Flow>>("/api/flows", { limit: 1 }, signal),
        ask<Page<Conversation>>("/api/conversations", { limit: 1 }, signal),
      ]);
      return {
        wire: flows.items[0]?.started_at ?? null,
        transcripts: conversations.items[0]?.last_at ?? null,
      };
    },
    refetchInterval: 5_000,
  });

export const dropsQuery = () =>
  queryOptions({
    queryKey: ["drops"],
    queryFn: ({ signal }) => ask<Page<Drop>>("/api/drops", { limit: 100 }, signal),
    refetchInterval: 5_000,
  });

export const tunnelsQuery = () =>
  queryOptions({
    queryKey: ["tunnels"],
    queryFn: ({ signal }) => ask<Page<Tunnel>>("/api/tunnels", { limit: 500 }, signal),
    refetchInterval: 5_000,
  });

/** The latest flows that ended so: among them are those whose provider was never reached. */
export const endedQuery = (outcome: "upstream_gone" | "timed_out") =>
  queryOptions({
    queryKey: ["flows", "ended", outcome],
    queryFn: ({ signal }) => flowsPage({ outcome }, null, signal),
    refetchInterval: 5_000,
  });

/** Keeps an answer on the screen while the same flow's is asked again, never another flow's. */
function keepPreviousDataOf(id: string) {
  return <T>(previous: T | undefined, query: { queryKey: readonly unknown[] } | undefined) =>
    query?.queryKey[1] === id ? previous : undefined;
}
