// Health at a glance, on every screen: each figure in the tone of what it means; leads to the Health screen.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { statsQuery } from "@/api/queries";
import type { Stats } from "@/api/types";
import { bytes, clock, count, duration } from "@/lib/format";
import { LAG_BAD_MS, LAG_WARN_MS } from "@/lib/limits";
import type { Tone } from "@/lib/outcome";
import { useSocketState } from "@/live/context";
import { paths } from "@/routes/paths";
import { Dot, TEXT_TONE } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { useNow } from "@/ui/useNow";

/** While news comes, figures are seldom older than this. */
const FRESH_MS = 5_000;

interface Figure {
  label: string;
  value: (stats: Stats) => string;
  tone: (stats: Stats) => Tone;
  /** Where there is little room, only some are shown; a figure that warns always is. */
  shown: string;
  /** The room it has, so that those after it stay where they are while it changes. */
  room?: string;
}

const FIGURES: Figure[] = [
  {
    label: "Open",
    value: (stats) => count(stats.open_flows),
    tone: (stats) => (stats.open_flows > 0 ? "info" : "idle"),
    shown: "flex",
    room: "min-w-[4ch]",
  },
  {
    label: "Queue",
    value: (stats) => `${count(stats.queue.items)} · ${bytes(stats.queue.bytes)}`,
    tone: () => "idle",
    shown: "hidden sm:flex",
    room: "min-w-[15ch]",
  },
  {
    label: "Lag",
    value: (stats) => duration(stats.writer_lag_ms),
    tone: (stats) =>
      stats.writer_failing || stats.writer_lag_ms > LAG_BAD_MS
        ? "bad"
        : stats.writer_lag_ms > LAG_WARN_MS
          ? "warn"
          : "idle",
    shown: "hidden sm:flex",
    room: "min-w-[7ch]",
  },
  {
    label: "Recorder",
    value: ({ recorder }) =>
      recorder.threads_failed > 0 ? `${count(recorder.threads_failed)} dead` : "ok",
    tone: ({ recorder }) => (recorder.threads_failed > 0 ? "bad" : "idle"),
    shown: "hidden sm:flex",
  },
  {
    label: "Drops",
    value: (stats) => count(stats.drops.total),
    tone: (stats) => (stats.drops.total > 0 ? "bad" : "idle"),
    shown: "flex",
  },
  {
    label: "Gaps",
    value: (stats) => count(stats.gaps_total),
    tone: (stats) => (stats.gaps_total > 0 ? "warn" : "idle"),
    shown: "flex",
  },
  {
    label: "Database",
    value: (stats) => bytes(stats.db_bytes),
    tone: () => "idle",
    shown: "hidden md:flex",
  },
];

export function HealthStrip() {
  const { data: stats, isError, dataUpdatedAt } = useQuery(statsQuery());
  const isLive = useSocketState().at === "live";
  const now = useNow();
  const isStale = isError || (!isLive && now - dataUpdatedAt > FRESH_MS);
  return (
    <header className="flex h-9 shrink-0 items-center border-b bg-ground pr-3 pl-1.5">
      <Link
        to={paths.health}
        title="Open the Health screen"
        className="flex h-7 min-w-0 items-center gap-4 overflow-hidden rounded-md px-2.5 text-xs hover:bg-raised"
      >
        <span className="sr-only">Health: </span>
        {stats ? (
          FIGURES.map(({ label, value, tone, shown, room }) => {
            // What was so a while ago warns of nothing now.
            const face = isStale ? "idle" : tone(stats);
            return (
              <span
                key={label}
                className={cx(
                  "items-center gap-1.5 whitespace-nowrap",
                  face === "idle" ? shown : "flex",
                  isStale && "max-sm:hidden",
                )}
              >
                <span className="text-ink-3">{label}</span>
                <span
                  className={cx(
                    "font-medium",
                    room,
                    isStale ? "text-ink-3" : face === "idle" ? "text-ink" : TEXT_TONE[face],
                  )}
                >
                  {value(stats)}
                </span>
              </span>
            );
          })
        ) : (
          <span className="flex items-center gap-2 text-ink-3">
            <Dot tone={isError ? "bad" : "idle"} pulse={!isError} />
            {isError ? "Langley does not answer" : "Reading health…"}
          </span>
        )}
      </Link>
      {stats && isStale ? (
        <span
          className={cx(
            "ml-2 flex items-center gap-2 text-xs whitespace-nowrap",
            TEXT_TONE[isError ? "bad" : "warn"],
          )}
          role="status"
        >
          <Dot tone={isError ? "bad" : "warn"} />
          <span>
            {isError ? "Langley does not answer" : "Not connected"}
            <span className="text-ink-3">
              {" "}
              · as of {clock(new Date(dataUpdatedAt).toISOString())}
            </span>
          </span>
        </span>
      ) : null}
      {stats ? (
        <span className="ml-auto hidden text-xs text-ink-3 lg:inline">v{stats.version}</span>
      ) : null}
    </header>
  );
}
