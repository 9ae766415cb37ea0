// The choice of a span of time, the same on every screen that adds up.
import { RANGE_LABELS, RANGES, type Range } from "@/lib/spend";
import { Segmented } from "./Segmented";

const CHOICES = RANGES.map((value) => ({ value, label: RANGE_LABELS[value] }));

export function RangePicker({ range, onRange }: { range: Range; onRange: (range: Range) => void }) {
  return <Segmented label="Span of time" value={range} choices={CHOICES} onChange={onRange} />;
}
