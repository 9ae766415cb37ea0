// Request and answer headers and trailers, in the order and case they travelled in.
import { useQuery } from "@tanstack/react-query";
import { requestQuery, responseQuery } from "@/api/queries";
import type { Flow, Header } from "@/api/types";
import { visible } from "@/lib/hostile";
import { CopyButton } from "@/ui/CopyButton";
import { Failed } from "@/ui/Failed";
import { Skeleton } from "@/ui/Notice";
import { Marked } from "@/ui/WireText";

export function HeadersView({ flow }: { flow: Flow }) {
  const request = useQuery(requestQuery(flow.id));
  const response = useQuery(responseQuery(flow.id));
  const error = request.error ?? response.error;
  if (error && !request.data && !response.data) {
    return (
      <Failed
        what="The headers"
        error={error}
        onRetry={() => {
          void request.refetch();
          void response.refetch();
        }}
      />
    );
  }
  if (!request.data && !response.data) return <Skeleton />;
  return (
    <section tabIndex={0} aria-label="Headers" className="h-full overflow-y-auto">
      <div className="flex flex-col gap-6 p-4">
        <Table
          title="Request"
          headers={request.data?.headers ?? []}
          empty="No header was captured."
        />
        <Table title="Request trailers" headers={request.data?.trailers ?? []} />
        <Table
          title="Answer"
          headers={response.data?.headers ?? []}
          empty={
            flow.outcome === null ? "The answer's head has not come yet." : "There was no answer."
          }
        />
        <Table title="Answer trailers" headers={response.data?.trailers ?? []} />
      </div>
    </section>
  );
}

function Table({ title, headers, empty }: { title: string; headers: Header[]; empty?: string }) {
  if (headers.length === 0 && empty === undefined) return null;
  const text = headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  return (
    <section className="flex min-w-0 flex-col gap-1">
      <div className="flex h-6 items-center gap-1.5">
        <h3 className="text-sm font-semibold">{title}</h3>
        {headers.length > 0 ? (
          <CopyButton text={text} what={`the ${title.toLowerCase()} headers`} />
        ) : null}
      </div>
      {headers.length === 0 ? (
        <p className="text-xs text-ink-3">{empty}</p>
      ) : (
        <dl className="divide-y divide-line overflow-hidden rounded-md border font-mono text-xs">
          {headers.map(([name, value], at) => (
            <div
              // biome-ignore lint/suspicious/noArrayIndexKey: a header's place is its identity; names repeat
              key={at}
              className="grid gap-x-4 px-3 py-1 hover:bg-hover @md:grid-cols-[minmax(9rem,32%)_1fr]"
            >
              <dt className="text-ink-3 wrap-anywhere">{visible(name)}</dt>
              <dd className="wire-text text-ink">
                <Marked text={visible(value)} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
