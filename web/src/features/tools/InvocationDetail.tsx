// One call of a tool: its input, its result, how often it ran, and where it stands in the record.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { invocationQuery } from "@/api/insight";
import { duration, fullTime } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { resultParts } from "@/providers/result";
import { flowHref, sessionHref } from "@/routes/paths";
import { CopyButton } from "@/ui/CopyButton";
import { Failed } from "@/ui/Failed";
import { Json } from "@/ui/Json";
import { Note, Skeleton } from "@/ui/Notice";
import { WireText } from "@/ui/WireText";
import { PartView } from "@/views/Parts";
import { ToolInput } from "@/views/ToolInput";

export function InvocationDetail({ id }: { id: string }) {
  const { data: call, error, refetch } = useQuery(invocationQuery(id));
  if (!call) {
    return error ? (
      <Failed what="The call" error={error} onRetry={() => void refetch()} />
    ) : (
      <Skeleton lines={4} />
    );
  }
  return (
    <div className="flex flex-col gap-3 px-4 pt-1 pb-4">
      {call.violations.map((violation) => (
        <Note key={violation.code} tone="warn">
          {oneLine(violation.code, 8)} {oneLine(violation.name, 60)}:{" "}
          {oneLine(violation.message, 300)}
        </Note>
      ))}
      <Part title="Input">
        {call.input == null && !call.input_raw ? (
          <p className="text-xs text-ink-3">Not recorded</p>
        ) : (
          <ToolInput name={call.tool} input={call.input} raw={call.input_raw} />
        )}
      </Part>
      <Part title={call.result_flow_id ? "Result" : "No result"}>
        {call.result == null ? (
          <p className="text-xs text-ink-3">
            {call.result_flow_id
              ? "It is not kept any more, or was empty."
              : "No later request has one."}
          </p>
        ) : (
          <Result value={call.result} />
        )}
      </Part>
      {call.executions.length > 0 ? (
        <section className="flex flex-col gap-1">
          <h3 className="label-caps">Runs</h3>
          <ul className="flex flex-col gap-0.5 text-xs text-ink-2">
            {call.executions.map((run) => (
              <li key={`${run.source} ${run.started_at}`}>
                {fullTime(run.started_at)} · told by {oneLine(run.source, 20)}
                {run.inferred ? ", put to it by its time" : ""}
                {run.ended_at
                  ? ` · ${duration(Date.parse(run.ended_at) - Date.parse(run.started_at))}`
                  : " · goes on"}
                {run.backgrounded ? " · in the background" : ""}
                {run.outcome ? ` · ${run.outcome}` : ""}
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      <nav
        aria-label="Where it stands"
        className="flex flex-wrap items-center gap-x-4 text-xs font-medium text-accent"
      >
        <a href={flowHref(call.flow_id, {})} className="hover:underline">
          The flow that called it
        </a>
        {call.result_flow_id ? (
          <a href={flowHref(call.result_flow_id, {})} className="hover:underline">
            The flow with its result
          </a>
        ) : null}
        {call.session_id ? (
          <a
            href={sessionHref(call.session_id, { turn: call.flow_id })}
            className="hover:underline"
          >
            Its session
          </a>
        ) : null}
        <CopyButton text={call.id} what="the call's id" />
      </nav>
    </div>
  );
}

/** Content is read as its parts, whatever else as JSON. */
function Result({ value }: { value: unknown }) {
  const parts = useMemo(() => resultParts(value), [value]);
  if (parts === null) return <Json value={value} />;
  return (
    <div className="flex min-w-0 flex-col gap-2">
      {parts.map((part, at) =>
        part.kind === "text" ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place in the result
          <WireText key={at} text={part.text} mono />
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place in the result
          <PartView key={at} part={part} />
        ),
      )}
    </div>
  );
}

function Part({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="flex min-w-0 flex-col gap-1">
      <h3 className="label-caps">{title}</h3>
      <div className="min-w-0 rounded-md bg-sunken px-3 py-2">{children}</div>
    </section>
  );
}
