// What stands in the place of an empty list: whether nothing matches, or nothing can.
import type { StarsState } from "@/api/stars";
import { type FlowFilter, isEmpty } from "@/lib/filter";
import { Button } from "@/ui/Button";
import { Notice, Skeleton } from "@/ui/Notice";

export interface NothingListedProps {
  filter: FlowFilter;
  /** How many sessions have one, or why that is not known. */
  stars: number | Exclude<StarsState, "known">;
  onClear: () => void;
}

export function NothingListed({ filter, stars, onClear }: NothingListedProps) {
  const byStars = filter.starred !== undefined;
  if (byStars && stars === "loading") return <Skeleton lines={12} />;
  return (
    <Notice
      title={byStars && stars === 0 ? "No session has a star" : "No flow matches"}
      action={isEmpty(filter) ? undefined : <Button onClick={onClear}>Clear the filter</Button>}
    >
      <p>
        {byStars && stars === 0
          ? "A flow's page has a star for its session: such sessions are kept when others grow too old."
          : byStars && stars === "failed"
            ? "Which sessions have a star could not be loaded."
            : "New flows that match appear here as they happen."}
      </p>
    </Notice>
  );
}
