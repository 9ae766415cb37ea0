// The list with its filter above it: the columns there is room for, or why there is nothing to list.
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { useStars, useStarsState } from "@/api/stars";
import type { FlowCount } from "@/api/types";
import { type FlowFilter, isEmpty, toParams } from "@/lib/filter";
import type { FlowWindow, WindowView } from "@/live/flowWindow";
import { Button } from "@/ui/Button";
import { Failed } from "@/ui/Failed";
import { Note, Skeleton } from "@/ui/Notice";
import { useWidth } from "@/ui/useWidth";
import { ExportMenu } from "@/views/ExportMenu";
import { ColumnChooser } from "./ColumnChooser";
import { type ColumnChoice, readChoice, shownColumns, writeChoice } from "./columnChoice";
import { COLUMNS, PHONE, TWO_LINES } from "./columns";
import { FilterBar } from "./FilterBar";
import { FlowsTable, type Reveal, Total } from "./FlowsTable";
import { NothingListed } from "./NothingListed";

export interface FlowListProps {
  filter: FlowFilter;
  onFilter: (next: FlowFilter) => void;
  search: RefObject<HTMLInputElement | null>;
  flows: FlowWindow;
  view: WindowView;
  total: FlowCount | undefined;
  selected: string | undefined;
  /** Whether the selected flow is further back than the list goes so far. */
  isBeyond: boolean;
  active: string | undefined;
  hrefOf: (id: string) => string;
  onOpen: (id: string) => void;
  box: RefObject<HTMLDivElement | null>;
  reveal: RefObject<Reveal | null>;
}

export function FlowList(props: FlowListProps) {
  const { filter, onFilter, search, flows, view, total, selected, isBeyond } = props;
  const { active, hrefOf, onOpen } = props;
  const until = isBeyond && selected !== undefined ? untilAfter(selected) : undefined;
  const section = useRef<HTMLElement>(null);
  const width = useWidth(section);
  const stars = useStars();
  const starsState = useStarsState();
  const [choice, setChoice] = useState(readChoice);
  const choose = (next: ColumnChoice) => {
    setChoice(next);
    writeChoice(next);
  };
  const twoLines = width < TWO_LINES;
  const hasCost = useHasCost(flows, view);
  const columns = useMemo(() => {
    const offered = COLUMNS.filter(
      ({ key, inTwoLines }) => (key !== "cost" || hasCost) && (!twoLines || inTwoLines),
    );
    if (!twoLines) return shownColumns(offered, width, choice);
    return offered.filter(
      ({ key, inTwoLines }) => choice[key] ?? (inTwoLines === "always" || width >= PHONE),
    );
  }, [width, twoLines, choice, hasCost]);
  // A page of a search may be empty and still go on.
  const nothing = view.status === "ready" && view.length === 0 && !view.more;
  return (
    <section
      ref={section}
      aria-label="Flow list"
      className="@container flex h-full min-h-0 flex-col"
    >
      <div className="flex min-h-11 shrink-0 items-center gap-2 border-b pr-2 pl-3">
        <FilterBar filter={filter} onFilter={onFilter} search={search} />
        <span className="hidden @2xl:inline">
          <Total loaded={view.length} total={total} />
        </span>
        <ExportMenu
          wish={() => ({
            what: isEmpty(filter) ? "all flows" : "the flows that are listed",
            file: "langley-flows",
            filter: toParams(filter),
          })}
        />
        <ColumnChooser
          shown={columns}
          twoLines={twoLines}
          hasCost={hasCost}
          choice={choice}
          onChoose={choose}
        />
      </div>
      {view.stuck && view.status === "ready" ? (
        <Stuck error={view.error} onRetry={() => flows.retry()} />
      ) : null}
      {until === undefined ? null : <Beyond onList={() => onFilter({ ...filter, until })} />}
      <div className="min-h-0 flex-1">
        {view.status === "loading" ? (
          <Skeleton lines={12} />
        ) : view.status === "failed" ? (
          <Failed what="The list of flows" error={view.error} onRetry={() => void flows.resync()} />
        ) : nothing ? (
          <NothingListed
            filter={filter}
            stars={starsState === "known" ? stars.size : starsState}
            onClear={() => onFilter({})}
          />
        ) : (
          <FlowsTable
            flows={flows}
            view={view}
            columns={columns}
            twoLines={twoLines}
            stars={stars}
            selected={selected}
            active={active}
            hrefOf={hrefOf}
            onOpen={onOpen}
            box={props.box}
            reveal={props.reveal}
          />
        )}
      </div>
    </section>
  );
}

/** The flow of a link that is older than what is listed: where its neighbours are. */
function Beyond({ onList }: { onList: () => void }) {
  return (
    <div role="status" className="flex items-center gap-2 px-3 py-1.5">
      <div className="min-w-0 flex-1">
        <Note tone="info">The open flow is further back than the list goes so far.</Note>
      </div>
      <Button onClick={onList}>List those up to it</Button>
    </div>
  );
}

/** A bound that a flow is still within: its id begins with the milliseconds since 1970, as UUIDv7 has it. */
function untilAfter(id: string): string | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-/.exec(id) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const until = new Date(Number.parseInt(high + low, 16) + 1000);
  return Number.isNaN(until.getTime()) ? undefined : until.toISOString();
}

/** Whether a flow of this list has had a cost: once it has, the column stays. */
function useHasCost(flows: FlowWindow, view: WindowView): boolean {
  const [seenIn, setSeenIn] = useState<FlowWindow>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: each version may bring the first cost
  useEffect(() => {
    if (seenIn !== flows && flows.some(({ cost }) => cost !== null)) setSeenIn(flows);
  }, [flows, seenIn, view.version]);
  return seenIn === flows;
}

/** Asking again by itself would ask without end. */
export function Stuck({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <div role="alert" className="flex items-center gap-2 px-3 py-1.5">
      <div className="min-w-0 flex-1">
        <Note tone="warn">
          The list may lack flows:{" "}
          {error instanceof Error ? error.message : "they could not be loaded"}
        </Note>
      </div>
      <Button onClick={onRetry}>Try again</Button>
    </div>
  );
}
