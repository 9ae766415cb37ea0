// What a view says when it has nothing to show: why, and what to do next.
import type { ReactNode } from "react";
import type { Tone } from "@/lib/outcome";
import { Dot, TEXT_TONE } from "./Badge";
import { cx } from "./cx";

export function Notice({
  title,
  children,
  action,
  tone = "idle",
  isPage = false,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  tone?: Tone;
  /** Whether it is all that the page has: then it is its heading. */
  isPage?: boolean;
}) {
  const Title = isPage ? "h1" : "p";
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className="mx-auto flex max-w-md flex-col items-center gap-2 px-6 py-14 text-center"
    >
      <Title
        className={cx("text-base font-semibold", tone === "idle" ? "text-ink" : TEXT_TONE[tone])}
      >
        {title}
      </Title>
      {children ? <div className="text-sm text-ink-2">{children}</div> : null}
      {action ? <div className="mt-2 flex gap-2">{action}</div> : null}
    </div>
  );
}

/** A line of warning inside a view that does have something to show. */
export function Note({ tone, children }: { tone: Tone; children: ReactNode }) {
  const frame: Record<Tone, string> = {
    ok: "bg-ok-soft text-ok",
    warn: "bg-warn-soft text-warn",
    bad: "bg-bad-soft text-bad",
    info: "bg-info-soft text-info",
    idle: "bg-idle-soft text-ink-2",
    violet: "bg-violet-soft text-violet",
  };
  return (
    <p className={cx("rounded-md px-2.5 py-1.5 text-xs wrap-anywhere", frame[tone])}>{children}</p>
  );
}

/** Several such lines under each other, each no higher than it must be. */
export function Notes({ notes }: { notes: { key: string; tone: Tone; text: ReactNode }[] }) {
  if (notes.length === 0) return null;
  return (
    <ul className="flex flex-col rounded-md border bg-surface py-1">
      {notes.map(({ key, tone, text }) => (
        <li key={key} className="flex items-start gap-2 px-2.5 py-0.5 text-xs">
          <span className="flex h-4.5 items-center">
            <Dot tone={tone} />
          </span>
          <span
            className={cx(
              "min-w-0 wrap-anywhere",
              tone === "idle" ? "text-ink-2" : TEXT_TONE[tone],
            )}
          >
            {text}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Grey bars in the place of what is being loaded. */
export function Skeleton({ lines = 6 }: { lines?: number }) {
  const widths = ["w-2/3", "w-5/6", "w-1/2", "w-3/4", "w-2/5", "w-4/5"];
  return (
    <div className="flex flex-col gap-3 p-4" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => line).map((line) => (
        <div
          key={line}
          className={cx("h-3.5 animate-shimmer rounded-sm bg-raised", widths[line % widths.length])}
        />
      ))}
    </div>
  );
}
