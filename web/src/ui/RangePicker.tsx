// The choice of a span of time, the same on every screen that adds up.
import { clock } from "@/lib/format";
import { RANGE_LABELS, RANGES, type Range, rangeStart } from "@/lib/spend";
import { Segmented } from "./Segmented";

const CHOICES = RANGES.map((value) => ({ value, label: RANGE_LABELS[value] }));

export function RangePicker({ range, onRange }: { range: Range; onRange: (range: Range) => void }) {
  const since = rangeStart(range, new Date());
  return (
    <>
      <Segmented label="Span of time" value={range} choices={CHOICES} onChange={onRange} />
      {/* Days are whole ones, so that a span is not as long to the hour as its name. */}
      {since === undefined ? null : (
        <span className="text-xs text-ink-3 max-sm:hidden">since {clock(since)}</span>
      )}
    </>
  );
}
