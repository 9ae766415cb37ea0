// The questions of the screens that add up: costs, sessions, tools, findings, limits and settings.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { ask, type Params } from "./client";
import type {
  Budget,
  CommitPage,
  Context,
  Conversation,
  ConversationDetail,
  ConversationLine,
  CostPage,
  FindingPage,
  Flow,
  Invocation,
  InvocationDetail,
  Ledger,
  Page,
  QuotaWindow,
  Session,
  SessionDetail,
  Setting,
  Tool,
  ToolTotals,
} from "./types";

/** How often sums are asked again while they are looked at. */
const SUMS_MS = 15_000;
/** How often a ledger is asked for anew: it reads all of a session. */
const LEDGER_MS = 30_000;
/** How often the hours of a long time are asked again. */
const ACTIVITY_MS = 300_000;
/** Hours of activity; the server's own limit. */
const HOURS_MAX = 10_000;
/** Sessions in a page. */
export const SESSION_PAGE = 60;
/** Lines in a page, each whole: some may be long. */
const LINE_PAGE = 40;
/** Flows in a page beside them. */
const PASSED_PAGE = 100;
/** Findings in a page: those of one thing are told as one, so that few pages are to hold them. */
const FINDING_PAGE = 250;
/** Flows beside one page of lines, which are far fewer; the server's own limit. */
const BETWEEN_MAX = 500;
/** Calls in a page; the server's own limit. */
const CALLS_MAX = 500;
/** Tools of a session whose failed calls are looked up: one question each. */
const FAILING_TOOLS_MAX = 8;

const part = encodeURIComponent;

export const costQuery = (params: Params) =>
  queryOptions({
    queryKey: ["cost", params],
    queryFn: ({ signal }) => ask<CostPage>("/api/analytics/cost", params, signal),
    placeholderData: keepPreviousData,
    refetchInterval: SUMS_MS,
  });

/** By the hour, which is a lot for a long time: asked for seldom. */
export const activityQuery = (params: Params) =>
  queryOptions({
    queryKey: ["activity", params],
    queryFn: ({ signal }) =>
      ask<CostPage>(
        "/api/analytics/cost",
        { ...params, group_by: "hour", limit: HOURS_MAX },
        signal,
      ),
    placeholderData: keepPreviousData,
    staleTime: ACTIVITY_MS,
    refetchInterval: ACTIVITY_MS,
  });

export const commitsQuery = (params: Params) =>
  queryOptions({
    queryKey: ["commits", params],
    queryFn: ({ signal }) => ask<CommitPage>("/api/analytics/commits", params, signal),
    placeholderData: keepPreviousData,
    refetchInterval: SUMS_MS,
  });

export const sessionsQuery = (params: Params) =>
  infiniteQueryOptions({
    queryKey: ["sessions", params],
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Session> & { complete: boolean }>(
        "/api/sessions",
        { ...params, cursor: pageParam ?? undefined, limit: SESSION_PAGE },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: SUMS_MS,
  });

export const sessionQuery = (id: string) =>
  queryOptions({
    queryKey: ["session", id],
    queryFn: ({ signal }) => ask<SessionDetail>(`/api/sessions/${part(id)}`, {}, signal),
    refetchInterval: SUMS_MS,
  });

/** Conversations as agents' own files tell them, the one with the newest line first. */
export const conversationsQuery = (params: Params) =>
  infiniteQueryOptions({
    queryKey: ["conversations", params],
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Conversation>>(
        "/api/conversations",
        { ...params, cursor: pageParam ?? undefined, limit: SESSION_PAGE },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: SUMS_MS,
  });

/** A conversation and a page of its lines. */
export type ConversationPart = Omit<ConversationDetail, "items"> & Page<ConversationLine>;

/** Its lines, each as the agent wrote it. They are not asked for again by themselves. */
export const conversationQuery = (id: string, order: "newest" | "oldest", params: Params) =>
  infiniteQueryOptions({
    queryKey: ["conversations", id, order, params],
    queryFn: ({ pageParam, signal }) =>
      ask<ConversationPart>(
        `/api/conversations/${part(id)}`,
        {
          ...params,
          order,
          content: "true",
          cursor: pageParam ?? undefined,
          limit: LINE_PAGE,
        },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30_000,
  });

/** What it adds up to now. */
export const conversationHeadQuery = (id: string) =>
  queryOptions({
    queryKey: ["conversations", id, "head"],
    queryFn: ({ signal }) =>
      ask<ConversationPart>(`/api/conversations/${part(id)}`, { limit: 1 }, signal),
    refetchInterval: SUMS_MS,
  });

/** What of a session passed on the wire, the newest first. */
export const passedQuery = (session: string, enabled: boolean) =>
  infiniteQueryOptions({
    queryKey: ["session", session, "passed"],
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Flow>>(
        "/api/flows",
        { session, cursor: pageParam ?? undefined, limit: PASSED_PAGE },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30_000,
    enabled,
  });

/** What of a session passed from one moment to before another; without one, from its beginning or to its end. */
export const passedBetweenQuery = (
  session: string,
  since: string | undefined,
  until: string | undefined,
  enabled: boolean,
) =>
  queryOptions({
    queryKey: ["session", session, "passed", since, until],
    queryFn: ({ signal }) =>
      ask<Page<Flow>>("/api/flows", { session, since, until, limit: BETWEEN_MAX }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30_000,
    enabled,
  });

export const ledgerQuery = (id: string) =>
  queryOptions({
    queryKey: ["session", id, "ledger"],
    queryFn: ({ signal }) => ask<Ledger>(`/api/sessions/${part(id)}/ledger`, {}, signal),
    staleTime: 30_000,
    // The transcript of a session that goes on follows the wire by seconds.
    refetchInterval: LEDGER_MS,
  });

/** Calls that came back as failed, denied, cancelled or timed out, by the flow that made them. */
export type FailedCalls = ReadonlyMap<string, readonly Invocation[]>;

export const failedCallsQuery = (session: string) =>
  queryOptions({
    queryKey: ["session", session, "failed-calls"],
    queryFn: async ({ signal }): Promise<FailedCalls> => {
      const asked = { session, order: "failures", costs: "false" };
      const { items } = await ask<Page<Tool>>("/api/tools", asked, signal);
      const failing = items.filter(({ totals }) => failures(totals) > 0);
      const pages = await Promise.all(
        failing
          .slice(0, FAILING_TOOLS_MAX)
          .map(({ name }) =>
            ask<Page<Invocation>>(
              `/api/tools/${part(name)}/invocations`,
              { session, limit: CALLS_MAX },
              signal,
            ),
          ),
      );
      const byFlow = new Map<string, Invocation[]>();
      for (const call of pages.flatMap((page) => page.items)) {
        if (call.outcome === null || call.outcome === "succeeded") continue;
        byFlow.set(call.flow_id, [...(byFlow.get(call.flow_id) ?? []), call]);
      }
      return byFlow;
    },
    refetchInterval: SUMS_MS,
  });

/** Calls that came back, and not as they should. */
export function failures(totals: ToolTotals): number {
  return totals.failed + totals.denied + totals.cancelled + totals.timed_out;
}

export const toolsQuery = (params: Params) =>
  queryOptions({
    queryKey: ["tools", params],
    queryFn: ({ signal }) =>
      ask<Page<Tool> & { complete: boolean; totals: ToolTotals }>("/api/tools", params, signal),
    placeholderData: keepPreviousData,
    refetchInterval: SUMS_MS,
  });

export const invocationsQuery = (tool: string, params: Params) =>
  infiniteQueryOptions({
    queryKey: ["tools", tool, "invocations", params],
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Invocation>>(
        `/api/tools/${part(tool)}/invocations`,
        { ...params, input: "true", cursor: pageParam ?? undefined, limit: 100 },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    gcTime: 30_000,
  });

export const invocationQuery = (id: string) =>
  queryOptions({
    queryKey: ["invocation", id],
    queryFn: ({ signal }) => ask<InvocationDetail>(`/api/tool-invocations/${part(id)}`, {}, signal),
    gcTime: 30_000,
  });

export const findingsQuery = (params: Params) =>
  infiniteQueryOptions({
    queryKey: ["findings", params],
    queryFn: ({ pageParam, signal }) =>
      ask<FindingPage>(
        "/api/findings",
        { ...params, cursor: pageParam ?? undefined, limit: FINDING_PAGE },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: SUMS_MS,
  });

/** How many findings there are, without them. */
export const findingCountQuery = (params: Params) =>
  queryOptions({
    queryKey: ["findings", "count", params],
    queryFn: ({ signal }) => ask<FindingPage>("/api/findings", { ...params, limit: 1 }, signal),
    select: ({ total }) => total,
    refetchInterval: SUMS_MS,
  });

/** What a flow's request is made of, or the longest of a session's newest. */
export const contextQuery = (of: { flow: string } | { session: string }) =>
  queryOptions({
    queryKey: ["context", of],
    queryFn: ({ signal }) => ask<Context>("/api/analytics/context", of, signal),
    staleTime: 30_000,
    gcTime: 30_000,
  });

/** What a flow's model can read; asked once for each model. */
export const windowQuery = (flow: Pick<Flow, "id" | "provider" | "model" | "model_requested">) =>
  queryOptions({
    queryKey: ["window", flow.provider, flow.model ?? flow.model_requested],
    queryFn: ({ signal }) => ask<Context>("/api/analytics/context", { flow: flow.id }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 600_000,
  });

export const limitsQuery = () =>
  queryOptions({
    queryKey: ["limits"],
    queryFn: ({ signal }) =>
      ask<Page<QuotaWindow> & { truncated: boolean }>("/api/analytics/limits", {}, signal),
    refetchInterval: SUMS_MS,
  });

export const budgetsQuery = () =>
  queryOptions({
    queryKey: ["budgets"],
    queryFn: ({ signal }) => ask<Page<Budget>>("/api/budgets", {}, signal),
    refetchInterval: SUMS_MS,
  });

export const settingsQuery = () =>
  queryOptions({
    queryKey: ["settings"],
    queryFn: ({ signal }) => ask<Page<Setting>>("/api/settings", {}, signal),
    staleTime: 60_000,
  });
