// What is estimated beside a cost, of answers whose end a provider did not tell: part of no sum.
import type { Totals } from "@/api/types";
import { compact, money, plural } from "@/lib/format";
import { cx } from "@/ui/cx";

export type Estimated = NonNullable<Totals["estimated"]>;

export function Estimate({
  of: estimated,
  className,
}: {
  of: Estimated | null;
  className?: string;
}) {
  if (estimated === null || estimated.cost === null) return null;
  const tokens = [
    estimated.input === null ? [] : `${compact(estimated.input)} input`,
    estimated.output === null ? [] : `${compact(estimated.output)} output`,
  ].flat();
  const of = `of ${plural(estimated.flows, "flow")} whose usage was not told to the end`;
  return (
    <span
      className={cx("text-xs font-normal whitespace-nowrap text-ink-3", className)}
      title={`Estimated ${of}: ${tokens.join(", ")} tokens. It is in no other figure.`}
    >
      + ~{money(estimated.cost.micro_usd)}
    </span>
  );
}
