// A WebSocket's page: each response that it carried is a flow of its own, and listed here.
import { useQuery } from "@tanstack/react-query";
import { callsQuery } from "@/api/queries";
import type { Flow } from "@/api/types";
import { clock, compact, count, DASH, duration, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { FACES, flowState } from "@/lib/outcome";
import { plainLine } from "@/lib/plain";
import { callsOf } from "@/lib/socket";
import { flowHref } from "@/routes/paths";
import { Dot, TEXT_TONE } from "@/ui/Badge";
import { Failed } from "@/ui/Failed";
import { Note, Notice, Skeleton } from "@/ui/Notice";

export function SocketView({ flow }: { flow: Flow }) {
  const { data, error, refetch } = useQuery(callsQuery(flow));
  if (error && !data) {
    return <Failed what="The responses" error={error} onRetry={() => void refetch()} />;
  }
  if (!data) return <Skeleton lines={6} />;
  return <Calls socket={flow} calls={callsOf(flow, data.items)} cut={data.next_cursor !== null} />;
}

export function Calls({ socket, calls, cut }: { socket: Flow; calls: Flow[]; cut: boolean }) {
  const open = socket.outcome === null;
  if (calls.length === 0) {
    return (
      <Notice title={open ? "No response yet" : "No responses"}>
        <p>
          {open
            ? "What the agent asks for over this WebSocket appears here, each as a flow of its own."
            : "No model was asked for anything over this WebSocket, as far as it could be read. What was said is under Other messages."}
        </p>
      </Notice>
    );
  }
  const completed = calls.filter(({ outcome }) => outcome === "completed").length;
  const running = calls.filter(({ outcome }) => outcome === null).length;
  const ended = calls.length - running;
  return (
    <section tabIndex={0} aria-label="Responses" className="h-full overflow-y-auto">
      <div className="mx-auto flex max-w-4xl flex-col gap-3 px-4 py-4">
        <p className="text-xs text-ink-2">
          A WebSocket carries many responses; each is a flow of its own, with its messages as its
          events. This page is about the connection.
        </p>
        {ended === 0 ? (
          <Note tone="info">{count(running)} going on.</Note>
        ) : (
          <Note tone={completed === ended ? "ok" : "warn"}>
            {completed === ended
              ? `${ended === 1 ? "The response" : `All ${count(ended)} responses`} completed`
              : `${count(completed)} of ${plural(ended, "response")} completed`}
            {running > 0 ? `, ${count(running)} going on` : ""}.
          </Note>
        )}
        {cut ? (
          <Note tone="info">
            Only the latest are listed: the list of flows has all of its session.
          </Note>
        ) : null}
        <ol className="divide-y divide-line overflow-hidden rounded-md border">
          {calls.map((call) => (
            <Call key={call.id} call={call} />
          ))}
        </ol>
      </div>
    </section>
  );
}

function Call({ call }: { call: Flow }) {
  const face = FACES[flowState(call.outcome)];
  const model = call.model ?? call.model_requested;
  return (
    <li>
      <a
        href={flowHref(call.id, {})}
        className="flex min-w-0 flex-col gap-0.5 px-3 py-2 text-xs outline-offset-[-2px] hover:bg-hover"
      >
        <span className="flex min-w-0 items-center gap-2.5">
          <span className={`flex shrink-0 items-center gap-1.5 ${TEXT_TONE[face.tone]}`}>
            <Dot tone={face.tone} pulse={call.outcome === null} />
            {face.label}
          </span>
          <span className="min-w-0 flex-1 truncate text-sm text-ink" dir="auto">
            {call.preview ? plainLine(call.preview) : "Without words"}
          </span>
          <span className="shrink-0 text-ink-3">{clock(call.started_at)}</span>
        </span>
        <span className="flex flex-wrap gap-x-3 text-ink-3">
          <span>{model === null ? DASH : oneLine(model, 60)}</span>
          <span>{plural(call.event_count, "message")}</span>
          <span>{compact(call.usage.output)} out</span>
          <span>{duration(call.duration_ms)}</span>
        </span>
      </a>
    </li>
  );
}
