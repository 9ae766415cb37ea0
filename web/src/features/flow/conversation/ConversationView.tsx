// The conversation of a flow: what was asked, what was answered, and the live text in between.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, use, useEffect, useMemo, useRef, useState } from "react";
import { requestQuery, responseQuery } from "@/api/queries";
import type { Flow, Message } from "@/api/types";
import { bytes, plural } from "@/lib/format";
import type { Hit } from "@/lib/hit";
import { oneLine } from "@/lib/hostile";
import { compact } from "@/lib/json";
import type { Conversation, Part, Turn } from "@/providers/conversation";
import { blockParts } from "@/providers/message";
import { dialectView } from "@/providers/registry";
import { Badge } from "@/ui/Badge";
import { Failed } from "@/ui/Failed";
import { Fold } from "@/ui/Fold";
import { Json } from "@/ui/Json";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { WireText } from "@/ui/WireText";
import { HitContext, useHit } from "@/views/HitText";
import { Parts, PartView } from "@/views/Parts";
import { useLiveAnswer } from "./useLiveAnswer";

/** Turns shown at first: a long session is read from its end. */
const LAST_TURNS = 12;
/** Turns shown before and behind the one that a search found. */
const TURNS_ABOUT = 3;
/** As near to the end as this, the view follows what is being written. */
const FOLLOW_PX = 80;

export function ConversationView({ flow, hit }: { flow: Flow; hit?: Partial<Hit> | undefined }) {
  const request = useQuery(requestQuery(flow.id));
  const response = useQuery(responseQuery(flow.id));
  const open = flow.outcome === null;
  const live = useLiveAnswer(flow, open && !response.data?.message);
  const box = useRef<HTMLElement>(null);
  useFollow(box, open);

  const body = request.data?.body ?? null;
  const conversation = useMemo(
    () => (body?.text ? (dialectView(flow.dialect)?.request(flow.path, body.text) ?? null) : null),
    [body, flow.dialect, flow.path],
  );
  const message = response.data?.message ?? null;
  const answer = useMemo(() => (message ? blockParts(message.blocks) : []), [message]);
  // Of both sides, or the first that came would be taken for the best.
  const settled = request.data !== undefined && (response.data ?? response.error) != null;
  const found = useHit(conversation, answer, settled ? hit : undefined);
  if (request.error && !request.data) {
    return (
      <Failed what="The request" error={request.error} onRetry={() => void request.refetch()} />
    );
  }
  if (!request.data) return <Skeleton lines={9} />;
  return (
    <HitContext value={found}>
      <section ref={box} tabIndex={0} aria-label="Conversation" className="h-full overflow-y-auto">
        <div className="mx-auto flex max-w-4xl flex-col gap-1 px-3 py-3">
          {settled && hit?.hit && found === null ? (
            <Note tone="idle">
              “{oneLine(hit.hit, 80)}” is not in what is kept of this conversation; Raw has the
              bodies.
            </Note>
          ) : null}
          {conversation ? (
            <Asked conversation={conversation} stored={body?.truncated ?? false} />
          ) : (
            <Unread flow={flow} text={body?.text ?? null} size={body?.original_bytes ?? 0} />
          )}
          <Answer
            flow={flow}
            message={message}
            parts={answer}
            failed={response.error}
            pending={!response.data && !response.error}
            body={response.data?.body?.text ?? null}
            live={live}
          />
        </div>
      </section>
    </HitContext>
  );
}

function Asked({ conversation, stored }: { conversation: Conversation; stored: boolean }) {
  const { system, tools, turns, settings, cut } = conversation;
  const [all, setAll] = useState(false);
  const found = use(HitContext);
  const last = all ? 0 : Math.max(0, turns.length - LAST_TURNS);
  // The turns about a hit are shown where they are, however far they are from the end.
  const at = typeof found?.turn === "number" && found.turn < last ? found.turn : last;
  const near = { from: Math.max(0, at - TURNS_ABOUT), to: Math.min(last, at + TURNS_ABOUT + 1) };
  const about = at < last ? turns.slice(near.from, near.to) : [];
  const before = at < last ? near.from : last;
  const between = at < last ? last - near.to : 0;
  return (
    <>
      {cut || stored ? (
        <Note tone="warn">The stored body was cut, so the end of this request is missing.</Note>
      ) : null}
      {settings.length > 0 ? (
        <Fold
          summary={
            <Line
              name="Settings"
              note={settings.map(([name, value]) => `${name} ${oneLine(value, 40)}`).join(" · ")}
            />
          }
        >
          {() => (
            <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 px-8 py-2 font-mono text-xs">
              {settings.map(([name, value]) => (
                <div key={name} className="contents">
                  <dt className="text-ink-3">{name}</dt>
                  <dd className="wire-text">{oneLine(value, 2_000)}</dd>
                </div>
              ))}
            </dl>
          )}
        </Fold>
      ) : null}
      {system.length > 0 ? (
        <Fold
          open={found?.turn === "system"}
          summary={
            <Line
              name="System"
              note={oneLine(
                system.map((part) => (part.kind === "text" ? part.text : "")).join(" "),
                160,
              )}
              badge={cacheBadge(system)}
            />
          }
        >
          {() => (
            <div className="flex flex-col gap-3 px-8 py-2">
              <Parts parts={system} />
            </div>
          )}
        </Fold>
      ) : null}
      {tools.length > 0 ? (
        <Fold
          summary={
            <Line
              name={plural(tools.length, "tool")}
              note={oneLine(tools.map(({ name }) => name).join(", "), 200)}
              badge={cacheBadge(tools)}
            />
          }
        >
          {() => (
            <div className="flex flex-col py-1 pl-5">
              {tools.map((tool, at) => (
                <Fold
                  // biome-ignore lint/suspicious/noArrayIndexKey: a tool's place is its identity; names may repeat
                  key={at}
                  summary={
                    <span className="flex min-w-0 items-baseline gap-2">
                      <span className="shrink-0 font-mono text-xs text-ink">
                        {oneLine(tool.name, 80)}
                      </span>
                      <span className="truncate text-xs text-ink-3">
                        {oneLine(tool.description ?? "", 160)}
                      </span>
                    </span>
                  }
                >
                  {() => (
                    <div className="flex flex-col gap-2 px-8 py-2">
                      {tool.description ? (
                        <WireText text={tool.description} className="text-ink-2" />
                      ) : null}
                      <Json value={tool.schema} />
                    </div>
                  )}
                </Fold>
              ))}
            </div>
          )}
        </Fold>
      ) : null}
      <Hidden count={before} what="earlier turn" onShow={() => setAll(true)} />
      {about.map((turn, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a turn is its place in the request
        <TurnView key={at + near.from} turn={turn} number={at + near.from + 1} />
      ))}
      <Hidden count={between} what="turn" where=" in between" onShow={() => setAll(true)} />
      {turns.slice(last).map((turn, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a turn is its place in the request
        <TurnView key={at + last} turn={turn} number={at + last + 1} />
      ))}
    </>
  );
}

function Hidden({
  count,
  what,
  where = "",
  onShow,
}: {
  count: number;
  what: string;
  where?: string;
  onShow: () => void;
}) {
  if (count === 0) return null;
  return (
    <button
      type="button"
      onClick={onShow}
      className="my-1 h-8 rounded-md border border-dashed border-line-strong text-xs font-medium text-ink-2 hover:bg-hover hover:text-ink"
    >
      Show {plural(count, what)}
      {where}
    </button>
  );
}

function Line({ name, note, badge }: { name: string; note: string; badge?: ReactNode }) {
  return (
    <span className="flex min-w-0 flex-1 items-center gap-2.5">
      <span className="shrink-0 text-xs font-semibold text-ink-2">{name}</span>
      <span className="min-w-0 flex-1 truncate text-xs text-ink-3" dir="auto">
        {note}
      </span>
      {badge}
    </span>
  );
}

function cacheBadge(parts: object[]): ReactNode {
  const marks = parts.filter((part) => "cache" in part && part.cache !== undefined).length;
  return marks > 0 ? (
    <Badge title="Cache breakpoints set here">{plural(marks, "cache mark")}</Badge>
  ) : null;
}

const ROLES: Record<string, { label: string; tone: string }> = {
  user: { label: "User", tone: "text-info" },
  assistant: { label: "Assistant", tone: "text-violet" },
  system: { label: "System", tone: "text-ink-2" },
};

function TurnView({ turn, number }: { turn: Turn; number: number }) {
  const role = ROLES[turn.role] ?? { label: oneLine(turn.role, 30), tone: "text-ink-2" };
  return (
    <section aria-label={`${role.label}, turn ${number}`} className="rounded-md px-2.5 py-2">
      <h3 className={`mb-1 flex items-baseline gap-2 text-xs font-semibold ${role.tone}`}>
        {role.label}
        <span className="font-normal text-ink-3">{number}</span>
      </h3>
      <div className="flex flex-col gap-2">
        {turn.parts.length > 0 ? (
          <Parts parts={turn.parts} />
        ) : (
          <p className="text-xs text-ink-3">Empty</p>
        )}
      </div>
    </section>
  );
}

/** A request that no provider's view reads: its beginning, as it is. */
function Unread({ flow, text, size }: { flow: Flow; text: string | null; size: number }) {
  return (
    <section aria-label="Request" className="rounded-md px-2.5 py-2">
      <h3 className="mb-1 text-xs font-semibold text-info">Request</h3>
      <p className="font-mono text-xs text-ink-2 wrap-anywhere">
        {flow.method} {oneLine(flow.path, 500)}
      </p>
      {text ? (
        <WireText text={text} mono className="mt-2 rounded-md bg-sunken p-3" />
      ) : (
        <p className="mt-1 text-xs text-ink-3">
          {size > 0
            ? `A body of ${bytes(size)} that is not text, or is no longer kept.`
            : "Without a body."}
        </p>
      )}
    </section>
  );
}

interface AnswerProps {
  flow: Flow;
  message: Message | null;
  /** What the message is made of. */
  parts: Part[];
  failed: unknown;
  pending: boolean;
  body: string | null;
  live: ReturnType<typeof useLiveAnswer>;
}

function Answer({ flow, message, parts, failed, pending, body, live }: AnswerProps) {
  const open = flow.outcome === null;
  return (
    <section
      aria-label="Answer"
      aria-busy={open}
      className="mt-2 rounded-lg border border-line-strong/60 bg-surface px-3 py-2.5"
    >
      <h3 className="mb-1.5 flex min-h-5 items-center gap-2 text-xs font-semibold text-violet">
        Answer
        {open ? (
          <Badge tone="info">
            <span className="animate-pulse-open">●</span> live
          </Badge>
        ) : null}
        {message?.stop_reason ? (
          <span className="font-normal text-ink-3">
            stop: {oneLine(message.stop_reason, 40)}
            {message.stop_sequence ? ` ${JSON.stringify(oneLine(message.stop_sequence, 40))}` : ""}
          </span>
        ) : null}
      </h3>
      <div className="flex flex-col gap-2">
        {message ? (
          <>
            <Parts parts={parts} />
            {message.blocks.some((block) => !block.complete) && !open ? (
              <Note tone="warn">The last part was cut off.</Note>
            ) : null}
            {message.stop_details ? (
              <Note tone="warn">Stopped: {oneLine(compact(message.stop_details), 500)}</Note>
            ) : null}
            {message.truncated ? (
              <Note tone="warn">Parts beyond the limit were left out.</Note>
            ) : null}
            {message.error ? (
              <Note tone="bad">
                <b className="font-semibold">{oneLine(message.error.kind ?? "Error", 80)}</b>
                {message.error.message ? ` · ${oneLine(message.error.message, 500)}` : ""}
              </Note>
            ) : null}
            {message.blocks.length === 0 && !message.error ? (
              <p className="text-xs text-ink-3">No content.</p>
            ) : null}
          </>
        ) : live.parts.length > 0 ? (
          <div data-testid="live-answer" className="flex flex-col gap-2">
            {live.cut ? (
              <Note tone="idle">The beginning is not kept while the stream is open.</Note>
            ) : null}
            {live.parts.map((part, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: parts only grow at the end
              <PartView key={at} part={part} live />
            ))}
          </div>
        ) : open ? (
          <p className="text-xs text-ink-3">
            {flow.status === null ? "Waiting for the provider…" : "Waiting for the first text…"}
          </p>
        ) : body ? (
          <WireText text={body} mono className="rounded-md bg-sunken p-3" />
        ) : failed ? (
          <Notice tone="bad" title="The answer could not be loaded" />
        ) : pending ? (
          <p className="text-xs text-ink-3">Loading…</p>
        ) : (
          <p className="text-xs text-ink-3">
            {flow.response_bytes > 0
              ? `${bytes(flow.response_bytes)} that are not shown as a message: see Events and Raw.`
              : "No answer."}
          </p>
        )}
      </div>
    </section>
  );
}

/** Keeps the end in view while it grows, unless the reader has scrolled away from it. */
function useFollow(box: React.RefObject<HTMLElement | null>, open: boolean): void {
  useEffect(() => {
    const view = box.current;
    if (!view || !open) return;
    const content = view.firstElementChild;
    if (!content) return;
    let following = true;
    const onScroll = () => {
      following = view.scrollHeight - view.scrollTop - view.clientHeight < FOLLOW_PX;
    };
    const observer = new ResizeObserver(() => {
      if (following) view.scrollTop = view.scrollHeight;
    });
    view.addEventListener("scroll", onScroll, { passive: true });
    observer.observe(content);
    return () => {
      view.removeEventListener("scroll", onScroll);
      observer.disconnect();
    };
  });
}
