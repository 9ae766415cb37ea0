// The tools that agents called: how often, what they cost, how long they took, how often they failed.
import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { costQuery, failures, toolsQuery } from "@/api/insight";
import type { Tool, ToolTotals } from "@/api/types";
import { count, DASH, duration, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { rangeStart } from "@/lib/spend";
import { TOOL_ORDERS, type ToolOrder, type ToolsView, toolsHref } from "@/routes/paths";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Failed } from "@/ui/Failed";
import { CloseIcon } from "@/ui/icons";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { RangePicker } from "@/ui/RangePicker";
import { Segmented } from "@/ui/Segmented";
import { SessionName } from "@/ui/SessionName";
import { Split } from "@/ui/Split";
import { useRowKeys } from "@/ui/useRowKeys";
import { Invocations } from "./Invocations";

export interface ToolsScreenProps {
  view: ToolsView;
  onLook: (view: ToolsView) => void;
}

const ORDERS: Record<ToolOrder, string> = {
  calls: "Calls",
  cost: "Cost",
  duration: "Slowest",
  failures: "Failures",
  repeats: "Repeats",
  violations: "Violations",
};

export function ToolsScreen({ view, onLook }: ToolsScreenProps) {
  const { tool, call, session } = view;
  const range = view.range ?? "30d";
  const since = rangeStart(range, new Date());
  const box = useRef<HTMLDivElement>(null);
  const close = () => {
    const { tool: _tool, call: _call, ...rest } = view;
    onLook(rest);
  };
  useRowKeys(box, () => {
    if (tool === undefined) return false;
    close();
    return true;
  });
  return (
    <div ref={box} className="h-full">
      {/* The list, with its own heading, is hidden where there is no room for both. */}
      {tool === undefined ? null : <h1 className="sr-only">Tools: {oneLine(tool, 80)}</h1>}
      <Split
        storageKey="langley.tools.split"
        first={<List view={view} since={since} range={range} onLook={onLook} />}
        second={
          tool === undefined ? null : (
            <Invocations
              key={tool}
              tool={tool}
              params={{ session, since }}
              open={call}
              onOpen={(next) =>
                onLook(next === undefined ? { ...view, call: "" } : { ...view, call: next })
              }
              onClose={close}
            />
          )
        }
      />
    </div>
  );
}

function List({
  view,
  since,
  range,
  onLook,
}: {
  view: ToolsView;
  since: string | undefined;
  range: NonNullable<ToolsView["range"]>;
  onLook: (view: ToolsView) => void;
}) {
  const { session } = view;
  const order = view.order ?? "calls";
  const { data, error, refetch } = useQuery(toolsQuery({ order, session, since }));
  const { data: costs } = useQuery(costQuery({ group_by: "tool", session, since, limit: 1_000 }));
  const costOf = new Map(costs?.items.map((item) => [item.tool, item.tool_cost?.cost?.micro_usd]));
  return (
    <Page
      title="Tools"
      heading={view.tool === undefined ? "h1" : "h2"}
      note={
        data ? `${plural(data.items.length, "tool")}, ${plural(data.totals.calls, "call")}` : null
      }
      actions={
        <>
          <Segmented
            label="The greatest first"
            value={order}
            choices={TOOL_ORDERS.map((value) => ({ value, label: ORDERS[value] }))}
            onChange={(next) => onLook({ ...view, order: next })}
          />
          <RangePicker range={range} onRange={(next) => onLook({ ...view, range: next })} />
        </>
      }
    >
      {session === undefined ? null : (
        <div className="-mt-3">
          <Button
            title="Show every session"
            className="border-accent/50 bg-selected"
            onClick={() => {
              const { session: _session, ...rest } = view;
              onLook(rest);
            }}
          >
            <span className="text-ink-3">Session</span>
            <SessionName id={session} />
            <CloseIcon className="size-3" />
          </Button>
        </div>
      )}
      {data && !data.complete ? (
        <Note tone="info">Some flows wait to be read; their calls are not counted yet.</Note>
      ) : null}
      {!data ? (
        error ? (
          <Failed what="The tools" error={error} onRetry={() => void refetch()} />
        ) : (
          <Skeleton lines={10} />
        )
      ) : data.items.length === 0 ? (
        <Notice title="No tool was called in this time">
          <p>Each call that an agent's model makes is counted here, with what came of it.</p>
        </Notice>
      ) : (
        <div className="@container overflow-hidden rounded-lg border">
          <div
            aria-hidden="true"
            className={cx(LINE, "h-8 border-b bg-ground text-xs font-medium text-ink-3")}
          >
            <span>Tool</span>
            <span className="text-right">Calls</span>
            <span className="hidden text-right @2xl:block">Median</span>
            <span className="hidden text-right @2xl:block">95 %</span>
            <span className="text-right">Failed</span>
            <span className="text-right">Cost</span>
          </div>
          <ul aria-label="Tools" className="divide-y divide-line">
            {data.items.map((tool) => (
              <Row
                key={tool.name}
                tool={tool}
                cost={costOf.get(tool.name)}
                chosen={tool.name === view.tool}
                href={toolsHref({ ...view, tool: tool.name, call: "" })}
              />
            ))}
          </ul>
        </div>
      )}
    </Page>
  );
}

const LINE =
  "grid items-center gap-3 px-3 grid-cols-[minmax(0,1fr)_3.5rem_4.5rem_4.5rem] @2xl:grid-cols-[minmax(0,1fr)_4rem_5rem_5rem_6rem_5rem]";

function Row({
  tool,
  cost,
  chosen,
  href,
}: {
  tool: Tool;
  cost: number | null | undefined;
  chosen: boolean;
  href: string;
}) {
  const { totals } = tool;
  const bad = failures(totals);
  const inside = (
    <>
      <span className="min-w-0">
        <span className="block truncate font-mono text-xs font-medium">
          {tool.name === "" ? "(nobody says which)" : oneLine(tool.name, 120)}
        </span>
        <Oddities totals={totals} />
      </span>
      <span className="text-right">{count(totals.calls)}</span>
      <span className="hidden text-right text-xs text-ink-2 @2xl:block">
        {duration(totals.duration?.p50_ms)}
      </span>
      <span className="hidden text-right text-xs text-ink-2 @2xl:block">
        {duration(totals.duration?.p95_ms)}
      </span>
      <span className={cx("text-right text-xs", bad > 0 ? "font-medium text-bad" : "text-ink-3")}>
        {bad === 0
          ? totals.failure_rate === null
            ? DASH
            : "0"
          : `${count(bad)} · ${Math.round((totals.failure_rate ?? 0) * 100)} %`}
      </span>
      <span className="text-right font-semibold">{money(cost)}</span>
    </>
  );
  const frame = cx(LINE, "min-h-10 py-1.5");
  if (tool.name === "") return <li className={frame}>{inside}</li>;
  return (
    <li>
      <a
        data-row
        href={href}
        aria-current={chosen ? "true" : undefined}
        className={cx(
          frame,
          "focus-visible:-outline-offset-2",
          chosen ? "bg-selected" : "hover:bg-hover",
        )}
      >
        {inside}
      </a>
    </li>
  );
}

/** What else is to be known of a tool's calls, where there is anything. */
function Oddities({ totals }: { totals: ToolTotals }) {
  const told = [
    totals.repeated > 0 ? `${count(totals.repeated)} repeated` : "",
    totals.orphaned > 0 ? `${count(totals.orphaned)} without a result` : "",
    totals.lost > 0 ? `${count(totals.lost)} broken off` : "",
    totals.violated > 0 ? `${count(totals.violated)} with violations` : "",
  ].filter(Boolean);
  return told.length === 0 ? null : (
    <span className="block truncate text-2xs text-ink-3">{told.join(" · ")}</span>
  );
}
