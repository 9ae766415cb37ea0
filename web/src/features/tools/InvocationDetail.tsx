// One call of a tool: its input, its result, how often it ran, and where it stands in the record.
import { useQuery } from "@tanstack/react-query";
import { invocationQuery } from "@/api/insight";
import { duration, fullTime } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { flowHref, sessionHref } from "@/routes/paths";
import { CopyButton } from "@/ui/CopyButton";
import { Failed } from "@/ui/Failed";
import { Json } from "@/ui/Json";
import { Note, Skeleton } from "@/ui/Notice";
import { WireText } from "@/ui/WireText";
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
        ) : typeof call.result === "string" ? (
          <WireText text={call.result} mono />
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

/** Text blocks are read as text, whatever else as JSON. */
function Result({ value }: { value: unknown }) {
  const texts = Array.isArray(value) ? value.map(textOf) : [textOf(value)];
  const all = texts.every((text) => text !== null);
  return all ? <WireText text={texts.join("\n")} mono /> : <Json value={value} />;
}

function textOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || !("text" in value)) return null;
  return typeof value.text === "string" ? value.text : null;
}

function Part({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="flex min-w-0 flex-col gap-1">
      <h3 className="label-caps">{title}</h3>
      <div className="min-w-0 rounded-md bg-sunken px-3 py-2">{children}</div>
    </section>
  );
}
