// A turn unfolded: what was new in its request, what was answered, and which calls failed.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { requestQuery, responseQuery } from "@/api/queries";
import type { Flow, Invocation } from "@/api/types";
import { bytes, duration } from "@/lib/format";
import type { Hit, Located } from "@/lib/hit";
import { oneLine } from "@/lib/hostile";
import type { Conversation, Part, Turn } from "@/providers/conversation";
import { blockParts } from "@/providers/message";
import { dialectView } from "@/providers/registry";
import { flowHref, toolsHref } from "@/routes/paths";
import { Note, Skeleton } from "@/ui/Notice";
import { HitContext, useHit } from "@/views/HitText";
import { Parts } from "@/views/Parts";

export function TurnDetail({
  flow,
  failed,
  hit,
}: {
  flow: Flow;
  failed: readonly Invocation[];
  /** The place that a search found in it. */
  hit?: Partial<Hit> | undefined;
}) {
  const request = useQuery(requestQuery(flow.id));
  const response = useQuery(responseQuery(flow.id));
  const body = request.data?.body?.text ?? null;
  const conversation = useMemo(
    () => (body ? (dialectView(flow.dialect)?.request(flow.path, body) ?? null) : null),
    [body, flow.dialect, flow.path],
  );
  const asked = newTurns(conversation?.turns ?? []);
  const message = response.data?.message ?? null;
  const answer = useMemo(() => (message ? blockParts(message.blocks) : []), [message]);
  const settled = request.data !== undefined && (response.data ?? response.error) != null;
  const found = useHit(conversation, answer, settled ? hit : undefined);
  const earlier =
    found && conversation ? partsBefore(found.turn, conversation, asked.length) : null;
  const failure = request.error ?? response.error;
  return (
    <div className="flex flex-col gap-3 px-5 pt-2 pb-4">
      {failed.length > 0 ? (
        <ul aria-label="Failed calls" className="flex flex-wrap gap-x-4 gap-y-1 text-xs">
          {failed.map((call) => (
            <li key={call.id}>
              <a
                href={toolsHref({ tool: call.tool, call: call.id, range: "all" })}
                className="text-bad hover:underline"
              >
                {oneLine(call.tool, 60)} {oneLine(call.outcome ?? "", 20)} after{" "}
                {duration(call.duration_ms)}
              </a>
            </li>
          ))}
        </ul>
      ) : null}
      {flow.reason || flow.error?.message ? (
        <Note tone={flow.outcome === "provider_error" ? "bad" : "warn"}>
          {oneLine(flow.error?.message ?? flow.reason ?? "", 600)}
        </Note>
      ) : null}
      {failure && !request.data && !response.data ? (
        <Note tone="bad">The turn could not be loaded: {failure.message}</Note>
      ) : !request.data || (!response.data && !response.error) ? (
        <Skeleton lines={4} />
      ) : (
        <HitContext value={found}>
          {earlier ? (
            <Said who="Found further back in the request">
              <Parts parts={[...earlier]} />
            </Said>
          ) : null}
          {asked.map((turn, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a turn is its place
            <Said key={at} who={turn.role === "user" ? "New in the request" : turn.role}>
              <Parts parts={turn.parts} />
            </Said>
          ))}
          <Said who="Answer">
            {message ? (
              <Parts parts={answer} />
            ) : (
              <p className="text-xs text-ink-3">
                {flow.outcome === null
                  ? "Being written: the flow shows it live."
                  : flow.response_bytes > 0
                    ? `${bytes(flow.response_bytes)} that are not shown as a message.`
                    : "No answer."}
              </p>
            )}
          </Said>
        </HitContext>
      )}
      <a
        href={flowHref(flow.id, {})}
        className="self-start text-xs font-medium text-accent hover:underline"
      >
        Open the flow
      </a>
    </div>
  );
}

function Said({ who, children }: { who: string; children: React.ReactNode }) {
  return (
    <section className="flex max-w-4xl flex-col gap-2">
      <h2 className="label-caps">{oneLine(who, 40)}</h2>
      {children}
    </section>
  );
}

/** What a search found that is not among the last turns of a request; null where it is, or in the answer. */
function partsBefore(
  turn: Located["turn"],
  { turns, system }: Conversation,
  last: number,
): readonly Part[] | null {
  if (turn === "answer") return null;
  if (turn === "system") return system;
  return turn < turns.length - last ? (turns[turn]?.parts ?? null) : null;
}

/** The turns after the model's last words: what this request brought. */
export function newTurns(turns: readonly Turn[]): Turn[] {
  const last = turns.findLastIndex(({ role }) => role === "assistant" || role === "model");
  return turns.slice(last + 1);
}
