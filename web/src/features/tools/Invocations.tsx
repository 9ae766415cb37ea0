// The calls of one tool, the newest first; each unfolds to its input and its result.
import { useInfiniteQuery } from "@tanstack/react-query";
import type { Params } from "@/api/client";
import { invocationsQuery } from "@/api/insight";
import type { Invocation } from "@/api/types";
import { headWords } from "@/lib/callWords";
import { bytes, clock, duration, fullTime } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import type { Tone } from "@/lib/outcome";
import { Badge } from "@/ui/Badge";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Failed } from "@/ui/Failed";
import { CloseIcon, DownIcon } from "@/ui/icons";
import { Notice, Skeleton } from "@/ui/Notice";
import { SessionName } from "@/ui/SessionName";
import { ShowMore } from "@/ui/ShowMore";
import { InvocationDetail } from "./InvocationDetail";

export interface InvocationsProps {
  tool: string;
  params: Params;
  /** The call that is unfolded. */
  open: string | undefined;
  onOpen: (id: string | undefined) => void;
  onClose: () => void;
}

export function Invocations({ tool, params, open, onOpen, onClose }: InvocationsProps) {
  const asked = useInfiniteQuery(invocationsQuery(tool, params));
  const { data, error, refetch } = asked;
  const calls = data?.pages.flatMap(({ items }) => items) ?? [];
  const listed = open === undefined || open === "" || calls.some(({ id }) => id === open);
  return (
    <section
      aria-label={`Calls of ${oneLine(tool, 80)}`}
      className="flex h-full min-h-0 flex-col bg-surface"
    >
      <header className="flex h-11 shrink-0 items-center gap-2 border-b pr-2 pl-4">
        <h2 className="min-w-0 truncate font-mono text-sm font-semibold">{oneLine(tool, 120)}</h2>
        <IconButton label="Close" title="Close (Esc)" onClick={onClose} className="ml-auto">
          <CloseIcon />
        </IconButton>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">
        {!data ? (
          error ? (
            <Failed what="The calls" error={error} onRetry={() => void refetch()} />
          ) : (
            <Skeleton lines={10} />
          )
        ) : (
          <>
            {listed || open === undefined ? null : (
              <div className="border-b">
                <h3 className="label-caps px-4 pt-3">The call of this link</h3>
                <InvocationDetail id={open} />
              </div>
            )}
            {calls.length === 0 ? (
              <Notice title="No call in this time">
                <p>The calls themselves go with their flows; their sums stay.</p>
              </Notice>
            ) : (
              <ul aria-label="Calls" className="divide-y divide-line">
                {calls.map((call) => (
                  <li key={call.id}>
                    <Line
                      call={call}
                      open={call.id === open}
                      onOpen={() => onOpen(call.id === open ? undefined : call.id)}
                    />
                    {call.id === open ? <InvocationDetail id={call.id} /> : null}
                  </li>
                ))}
              </ul>
            )}
            <ShowMore pages={asked} className="p-3" />
          </>
        )}
      </div>
    </section>
  );
}

/** How each state of a call looks; a newer server's word is shown as it is. */
const TONES: Record<string, Tone> = {
  succeeded: "ok",
  returned: "ok",
  failed: "bad",
  timed_out: "bad",
  lost: "bad",
  denied: "warn",
  cancelled: "warn",
  orphaned: "warn",
};

/** What a state that is no outcome means to whoever waits. */
const WORDS: Record<string, string> = {
  proposed: "being written",
  args_streaming: "being written",
  args_complete: "no result yet",
  running: "runs",
  orphaned: "no result came",
};

export function stateOf(call: Pick<Invocation, "outcome" | "state">): { word: string; tone: Tone } {
  const word = call.outcome ?? call.state ?? "unknown";
  return { word: WORDS[word] ?? word.replaceAll("_", " "), tone: TONES[word] ?? "info" };
}

function Line({ call, open, onOpen }: { call: Invocation; open: boolean; onOpen: () => void }) {
  const { word, tone } = stateOf(call);
  return (
    <button
      type="button"
      data-row
      aria-expanded={open}
      onClick={onOpen}
      className={cx(
        "flex min-h-9 w-full min-w-0 flex-wrap items-center gap-x-3 gap-y-0.5 py-1.5 pr-4 pl-10 text-left text-xs focus-visible:-outline-offset-2",
        open ? "bg-ground" : "hover:bg-hover",
      )}
    >
      <DownIcon className={cx("-ml-6 size-3 text-ink-3", !open && "-rotate-90")} />
      <span className="w-22 shrink-0 text-ink-2" title={fullTime(call.flow_started_at)}>
        {clock(call.flow_started_at)}
      </span>
      <span className="flex w-24 shrink-0">
        <Badge tone={tone}>{oneLine(word, 30)}</Badge>
      </span>
      <span className="w-16 shrink-0 text-right font-medium">{duration(call.duration_ms)}</span>
      <span className="shrink-0 text-ink-3">
        {bytes(call.input_bytes)} in, {bytes(call.result_bytes)} out
      </span>
      {call.repeated ? <Badge tone="warn">repeated</Badge> : null}
      {call.replayed ? (
        <Badge title="A resumed conversation brought it once more">replayed</Badge>
      ) : null}
      {call.server ? <Badge>run by the provider</Badge> : null}
      {call.violations.length > 0 ? (
        <Badge tone="warn">{call.violations.map(({ code }) => oneLine(code, 8)).join(", ")}</Badge>
      ) : null}
      {call.session_id ? <SessionName id={call.session_id} /> : null}
      {call.input_head ? (
        <span className="w-full min-w-0 truncate font-mono text-ink-2">
          {headWords(call.tool, call.input_head)}
        </span>
      ) : null}
    </button>
  );
}
