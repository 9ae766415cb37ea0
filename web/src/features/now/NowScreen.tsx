// What is going on: each session at work with its last action, cost, context and cache, and its live text.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useRef } from "react";
import {
  budgetsQuery,
  costQuery,
  findingCountQuery,
  limitsQuery,
  sessionsQuery,
} from "@/api/insight";
import { statsQuery } from "@/api/queries";
import type { Budget, Flow, QuotaWindow, Session } from "@/api/types";
import { count, money, plural } from "@/lib/format";
import { rangeStart } from "@/lib/spend";
import { useFlowWindow } from "@/live/useFlowWindow";
import { findingsHref, flowsHref, paths, spendHref } from "@/routes/paths";
import { Failed } from "@/ui/Failed";
import { Figure, Figures } from "@/ui/Figure";
import { Notice, Skeleton } from "@/ui/Notice";
import { Page, Section } from "@/ui/Page";
import { useGlide } from "@/ui/useGlide";
import { useNow } from "@/ui/useNow";
import { useRowKeys } from "@/ui/useRowKeys";
import { Quotas } from "./Quotas";
import { RunningCard } from "./RunningCard";
import { type Running, runningOf, sumsOf } from "./running";
import { useQuiet } from "./useQuiet";

/** The newest flows of this time are looked at. */
const LOOKED_AT = { since: "1h" } as const;
/** So many of them at most: a session needs its last few. */
const NEWEST = 600;
/** What is open is shown, however much came after it. */
const OPEN = { outcome: "open" } as const;

export function NowScreen({ firstRun }: { firstRun: ReactNode }) {
  const { flows, view } = useFlowWindow(LOOKED_AT, NEWEST);
  const open = useFlowWindow(OPEN, NEWEST);
  const now = useNow();
  const { data: stats } = useQuery(statsQuery());
  // A question of its own for each minute would never be answered from the cache.
  const hour = Math.floor(now / 3_600_000) * 3_600_000;
  const { data: sums } = useInfiniteQuery(
    sessionsQuery({ since: new Date(hour - 3_600_000).toISOString() }),
  );
  const { data: today } = useQuery(costQuery({ since: rangeStart("today", new Date(now)) }));
  const { data: found } = useQuery(findingCountQuery({ state: "open" }));
  const { data: limits, isPending: limitsComing } = useQuery(limitsQuery());
  const { data: budgets, isPending: budgetsComing } = useQuery(budgetsQuery());
  const quietSince = useQuiet(now);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each version has other flows
  const running = useMemo(() => {
    const byId = new Map(
      [...heldOf(open), ...heldOf({ flows, view })].map((flow) => [flow.id, flow]),
    );
    const newestFirst = [...byId.values()].sort((a, b) => (a.started_at < b.started_at ? 1 : -1));
    return runningOf(newestFirst, now);
  }, [flows, view.version, open.flows, open.view.version, now]);

  // What comes later would push aside what somebody has begun to read.
  const isComing = limitsComing || budgetsComing || open.view.status === "loading";
  if (view.status === "loading" || isComing) return <Skeleton lines={12} />;
  if (view.status === "failed") {
    return <Failed what="What goes on" error={view.error} onRetry={() => void flows.resync()} />;
  }
  if (stats?.flows_total === 0 && view.length === 0) return firstRun;
  const atWork = running.filter(({ isAtWork }) => isAtWork);
  return (
    <Page title="Now">
      <Figures>
        <Figure
          name="At work"
          value={count(sessionsOf(atWork))}
          note={
            <a href={paths.sessions} className="hover:underline">
              sessions that ask, run tools, or just did
            </a>
          }
        />
        <Figure
          name="Open flows"
          // Of the same moment as the cards, as far as all of them are held.
          value={count(
            open.view.more
              ? stats?.open_flows
              : running.reduce((sum, { open: flows }) => sum + flows.length, 0),
          )}
          note={
            <a href={flowsHref({ outcome: "open" })} className="hover:underline">
              streams and waits
            </a>
          }
        />
        <Figure
          name="Spent today"
          value={money(today?.totals.cost?.micro_usd)}
          note={
            <a href={spendHref({ range: "today" })} className="hover:underline">
              {today ? plural(today.totals.flows, "flow") : "…"}
              {today && today.totals.unpriced_flows > 0
                ? `, ${count(today.totals.unpriced_flows)} unpriced`
                : ""}
            </a>
          }
        />
        <Figure
          name="Open findings"
          value={count(found)}
          tone={found ? "warn" : "idle"}
          note={
            <a href={findingsHref({})} className="hover:underline">
              {found ? "worth a look" : "nothing to look at"}
            </a>
          }
        />
      </Figures>
      <Board
        running={running}
        sessions={sums?.pages.flatMap(({ items }) => items) ?? []}
        limits={limits?.items ?? []}
        budgets={budgets?.items ?? []}
        now={now}
        quietSince={quietSince}
      />
    </Page>
  );
}

interface BoardProps {
  running: readonly Running[];
  sessions: readonly Session[];
  limits: QuotaWindow[];
  budgets: Budget[];
  now: number;
  quietSince: (flow: Flow) => number;
}

/** The cards of the sessions: those at work, and under what may still be used those that rest. */
function Board({ running, sessions, limits, budgets, now, quietSince }: BoardProps) {
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  // A session that begins or comes to rest takes another place; each of its streams makes its card longer.
  useGlide(
    box,
    [
      ...running.map(({ session, isAtWork, open }) => `${session} ${isAtWork} ${open.length}`),
      limits.length,
      budgets.length,
    ].join(),
  );
  const atWork = running.filter(({ isAtWork }) => isAtWork);
  const resting = running.filter(({ isAtWork }) => !isAtWork);
  const card = (one: Running) => (
    <RunningCard
      key={one.session ?? "none"}
      running={one}
      sums={sumsOf(one, sessions)}
      now={now}
      quietSince={quietSince}
    />
  );
  return (
    <div ref={box} className="relative flex flex-col gap-8">
      <Section
        title="At work"
        note={`${plural(sessionsOf(atWork), "session")}${
          atWork.some(({ session }) => session === null) ? ", and requests of no session" : ""
        }`}
      >
        {atWork.length === 0 ? (
          <div className="rounded-lg border border-dashed">
            <Notice title="No agent is at work">
              <p>A session appears here with its next request, and its words as they come.</p>
            </Notice>
          </div>
        ) : (
          <ul aria-label="Sessions at work" className="grid items-start gap-3 xl:grid-cols-2">
            {atWork.map(card)}
          </ul>
        )}
      </Section>
      <Quotas limits={limits} budgets={budgets} now={now} />
      {resting.length > 0 ? (
        <Section title="At rest" note="in the last hour" glide="at rest">
          <ul aria-label="Sessions at rest" className="grid items-start gap-3 xl:grid-cols-2">
            {resting.map(card)}
          </ul>
        </Section>
      ) : null}
    </div>
  );
}

function sessionsOf(running: readonly Running[]): number {
  return running.filter(({ session }) => session !== null).length;
}

function heldOf({ flows, view }: ReturnType<typeof useFlowWindow>): Flow[] {
  return Array.from({ length: view.length }, (_, at) => flows.at(at)).filter(
    (flow) => flow !== undefined,
  );
}
