// Everything Langley knows of its own health: what is waiting, what was lost, what it costs.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { dropsQuery, endedQuery, statsQuery, tunnelsQuery } from "@/api/queries";
import type { Flow, Stats, Tunnel } from "@/api/types";
import { bytes, clock, count, DASH, duration, fullTime, plural, shortId } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { LAG_BAD_MS, LAG_WARN_MS } from "@/lib/limits";
import type { Tone } from "@/lib/outcome";
import { authority } from "@/lib/place";
import { Badge } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { Failed } from "@/ui/Failed";
import { Figure, Figures as FigureGrid } from "@/ui/Figure";
import { Note, Skeleton } from "@/ui/Notice";
import { Section } from "@/ui/Page";
import { type Attempts as Attempted, attemptsOf, type Fate, unreachedCalls } from "./attempts";
import { Facts } from "./Facts";
import { Sources, Transcripts } from "./Sources";

export function HealthScreen({ flowHref }: { flowHref: (id: string) => string }) {
  const { data: stats, error, refetch } = useQuery(statsQuery());
  if (!stats) {
    return error ? (
      <Failed what="Health" error={error} onRetry={() => void refetch()} />
    ) : (
      <Skeleton lines={10} />
    );
  }
  return (
    <section tabIndex={0} aria-label="Health" className="h-full overflow-y-auto">
      <div className="mx-auto flex max-w-6xl flex-col gap-8 px-4 py-6 sm:px-8">
        <h1 className="text-xl font-semibold tracking-tight">Health</h1>
        <Unchecked hosts={stats.insecure_hosts} />
        <Unredacted raw={stats.raw_bodies} />
        <Figures stats={stats} />
        <div className="grid items-start gap-8 lg:grid-cols-2">
          <div className="flex min-w-0 flex-col gap-8">
            <Sources stats={stats} />
            <Drops flowHref={flowHref} />
          </div>
          <Transcripts stats={stats} />
          <Reasons stats={stats} />
          <Tunnels />
          <Upkeep stats={stats} />
          <Redactions stats={stats} />
          <Recorder stats={stats} />
        </div>
      </div>
    </section>
  );
}

/** Hosts that the user trusts without a check: said for as long as it is so. */
export function Unchecked({ hosts }: { hosts: string[] }) {
  if (hosts.length === 0) return null;
  return (
    <div role="alert">
      <Note tone="bad">
        The certificate of {hosts.map((host) => oneLine(host)).join(", ")} is not checked: anybody
        on the way can read and change what passes. Empty proxy.insecure_hosts to check it again.
      </Note>
    </div>
  );
}

/** The forensic option: said for as long as it is on. */
export function Unredacted({ raw }: { raw: Stats["raw_bodies"] }) {
  if (!raw) return null;
  const lost = raw.dropped_bytes_total;
  return (
    <div role="alert">
      <Note tone="bad">
        Bodies are also kept unredacted, keys included, in langley-raw.db: {bytes(raw.bytes_total)}{" "}
        since the start
        {lost > 0 ? `, and ${bytes(lost)} that found no room are missing` : null}. Start without
        --store-raw to end it, and remove them with langley db raw --remove-all.
      </Note>
    </div>
  );
}

/** What goes on at the moment. */
export function Open({ stats }: { stats: Pick<Stats, "open_flows" | "proxy_connections"> }) {
  const { open_flows, proxy_connections: connections } = stats;
  return (
    <Figure
      name="Open flows"
      value={count(open_flows)}
      note={connections === null ? "the proxy does not listen" : plural(connections, "connection")}
    />
  );
}

/** What is in the record now, and beside it what ever was. */
export function Recorded({
  stats,
}: {
  stats: Pick<Stats, "events_total" | "flows" | "flows_total">;
}) {
  return (
    <Figure
      name="Flows in the record"
      value={count(stats.flows)}
      note={`${count(stats.flows_total)} flows, ${count(stats.events_total)} events ever recorded, the checks of langley doctor included`}
    />
  );
}

/** Estimates that stay what they are: nobody could count the tokens. */
export function Uncounted({ stats }: { stats: Pick<Stats, "tokens_given_up" | "tokens_waiting"> }) {
  return (
    <Figure
      name="Not counted"
      value={count(stats.tokens_given_up)}
      tone={stats.tokens_given_up > 0 ? "warn" : "idle"}
      note={`flows whose tokens stay an estimate · ${count(stats.tokens_waiting)} waiting`}
    />
  );
}

function Figures({ stats }: { stats: Stats }) {
  const lag: Tone = stats.writer_failing
    ? "bad"
    : stats.writer_lag_ms > LAG_BAD_MS
      ? "bad"
      : stats.writer_lag_ms > LAG_WARN_MS
        ? "warn"
        : "idle";
  return (
    <FigureGrid>
      <Open stats={stats} />
      <Recorded stats={stats} />
      <Figure
        name="Writer queue"
        value={count(stats.queue.items)}
        note={`${bytes(stats.queue.bytes)} · high water ${count(stats.queue.high_water)}`}
      />
      <Figure
        name="Capture queue"
        value={count(stats.intake.items)}
        note={`${bytes(stats.intake.bytes)} · high water ${count(stats.intake.high_water)}`}
      />
      <Figure
        name="Writer lag"
        value={duration(stats.writer_lag_ms)}
        tone={lag}
        note={
          stats.writer_failing
            ? "writing fails; it is tried again"
            : "since the oldest uncommitted record"
        }
      />
      <Figure
        name="Recorder threads lost"
        value={count(stats.recorder.threads_failed)}
        tone={stats.recorder.threads_failed > 0 ? "bad" : "idle"}
        note={
          stats.recorder.threads_failed > 0
            ? "part of the traffic is not recorded; start Langley again"
            : "recording is whole"
        }
      />
      <Figure
        name="Drops"
        value={count(stats.drops.total)}
        tone={stats.drops.total > 0 ? "bad" : "idle"}
        note="captured, then lost"
      />
      <Figure
        name="Gaps"
        value={count(stats.gaps_total)}
        tone={stats.gaps_total > 0 ? "warn" : "idle"}
        note={
          stats.gaps_total > 0
            ? `${bytes(stats.gap_bytes_total)} not captured`
            : "chunks not captured"
        }
      />
      <Figure
        name="Decode errors"
        value={count(stats.decode_errors)}
        tone={stats.decode_errors > 0 ? "warn" : "idle"}
        note="marked on their flows"
      />
      <Figure
        name="Not analysed"
        value={count(stats.analysis_given_up)}
        tone={stats.analysis_given_up + stats.background_panics > 0 ? "warn" : "idle"}
        note={`flows that could not be read · ${count(stats.analysis_waiting)} waiting · ${count(stats.background_panics)} panics`}
      />
      <Uncounted stats={stats} />
      <Figure
        name="Lost flows"
        value={count(stats.lost_flows)}
        tone={stats.lost_flows > 0 ? "warn" : "idle"}
        note="cut by an earlier stop"
      />
      <Figure
        name="Database"
        value={bytes(stats.db_bytes)}
        note={`${bytes(stats.db_free_bytes)} of it free · write-ahead log ${bytes(stats.wal_bytes)}`}
      />
      <Figure name="Tunnels" value={count(stats.tunnels_total)} note="without a readable request" />
      <Figure name="Uptime" value={duration(stats.uptime_s * 1000)} note="since the last start" />
    </FigureGrid>
  );
}

/** A table that stays inside its column and scrolls by itself. */
function Table({
  label,
  head,
  rows,
  empty,
}: {
  label: string;
  head: string[];
  rows: ReactNode[][];
  empty: string;
}) {
  if (rows.length === 0) {
    return <p className="rounded-md border border-dashed px-3 py-4 text-xs text-ink-3">{empty}</p>;
  }
  return (
    <section tabIndex={0} aria-label={label} className="max-h-80 overflow-auto rounded-md border">
      <table className="w-full border-collapse text-xs">
        <thead className="sticky top-0 bg-ground">
          <tr>
            {head.map((name) => (
              <th
                key={name}
                scope="col"
                className="h-8 px-3 text-left font-medium whitespace-nowrap text-ink-3 nth-[n+3]:text-right"
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows are shown as they come, without identity
            <tr key={row} className="border-t hover:bg-hover">
              {cells.map((cell, column) => (
                <td
                  // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its column
                  key={column}
                  className="h-8 px-3 whitespace-nowrap text-ink-2 nth-[n+3]:text-right"
                >
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function Drops({ flowHref }: { flowHref: (id: string) => string }) {
  const { data, error } = useQuery(dropsQuery());
  return (
    <Section title="Drops" note="newest first">
      {error && !data ? (
        <Failed what="The list of drops" error={error} />
      ) : !data ? (
        <Skeleton lines={4} />
      ) : (
        <Table
          label="Drops"
          head={["Time", "Reason", "Records", "Bytes", "Flow"]}
          empty="Nothing was dropped."
          rows={data.items.map((drop) => [
            <time key="at" dateTime={drop.at} title={fullTime(drop.at)}>
              {clock(drop.at)}
            </time>,
            drop.reason.replaceAll("_", " "),
            count(drop.count),
            bytes(drop.bytes),
            drop.flow_id ? (
              <a
                key="flow"
                className="font-mono text-accent hover:underline"
                href={flowHref(drop.flow_id)}
              >
                {shortId(drop.flow_id)}
              </a>
            ) : (
              DASH
            ),
          ])}
        />
      )}
    </Section>
  );
}

function Reasons({ stats }: { stats: Stats }) {
  const reasons = Object.entries(stats.drops.by_reason).sort((a, b) => b[1] - a[1]);
  return (
    <Section title="Drops by reason">
      <Bars
        empty="Nothing was dropped since the start."
        rows={reasons.map(([name, number]) => ({ name: name.replaceAll("_", " "), number }))}
        tone="bg-bad"
      />
    </Section>
  );
}

function Redactions({ stats }: { stats: Stats }) {
  const rules = [...stats.redactions].sort((a, b) => b.count - a.count);
  return (
    <Section title="Redactions by rule" note="before anything was stored">
      <Bars
        empty="No secret was met since the start."
        rows={rules.map((rule) => ({ name: rule.rule, number: rule.count }))}
        tone="bg-violet"
      />
    </Section>
  );
}

function Bars({
  rows,
  empty,
  tone,
}: {
  rows: { name: string; number: number }[];
  empty: string;
  tone: string;
}) {
  const most = Math.max(1, ...rows.map(({ number }) => number));
  if (rows.length === 0) {
    return <p className="rounded-md border border-dashed px-3 py-4 text-xs text-ink-3">{empty}</p>;
  }
  return (
    <ul className="flex flex-col gap-2 rounded-md border px-3 py-2.5 text-xs">
      {rows.map(({ name, number }) => (
        <li key={name} className="grid grid-cols-[1fr_auto] gap-x-3">
          <span className="truncate font-mono text-ink-2">{name}</span>
          <span className="text-ink">{count(number)}</span>
          <span className="col-span-2 mt-1 h-1 overflow-hidden rounded-full bg-raised">
            <span
              className={cx("block h-full rounded-full", tone)}
              style={{ width: number === 0 ? 0 : `${Math.max(1, (number / most) * 100)}%` }}
            />
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Tunnels() {
  const tunnels = useQuery(tunnelsQuery());
  const gone = useQuery(endedQuery("upstream_gone"));
  const late = useQuery(endedQuery("timed_out"));
  return (
    <Connections
      tunnels={tunnels.data?.items}
      ended={gone.data && late.data && [...gone.data.items, ...late.data.items]}
      error={tunnels.error ?? gone.error ?? late.error}
    />
  );
}

/**
 * Connections that carried no readable request, apart by what became of them. `ended` are the latest
 * flows that their provider or a time limit ended: some were never connected.
 */
export function Connections({
  tunnels,
  ended,
  error,
}: {
  tunnels: Tunnel[] | undefined;
  ended: Flow[] | undefined;
  error: unknown;
}) {
  if (!tunnels || !ended) {
    return (
      <Section title="Connections">
        {error ? <Failed what="The list of connections" error={error} /> : <Skeleton lines={6} />}
      </Section>
    );
  }
  const of = (fate: Fate) => attemptsOf(tunnels, fate);
  // Only the latest are looked at, so that none among them is all that is known.
  const none =
    tunnels.length === 0
      ? "No connection without a readable request is in the record."
      : `None among the last ${plural(tunnels.length, "connection")} without a readable request.`;
  return (
    <>
      <Section title="Could not be reached" note="each attempt on a listed host is a flow too">
        <Attempts
          label="Could not be reached"
          empty={
            tunnels.length + ended.length === 0
              ? "No failed connection or call is in the record."
              : `None among the last ${plural(tunnels.length, "connection")} without a readable request and the last ${plural(ended.length, "broken call")}.`
          }
          attempts={attemptsOf([...tunnels, ...unreachedCalls(ended)], "unreached")}
        />
      </Section>
      <Section title="Not trusted by the agent" note="no request came">
        <Attempts label="Not trusted by the agent" empty={none} attempts={of("distrusted")} />
      </Section>
      <Section title="Passed through unread" note="tunnels">
        <Table
          label="Passed through unread"
          head={["Last", "Host", "Times", "Up", "Down"]}
          empty={none}
          rows={of("passed").map((attempts) => [
            <Last key="last" at={attempts.last} />,
            <span key="host" className="flex flex-col py-1">
              <Place attempts={attempts} />
              <span className="text-ink-3">{attempts.why}</span>
            </span>,
            attempts.open > 0 ? (
              <span key="times" className="flex items-center justify-end gap-1.5">
                <Badge tone="info">{count(attempts.open)} open</Badge>
                {count(attempts.times)}
              </span>
            ) : (
              count(attempts.times)
            ),
            bytes(attempts.up),
            bytes(attempts.down),
          ])}
        />
      </Section>
    </>
  );
}

function Attempts({
  label,
  empty,
  attempts,
}: {
  label: string;
  empty: string;
  attempts: Attempted[];
}) {
  return (
    <Table
      label={label}
      head={["Last", "Host and reason", "Times"]}
      empty={empty}
      rows={attempts.map((each) => [
        <Last key="last" at={each.last} />,
        <span key="host" className="flex flex-col py-1 whitespace-normal">
          <Place attempts={each} />
          <span className="text-ink-3 wrap-anywhere">
            {each.reason === null ? each.why : oneLine(each.reason, 500)}
          </span>
        </span>,
        count(each.times),
      ])}
    />
  );
}

function Last({ at }: { at: string }) {
  return (
    <time dateTime={at} title={fullTime(at)}>
      {clock(at)}
    </time>
  );
}

function Place({ attempts: { host, port } }: { attempts: Attempted }) {
  return (
    <span className="font-mono">{oneLine(authority({ scheme: "https", host, port }), 66)}</span>
  );
}

/** What retention has removed, and when it does so again. */
export function Upkeep({ stats }: { stats: Pick<Stats, "maintenance"> }) {
  const { phase, running, last, next_at, failed } = stats.maintenance;
  const run = running ?? last;
  const lines: [string, ReactNode][] = [
    [
      "last run",
      last ? (
        <time key="last" dateTime={last.ended_at}>
          {fullTime(last.ended_at)}
        </time>
      ) : (
        "none so far"
      ),
    ],
    [
      "next run",
      next_at ? (
        <time key="next" dateTime={next_at}>
          {fullTime(next_at)}
        </time>
      ) : (
        DASH
      ),
    ],
  ];
  if (run) {
    lines.push(
      ["flows removed", count(run.flows)],
      ["events removed", count(run.events)],
      ["bodies removed", count(run.bodies)],
      ["unused contents removed", count(run.contents)],
      ["tunnels removed", count(run.tunnels)],
      ["rows about drops removed", count(run.drops)],
      ["given back to the disk", bytes(run.freed_bytes)],
    );
  }
  return (
    <Section title="Retention" note={phase ? `running: ${phase}` : "what became too old"}>
      {failed ? (
        <div role="alert">
          <Note tone="bad">The last run failed; the log says why, and the next one goes on.</Note>
        </div>
      ) : null}
      <Facts facts={lines.map(([name, value]) => ({ name, value }))} />
    </Section>
  );
}

/** Counters whose name says too little by itself. */
const RECORDER: Record<keyof NonNullable<Stats["recorder"]>, string> = {
  backlog_bytes: "bytes that wait for the store",
  captures_total: "captures worked off",
  decode_errors: "flows that ended with something not decoded",
  events_dropped: "events given up because the store took none",
  flows_lost: "flows ended as lost because the recorder ended",
  high_water_backlog_bytes: "the most bytes that ever waited",
  open_flows: "flows being recorded",
  panics_total: "faults in decoding, contained in their flow",
  records_dropped: "records given up because the store took none",
  records_submitted: "records the store took",
  refusals_total: "flows that Langley refused",
  store_refusals_total: "times the store took nothing",
  strays_total: "captures of no open flow",
  threads_failed: "threads that died, with what they would have recorded",
};

export function Recorder({ stats }: { stats: Pick<Stats, "recorder"> }) {
  const figures = Object.entries(stats.recorder ?? {});
  if (figures.length === 0) return null;
  return (
    <Section title="Recorder" note="its own counters">
      <Facts
        facts={figures.map(([name, value]) => ({
          name: RECORDER[name as keyof typeof RECORDER] ?? name.replaceAll("_", " "),
          value: typeof value === "number" ? count(value) : JSON.stringify(value),
        }))}
      />
    </Section>
  );
}
