// A session at work on one card: what it does in words, what it cost so far, and what it is writing.
import { useQuery } from "@tanstack/react-query";
import { windowQuery } from "@/api/insight";
import type { Flow, Session } from "@/api/types";
import { type Action, actionOf, tallied } from "@/lib/action";
import { clock, compact, count, DASH, duration, money, plural } from "@/lib/format";
import { oneLine, visible } from "@/lib/hostile";
import { modelWords } from "@/lib/models";
import { subagent } from "@/lib/session";
import { useLiveTail } from "@/live/context";
import { flowHref, flowsHref, sessionHref } from "@/routes/paths";
import { Badge, Dot, TEXT_TONE } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { Ending } from "@/ui/Ending";
import { SessionName } from "@/ui/SessionName";
import { modelsOf, type Running, runsTools } from "./running";

/** Streams of one session whose text is shown. */
const STREAMS_MAX = 4;
/** Characters of a stream's end that are shown. */
const TAIL = 360;
/** An open flow of which nothing came for so long has stalled. */
const STALL_MS = 30_000;
/** So much before the end the countdown of the cache warns. */
const ALMOST_COLD_MS = 60_000;
/** From this share of what the model can read on the context warns. */
const NEARLY_FULL = 0.8;

export interface RunningCardProps {
  running: Running;
  sums: Session | undefined;
  now: number;
  quietSince: (flow: Flow) => number;
}

export function RunningCard({ running, sums, now, quietSince }: RunningCardProps) {
  const { session, newest, open } = running;
  const action = doing(running);
  const models = modelWords(modelsOf(running.flows));
  const cost = sums?.totals.cost?.micro_usd;
  // Between two answers the place of the stream stays: what is below it does not go up and down.
  const streams = open.length > 0 ? open.slice(0, STREAMS_MAX) : running.isAtWork ? [newest] : [];
  return (
    <li data-glide={`session ${session ?? ""}`} className="min-w-0">
      <div
        className={cx(
          "flex min-w-0 flex-col overflow-hidden rounded-lg border",
          running.isAtWork ? "border-line-strong" : "border-line",
        )}
      >
        <a
          data-row
          href={session === null ? flowsHref({ since: "1h" }) : sessionHref(session)}
          className="flex min-w-0 flex-col gap-1 px-3 pt-2.5 pb-2 hover:bg-hover focus-visible:-outline-offset-2"
        >
          <span className="flex min-w-0 items-center gap-2">
            <Dot tone={open.length > 0 ? "info" : "idle"} pulse={open.length > 0} />
            {session === null ? (
              <span className="text-xs text-ink-3">No session</span>
            ) : (
              <span className="shrink-0">
                <SessionName id={session} />
              </span>
            )}
            <span className="min-w-0 truncate text-xs text-ink-3">
              {oneLine(newest.agent ?? "", 30)}
              {newest.project ? ` · ${oneLine(newest.project, 80)}` : ""}
            </span>
            <Ending
              text={money(cost)}
              className="ml-auto shrink-0 font-semibold"
              title="Cost so far"
            />
          </span>
          {/* Made anew with its words, which would push aside what stands behind them. */}
          <span key={action.words} className="flex min-w-0 items-baseline gap-2">
            <span
              className={cx(
                "min-w-0 truncate font-medium",
                action.tone === "ok" ? "text-ink" : TEXT_TONE[action.tone],
              )}
            >
              {oneLine(action.words, 120)}
            </span>
            <span className="shrink-0 text-xs text-ink-3">
              {open.length > 0
                ? `for ${duration(Math.max(0, now - Date.parse(newest.started_at)))}`
                : clock(new Date(running.lastAt).toISOString())}
            </span>
          </span>
          {/* As high where nothing is known yet. */}
          <span className="min-h-lh truncate text-xs text-ink-2">
            {newest.preview ? oneLine(newest.preview, 200) : null}
          </span>
        </a>
        <dl className="flex flex-wrap items-center gap-x-4 gap-y-1 border-t px-3 py-1.5 text-xs">
          <Context context={running.context} />
          <Cache until={running.cacheUntil} now={now} />
          <Fact
            name="Flows"
            room="min-w-[10ch]"
            value={count(sums?.totals.flows.total ?? running.flows.length)}
          />
          {/* Its room does not depend on its words: else more of them would make another line. */}
          <div className="min-w-0 grow basis-40 truncate">
            <dt className="sr-only">Model</dt>
            <dd className="truncate text-ink-3" title={models.title}>
              {models.text}
            </dd>
          </div>
        </dl>
        {streams.map((flow) => (
          <Stream
            key={flow.id}
            flow={flow}
            quietFor={flow.outcome === null ? now - quietSince(flow) : 0}
          />
        ))}
        {open.length > STREAMS_MAX && session !== null ? (
          <a
            href={flowsHref({ session, outcome: "open" })}
            className="border-t px-3 py-1.5 text-xs font-medium text-accent hover:underline"
          >
            {plural(open.length - STREAMS_MAX, "more open flow")}
          </a>
        ) : null}
      </div>
    </li>
  );
}

/** The last action in words, as it is at this moment. */
export function doing({ newest, isAtWork }: Running): Action {
  if (!runsTools(newest)) return actionOf(newest);
  const tools = tallied(newest.tool_names);
  return isAtWork
    ? { words: `Runs ${tools}`, tone: "ok" }
    : { words: `Called ${tools}, then nothing`, tone: "warn" };
}

function Fact({
  name,
  value,
  room,
  tone,
}: {
  name: string;
  value: string;
  /** The room it has, so that those after it stay where they are while it changes. */
  room: string;
  tone?: string;
}) {
  return (
    <div className={cx("flex shrink-0 items-baseline gap-1.5", room)}>
      <dt className="text-ink-3">{name}</dt>
      <dd className={cx("font-medium", tone)}>{value}</dd>
    </div>
  );
}

/** How full the context is, where it is known what the model can read. */
function Context({ context }: { context: Running["context"] }) {
  const { data } = useQuery({
    ...windowQuery(context?.flow ?? NO_FLOW),
    enabled: context !== null,
  });
  if (context === null) return <Fact name="Context" room={CONTEXT} value={DASH} />;
  const window = data?.window ?? null;
  if (window === null)
    return <Fact name="Context" room={CONTEXT} value={`${compact(context.tokens)} tokens`} />;
  const share = context.tokens / window;
  return (
    <Fact
      name="Context"
      room={CONTEXT}
      value={`${share < 0.01 ? "<1" : Math.round(share * 100)} % of ${compact(window)}`}
      {...(share >= NEARLY_FULL ? { tone: "text-warn" } : {})}
    />
  );
}

const CONTEXT = "min-w-[19ch]";
const CACHE = "min-w-[21ch]";

const NO_FLOW = { id: "", provider: null, model: null, model_requested: null };

function Cache({ until, now }: { until: number | null; now: number }) {
  if (until === null) return <Fact name="Cache" room={CACHE} value={DASH} />;
  const left = until - now;
  if (left <= 0) return <Fact name="Cache" room={CACHE} value="cold" tone="text-warn" />;
  return (
    <Fact
      name="Cache"
      room={CACHE}
      value={`warm for ${duration(Math.ceil(left / 1000) * 1000)}`}
      tone={left < ALMOST_COLD_MS ? "text-warn" : "text-ok"}
    />
  );
}

/** The end of what a flow is writing, in a place of its own height: nothing moves as it grows. */
function Stream({ flow, quietFor }: { flow: Flow; quietFor: number }) {
  const live = useLiveTail(flow.id);
  const last = live.blocks.at(-1);
  const agent = subagent(flow);
  const kind =
    last === undefined
      ? null
      : last.kind === "text"
        ? null
        : last.kind === "thinking"
          ? "thinking"
          : "tool input";
  return (
    <a
      href={flowHref(flow.id, {})}
      className="flex min-w-0 flex-col gap-1 border-t bg-sunken px-3 py-2 hover:bg-raised focus-visible:-outline-offset-2"
    >
      <span className="flex h-5 min-w-0 items-center gap-2 text-2xs text-ink-3">
        {agent ? <span className="truncate font-mono">{oneLine(agent, 30)}</span> : null}
        {kind ? <Badge>{kind}</Badge> : null}
        {quietFor > STALL_MS ? <Badge tone="warn">quiet for {duration(quietFor)}</Badge> : null}
        <Ending text={plural(flow.event_count, "event")} className="ml-auto shrink-0" />
      </span>
      <span className="relative block h-13.5 overflow-hidden" data-testid="stream">
        <span
          // Made anew as it grows: it stands on its last line, so that its first one would be seen to move.
          key={last?.text.length}
          className={cx(
            "wire-text absolute inset-x-0 bottom-0 block text-xs",
            last?.kind === "tool_input" && "font-mono",
            last === undefined || kind === "thinking" ? "text-ink-3" : "text-ink-2",
          )}
          dir="auto"
        >
          {last !== undefined
            ? visible(last.text.slice(-TAIL))
            : flow.outcome === null
              ? "No text yet"
              : "Nothing is being written: the next request is awaited"}
        </span>
      </span>
    </a>
  );
}
