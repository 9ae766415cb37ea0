// One box over prompts, answers, tool inputs and tool results; each hit leads to its flow.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { searchQuery } from "@/api/queries";
import type { SearchFlow, Snippet } from "@/api/types";
import { count, fullTime, plural } from "@/lib/format";
import { type Hit, hitOf } from "@/lib/hit";
import { oneLine } from "@/lib/hostile";
import { pieces } from "@/lib/marks";
import { historyHref } from "@/routes/paths";
import { Button } from "@/ui/Button";
import { Failed } from "@/ui/Failed";
import { SearchIcon } from "@/ui/icons";
import { isOverlaid, isTyping, KEYS, useKeys } from "@/ui/keys";
import { Notice, Skeleton } from "@/ui/Notice";
import { OfTheWire } from "@/ui/OfTheWire";
import { SessionName } from "@/ui/SessionName";
import { useRowKeys } from "@/ui/useRowKeys";

/** Flows that are shown at first, and with each wish for more. */
const SHOWN = 20;

/** Between the last key press and the question to the server. */
const TYPING_MS = 250;

const PLACES: Record<string, string> = {
  prompt: "Prompt",
  answer: "Answer",
  thinking: "Thinking",
  tool_input: "Tool input",
  tool_result: "Tool result",
};

export interface SearchScreenProps {
  query: string;
  onQuery: (query: string) => void;
  /** The address of a flow, opened at a hit. */
  flowHref: (id: string, hit: Hit | null) => string;
}

export function SearchScreen({ query, onQuery, flowHref }: SearchScreenProps) {
  const box = useRef<HTMLElement>(null);
  useRowKeys(box);
  return (
    <section ref={box} tabIndex={0} aria-label="Search" className="h-full overflow-y-auto">
      <div className="mx-auto flex max-w-4xl flex-col gap-5 px-4 py-6 sm:px-8">
        <div className="flex flex-col gap-1">
          <h1 className="text-xl font-semibold tracking-tight">Search</h1>
          <OfTheWire what="What passed through the proxy is searched." href={historyHref()} />
        </div>
        <Box query={query} onQuery={onQuery} />
        {query === "" ? (
          <Notice title="Search what was said">
            <p>
              Prompts, answers, thoughts, tool inputs and tool results. Every word must be there;
              “words in quotes” follow one another; beginn* finds words that begin so.
            </p>
          </Notice>
        ) : (
          <Results query={query} flowHref={flowHref} />
        )}
      </div>
    </section>
  );
}

function Box({ query, onQuery }: { query: string; onQuery: (query: string) => void }) {
  const [typed, setTyped] = useState(query);
  const [followed, setFollowed] = useState(query);
  if (followed !== query) {
    setFollowed(query);
    setTyped(query);
  }
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (field.current?.value === "") field.current.focus();
  }, []);
  useKeys((event) => {
    if (event.key !== KEYS.search || isTyping(event) || isOverlaid()) return false;
    field.current?.focus();
    field.current?.select();
    return true;
  });
  const latest = useRef(onQuery);
  useEffect(() => {
    latest.current = onQuery;
  });
  useEffect(() => {
    if (typed.trim() === query) return;
    const timer = setTimeout(() => latest.current(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, query]);
  return (
    <div role="search" className="relative">
      <SearchIcon className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-ink-3" />
      <input
        ref={field}
        type="text"
        aria-label="Words to search for"
        placeholder="Words, “a phrase”, beginn*"
        value={typed}
        spellCheck={false}
        autoComplete="off"
        maxLength={500}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") onQuery(typed.trim());
          // From here on the keys are those of the list.
          if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
        }}
        className="h-10 w-full rounded-md border border-line bg-surface pr-10 pl-9 text-base hover:border-line-strong"
      />
      <kbd className="pointer-events-none absolute top-1/2 right-3 -translate-y-1/2 rounded-sm border px-1 font-mono text-2xs text-ink-3">
        /
      </kbd>
    </div>
  );
}

export function Results({ query, flowHref }: Pick<SearchScreenProps, "query" | "flowHref">) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery({
    ...searchQuery(query),
    placeholderData: keepPreviousData,
  });
  const [asked, setAsked] = useState({ query, flows: SHOWN });
  const wanted = asked.query === query ? asked.flows : SHOWN;
  const found = data?.pages.flatMap((page) => page.items) ?? [];
  // A page ends after some texts are read, whatever was found in them.
  const goesOn = hasNextPage && found.length < wanted && error === null;
  const pages = data?.pages.length ?? 0;
  useEffect(() => {
    if (pages > 0 && goesOn && !isFetching) void fetchNextPage();
  }, [pages, goesOn, isFetching, fetchNextPage]);
  if (error) return <Failed what="The search" error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton lines={8} />;
  const waiting = data.pages.at(-1)?.unindexed ?? 0;
  if (found.length === 0 && goesOn) {
    return (
      <p role="status" className="text-sm text-ink-2">
        Nothing so far; looking further back…
      </p>
    );
  }
  if (found.length === 0) {
    return (
      <Notice title="Nothing was found">
        <p>
          {waiting > 0
            ? `${count(waiting)} recorded flows are not searchable yet; ask again in a moment.`
            : "Every word must be in one flow. Fewer words, or beginn* for words that begin so, find more."}
        </p>
      </Notice>
    );
  }
  return (
    <>
      <p role="status" className="text-sm text-ink-2">
        {plural(found.length, "flow")}
        {hasNextPage ? " so far" : ""}, newest first.
        {waiting > 0 ? ` ${count(waiting)} recorded flows are not searchable yet.` : null}
      </p>
      <ul aria-label="Found flows" className="flex flex-col divide-y">
        {found.map((item) => (
          <Found key={item.flow.id} item={item} flowHref={flowHref} />
        ))}
      </ul>
      {hasNextPage ? (
        <div>
          <Button
            disabled={isFetching}
            onClick={() => setAsked({ query, flows: found.length + SHOWN })}
          >
            {goesOn ? "Looking further back…" : "Show more"}
          </Button>
        </div>
      ) : null}
    </>
  );
}

export function Found({
  item,
  flowHref,
}: { item: SearchFlow } & Pick<SearchScreenProps, "flowHref">) {
  const { flow, snippets } = item;
  const model = flow.model ?? flow.model_requested;
  const link = "block rounded-md px-2 py-1 hover:bg-raised";
  return (
    <li className="py-2">
      <p className="flex flex-wrap gap-x-3 px-2 text-xs text-ink-2">
        <span>{fullTime(flow.started_at)}</span>
        {flow.agent ? <span>{oneLine(flow.agent, 40)}</span> : null}
        {model ? <span>{oneLine(model, 60)}</span> : null}
        {flow.session_id ? <SessionName id={flow.session_id} /> : null}
      </p>
      {snippets.length === 0 ? (
        <a data-row href={flowHref(flow.id, null)} className={`${link} text-sm text-ink-2`}>
          Found in {oneLine(flow.path, 120)}
        </a>
      ) : (
        snippets.map((snippet, index) => (
          // A flow's snippets never change their order.
          // biome-ignore lint/suspicious/noArrayIndexKey: they have no identity of their own
          <a key={index} data-row href={flowHref(flow.id, hitOf(snippet))} className={link}>
            <Line snippet={snippet} />
          </a>
        ))
      )}
    </li>
  );
}

function Line({ snippet }: { snippet: Snippet }) {
  return (
    <span className="block text-sm [overflow-wrap:anywhere]">
      <span className="mr-2 text-xs font-medium text-ink-3">
        {PLACES[snippet.place] ?? oneLine(snippet.place, 40)}
      </span>
      {snippet.cut_before ? "… " : null}
      {pieces(snippet.text, snippet.highlights).map(({ text, marked }, index) =>
        marked ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text
          <mark key={index} className="rounded-sm bg-warn-soft px-0.5 text-ink">
            {text}
          </mark>
        ) : (
          text
        ),
      )}
      {snippet.cut_after ? " …" : null}
    </span>
  );
}
