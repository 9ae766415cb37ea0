// A small word in the tone of a state, and the dot that stands for one.
import type { ReactNode } from "react";
import type { Tone } from "@/lib/outcome";
import { cx } from "./cx";

const SOFT: Record<Tone, string> = {
  ok: "bg-ok-soft text-ok",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  info: "bg-info-soft text-info",
  idle: "bg-idle-soft text-ink-2",
  violet: "bg-violet-soft text-violet",
};

/** What a dot or a bar of a tone is filled with. */
export const FILL_TONE: Record<Tone, string> = {
  ok: "bg-ok",
  warn: "bg-warn",
  bad: "bg-bad",
  info: "bg-info",
  idle: "bg-idle",
  violet: "bg-violet",
};

export const TEXT_TONE: Record<Tone, string> = {
  ok: "text-ok",
  warn: "text-warn",
  bad: "text-bad",
  info: "text-info",
  idle: "text-ink-3",
  violet: "text-violet",
};

export function Badge({
  tone = "idle",
  title,
  className,
  children,
}: {
  tone?: Tone;
  title?: string | undefined;
  className?: string;
  children: ReactNode;
}) {
  return (
    <span
      title={title}
      className={cx(
        "inline-flex h-5 max-w-full shrink-0 items-center gap-1 rounded-sm px-1.5 text-2xs font-medium whitespace-nowrap",
        SOFT[tone],
        className,
      )}
    >
      {children}
    </span>
  );
}

export function Dot({ tone, pulse = false }: { tone: Tone; pulse?: boolean }) {
  return (
    <span
      aria-hidden="true"
      className={cx("size-2 shrink-0 rounded-full", FILL_TONE[tone], pulse && "animate-pulse-open")}
    />
  );
}
