// What it costs: by day, and by model, project, session, tool, subagent or class; each bar leads to its flows.
import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { costQuery } from "@/api/insight";
import type { CostPage } from "@/api/types";
import { compact, count, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import {
  DAYS_MAX,
  DIMENSION_LABELS,
  DIMENSIONS,
  daysOf,
  hoursOf,
  rangeStart,
  TOLD_DIMENSIONS,
  zone,
} from "@/lib/spend";
import { flowsHref, historyHref, type SpendView, spendHref } from "@/routes/paths";
import { Badge } from "@/ui/Badge";
import { Failed } from "@/ui/Failed";
import { Figure, Figures } from "@/ui/Figure";
import { CloseIcon } from "@/ui/icons";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { OfTheWire } from "@/ui/OfTheWire";
import { Page, Section } from "@/ui/Page";
import { RangePicker } from "@/ui/RangePicker";
import { Segmented } from "@/ui/Segmented";
import { useRowKeys } from "@/ui/useRowKeys";
import { Estimate } from "@/views/Estimate";
import { later } from "@/views/later";
import { Breakdown } from "./Breakdown";
import { Commits } from "./Commits";
import { DayChart } from "./DayChart";
import { WeekMap } from "./WeekMap";

export interface SpendScreenProps {
  view: SpendView;
  onLook: (view: SpendView) => void;
}

// Its lines are drawn by a library that nothing else needs.
const TokenChart = later(() => import("./TokenChart").then((it) => it.TokenChart), {
  waiting: () => <Skeleton lines={6} />,
});

const CHARTS = [
  { value: "cost", label: "Cost" },
  { value: "tokens", label: "Tokens" },
] as const;
type Chart = (typeof CHARTS)[number]["value"];

const SOURCES = [
  { value: "record", label: "Traffic" },
  { value: "transcripts", label: "Agents' files" },
] as const;

// What the numbers beside the costs count.
const TOLD_NOTE = "counted in responses";
const FLOW_NOTE = "counted in flows: a request and its answer each";
const TOOL_NOTE = "counted in calls of the tool";
const CLASS_NOTE = "counted in tokens";

const BY = DIMENSIONS.map((value) => ({ value, label: DIMENSION_LABELS[value] }));

export function SpendScreen({ view, onLook }: SpendScreenProps) {
  const range = view.range ?? "30d";
  const isTold = view.from === "transcripts";
  const choices = isTold ? BY.filter(({ value }) => TOLD_DIMENSIONS.includes(value)) : BY;
  const by = choices.find(({ value }) => value === view.by)?.value ?? "model";
  const now = new Date();
  const { model, project } = view;
  const since = rangeStart(range, now);
  const params = { since, model, project, ...(isTold ? { from: "transcripts" } : {}) };
  const days = useQuery(
    costQuery({ ...params, group_by: range === "today" ? "hour" : "day", tz: zone(now) }),
  );
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  return (
    <Page
      title="Spend"
      note={
        isTold ? (
          <span className="text-xs text-ink-3">
            Of what agents wrote in files of their own, also of sessions that never passed here:
            each response once, priced on this machine.
          </span>
        ) : (
          <OfTheWire
            what="Of what passed through the proxy, as providers tell it, or calculated on this machine from the usage that they state."
            href={historyHref()}
          />
        )
      }
      actions={
        <div className="flex flex-wrap items-center gap-2 sm:justify-end">
          <Segmented
            label="Told from"
            value={view.from ?? "record"}
            choices={SOURCES}
            onChange={(next) => {
              const { from, ...rest } = view;
              onLook(next === "transcripts" ? { ...rest, from: next } : rest);
            }}
          />
          <RangePicker range={range} onRange={(next) => onLook({ ...view, range: next })} />
        </div>
      }
    >
      <Narrowed view={view} />
      <div ref={box} className="flex flex-col gap-8">
        {days.data ? (
          <Totals
            page={days.data}
            since={since}
            now={now}
            view={view}
            chart={view.chart ?? "cost"}
            onChart={(next) => {
              const { chart, ...rest } = view;
              onLook(next === "tokens" ? { ...rest, chart: next } : rest);
            }}
          />
        ) : days.error ? (
          <Failed what="The costs" error={days.error} onRetry={() => void days.refetch()} />
        ) : (
          <Skeleton lines={10} />
        )}
        {days.data && days.data.totals.flows > 0 ? (
          <Section
            title="Where it goes"
            note={
              by === "class"
                ? CLASS_NOTE
                : by === "tool"
                  ? TOOL_NOTE
                  : isTold
                    ? TOLD_NOTE
                    : FLOW_NOTE
            }
            actions={
              <div className="max-w-full overflow-x-auto">
                <Segmented
                  label="Told apart by"
                  value={by}
                  choices={choices}
                  onChange={(next) => onLook({ ...view, by: next })}
                />
              </div>
            }
          >
            {by === "commit" ? (
              <Commits params={params} />
            ) : (
              <Breakdown by={by} params={params} view={view} />
            )}
          </Section>
        ) : null}
        {days.data && days.data.totals.flows > 0 && range !== "today" ? (
          <WeekMap
            measure={view.heat ?? "flows"}
            onMeasure={(next) => {
              const { heat, ...rest } = view;
              onLook(next === "cost" ? { ...rest, heat: next } : rest);
            }}
            params={params}
            filter={{ model, project }}
            counted={isTold ? "response" : "flow"}
          />
        ) : null}
      </div>
    </Page>
  );
}

/** What the costs are narrowed to, each with a way out of it. */
function Narrowed({ view }: { view: SpendView }) {
  const narrowed = (["model", "project"] as const).flatMap((key) => {
    const value = view[key];
    return value === undefined ? [] : [{ key, value }];
  });
  if (narrowed.length === 0) return null;
  return (
    <ul aria-label="Narrowed to" className="-mt-3 flex flex-wrap gap-2">
      {narrowed.map(({ key, value }) => (
        <li key={key}>
          <a
            href={spendHref({ ...view, [key]: undefined })}
            title={`Show every ${key}`}
            className="inline-flex h-7 max-w-full items-center gap-1.5 rounded-md border border-accent/50 bg-selected px-2.5 text-xs font-medium"
          >
            <span className="text-ink-3">{DIMENSION_LABELS[key]}</span>
            <span className="truncate">{oneLine(value, 80)}</span>
            <CloseIcon className="size-3" />
          </a>
        </li>
      ))}
    </ul>
  );
}

function Totals({
  page,
  since,
  now,
  view,
  chart,
  onChart,
}: {
  page: CostPage;
  since: string | undefined;
  now: Date;
  view: SpendView;
  chart: Chart;
  onChart: (chart: Chart) => void;
}) {
  const { totals } = page;
  const isTold = view.from === "transcripts";
  const counted = isTold ? "response" : "flow";
  if (totals.flows === 0) return <Nothing view={view} since={since} />;
  const { usage } = totals;
  const input = usage.input_uncached;
  const read = usage.cache_read;
  const written = (usage.cache_write_5m ?? 0) + (usage.cache_write_1h ?? 0);
  const whole = (input ?? 0) + (read ?? 0) + written;
  const told = totals.cost_by_class?.undivided.micro_usd ?? 0;
  const hourly = page.group_by.includes("hour");
  const spans = hourly
    ? hoursOf(page, now)
    : daysOf(page, since === undefined ? undefined : new Date(since), now);
  const known = {
    ...(view.model === undefined ? {} : { model: view.model }),
    ...(view.project === undefined ? {} : { project: view.project }),
  };
  return (
    <>
      <Figures>
        <Figure
          name="Cost"
          value={money(totals.cost?.micro_usd)}
          note={
            <>
              <Estimate of={totals.estimated} className="block" />
              {count(totals.priced_flows)} of {plural(totals.flows, counted)} with a cost
              {told > 0 ? `; ${money(told)} of it as the provider told it` : ", by the price book"}
            </>
          }
        />
        <Figure
          name="Without a price"
          value={count(totals.unpriced_flows)}
          tone={totals.unpriced_flows > 0 ? "warn" : "idle"}
          note={
            totals.unpriced_flows > 0
              ? `${counted}s that cost something, nobody knows how much`
              : `every ${counted} that costs has its price`
          }
        />
        <Figure
          name="Input from the cache"
          value={whole > 0 && read !== null ? `${Math.round((read / whole) * 100)} %` : "—"}
          note={`${compact(read)} read, ${compact(input)} uncached tokens`}
        />
        <Figure
          name="Output"
          value={compact(usage.output)}
          note={
            usage.reasoning
              ? `tokens, and ${compact(usage.reasoning)} of reasoning in or beside them`
              : "tokens"
          }
        />
      </Figures>
      {page.read === null || page.read.refused + page.read.unreadable_lines === 0 ? null : (
        <Note tone="warn">
          {[
            ...(page.read.refused > 0
              ? [`${plural(page.read.refused, "file")} could not be read`]
              : []),
            ...(page.read.unreadable_lines > 0
              ? [`${plural(page.read.unreadable_lines, "line")} that should tell usage could not`]
              : []),
          ].join("; ")}
          .
        </Note>
      )}
      {page.complete ? null : (
        <Note tone="info">Flows of an earlier version are still being added up.</Note>
      )}
      {page.unpriced.length > 0 ? (
        <section aria-label="Models without a price" className="flex flex-wrap items-center gap-2">
          <span className="text-xs text-warn">No price, or not for all that was used:</span>
          {page.unpriced.map((it) => (
            <UnpricedModel
              key={`${it.provider} ${it.model}`}
              of={it}
              since={since}
              counted={counted}
            />
          ))}
        </section>
      ) : null}
      <Section
        title={hourly ? "By hour" : "By day"}
        note={[
          isTold
            ? chart === "cost"
              ? "what the responses cost that were written down then"
              : "tokens of the responses that were written down then"
            : chart === "cost"
              ? "what the flows cost that began then"
              : "tokens of the flows that began then",
          ...(spans.length === DAYS_MAX ? [`the newest ${DAYS_MAX} days`] : []),
        ].join("; ")}
        actions={
          <Segmented label="Told over time" value={chart} choices={CHARTS} onChange={onChart} />
        }
      >
        {chart === "cost" ? (
          <DayChart
            spans={spans}
            counted={counted}
            hrefOf={({ since, until }) => (isTold ? null : flowsHref({ ...known, since, until }))}
          />
        ) : (
          <TokenChart spans={spans} />
        )}
      </Section>
    </>
  );
}

/** Of a time of which no flow tells a cost: agents' own files may. */
function Nothing({ view, since }: { view: SpendView; since: string | undefined }) {
  const isTold = view.from === "transcripts";
  const { model, project } = view;
  const told = useQuery({
    ...costQuery({ since, model, project, from: "transcripts" }),
    enabled: !isTold,
    retry: false,
  });
  const { flows, cost } = told.data?.totals ?? { flows: 0, cost: null };
  if (isTold) {
    return (
      <Notice title="Agents' files tell of no response in this time">
        <p>A longer span, or fewer filters, may show more.</p>
      </Notice>
    );
  }
  return (
    <Notice title="Nothing was spent in this time">
      <p>Costs appear as agents' flows end. A longer span, or fewer filters, may show more.</p>
      {flows > 0 ? (
        <p>
          Agents' own files tell of {plural(flows, "response")} in it
          {cost === null ? "" : `, for ${money(cost.micro_usd)}`}:{" "}
          <a
            href={spendHref({ ...view, from: "transcripts" })}
            className="font-medium text-accent hover:underline"
          >
            show what they cost
          </a>
          .
        </p>
      ) : null}
    </Notice>
  );
}

/** What has no price leads to its flows; what agents wrote themselves has none. */
function UnpricedModel({
  of: { model, provider, unpriced_flows: flows },
  since,
  counted,
}: {
  of: CostPage["unpriced"][number];
  since: string | undefined;
  counted: "flow" | "response";
}) {
  const badge = (
    <Badge tone="warn" title={provider ?? undefined}>
      {model === null ? "unknown model" : oneLine(model, 60)} · {plural(flows, counted)}
    </Badge>
  );
  if (counted === "response") return badge;
  return (
    <a
      href={flowsHref({
        ...(model === null ? {} : { model }),
        ...(since === undefined ? {} : { since }),
      })}
      className="rounded-sm hover:underline"
    >
      {badge}
    </a>
  );
}
