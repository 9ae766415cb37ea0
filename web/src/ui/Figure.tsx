// A number with its name and what it means, and the grid that holds several of them.
import type { ReactNode } from "react";
import type { Tone } from "@/lib/outcome";
import { TEXT_TONE } from "./Badge";
import { cx } from "./cx";

export function Figures({ children }: { children: ReactNode }) {
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-lg border bg-surface sm:grid-cols-3 lg:grid-cols-4">
      {children}
    </dl>
  );
}

export function Figure({
  name,
  value,
  note,
  tone = "idle",
}: {
  name: string;
  value: string;
  note: ReactNode;
  tone?: Tone;
}) {
  return (
    <div className="flex min-w-0 flex-col px-4 py-3 ring-1 ring-line">
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd className="mt-0.5 min-w-0">
        <span className={cx("text-lg font-semibold", tone !== "idle" && TEXT_TONE[tone])}>
          {value}
        </span>
        <span className="block text-xs text-ink-3 wrap-anywhere">{note}</span>
      </dd>
    </div>
  );
}
