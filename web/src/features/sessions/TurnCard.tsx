// A turn on one card: what it did, what it cost and took, how warm its cache was, and which tools failed.
import type { Flow, Invocation } from "@/api/types";
import { actionOf, saidIn, warmthOf } from "@/lib/action";
import { clock, compact, DASH, duration, fullTime, money, plural } from "@/lib/format";
import type { Hit } from "@/lib/hit";
import { oneLine } from "@/lib/hostile";
import { plainLine } from "@/lib/plain";
import { inputTotal } from "@/lib/usage";
import { Badge, Dot, TEXT_TONE } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { DownIcon } from "@/ui/icons";
import { LANE_TONES } from "./laneFaces";
import { type Lane, laneOf, MAIN } from "./lanes";
import { TurnDetail } from "./TurnDetail";

export interface TurnCardProps {
  flow: Flow;
  lanes: Lane[];
  /** Its tool calls that came back, and not as they should. */
  failed: readonly Invocation[];
  /** Whether it goes on with what the turn before it was asked, and what it answers says more of it. */
  goesOn?: boolean;
  open: boolean;
  /** The place that a search found in it. */
  hit?: Partial<Hit> | undefined;
  onOpen: (open: boolean) => void;
}

export function TurnCard({
  flow,
  lanes,
  failed,
  goesOn = false,
  open,
  hit,
  onOpen,
}: TurnCardProps) {
  const action = actionOf(flow);
  const warmth = warmthOf(flow);
  const lane = laneOf(flow);
  const named = lanes.find(({ id }) => id === lane);
  const isWell = action.tone === "ok";
  const { asked, answered } = saidIn(flow.preview);
  // The same words above turn after turn would hide what each did.
  const isAnswer = goesOn && answered !== null;
  const title = isAnswer ? answered : (asked ?? action.words);
  const [input, output] = [inputTotal(flow), flow.usage.output];
  const tokens = [
    input === null ? [] : `${compact(input)} input`,
    output === null ? [] : `${compact(output)} output`,
  ]
    .flat()
    .join(", ");
  return (
    <div className={cx("flex border-b", open && "bg-ground")}>
      <Rail flow={flow} lanes={lanes} />
      <div className="min-w-0 flex-1">
        <button
          type="button"
          data-row
          aria-expanded={open}
          onClick={() => onOpen(!open)}
          className="grid w-full grid-cols-[minmax(0,1fr)_auto] gap-x-3 py-2 pr-4 pl-1 text-left hover:bg-hover focus-visible:-outline-offset-2"
        >
          <span className="flex min-w-0 items-center gap-2">
            <DownIcon className={cx("size-3 text-ink-3", !open && "-rotate-90")} />
            <span
              className="shrink-0 text-xs text-ink-3 max-sm:hidden"
              title={fullTime(flow.started_at)}
            >
              {clock(flow.started_at)}
            </span>
            {isWell ? null : (
              <>
                <Dot tone={action.tone} pulse={flow.outcome === null} />
                <span
                  className={cx(
                    "max-w-[60%] shrink-0 truncate font-medium max-sm:hidden",
                    TEXT_TONE[action.tone],
                  )}
                >
                  {oneLine(action.words, 160)}
                </span>
              </>
            )}
            <span className={cx("min-w-0 truncate", !isAnswer && "font-medium")} dir="auto">
              {isAnswer ? "→ " : ""}
              {plainLine(title, isAnswer ? 240 : 160)}
            </span>
            {answered && !isAnswer ? (
              <span className="min-w-0 flex-1 truncate text-ink-2 max-sm:hidden" dir="auto">
                → {plainLine(answered, 240)}
              </span>
            ) : null}
          </span>
          <span className="text-right font-semibold">{money(flow.cost?.micro_usd)}</span>
          {answered && !isAnswer ? (
            <span className="col-span-2 truncate pl-5 text-ink-2 sm:hidden" dir="auto">
              → {plainLine(answered, 240)}
            </span>
          ) : null}
          <span className="col-span-2 mt-0.5 flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1 pl-5 text-2xs text-ink-3">
            <span className="sm:hidden" title={fullTime(flow.started_at)}>
              {clock(flow.started_at)}
            </span>
            {asked === null ? null : (
              <span
                className={cx(
                  "max-w-full truncate",
                  isWell ? "" : `sm:hidden ${TEXT_TONE[action.tone]}`,
                )}
              >
                {oneLine(action.words, 160)}
              </span>
            )}
            <span>{flow.outcome === null ? "still open" : duration(flow.duration_ms)}</span>
            {tokens === "" ? null : (
              <span title="All input tokens, those of the cache included, and output tokens">
                {tokens}
              </span>
            )}
            {warmth ? (
              <span title={warmth.title} className={TEXT_TONE[warmth.tone]}>
                cache {warmth.label}
              </span>
            ) : null}
            {failed.length > 0 ? (
              <Badge tone="bad">
                {failed.length === 1
                  ? `${oneLine(failed[0]?.tool ?? "tool", 40)} failed`
                  : plural(failed.length, "tool call failed", "tool calls failed")}
              </Badge>
            ) : null}
            {flow.retry_of ? <Badge tone="warn">tried again</Badge> : null}
            {flow.capture_gaps > 0 ? <Badge tone="warn">gaps</Badge> : null}
            {lane === MAIN ? null : (
              <Badge tone="violet" title={named?.title} className="max-w-64">
                <span className="truncate">{named?.name ?? oneLine(lane, 40)}</span>
              </Badge>
            )}
            <span className="truncate">
              {oneLine(flow.model ?? flow.model_requested ?? DASH, 60)}
            </span>
            {flow.usage_estimate?.cost ? (
              <span title="Estimated: what the provider did not tell, part of no sum">
                + ~{money(flow.usage_estimate.cost.micro_usd)}
              </span>
            ) : flow.cost_source === "estimated" ? (
              <span className="text-warn">at least</span>
            ) : null}
          </span>
        </button>
        {open ? <TurnDetail flow={flow} failed={failed} hit={hit} /> : null}
      </div>
    </div>
  );
}

/** A column for each lane; a line where the lane goes on, and a dot where the turn is its. */
function Rail({ flow, lanes }: { flow: Flow; lanes: Lane[] }) {
  const at = Date.parse(flow.started_at);
  const own = lanes.find(({ id }) => id === laneOf(flow))?.column ?? 0;
  const columns = Math.max(1, ...lanes.map(({ column }) => column + 1));
  return (
    <div aria-hidden="true" className="relative shrink-0" style={{ width: 12 + columns * 12 }}>
      {Array.from({ length: columns }, (_, column) => column).map((column) => {
        const goesOn = lanes.some(
          (lane) => lane.column === column && lane.first <= at && at <= lane.last,
        );
        return (
          <span key={column}>
            {goesOn ? (
              <span
                className={cx("absolute inset-y-0 w-0.5 opacity-40", LANE_TONES[column])}
                style={{ left: 11 + column * 12 }}
              />
            ) : null}
            {column === own ? (
              <span
                className={cx("absolute top-3.5 size-2.5 rounded-full", LANE_TONES[column])}
                style={{ left: 7 + column * 12 }}
              />
            ) : null}
          </span>
        );
      })}
    </div>
  );
}
