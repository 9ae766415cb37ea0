// The turns of a session as virtual cards, the newest first: the end of a long session is there at once.
import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";
import { failedCallsQuery } from "@/api/insight";
import type { Flow } from "@/api/types";
import { saidIn } from "@/lib/action";
import { plural } from "@/lib/format";
import { flowState } from "@/lib/outcome";
import { useFlowWindow } from "@/live/useFlowWindow";
import type { SessionView } from "@/routes/paths";
import { Failed } from "@/ui/Failed";
import { UpIcon } from "@/ui/icons";
import { Notice, Skeleton } from "@/ui/Notice";
import { useRowKeys } from "@/ui/useRowKeys";
import { type Lane, laneOf, promptsIn } from "./lanes";
import { TurnCard } from "./TurnCard";

/** Height of a folded card, until it is measured. */
const CARD = 58;
/** Cards from the end at which the next page is asked for. */
const AHEAD = 30;
/** Turns among which the one of a link is looked for. */
const SOUGHT_MAX = 5_000;

export interface TimelineProps {
  session: string;
  lanes: Lane[];
  view: SessionView;
  onLook: (view: SessionView) => void;
  onLeave: () => void;
  /** Told what the loaded turns' subagents were asked. */
  onPrompts: (prompts: ReadonlyMap<string, string>) => void;
}

export function Timeline(props: TimelineProps) {
  const { session, lanes, view: look, onLook, onLeave, onPrompts } = props;
  const filter = useMemo(() => ({ session }), [session]);
  const { flows, view } = useFlowWindow(filter);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each page may bring a subagent's first turn
  useEffect(() => {
    const loaded = Array.from({ length: view.length }, (_, at) => flows.at(at));
    onPrompts(promptsIn(loaded.filter((flow) => flow !== undefined)));
  }, [flows, onPrompts, view.length, view.status, lanes.length]);
  const { data: calls } = useQuery(failedCallsQuery(session));
  const box = useRef<HTMLElement>(null);
  useRowKeys(box, () => {
    if (look.turn === undefined) onLeave();
    else onLook(look.lane === undefined ? {} : { lane: look.lane });
    return true;
  });
  const rows = useVirtualizer({
    count: view.length,
    getScrollElement: () => box.current,
    estimateSize: () => CARD,
    getItemKey: (index) => flows.idAt(index) ?? index,
    overscan: 8,
    useFlushSync: false,
  });
  // The turn that the address names may be far down: pages are loaded until it is there.
  const sought = useRef<string | undefined>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each version may have brought it
  useEffect(() => {
    const { turn } = look;
    if (view.status !== "ready" || view.loadingMore || sought.current === turn) return;
    const at = turn === undefined ? -1 : flows.indexOf(turn);
    if (turn !== undefined && at < 0 && view.more && view.length < SOUGHT_MAX) {
      void flows.loadMore();
      return;
    }
    sought.current = turn;
    if (at >= 0) rows.scrollToIndex(at, { align: "start" });
  }, [flows, look.turn, view.version]);
  const items = rows.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  const atTop = (rows.scrollOffset ?? 0) < CARD / 2;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each version may have let go of cards in view
  useEffect(() => {
    flows.lookAt(first, last, atTop);
    if (view.more && last >= view.length - AHEAD) void flows.loadMore();
  }, [flows, first, last, atTop, view.version]);

  if (view.status === "loading") return <Skeleton lines={12} />;
  if (view.status === "failed") {
    return <Failed what="The turns" error={view.error} onRetry={() => void flows.resync()} />;
  }
  if (view.length === 0) {
    return (
      <Notice title="No turn of this session is kept">
        <p>Its flows were removed; their sums may still be in Spend.</p>
      </Notice>
    );
  }
  return (
    <div className="relative min-h-0 flex-1">
      {view.aside > 0 ? (
        <button
          type="button"
          onClick={() => rows.scrollToOffset(0)}
          className="absolute top-2 left-1/2 z-sticky inline-flex h-7 -translate-x-1/2 items-center gap-1.5 rounded-full bg-accent-fill px-3 text-xs font-medium text-on-accent shadow-popover"
        >
          <UpIcon className="size-3.5" />
          {plural(view.aside, "new turn")}
        </button>
      ) : null}
      <section
        ref={box}
        tabIndex={0}
        aria-label="Turns, the newest first"
        className="h-full overflow-y-auto [overflow-anchor:none] focus-visible:-outline-offset-2"
      >
        <ul aria-label="Turns" className="relative" style={{ height: rows.getTotalSize() }}>
          {items.map((item) => {
            const flow = flows.at(item.index);
            const hidden = flow && look.lane !== undefined && laneOf(flow) !== look.lane;
            return (
              <li
                key={item.key}
                ref={rows.measureElement}
                data-index={item.index}
                className="absolute inset-x-0 top-0"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {hidden ? null : flow ? (
                  <TurnCard
                    flow={flow}
                    lanes={lanes}
                    failed={calls?.get(flow.id) ?? NONE}
                    goesOn={goesOn(flow, item.index, flows)}
                    open={look.turn === flow.id}
                    hit={look.turn === flow.id ? look : undefined}
                    onOpen={(open) => {
                      // What is unfolded by hand stays where it is.
                      sought.current = open ? flow.id : undefined;
                      onLook({
                        ...(look.lane === undefined ? {} : { lane: look.lane }),
                        ...(open ? { turn: flow.id } : {}),
                      });
                    }}
                  />
                ) : (
                  <div style={{ height: CARD }} />
                )}
              </li>
            );
          })}
        </ul>
      </section>
    </div>
  );
}

const NONE: never[] = [];

/** Turns before one that are looked at for the one before it in its lane. */
const BEFORE_MAX = 40;

/**
 * Whether a turn goes on with what the turn before it in its lane was asked: one that answered without a call was the
 * end of that, and the same words behind it are asked anew.
 */
export function goesOn(
  flow: Flow,
  at: number,
  flows: { at: (index: number) => Flow | undefined },
): boolean {
  const { asked } = saidIn(flow.preview);
  if (asked === null) return false;
  for (let index = at + 1; index <= at + BEFORE_MAX; index += 1) {
    const before = flows.at(index);
    if (before === undefined) return false;
    if (laneOf(before) !== laneOf(flow)) continue;
    const isDone = flowState(before.outcome) === "completed" && before.tool_names.length === 0;
    return !isDone && saidIn(before.preview).asked === asked;
  }
  return false;
}
