// What agents wrote before Langley was there, for the first run: there is something to look at at once.
import { useInfiniteQuery } from "@tanstack/react-query";
import { conversationsQuery } from "@/api/insight";
import { paths } from "@/routes/paths";
import { Section } from "@/ui/Page";
import { Conversations } from "./HistoryScreen";

/** Conversations that are shown. */
const SHOWN = 5;

export function Imported() {
  const { data } = useInfiniteQuery(conversationsQuery({}));
  const items = data?.pages[0]?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Section
      title="What your agents did before"
      note="from their own files"
      actions={
        <a href={paths.history} className="text-xs font-medium text-accent hover:underline">
          All of the history
        </a>
      }
    >
      <Conversations conversations={items.slice(0, SHOWN)} />
    </Section>
  );
}
