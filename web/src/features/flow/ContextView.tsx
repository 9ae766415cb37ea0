// What the model had to read for this flow: the parts of its context, and where its request set cache marks.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { ApiError } from "@/api/client";
import { contextQuery } from "@/api/insight";
import { requestQuery } from "@/api/queries";
import type { Flow } from "@/api/types";
import { plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { type CacheMark, cacheMarks } from "@/providers/cacheMarks";
import { dialectView } from "@/providers/registry";
import { Failed } from "@/ui/Failed";
import { Notice, Skeleton } from "@/ui/Notice";
import { ContextMap } from "@/views/ContextMap";

export function ContextView({ flow }: { flow: Flow }) {
  const { data, error, refetch } = useQuery(contextQuery({ flow: flow.id }));
  if (!data) {
    if (!error) return <Skeleton />;
    if (error instanceof ApiError && error.code === "no_request") {
      return (
        <Notice title="No request to look into">
          <p>There was no body, or it is no longer kept.</p>
        </Notice>
      );
    }
    return <Failed what="The context" error={error} onRetry={() => void refetch()} />;
  }
  return (
    <section
      tabIndex={0}
      aria-label="Context"
      className="flex h-full flex-col gap-6 overflow-y-auto p-4"
    >
      <ContextMap context={data} />
      <Marks flow={flow} />
    </section>
  );
}

function Marks({ flow }: { flow: Flow }) {
  const { data } = useQuery(requestQuery(flow.id));
  const marks = useMemo(() => {
    const text = data?.body?.text;
    const conversation = text ? dialectView(flow.dialect)?.request(flow.path, text) : null;
    return conversation ? cacheMarks(conversation) : null;
  }, [data, flow.dialect, flow.path]);
  if (marks === null) return null;
  return (
    <section className="flex min-w-0 flex-col gap-1.5">
      <h3 className="text-sm font-semibold">
        Cache breakpoints{" "}
        {marks.length > 0 ? (
          <span className="font-normal text-ink-3">({plural(marks.length, "mark")})</span>
        ) : null}
      </h3>
      {marks.length === 0 ? (
        <p className="text-xs text-ink-2">
          The request sets none: what is cached, if anything, is the provider's choice.
        </p>
      ) : (
        <CacheMarks marks={marks} />
      )}
    </section>
  );
}

const PLACES: Record<CacheMark["place"]["of"], string> = {
  tools: "Tool",
  system: "System prompt, part",
  turns: "Turn",
};

export function CacheMarks({ marks }: { marks: CacheMark[] }) {
  return (
    <>
      <div className="relative mt-1 h-3 rounded-sm bg-raised" aria-hidden="true">
        {marks.map((mark) => (
          <span
            key={`${mark.place.of} ${mark.place.number} ${mark.share}`}
            title={nameOf(mark)}
            className="absolute -top-1 h-5 w-0.5 rounded-full bg-accent"
            style={{ left: `calc(${mark.share * 100}% - 2px)` }}
          />
        ))}
      </div>
      <ol aria-label="Cache breakpoints" className="divide-y divide-line rounded-md border text-xs">
        {marks.map((mark) => (
          <li
            key={`${mark.place.of} ${mark.place.number} ${mark.share}`}
            className="flex flex-wrap items-baseline justify-between gap-x-4 px-3 py-1.5"
          >
            <span className="min-w-0 truncate">{nameOf(mark)}</span>
            <span className="text-ink-3">
              kept for {oneLine(mark.ttl, 20)}, with {Math.round(mark.share * 100)} % of the text up
              to here
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

function nameOf({ place, name }: CacheMark): string {
  const where = `${PLACES[place.of]} ${place.number}`;
  return name === null ? where : `${where}: ${oneLine(name, 80)}`;
}
