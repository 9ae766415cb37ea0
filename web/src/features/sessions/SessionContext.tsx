// What the longest of a session's newest requests is made of, and the flow that it is of.
import { useQuery } from "@tanstack/react-query";
import { ApiError } from "@/api/client";
import { contextQuery } from "@/api/insight";
import { flowHref } from "@/routes/paths";
import { Failed } from "@/ui/Failed";
import { Skeleton } from "@/ui/Notice";
import { ContextMap } from "@/views/ContextMap";

/** The areas are not so high that they take the room of the turns. */
const HIGH = 190;

export function SessionContext({ session }: { session: string }) {
  const { data, error, refetch } = useQuery(contextQuery({ session }));
  if (!data) {
    if (!error) return <Skeleton lines={4} />;
    if (error instanceof ApiError && error.code === "no_request") {
      return <p className="py-2 text-xs text-ink-3">No request of this session is kept.</p>;
    }
    return <Failed what="The context" error={error} onRetry={() => void refetch()} />;
  }
  return (
    <section
      tabIndex={0}
      aria-label="Context"
      className="flex max-h-[50vh] flex-col gap-3 overflow-y-auto py-2 pr-2"
    >
      <a
        href={flowHref(data.flow_id, { tab: "context" })}
        className="self-start text-xs font-medium text-accent hover:underline"
      >
        Open its flow
      </a>
      <ContextMap context={data} high={HIGH} />
    </section>
  );
}
