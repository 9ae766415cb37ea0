// Names and what is known of each, one under the other.
import type { ReactNode } from "react";
import { cx } from "@/ui/cx";

export interface Known {
  name: string;
  value: ReactNode;
  tone?: string | undefined;
}

export function Facts({ facts }: { facts: Known[] }) {
  return (
    <dl className="grid grid-cols-[1fr_auto] gap-x-4 gap-y-1.5 rounded-md border px-3 py-2.5 text-xs">
      {facts.map(({ name, value, tone }) => (
        <div key={name} className="contents">
          <dt className="text-ink-3 wrap-anywhere">{name}</dt>
          <dd className={cx("text-right", tone ?? "text-ink")}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
