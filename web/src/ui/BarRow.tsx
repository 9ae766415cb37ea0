// A row of a ranking: what it is, a bar as long as its share, and its figure; the whole row is a link.
import type { ReactNode } from "react";
import { cx } from "./cx";

export function BarRow({
  href,
  name,
  note,
  value,
  detail,
  share,
  tone = "bg-accent-fill",
}: {
  href: string | null;
  name: ReactNode;
  note?: ReactNode;
  value: string;
  detail?: ReactNode;
  /** From 0 to 1, of the longest bar. */
  share: number;
  tone?: string;
}) {
  const inside = (
    <>
      <span className="flex min-w-0 items-baseline gap-3">
        <span className="min-w-0 flex-1 truncate font-medium text-ink">{name}</span>
        {note ? <span className="shrink-0 text-xs text-ink-3 max-sm:hidden">{note}</span> : null}
        <span className="w-20 shrink-0 text-right font-semibold text-ink">{value}</span>
      </span>
      <span className="mt-1 block h-1.5 overflow-hidden rounded-full bg-raised" aria-hidden="true">
        <span
          className={cx("block h-full rounded-full", tone)}
          style={{ width: `${Math.max(share > 0 ? 0.4 : 0, Math.min(100, share * 100))}%` }}
        />
      </span>
      {detail ? <span className="mt-1 block text-2xs text-ink-3">{detail}</span> : null}
    </>
  );
  return (
    <li>
      {href === null ? (
        <div className="px-3 py-2">{inside}</div>
      ) : (
        <a
          data-row
          href={href}
          className="block px-3 py-2 hover:bg-hover focus-visible:-outline-offset-2"
        >
          {inside}
        </a>
      )}
    </li>
  );
}
