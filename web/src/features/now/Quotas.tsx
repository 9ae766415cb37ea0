// What may still be used: the windows that providers tell of, and the budgets a person has set.
import type { Budget, QuotaWindow } from "@/api/types";
import { compact, duration, money } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import type { Tone } from "@/lib/outcome";
import { flowHref } from "@/routes/paths";
import { FILL_TONE } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { Section } from "@/ui/Page";

/** From these shares on a meter warns. */
const NEAR = 0.75;
const FULL = 0.95;

export function Quotas({
  limits,
  budgets,
  now,
}: {
  limits: QuotaWindow[];
  budgets: Budget[];
  now: number;
}) {
  const current = limits.flatMap((limit) => {
    const used = usedOf(limit);
    return used === null ? [] : [{ limit, used }];
  });
  if (current.length === 0 && budgets.length === 0) return null;
  return (
    <Section title="Quotas and budgets" note="as they were told last" glide="quotas">
      <ul
        aria-label="Quotas and budgets"
        className="grid gap-x-6 gap-y-3 sm:grid-cols-2 xl:grid-cols-3"
      >
        {budgets.map((budget) => (
          <Meter
            key={`budget ${budget.name}`}
            name={`Budget ${oneLine(budget.name, 60)}`}
            used={
              budget.limit.micro_usd > 0
                ? (budget.spent?.micro_usd ?? 0) / budget.limit.micro_usd
                : 1
            }
            told={`${money(budget.spent?.micro_usd)} of ${money(budget.limit.micro_usd)} a ${oneLine(budget.scope, 20)}`}
            note={budget.action === "refuse" ? "refuses when spent" : "warns when spent"}
            href={null}
          />
        ))}
        {current.map(({ limit, used }) => (
          <Meter
            key={`${limit.host} ${limit.name}`}
            name={oneLine(limit.name, 60)}
            used={used}
            told={
              limit.limit !== null && limit.remaining !== null
                ? `${compact(limit.remaining)} of ${compact(limit.limit)} left`
                : `${Math.round(used * 100)} % used`
            }
            note={`${oneLine(limit.host, 60)}${resets(limit, now)}`}
            href={flowHref(limit.flow_id, { tab: "headers" })}
          />
        ))}
      </ul>
    </Section>
  );
}

function Meter({
  name,
  used,
  told,
  note,
  href,
}: {
  name: string;
  used: number;
  told: string;
  note: string;
  href: string | null;
}) {
  const tone: Tone = used >= FULL ? "bad" : used >= NEAR ? "warn" : "ok";
  const inside = (
    <>
      <span className="flex items-baseline justify-between gap-3 text-xs">
        <span className="truncate font-medium">{name}</span>
        <span className="shrink-0 text-ink-2">{told}</span>
      </span>
      <span className="mt-1 block h-1.5 overflow-hidden rounded-full bg-raised" aria-hidden="true">
        <span
          className={cx("block h-full rounded-full", FILL_TONE[tone])}
          style={{ width: `${Math.min(100, Math.max(1, used * 100))}%` }}
        />
      </span>
      <span className="mt-0.5 block truncate text-2xs text-ink-3">{note}</span>
    </>
  );
  return (
    <li className="min-w-0">
      {href === null ? (
        inside
      ) : (
        <a
          href={href}
          title="Open the flow that told it"
          className="block rounded-md hover:bg-hover"
        >
          {inside}
        </a>
      )}
    </li>
  );
}

/** The share that is used, from 0 to 1; null where it is not told, or the window is over. */
export function usedOf(limit: QuotaWindow): number | null {
  if (limit.over) return null;
  if (limit.used_percent !== null) return limit.used_percent / 100;
  if (limit.limit === null || limit.remaining === null || limit.limit === 0) return null;
  return Math.max(0, 1 - limit.remaining / limit.limit);
}

function resets({ reset_at: at }: QuotaWindow, now: number): string {
  if (at === null) return "";
  const left = Date.parse(at) - now;
  return left <= 0 ? "" : ` · full again in ${duration(Math.ceil(left / 1000) * 1000)}`;
}
