// A session: its sums, its lanes, what transcripts tell beside the wire, and its turns, the newest first.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useCallback, useMemo, useState } from "react";
import { ApiError } from "@/api/client";
import { conversationHeadQuery, costQuery, ledgerQuery, sessionQuery } from "@/api/insight";
import type { SessionDetail } from "@/api/types";
import { compact, count, duration, fullTime, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { modelWords } from "@/lib/models";
import { sessionTail } from "@/lib/session";
import {
  conversationHref,
  findingsHref,
  flowsHref,
  paths,
  type SessionView,
  spendHref,
  toolsHref,
} from "@/routes/paths";
import { Badge } from "@/ui/Badge";
import { LinkButton } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { cx } from "@/ui/cx";
import { Failed } from "@/ui/Failed";
import { Fold } from "@/ui/Fold";
import { BackIcon } from "@/ui/icons";
import { Notice, Skeleton } from "@/ui/Notice";
import { SessionName } from "@/ui/SessionName";
import { Estimate } from "@/views/Estimate";
import { ExportMenu } from "@/views/ExportMenu";
import { later } from "@/views/later";
import { StarButton } from "@/views/StarButton";
import { LedgerLine } from "./LedgerLine";
import { LANE_TONES } from "./laneFaces";
import { type Lane, lanesOf } from "./lanes";
import { Timeline } from "./Timeline";
import { failed, inputOf, lastedMs, sessionCache } from "./totals";

// Its areas are laid out by a library that nothing else needs.
const SessionContext = later(() => import("./SessionContext").then((it) => it.SessionContext), {
  waiting: () => <Skeleton lines={4} />,
});

export interface SessionScreenProps {
  id: string;
  view: SessionView;
  onLook: (view: SessionView) => void;
  onLeave: () => void;
}

export function SessionScreen({ id, view, onLook, onLeave }: SessionScreenProps) {
  const { data: session, error, refetch } = useQuery(sessionQuery(id));
  const [prompts, setPrompts] = useState<ReadonlyMap<string, string>>(new Map());
  const isLone = (session?.agents.length ?? 0) === 0;
  const { data: ledger } = useQuery(ledgerQuery(id));
  const isWritten = (ledger?.transcript.responses ?? 0) > 0;
  const { data: told } = useQuery({ ...conversationHeadQuery(id), enabled: !isLone && isWritten });
  const lanes = useMemo(
    () => (session ? lanesOf(session, session.agents, told?.lanes, prompts) : []),
    [session, told?.lanes, prompts],
  );
  const heard = useCallback(
    (more: ReadonlyMap<string, string>) =>
      setPrompts((known) =>
        [...more.keys()].every((agent) => known.has(agent)) ? known : new Map([...known, ...more]),
      ),
    [],
  );
  if (!session) {
    if (error instanceof ApiError && error.status === 404) return <NoSuch id={id} />;
    return error ? (
      <Failed what="The session" error={error} onRetry={() => void refetch()} />
    ) : (
      <Skeleton lines={12} />
    );
  }
  return (
    <article aria-label="Session" className="flex h-full min-h-0 flex-col">
      <Header session={session} />
      {lanes.length > 1 ? <Lanes lanes={lanes} view={view} onLook={onLook} /> : null}
      <Timeline
        session={id}
        lanes={lanes}
        view={view}
        onLook={onLook}
        onLeave={onLeave}
        onPrompts={heard}
      />
    </article>
  );
}

function NoSuch({ id }: { id: string }) {
  return (
    <Notice
      isPage
      title="There is no such session here"
      action={
        <>
          <LinkButton href={paths.sessions}>All sessions</LinkButton>
          <LinkButton href={conversationHref(id)}>Look in History</LinkButton>
        </>
      }
    >
      <p className="wrap-anywhere">
        No flow that is kept belongs to <span className="font-mono">{oneLine(id, 80)}</span>. It may
        have been deleted, by hand or because it grew too old to keep, or the address is not whole.
        What its agent wrote down itself may still be in History.
      </p>
    </Notice>
  );
}

function Header({ session }: { session: SessionDetail }) {
  const { id, totals } = session;
  const { data: ledger } = useQuery(ledgerQuery(id));
  const written = (ledger?.transcript.responses ?? 0) > 0;
  // What its requests asked changes seldom, and is added up from each of them.
  const { data: costs } = useQuery({
    ...costQuery({ session: id, group_by: "model" }),
    staleTime: 60_000,
    refetchInterval: false,
  });
  const asked = costs?.items.flatMap(({ model }) => model ?? []) ?? [];
  const models = modelWords([...new Set([session.model ?? "", ...asked])]);
  const bad = failed(totals);
  const cache = sessionCache(totals);
  const lasted = lastedMs(session);
  const input = inputOf(totals);
  return (
    <header className="flex shrink-0 flex-col gap-2 border-b px-4 py-2.5">
      <div className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
        <a
          href={paths.sessions}
          aria-label="Back to the sessions"
          title="Back to the sessions"
          className="inline-flex size-7 items-center justify-center rounded-md text-ink-3 hover:bg-raised hover:text-ink"
        >
          <BackIcon />
        </a>
        <h1 className="flex min-w-0 items-center text-base font-semibold">
          <span className="sr-only">Session </span>
          <SessionName id={id} />
        </h1>
        <CopyButton text={id} what="the session's id" />
        <StarButton session={id} />
        {session.agent ? <Badge>{oneLine(session.agent, 40)}</Badge> : null}
        {session.model ? <Badge title={models.title}>{models.text}</Badge> : null}
        {session.project ? (
          <a
            href={spendHref({ project: session.project, by: "session", range: "all" })}
            title={oneLine(session.project, 300)}
            className="min-w-0 truncate text-xs text-ink-3 hover:text-ink hover:underline"
          >
            {oneLine(session.project, 80)}
          </a>
        ) : null}
        <nav
          aria-label="Of this session"
          className="flex gap-3 text-xs font-medium text-accent md:ml-auto"
        >
          <a href={flowsHref({ session: id })} className="hover:underline">
            Flows
          </a>
          <a href={toolsHref({ session: id, range: "all" })} className="hover:underline">
            Tools
          </a>
          <a href={findingsHref({ session: id, state: "all" })} className="hover:underline">
            Findings
          </a>
          {written ? (
            <a
              href={conversationHref(id)}
              title="What the agent wrote of it itself, with what passed here between its lines"
              className="hover:underline"
            >
              Transcript
            </a>
          ) : null}
          <ExportMenu
            word="Export"
            buttonClassName="hover:underline"
            wish={() => ({
              what: "the session",
              file: `langley-session-${sessionTail(id).replace(/[^\w-]/g, "_")}`,
              filter: { session: id },
            })}
          />
        </nav>
      </div>
      <dl className="flex flex-wrap gap-x-6 gap-y-1 pl-1 text-xs">
        <Fact
          name="Cost"
          value={
            <>
              {money(totals.cost?.micro_usd)} <Estimate of={totals.estimated} />
            </>
          }
          strong
        />
        {totals.unpriced_flows > 0 ? (
          <Fact name="Unpriced" value={count(totals.unpriced_flows)} tone="text-warn" />
        ) : null}
        <Fact name="Flows" value={count(totals.flows.total)} />
        {bad > 0 ? <Fact name="Failed" value={count(bad)} tone="text-bad" /> : null}
        {totals.flows.open > 0 ? (
          <Fact name="Open" value={count(totals.flows.open)} tone="text-info" />
        ) : null}
        <Fact name="From cache" value={cache === null ? "—" : `${Math.round(cache * 100)} %`} />
        {input === null ? null : <Fact name="Input" value={`${compact(input)} tokens`} />}
        {totals.usage.output === null ? null : (
          <Fact name="Output" value={`${compact(totals.usage.output)} tokens`} />
        )}
        <Fact
          name="Began"
          value={`${fullTime(session.first_at).slice(0, 16)}, ${lasted === 0 ? "for a moment" : `for ${duration(lasted)}`}`}
        />
      </dl>
      <LedgerLine session={id} />
      <Fold
        className="-mt-2 -ml-1.5"
        summary={
          <span className="text-xs text-ink-2">
            <span className="font-medium text-ink">Context</span> of the longest of its newest
            requests
          </span>
        }
      >
        {() => (
          <div className="pl-8">
            <SessionContext session={id} />
          </div>
        )}
      </Fold>
    </header>
  );
}

function Fact({
  name,
  value,
  strong = false,
  tone,
}: {
  name: string;
  value: ReactNode;
  strong?: boolean;
  tone?: string;
}) {
  return (
    <div className="flex items-baseline gap-1.5">
      <dt className="text-ink-3">{name}</dt>
      <dd className={cx(strong ? "text-sm font-semibold" : "font-medium", tone)}>{value}</dd>
    </div>
  );
}

/** The lanes with what each did and cost; one can be looked at alone. */
function Lanes({
  lanes,
  view,
  onLook,
}: {
  lanes: Lane[];
  view: SessionView;
  onLook: (view: SessionView) => void;
}) {
  return (
    <fieldset className="flex min-w-0 shrink-0 gap-1.5 overflow-x-auto border-b bg-ground px-4 py-1.5">
      <legend className="sr-only">Lanes</legend>
      {lanes.map((lane) => {
        const chosen = view.lane === lane.id;
        return (
          <button
            key={lane.id}
            type="button"
            aria-pressed={chosen}
            title={`${lane.title}: ${chosen ? "show all lanes" : "show this lane alone"}`}
            onClick={() => onLook(chosen ? {} : { lane: lane.id })}
            className={cx(
              "inline-flex h-7 shrink-0 items-center gap-2 rounded-md border px-2.5 text-xs",
              chosen ? "border-accent/50 bg-selected" : "bg-surface hover:bg-hover",
            )}
          >
            <span
              aria-hidden="true"
              className={cx("size-2.5 rounded-full", LANE_TONES[lane.column])}
            />
            <span className="max-w-64 truncate font-medium">{lane.name}</span>
            <span className="text-ink-3">
              {plural(lane.flows, "flow")} · {money(lane.cost)}
            </span>
          </button>
        );
      })}
    </fieldset>
  );
}
