// The end of a list that goes on: asks for its next page.
import { Button } from "./Button";

/** What of a query in pages this needs. */
interface Pages {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}

export function ShowMore({ pages, className }: { pages: Pages; className?: string }) {
  if (!pages.hasNextPage) return null;
  return (
    <div className={className}>
      <Button disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
        {pages.isFetchingNextPage ? "Loading…" : "Show more"}
      </Button>
    </div>
  );
}
