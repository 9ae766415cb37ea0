// The sessions, the one that was at work last first: what each did, what it cost, and what failed in it.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { sessionsQuery } from "@/api/insight";
import type { Session } from "@/api/types";
import { clock, compact, count, DASH, duration, fullTime, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { modelList } from "@/lib/models";
import { plainLine } from "@/lib/plain";
import { rangeStart } from "@/lib/spend";
import { type SessionsView, sessionHref } from "@/routes/paths";
import { Badge, Dot } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Failed } from "@/ui/Failed";
import { CloseIcon } from "@/ui/icons";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { RangePicker } from "@/ui/RangePicker";
import { SessionName } from "@/ui/SessionName";
import { ShowMore } from "@/ui/ShowMore";
import { useRowKeys } from "@/ui/useRowKeys";
import { Estimate } from "@/views/Estimate";
import { ExportMenu } from "@/views/ExportMenu";
import { failed, lastedMs, sessionCache } from "./totals";

export interface SessionsScreenProps {
  view: SessionsView;
  onLook: (view: SessionsView) => void;
}

export function SessionsScreen({ view, onLook }: SessionsScreenProps) {
  const range = view.range ?? "30d";
  const asked = useInfiniteQuery(
    sessionsQuery({ since: rangeStart(range, new Date()), project: view.project }),
  );
  const { data, error, refetch } = asked;
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const sessions = data?.pages.flatMap(({ items }) => items) ?? [];
  const { project } = view;
  return (
    <Page
      title="Sessions"
      actions={
        <>
          <RangePicker range={range} onRange={(next) => onLook({ ...view, range: next })} />
          <ExportMenu
            wish={() => ({
              what: "the flows of this time",
              file: "langley-flows",
              filter: { since: rangeStart(range, new Date()), project },
            })}
          />
        </>
      }
    >
      {project === undefined ? null : (
        <div className="-mt-3">
          <Button
            onClick={() => onLook(range === "30d" ? {} : { range })}
            title="Show every project"
            className="max-w-full border-accent/50 bg-selected"
          >
            <span className="text-ink-3">Project</span>
            <span className="truncate">{oneLine(project, 80)}</span>
            <CloseIcon className="size-3" />
          </Button>
        </div>
      )}
      {data?.pages[0]?.complete === false ? (
        <Note tone="info">Sessions of an earlier version are still being added.</Note>
      ) : null}
      {!data ? (
        error ? (
          <Failed what="The sessions" error={error} onRetry={() => void refetch()} />
        ) : (
          <Skeleton lines={12} />
        )
      ) : sessions.length === 0 ? (
        <Notice title="No session in this time">
          <p>A session appears with its first recorded flow. A longer span may show more.</p>
        </Notice>
      ) : (
        <div ref={box} className="flex flex-col gap-3">
          <Listed sessions={sessions} />
          <ShowMore pages={asked} />
        </div>
      )}
    </Page>
  );
}

const TRACKS = "lg:grid-cols-[minmax(0,1fr)_11rem_6.5rem_5.5rem_5.5rem_5rem]";

export function Listed({ sessions }: { sessions: Session[] }) {
  return (
    <div className="overflow-hidden rounded-lg border">
      <div
        aria-hidden="true"
        className={`hidden h-8 items-center gap-4 border-b bg-ground px-3 text-xs font-medium text-ink-3 lg:grid ${TRACKS}`}
      >
        <span>Session</span>
        <span>Agent and model</span>
        <span className="text-right">Last</span>
        <span className="text-right">Flows</span>
        <span className="text-right">From cache</span>
        <span className="text-right">Cost</span>
      </div>
      <ul aria-label="Sessions" className="divide-y divide-line">
        {sessions.map((session) => (
          <Row key={session.id} session={session} />
        ))}
      </ul>
    </div>
  );
}

function Row({ session }: { session: Session }) {
  const { totals } = session;
  const open = totals.flows.open;
  const bad = failed(totals);
  const lasted = lastedMs(session);
  const cache = sessionCache(totals);
  const models = modelList(session.models);
  return (
    <li>
      <a
        data-row
        href={sessionHref(session.id)}
        className={`grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 px-3 py-2 hover:bg-hover focus-visible:-outline-offset-2 ${TRACKS}`}
      >
        <span className="min-w-0 max-lg:col-span-2">
          <span className="flex min-w-0 items-center gap-2">
            {open > 0 ? <Dot tone="info" pulse /> : null}
            <SessionName id={session.id} starred={session.starred_at !== null} />
            {open > 0 ? <Badge tone="info">{count(open)} open</Badge> : null}
            {bad > 0 ? <Badge tone="bad">{count(bad)} failed</Badge> : null}
            {session.project ? (
              <span
                className="grow basis-0 truncate text-xs text-ink-3"
                title={oneLine(session.project, 300)}
              >
                {oneLine(lastFolder(session.project), 40)}
              </span>
            ) : null}
          </span>
          <span className="mt-0.5 block truncate text-ink-2">
            {session.preview ? plainLine(session.preview, 200) : "No text was recorded"}
          </span>
        </span>
        <span className="min-w-0 text-xs max-lg:order-last max-lg:col-span-2 max-lg:flex max-lg:gap-2 lg:block">
          <span className="block truncate text-ink-2">{oneLine(session.agent ?? DASH, 40)}</span>
          <span className="flex min-w-0 gap-1 text-ink-3" title={models.title}>
            <span className="truncate">{models.text || DASH}</span>
            {models.more > 0 ? <span className="shrink-0">+{models.more}</span> : null}
          </span>
        </span>
        <span className="text-xs lg:text-right" title={fullTime(session.last_at)}>
          <span className="text-ink-2">{clock(session.last_at)}</span>
          <span className="ml-2 text-ink-3 lg:ml-0 lg:block">
            {lasted === 0 ? "one moment" : duration(lasted)}
          </span>
        </span>
        <span className="hidden text-right text-xs text-ink-2 lg:block">
          {compact(totals.flows.total)}
        </span>
        <span className="hidden text-right text-xs text-ink-2 lg:block">
          {cache === null ? DASH : `${Math.round(cache * 100)} %`}
        </span>
        <span className="text-right">
          <span className="mr-2 text-xs text-ink-3 lg:hidden">
            {plural(totals.flows.total, "flow")}
          </span>
          <span className="font-semibold">{money(totals.cost?.micro_usd)}</span>
          <Estimate of={totals.estimated} className="block" />
          {totals.unpriced_flows > 0 ? (
            <span className="block text-2xs text-warn">
              {count(totals.unpriced_flows)} unpriced
            </span>
          ) : null}
        </span>
      </a>
    </li>
  );
}

/** What tells a project at a glance: the last name of its path. */
function lastFolder(project: string): string {
  return project.split(/[/\\]/).filter(Boolean).at(-1) ?? project;
}
