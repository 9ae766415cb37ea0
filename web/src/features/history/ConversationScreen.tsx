// A conversation as its agent wrote it, from either end, with what passed on the wire between its lines.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useRef } from "react";
import { ApiError } from "@/api/client";
import { type ConversationPart, conversationHeadQuery } from "@/api/insight";
import type { ConversationLane } from "@/api/types";
import { count, duration, fullTime, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { laneName, laneTitle } from "@/lib/laneName";
import { plainLine } from "@/lib/plain";
import { lineParts } from "@/providers/line";
import { type ConversationView, historyHref, paths, sessionHref } from "@/routes/paths";
import { Badge } from "@/ui/Badge";
import { Button, LinkButton } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { cx } from "@/ui/cx";
import { Failed } from "@/ui/Failed";
import { BackIcon, UpIcon } from "@/ui/icons";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { Segmented } from "@/ui/Segmented";
import { SessionName } from "@/ui/SessionName";
import { useRowKeys } from "@/ui/useRowKeys";
import { CallsContext, callsIn } from "@/views/calls";
import { LineCard, PassedRow } from "./LineCard";
import { useLines } from "./useLines";

export interface ConversationScreenProps {
  id: string;
  view: ConversationView;
  onLook: (view: ConversationView) => void;
  onLeave: () => void;
}

export function ConversationScreen({ id, view, onLook, onLeave }: ConversationScreenProps) {
  const head = useQuery(conversationHeadQuery(id));
  const told = useLines(id, view);
  const { lines, entries, next, isNewestFirst } = told;
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box, () => {
    onLeave();
    return true;
  });
  const agent = head.data?.agent ?? lines.data?.pages[0]?.agent;
  const calls = useMemo(
    () =>
      callsIn(
        entries.flatMap((entry) =>
          entry.kind === "line" && agent ? lineParts(agent, entry.line.content) : [],
        ),
      ),
    [entries, agent],
  );
  const conversation = head.data ?? lines.data?.pages[0];
  const failure = head.error ?? lines.error;
  if (!conversation) {
    if (failure instanceof ApiError && failure.status === 404) {
      return (
        <Notice
          isPage
          title="There is no such conversation here"
          action={<LinkButton href={paths.history}>All conversations</LinkButton>}
        >
          <p className="wrap-anywhere">
            No agent's file that was read has <span className="font-mono">{oneLine(id, 80)}</span>.
            It may have been deleted here, not be read yet, or the address is not whole.
          </p>
        </Notice>
      );
    }
    return failure ? (
      <Failed
        what="The conversation"
        error={failure}
        onRetry={() => {
          void head.refetch();
          void lines.refetch();
        }}
      />
    ) : (
      <Skeleton lines={12} />
    );
  }
  const shown = lines.data?.pages[0];
  // From the start, what is new stands behind all that is loaded.
  const grown = shown && conversation.lines > shown.lines && (isNewestFirst || next === null);
  return (
    <article aria-label="Conversation" className="flex h-full min-h-0 flex-col">
      <Header conversation={conversation} onWire={told.isOnWire}>
        <Segmented
          label="The line that comes first"
          value={view.order ?? "newest"}
          choices={ORDERS}
          onChange={(order) =>
            onLook(turned(view, "order", order === "oldest" ? order : undefined))
          }
        />
        <Toggle
          on={view.wire !== "no"}
          label="Wire"
          title="What passed on the wire, between the lines"
          onTurn={(on) => onLook(turned(view, "wire", on ? undefined : "no"))}
        />
        <Toggle
          on={view.notes === "yes"}
          label="Notes"
          title="What the agent noted for itself, hooks among it"
          onTurn={(on) => onLook(turned(view, "notes", on ? "yes" : undefined))}
        />
      </Header>
      {conversation.lanes.length > 1 ? (
        <Lanes
          lanes={conversation.lanes}
          lane={view.lane}
          onLane={(lane) => onLook(turned(view, "lane", lane))}
        />
      ) : null}
      <section
        tabIndex={0}
        aria-label={`Lines, the ${isNewestFirst ? "newest" : "oldest"} first`}
        className="relative min-h-0 flex-1 overflow-y-auto focus-visible:-outline-offset-2"
      >
        {grown ? (
          <div className="sticky top-2 z-sticky flex h-0 justify-center">
            <button
              type="button"
              onClick={told.anew}
              className="inline-flex h-7 items-center gap-1.5 rounded-full bg-accent-fill px-3 text-xs font-medium text-on-accent shadow-popover"
            >
              <UpIcon className="size-3.5" />
              {plural(conversation.lines - shown.lines, "new line")}
            </button>
          </div>
        ) : null}
        {told.wireError ? (
          <Note tone="bad">
            What passed on the wire could not be loaded: {told.wireError.message}
          </Note>
        ) : told.isWireCut ? (
          <Note tone="warn">
            More passed on the wire than is shown here;{" "}
            <a href={sessionHref(id)} className="text-accent underline">
              the session
            </a>{" "}
            has all of it.
          </Note>
        ) : null}
        {lines.error && lines.data ? (
          <Note tone="bad">The next lines could not be loaded: {lines.error.message}</Note>
        ) : null}
        {!lines.data ? (
          lines.error ? (
            <Failed what="The lines" error={lines.error} onRetry={() => void lines.refetch()} />
          ) : (
            <Skeleton lines={12} />
          )
        ) : entries.length === 0 ? (
          <Notice title="Nothing was said here">
            <p>With notes, what the agent wrote for itself is shown as well.</p>
          </Notice>
        ) : (
          <div ref={box}>
            <ol aria-label="Lines" className="divide-y divide-line">
              <CallsContext value={calls}>
                {entries.map((entry) => (
                  <li key={entry.key}>
                    {entry.kind === "line" ? (
                      <LineCard
                        agent={conversation.agent}
                        line={entry.line}
                        lanes={conversation.lanes}
                      />
                    ) : (
                      <PassedRow flow={entry.flow} />
                    )}
                  </li>
                ))}
              </CallsContext>
            </ol>
            {next ? (
              <div className="p-4">
                <Button disabled={told.isLoading} onClick={told.more}>
                  {told.isLoading ? "Loading…" : isNewestFirst ? "Show older" : "Show newer"}
                </Button>
              </div>
            ) : null}
          </div>
        )}
      </section>
    </article>
  );
}

const ORDERS = [
  { value: "newest", label: "Newest" },
  { value: "oldest", label: "Oldest" },
] as const;

/** The view with one of its words changed, or left out. */
function turned<K extends keyof ConversationView>(
  view: ConversationView,
  key: K,
  value: ConversationView[K] | undefined,
): ConversationView {
  const { [key]: _, ...rest } = view;
  return value === undefined ? rest : { ...rest, [key]: value };
}

function Header({
  conversation,
  onWire,
  children,
}: {
  conversation: ConversationPart;
  onWire: boolean;
  children: ReactNode;
}) {
  const { id, project, branch, model } = conversation;
  const lasted = Date.parse(conversation.last_at) - Date.parse(conversation.first_at);
  return (
    <header className="flex shrink-0 flex-col gap-2 border-b px-4 py-2.5">
      <div className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
        <a
          href={paths.history}
          aria-label="Back to the history"
          title="Back to the history"
          className="inline-flex size-7 items-center justify-center rounded-md text-ink-3 hover:bg-raised hover:text-ink"
        >
          <BackIcon />
        </a>
        <h1 className="flex min-w-0 items-center text-base font-semibold">
          <span className="sr-only">Conversation </span>
          <SessionName id={id} />
        </h1>
        <CopyButton text={id} what="the session's id" />
        <Badge>{oneLine(conversation.agent, 40)}</Badge>
        {model ? <Badge>{oneLine(model, 60)}</Badge> : null}
        {project ? (
          <a
            href={historyHref({ project })}
            title={oneLine(project, 300)}
            className="min-w-0 truncate text-xs text-ink-3 hover:text-ink hover:underline"
          >
            {oneLine(project, 80)}
            {branch ? ` · ${oneLine(branch, 60)}` : ""}
          </a>
        ) : null}
        <div className="flex flex-wrap items-center gap-1.5 md:ml-auto">
          {onWire ? (
            <a
              href={sessionHref(id)}
              className="mr-2 text-xs font-medium text-accent hover:underline max-sm:basis-full"
            >
              The session on the wire
            </a>
          ) : null}
          {children}
        </div>
      </div>
      <p className="line-clamp-2 pl-1 text-ink-2">
        {conversation.first_prompt
          ? plainLine(conversation.first_prompt, 300)
          : "Nobody asked anything in words"}
      </p>
      <dl className="flex flex-wrap gap-x-6 gap-y-1 pl-1 text-xs">
        <Fact name="Cost" value={money(conversation.cost?.micro_usd)} strong />
        {conversation.unpriced > 0 ? (
          <Fact name="Unpriced" value={count(conversation.unpriced)} tone="text-warn" />
        ) : null}
        <Fact name="Prompts" value={count(conversation.prompts)} />
        <Fact name="Responses" value={count(conversation.responses)} />
        <Fact name="Lines" value={count(conversation.lines)} />
        {conversation.compactions > 0 ? (
          <Fact name="Compactions" value={count(conversation.compactions)} />
        ) : null}
        {conversation.branches.length > 1 ? (
          <Fact name="Branches" value={count(conversation.branches.length)} />
        ) : null}
        <Fact
          name="Began"
          value={`${fullTime(conversation.first_at).slice(0, 16)}, ${lasted < 1_000 ? "for a moment" : `for ${duration(lasted)}`}`}
        />
      </dl>
    </header>
  );
}

function Fact({
  name,
  value,
  strong = false,
  tone,
}: {
  name: string;
  value: string;
  strong?: boolean;
  tone?: string;
}) {
  return (
    <div className="flex items-baseline gap-1.5">
      <dt className="text-ink-3">{name}</dt>
      <dd className={cx(strong ? "text-sm font-semibold" : "font-medium", tone)}>{value}</dd>
    </div>
  );
}

function Toggle({
  on,
  label,
  title,
  onTurn,
}: {
  on: boolean;
  label: string;
  title: string;
  onTurn: (on: boolean) => void;
}) {
  return (
    <button
      type="button"
      aria-pressed={on}
      title={title}
      onClick={() => onTurn(!on)}
      className={cx(
        "inline-flex h-7 items-center rounded-md border px-2.5 text-xs font-medium",
        on ? "border-accent/50 bg-selected" : "bg-surface text-ink-2 hover:bg-hover",
      )}
    >
      {label}
    </button>
  );
}

/** Who speaks; one can be looked at alone. */
function Lanes({
  lanes,
  lane,
  onLane,
}: {
  lanes: readonly ConversationLane[];
  lane: string | undefined;
  onLane: (lane: string | undefined) => void;
}) {
  return (
    <fieldset className="flex min-w-0 shrink-0 gap-1.5 overflow-x-auto border-b bg-ground px-4 py-1.5">
      <legend className="sr-only">Lanes</legend>
      {lanes.map((each) => {
        const { number, responses, cost } = each;
        const chosen = lane === String(number);
        return (
          <button
            key={number}
            type="button"
            aria-pressed={chosen}
            title={`${laneTitle(each)}: ${chosen ? "show all lanes" : "show this lane alone"}`}
            onClick={() => onLane(chosen ? undefined : String(number))}
            className={cx(
              "inline-flex h-7 shrink-0 items-center gap-2 rounded-md border px-2.5 text-xs",
              chosen ? "border-accent/50 bg-selected" : "bg-surface hover:bg-hover",
            )}
          >
            <span className="max-w-64 truncate font-medium">{laneName(each)}</span>
            <span className="text-ink-3">
              {plural(responses, "response")} · {money(cost?.micro_usd)}
            </span>
          </button>
        );
      })}
    </fieldset>
  );
}
