// The list of flows as a virtual grid: only the rows in view exist, and what is missing of them is loaded.
import { useVirtualizer } from "@tanstack/react-virtual";
import { type MouseEvent, memo, type RefObject, useEffect, useRef } from "react";
import type { Flow, FlowCount } from "@/api/types";
import { count, plural } from "@/lib/format";
import type { FlowWindow, WindowView } from "@/live/flowWindow";
import { cx } from "@/ui/cx";
import { Ending } from "@/ui/Ending";
import { UpIcon } from "@/ui/icons";
import { type Column, Lasted, Started, Status, What } from "./columns";

const ROW = 32;
const ROW_TWO_LINES = 52;
/** Rows from the end at which the next page is asked for. */
const AHEAD = 60;

export type Reveal = (index: number, align?: "auto" | "center") => void;

export interface FlowsTableProps {
  flows: FlowWindow;
  view: WindowView;
  columns: Column[];
  /** The list is too narrow for a line with columns. */
  twoLines: boolean;
  /** Starred sessions. */
  stars: ReadonlySet<string>;
  selected: string | undefined;
  /** The row the keyboard is on. */
  active: string | undefined;
  hrefOf: (id: string) => string;
  onOpen: (id: string) => void;
  box: RefObject<HTMLDivElement | null>;
  /** Set to the function that brings a row into view. */
  reveal: RefObject<Reveal | null>;
}

export function FlowsTable(props: FlowsTableProps) {
  const { flows, view, columns, twoLines, stars, selected, active, hrefOf, onOpen } = props;
  const { box, reveal } = props;
  const tracks = columns.map(({ track, least }) => track ?? `${least}px`).join(" ");
  const height = twoLines ? ROW_TWO_LINES : ROW;
  const rows = useVirtualizer({
    count: view.length + (view.more ? 1 : 0),
    getScrollElement: () => box.current,
    estimateSize: () => height,
    overscan: 6,
    scrollPaddingStart: twoLines ? 0 : ROW,
    useFlushSync: false,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the rows' height is what has changed
  useEffect(() => rows.measure(), [height]);
  useEffect(() => {
    reveal.current = (index, align = "auto") => rows.scrollToIndex(index, { align });
  }, [reveal, rows]);

  const items = rows.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const slot = useSlots(items.length, flows, first);
  const last = items.at(-1)?.index ?? 0;
  const atTop = (rows.scrollOffset ?? 0) < height / 2;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each version may have let go of rows in view
  useEffect(() => {
    flows.lookAt(first, last, atTop);
    if (view.more && last >= view.length - AHEAD) void flows.loadMore();
  }, [flows, first, last, atTop, view.version]);

  const open = useRef(onOpen);
  useEffect(() => {
    open.current = onOpen;
  });
  const click = useRef((event: MouseEvent, id: string) => {
    // A modified click is the browser's: it opens the address in another tab.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open.current(id);
  });

  const activeIndex = active === undefined ? -1 : flows.indexOf(active);
  return (
    <div className="relative h-full min-h-0">
      {view.aside > 0 ? (
        <button
          type="button"
          onClick={() => rows.scrollToOffset(0)}
          className="absolute top-10 left-1/2 z-sticky inline-flex h-7 -translate-x-1/2 items-center gap-1.5 rounded-full bg-accent-fill px-3 text-xs font-medium text-on-accent shadow-popover"
        >
          <UpIcon className="size-3.5" />
          {view.aside > 500 ? "Many new flows" : plural(view.aside, "new flow")}
        </button>
      ) : null}
      <div
        ref={box}
        role="grid"
        aria-label="Flows"
        aria-rowcount={view.more ? -1 : view.length + 1}
        aria-colcount={columns.length}
        aria-busy={view.status === "loading"}
        aria-activedescendant={
          activeIndex >= first && activeIndex <= last ? `row-${active}` : undefined
        }
        tabIndex={0}
        className="h-full overflow-y-auto outline-offset-[-2px] [overflow-anchor:none]"
      >
        <div
          role="row"
          aria-rowindex={1}
          className={cx(
            twoLines
              ? "sr-only"
              : "sticky top-0 z-sticky grid h-8 items-center gap-3 border-b bg-ground px-3",
          )}
          style={{ gridTemplateColumns: tracks }}
        >
          {columns.map((column) => (
            <span
              key={column.key}
              role="columnheader"
              title={column.title}
              className={cx(
                "truncate text-xs font-medium text-ink-3",
                column.right && "text-right",
              )}
            >
              {column.label}
            </span>
          ))}
        </div>
        <div role="rowgroup" className="relative" style={{ height: rows.getTotalSize() }}>
          {items.map((item) => {
            const id = flows.idAt(item.index);
            const flow = id === undefined ? undefined : flows.flow(id);
            if (!flow) return <Waiting key={slot(item.index)} top={item.start} height={height} />;
            return (
              <Row
                key={slot(item.index)}
                flow={flow}
                index={item.index}
                top={item.start}
                columns={columns}
                tracks={tracks}
                twoLines={twoLines}
                starred={flow.session_id !== null && stars.has(flow.session_id)}
                selected={flow.id === selected}
                active={flow.id === active}
                href={hrefOf(flow.id)}
                onClick={click.current}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

/**
 * Rows that scroll out lend their elements to those that scroll in: changing a few texts is much
 * cheaper than making and removing elements. A flow's slot stays as long as its row is in view, also
 * when newer flows come above it: its element moves, and nothing in it does.
 */
function useSlots(shown: number, flows: FlowWindow, first: number): (index: number) => number {
  const slots = useRef(64);
  while (slots.current < shown) slots.current *= 2;
  const number = slots.current;
  // The first row in view, where it was, and by how much the rows have moved since the list was there.
  const known = useRef<{ id: string; index: number } | null>(null);
  const moved = useRef(0);
  const now = known.current === null ? -1 : flows.indexOf(known.current.id);
  if (known.current !== null && now >= 0) moved.current += now - known.current.index;
  const id = flows.idAt(first);
  known.current = id === undefined ? null : { id, index: first };
  const by = moved.current % number;
  return (index) => (index - by + number) % number;
}

interface RowProps {
  flow: Flow;
  index: number;
  top: number;
  columns: Column[];
  tracks: string;
  twoLines: boolean;
  starred: boolean;
  selected: boolean;
  active: boolean;
  href: string;
  onClick: (event: MouseEvent, id: string) => void;
}

const Row = memo(function Row(props: RowProps) {
  const { flow, index, top, columns, tracks, twoLines, starred, selected, active } = props;
  const { href, onClick } = props;
  const frame = cx(
    "group absolute inset-x-0 border-b border-line/70 px-3 [contain:strict]",
    selected ? "bg-selected" : "hover:bg-hover",
    active && "shadow-[inset_2px_0_0_var(--color-accent)]",
  );
  const link = (
    <a
      href={href}
      tabIndex={-1}
      onClick={(event) => onClick(event, flow.id)}
      className="absolute inset-0"
    >
      <span className="sr-only">Open the flow to {flow.host}</span>
    </a>
  );
  if (twoLines) {
    return (
      <div
        role="row"
        id={`row-${flow.id}`}
        aria-rowindex={index + 2}
        aria-selected={selected}
        className={cx(frame, "flex flex-col justify-center gap-0.5")}
        style={{ transform: `translateY(${top}px)`, height: ROW_TWO_LINES }}
      >
        <Cell>
          {link}
          <span className="pointer-events-none flex items-center gap-2.5">
            <span className="shrink-0">
              <Started flow={flow} />
            </span>
            {/* What went wrong is worth more than the names beside it. */}
            <span className="flex min-w-fit max-w-[45%] shrink-0">
              <Status flow={flow} />
            </span>
            <span
              // Made anew with what it says, which would move.
              key={`${flow.session_id} ${flow.agent} ${flow.model} ${flow.cost?.micro_usd}`}
              className="ml-auto flex min-w-0 items-center gap-2.5 overflow-hidden"
            >
              {columns.map((column) => (
                <Small key={column.key} column={column} flow={flow} starred={starred} />
              ))}
            </span>
          </span>
          <span className="pointer-events-none flex items-center gap-3">
            <span className="min-w-0 flex-1">
              <What flow={flow} />
            </span>
            <span className="min-w-[7ch] shrink-0 text-right">
              <Lasted flow={flow} />
            </span>
          </span>
        </Cell>
      </div>
    );
  }
  return (
    <div
      role="row"
      id={`row-${flow.id}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      className={cx(frame, "grid items-center gap-3")}
      style={{ transform: `translateY(${top}px)`, height: ROW, gridTemplateColumns: tracks }}
    >
      {columns.map((column, at) => (
        <div
          key={column.key}
          role="gridcell"
          className={cx("flex min-w-0 items-center", column.right && "justify-end")}
        >
          {at === 0 ? link : null}
          {column.cell(flow, starred)}
        </div>
      ))}
    </div>
  );
});

function Cell({ children }: { children: React.ReactNode }) {
  return (
    <div role="gridcell" className="flex min-w-0 flex-col gap-0.5">
      {children}
    </div>
  );
}

/** A cell without its column; one that has nothing to say takes no room. */
function Small({ column, flow, starred }: { column: Column; flow: Flow; starred: boolean }) {
  if (column.absent?.(flow)) return null;
  return (
    <span
      className={cx(
        "flex min-w-0 items-center",
        column.key === "session" && "shrink-0",
        // Above how long it took, so that both stand in one column.
        column.right && "min-w-[7ch] shrink-0 justify-end",
      )}
    >
      {column.cell(flow, starred)}
    </span>
  );
}

function Waiting({ top, height }: { top: number; height: number }) {
  return (
    <div
      aria-hidden="true"
      className="absolute inset-x-0 flex items-center gap-6 border-b border-line/70 px-3"
      style={{ transform: `translateY(${top}px)`, height }}
    >
      <span className="h-3 w-14 rounded-sm bg-raised" />
      <span className="h-3 w-20 rounded-sm bg-raised" />
      <span className="h-3 flex-1 rounded-sm bg-raised" />
    </div>
  );
}

export function Total({ loaded, total }: { loaded: number; total: FlowCount | undefined }) {
  const text =
    total === undefined
      ? plural(loaded, "flow")
      : `${count(total.count)}${total.more ? "+" : ""} ${total.count === 1 ? "flow" : "flows"}`;
  return (
    // As wide for a hundred flows as for a million.
    <span role="status" className="inline-block min-w-[15ch] text-right text-xs">
      <Ending text={text} className="whitespace-nowrap text-ink-3" />
    </span>
  );
}
