// What agents wrote of their own sessions, the one that was written to last first: also what never passed here.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { conversationsQuery } from "@/api/insight";
import type { Conversation } from "@/api/types";
import { count, DASH, fullTime, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { plainLine } from "@/lib/plain";
import { rangeStart } from "@/lib/spend";
import { conversationHref, type HistoryView } from "@/routes/paths";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Failed } from "@/ui/Failed";
import { CloseIcon } from "@/ui/icons";
import { Notice, Skeleton } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { RangePicker } from "@/ui/RangePicker";
import { SessionName } from "@/ui/SessionName";
import { ShowMore } from "@/ui/ShowMore";
import { useRowKeys } from "@/ui/useRowKeys";

/** Between the last key press and the question to the server. */
const TYPING_MS = 250;

export interface HistoryScreenProps {
  view: HistoryView;
  onLook: (view: HistoryView) => void;
}

export function HistoryScreen({ view, onLook }: HistoryScreenProps) {
  const { range = "all", project, q } = view;
  const asked = useInfiniteQuery(
    conversationsQuery({ since: rangeStart(range, new Date()), project, q }),
  );
  const { data, error, refetch } = asked;
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const conversations = data?.pages.flatMap(({ items }) => items) ?? [];
  const isFiltered = range !== "all" || project !== undefined || q !== undefined;
  return (
    <Page
      title="History"
      note="What agents wrote of their own sessions, kept also when they delete it."
      actions={
        <>
          <FirstPrompt q={q ?? ""} onQ={(next) => onLook(without(view, "q", next))} />
          <RangePicker range={range} onRange={(next) => onLook({ ...view, range: next })} />
        </>
      }
    >
      {project === undefined ? null : (
        <div className="-mt-3">
          <Button
            onClick={() => onLook(without(view, "project", ""))}
            title="Show every project"
            className="max-w-full border-accent/50 bg-selected"
          >
            <span className="text-ink-3">Project</span>
            <span className="truncate">{oneLine(project, 80)}</span>
            <CloseIcon className="size-3" />
          </Button>
        </div>
      )}
      {!data ? (
        error ? (
          <Failed what="The history" error={error} onRetry={() => void refetch()} />
        ) : (
          <Skeleton lines={12} />
        )
      ) : conversations.length === 0 ? (
        <Notice title={isFiltered ? "No such conversation" : "No agent's files were read yet"}>
          <p>
            {isFiltered
              ? "A longer span, or fewer words, may show more."
              : "A running Langley reads what Claude Code, Codex and Gemini CLI write; langley import PATH reads files elsewhere."}
          </p>
        </Notice>
      ) : (
        <div ref={box} className="flex flex-col gap-3">
          <Conversations conversations={conversations} />
          <ShowMore pages={asked} />
        </div>
      )}
    </Page>
  );
}

/** The view with one of its words changed, or left out where there is none. */
function without(view: HistoryView, key: "q" | "project", word: string): HistoryView {
  const { [key]: _, ...rest } = view;
  return word === "" ? rest : { ...rest, [key]: word };
}

function FirstPrompt({ q, onQ }: { q: string; onQ: (q: string) => void }) {
  const [typed, setTyped] = useState(q);
  const [followed, setFollowed] = useState(q);
  if (followed !== q) {
    setFollowed(q);
    setTyped(q);
  }
  const latest = useRef(onQ);
  useEffect(() => {
    latest.current = onQ;
  });
  useEffect(() => {
    if (typed.trim() === q) return;
    const timer = setTimeout(() => latest.current(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, q]);
  return (
    <input
      type="text"
      aria-label="Words of the first prompt"
      placeholder="Words of the first prompt"
      value={typed}
      spellCheck={false}
      autoComplete="off"
      maxLength={200}
      onChange={(event) => setTyped(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "Escape") event.currentTarget.blur();
      }}
      className="h-7 w-52 max-w-full rounded-md border border-line bg-surface px-2.5 text-xs hover:border-line-strong"
    />
  );
}

const TRACKS = "lg:grid-cols-[minmax(0,1fr)_11rem_6.5rem_8rem_5rem]";

export function Conversations({ conversations }: { conversations: readonly Conversation[] }) {
  return (
    <div className="overflow-hidden rounded-lg border">
      <div
        aria-hidden="true"
        className={`hidden h-8 items-center gap-4 border-b bg-ground px-3 text-xs font-medium text-ink-3 lg:grid ${TRACKS}`}
      >
        <span>Conversation</span>
        <span>Agent and model</span>
        <span className="text-right">Last</span>
        <span className="text-right">Said</span>
        <span className="text-right">Cost</span>
      </div>
      <ul aria-label="Conversations" className="divide-y divide-line">
        {conversations.map((conversation) => (
          <Row key={conversation.id} conversation={conversation} />
        ))}
      </ul>
    </div>
  );
}

function Row({ conversation }: { conversation: Conversation }) {
  const { id, project, compactions, unpriced } = conversation;
  return (
    <li>
      <a
        data-row
        href={conversationHref(id)}
        className={`grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 px-3 py-2 hover:bg-hover focus-visible:-outline-offset-2 ${TRACKS}`}
      >
        <span className="min-w-0 max-lg:col-span-2">
          <span className="flex min-w-0 items-center gap-2">
            <SessionName id={id} />
            {compactions > 0 ? (
              <Badge title="Times it was compacted">{plural(compactions, "compaction")}</Badge>
            ) : null}
            {project ? (
              <span
                className="grow basis-0 truncate text-xs text-ink-3"
                title={oneLine(project, 300)}
              >
                {oneLine(project.split("/").findLast((folder) => folder !== "") ?? project, 40)}
              </span>
            ) : null}
          </span>
          <span className="mt-0.5 block truncate text-ink-2">
            {conversation.first_prompt
              ? plainLine(conversation.first_prompt, 200)
              : "Nobody asked anything in words"}
          </span>
        </span>
        <span className="min-w-0 text-xs max-lg:order-last max-lg:col-span-2 max-lg:flex max-lg:gap-2 lg:block">
          <span className="block truncate text-ink-2">{oneLine(conversation.agent, 40)}</span>
          <span className="block truncate text-ink-3">
            {oneLine(conversation.model ?? DASH, 60)}
          </span>
        </span>
        <span
          className="text-xs max-lg:flex max-lg:gap-2 lg:text-right"
          title={`From ${fullTime(conversation.first_at)} to ${fullTime(conversation.last_at)}`}
        >
          <span className="block text-ink-2">{fullTime(conversation.last_at).slice(0, 10)}</span>
          <span className="block text-ink-3">{fullTime(conversation.last_at).slice(11, 16)}</span>
        </span>
        <span className="text-right text-xs max-lg:hidden">
          <span className="block text-ink-2">{plural(conversation.prompts, "prompt")}</span>
          <span className="block text-ink-3">{plural(conversation.responses, "response")}</span>
        </span>
        <span className="text-right">
          <span className="block font-semibold">{money(conversation.cost?.micro_usd)}</span>
          {unpriced > 0 ? (
            <span className="block text-2xs text-warn">{count(unpriced)} unpriced</span>
          ) : null}
        </span>
      </a>
    </li>
  );
}
