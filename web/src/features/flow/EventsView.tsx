// The stream's events, virtual and in order, with what is missing between them.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { eventsQuery } from "@/api/queries";
import type { Flow, StreamEvent } from "@/api/types";
import { bytes, count, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { readJson } from "@/lib/partialJson";
import { isSocket } from "@/lib/socket";
import { CopyButton } from "@/ui/CopyButton";
import { cx } from "@/ui/cx";
import { Failed } from "@/ui/Failed";
import { DownIcon } from "@/ui/icons";
import { Json } from "@/ui/Json";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { WireText } from "@/ui/WireText";
import { type EventRow, eventRows } from "./eventRows";

/** Events held in the page at most; the filter reaches the rest. */
const EVENTS_MAX = 20_000;
const ROW = 28;

export function EventsView({
  flow,
  type,
  onType,
}: {
  flow: Flow;
  type: string | undefined;
  onType: (type: string | undefined) => void;
}) {
  const events = useInfiniteQuery(eventsQuery(flow.id, type));
  const { data, error, fetchNextPage, isFetchingNextPage, isFetching } = events;
  const items = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  const total = data?.pages.at(-1)?.total ?? null;
  const more = data?.pages.at(-1)?.next_cursor != null;
  const retired = data?.pages.at(-1)?.retired ?? false;
  const damaged = damagedOf(data?.pages ?? []);
  // What never got into the store, or cannot be read there, is not waited for.
  const known =
    type === undefined ? flow.event_count - flow.dropped_events - damaged : (total ?? 0);
  const full = items.length >= EVENTS_MAX;
  // The end of an open stream: what has been committed since is fetched, once a second at most.
  useEffect(() => {
    if (more || full || !data || isFetching || (type === undefined && items.length >= known))
      return;
    if (type !== undefined && flow.outcome !== null) return;
    const timer = setTimeout(() => void fetchNextPage(), 1_000);
    return () => clearTimeout(timer);
  }, [more, full, data, isFetching, type, items.length, known, flow.outcome, fetchNextPage]);
  const rows = useMemo(() => eventRows(items, type === undefined), [items, type]);
  const types = useMemo(
    () => typesOf(data?.pages[0]?.types ?? [], items, type, flow.event_count),
    [data, items, type, flow.event_count],
  );
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex h-10 shrink-0 items-center gap-3 border-b px-4 text-xs text-ink-3">
        <label className="flex items-center gap-2">
          Type
          <select
            aria-label="Type of event"
            value={type ?? ""}
            onChange={(event) => onType(event.target.value || undefined)}
            className="h-7 max-w-52 rounded-md border border-line-strong bg-surface px-1.5 text-xs text-ink"
          >
            <option value="">All types</option>
            {types.map(({ type: each, count: number }) => (
              <option key={each} value={each}>
                {oneLine(each, 60) || "(without a type)"}
                {number === null ? "" : ` (${count(number)})`}
              </option>
            ))}
          </select>
        </label>
        <span className="ml-auto truncate" role="status">
          {count(items.length)}
          {total !== null && total > items.length ? ` of ${count(total)}` : ""} events
          {full && more ? " · the rest is reached by the filter" : ""}
        </span>
      </div>
      {damaged > 0 ? (
        <div className="px-4 py-1.5">
          <Note tone="bad">
            {damaged === 1 ? "One event is" : `${count(damaged)} events are`} damaged in the file
            and cannot be read; the others are shown.
          </Note>
        </div>
      ) : null}
      <div className="min-h-0 flex-1">
        {data ? (
          rows.length > 0 ? (
            <EventList
              rows={rows}
              more={more && !full}
              busy={isFetchingNextPage}
              onMore={() => void fetchNextPage()}
            />
          ) : (
            <Notice title={type === undefined ? "No events" : "No event of this type"}>
              <p>
                {retired
                  ? "They were removed because they grew too old; the assembled answer is kept longer."
                  : isSocket(flow)
                    ? "All that this WebSocket carried belongs to its responses: each has its messages as its own events."
                    : flow.outcome === null
                      ? "They appear here as they are recorded."
                      : flow.streaming
                        ? "None was recorded."
                        : "The answer was not a stream."}
              </p>
            </Notice>
          )
        ) : error ? (
          <Failed what="The events" error={error} onRetry={() => void events.refetch()} />
        ) : (
          <Skeleton />
        )}
      </div>
    </div>
  );
}

/**
 * Damaged events of all pages. A page tells those between its events and behind them at the end; the place
 * behind the last event is asked for again while a stream may grow, and brings none of its own.
 */
export function damagedOf(pages: { items: unknown[]; damaged: number }[]): number {
  return pages.reduce(
    (sum, { items, damaged }, at) => (items.length > 0 || at === 0 ? sum + damaged : sum),
    0,
  );
}

export interface TypeCount {
  type: string;
  /** Null while the stream grows. */
  count: number | null;
}

/**
 * The types to choose from, with how many events each has: what the server told, whatever was read
 * since, and the one that is chosen. Counts are left out once the flow has more events than were told.
 */
export function typesOf(
  told: { type: string; count: number }[],
  items: StreamEvent[],
  chosen: string | undefined,
  total: number,
): TypeCount[] {
  const known = told.reduce((sum, { count: number }) => sum + number, 0) >= total;
  const found = new Map<string, number | null>();
  for (const { type, count: number } of told) found.set(type, known ? number : null);
  for (const { type } of items) if (!found.has(type)) found.set(type, null);
  if (chosen !== undefined && !found.has(chosen)) found.set(chosen, known ? 0 : null);
  return [...found].map(([type, number]) => ({ type, count: number }));
}

function EventList({
  rows,
  more,
  busy,
  onMore,
}: {
  rows: EventRow[];
  more: boolean;
  busy: boolean;
  onMore: () => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 12,
    useFlushSync: false,
  });
  const items = list.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !busy && last >= rows.length - 100) onMore();
  }, [more, busy, last, rows.length, onMore]);
  const toggle = useRef((seq: number) =>
    setOpened((before) => {
      const next = new Set(before);
      if (!next.delete(seq)) next.add(seq);
      return next;
    }),
  );
  return (
    <section ref={box} tabIndex={0} aria-label="Events" className="h-full overflow-y-auto">
      <ul className="relative" style={{ height: list.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <li
              key={item.key}
              ref={list.measureElement}
              data-index={item.index}
              className="absolute inset-x-0 border-b border-line/70"
              style={{ transform: `translateY(${item.start}px)` }}
            >
              {row.kind === "gap" ? (
                <p className="flex h-7 items-center bg-warn-soft px-4 text-xs text-warn">
                  {plural(row.missing, "event")} missing here
                </p>
              ) : (
                <Event
                  event={row.event}
                  open={opened.has(row.event.seq)}
                  onToggle={toggle.current}
                />
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const Event = memo(function Event({
  event,
  open,
  onToggle,
}: {
  event: StreamEvent;
  open: boolean;
  onToggle: (seq: number) => void;
}) {
  return (
    <>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => onToggle(event.seq)}
        className="flex h-7 w-full items-center gap-3 px-4 text-left text-xs outline-offset-[-2px] hover:bg-hover"
      >
        <DownIcon className={cx("size-3 text-ink-3", !open && "-rotate-90")} />
        <span className="w-10 shrink-0 text-right text-ink-3">{event.seq}</span>
        <span className="w-16 shrink-0 text-right text-ink-3">+{offset(event.offset_ms)}</span>
        <span className="w-40 shrink-0 truncate font-mono text-accent @max-md:w-28">
          {oneLine(event.type, 60)}
        </span>
        <span className="min-w-0 truncate font-mono text-ink-2">{oneLine(event.data, 200)}</span>
      </button>
      {open ? <EventBody event={event} /> : null}
    </>
  );
});

/** Offsets share one unit, so that a column of them can be compared. */
function offset(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}

function EventBody({ event }: { event: StreamEvent }) {
  const { value, cut } = useMemo(() => readJson(event.data), [event.data]);
  return (
    <div className="relative bg-sunken py-2 pr-10 pl-11">
      {cut || value === undefined ? <WireText text={event.data} mono /> : <Json value={value} />}
      {event.original_bytes > 0 ? (
        <p className="mt-1 text-2xs text-ink-3">{bytes(event.original_bytes)} as it travelled</p>
      ) : null}
      <div className="absolute top-1 right-3">
        <CopyButton text={event.data} what="the event's data" />
      </div>
    </div>
  );
}
