// One flow beside the list: a summary, and its conversation, events, headers or raw bodies.
import { useQuery } from "@tanstack/react-query";
import { type MouseEvent, useEffect, useRef } from "react";
import { ApiError } from "@/api/client";
import { flowQuery } from "@/api/queries";
import type { Flow } from "@/api/types";
import type { FilterKey } from "@/lib/filter";
import { type Hit, readHit } from "@/lib/hit";
import { oneLine } from "@/lib/hostile";
import { FACES, flowState } from "@/lib/outcome";
import { authority } from "@/lib/place";
import { isSocket } from "@/lib/socket";
import { type FlowsSearch, sessionHref, type Tab } from "@/routes/paths";
import { Badge, Dot } from "@/ui/Badge";
import { Boundary } from "@/ui/Boundary";
import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Failed } from "@/ui/Failed";
import { BackIcon, CloseIcon, SessionsIcon } from "@/ui/icons";
import { Notice, Skeleton } from "@/ui/Notice";
import { useGlide } from "@/ui/useGlide";
import { later } from "@/views/later";
import { StarButton } from "@/views/StarButton";
import { ChangesView } from "./ChangesView";
import { ConversationView } from "./conversation/ConversationView";
import { EventsView } from "./EventsView";
import { HeadersView } from "./HeadersView";
import { RawView } from "./RawView";
import { SocketView } from "./SocketView";
import { notesOf, Summary } from "./Summary";
import { TimingView } from "./TimingView";

// Its areas are laid out by a library that nothing else needs.
const ContextView = later(() => import("./ContextView").then((it) => it.ContextView));

export interface FlowDetailProps {
  id: string;
  tab: Tab;
  side: "request" | "response";
  type: string | undefined;
  /** The place that a search found. */
  hit?: Partial<Hit>;
  /** The address of this flow looked at in another way. */
  hrefOf: (next: Partial<FlowsSearch>) => string;
  onLook: (next: Partial<FlowsSearch>) => void;
  onClose: () => void;
  onFilter: (key: FilterKey, value: string) => void;
}

const NAMES: Record<Tab, string> = {
  conversation: "Conversation",
  events: "Events",
  headers: "Headers",
  raw: "Raw",
  changes: "What changed",
  context: "Context",
  timing: "Timing",
};

export function FlowDetail(props: FlowDetailProps) {
  const { id, onClose } = props;
  const { data: flow, error, refetch } = useQuery(flowQuery(id));
  if (!flow) {
    if (!error) return <Skeleton lines={9} />;
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) {
      return (
        <Notice title="There is no such flow" action={<Button onClick={onClose}>Back</Button>}>
          <p>It may have been deleted, by hand or because it grew too old to keep.</p>
        </Notice>
      );
    }
    return <Failed what="The flow" error={error} onRetry={() => void refetch()} />;
  }
  return <Detail {...props} flow={flow} />;
}

function Detail(props: FlowDetailProps & { flow: Flow }) {
  const { id, side, type, flow, onClose, onLook } = props;
  const box = useRef<HTMLElement>(null);
  // What there is to note comes while it is read, most of it at the end.
  useGlide(box, `${notesOf(flow).map(({ key }) => key)}`);
  const face = FACES[flowState(flow.outcome)];
  const socket = isSocket(flow);
  // A tab that this flow does not have is not shown because the one before had it.
  const tab = socket && SOCKET_NAMES[props.tab] === undefined ? "conversation" : props.tab;
  return (
    <article
      ref={box}
      aria-label="Flow"
      className="@container relative flex h-full min-h-0 flex-col bg-surface overflow-x-clip"
    >
      <header className="flex h-11 shrink-0 items-center gap-2.5 border-b pr-2 pl-4">
        <IconButton label="Back" onClick={onClose} className="-ml-2 md:hidden">
          <BackIcon />
        </IconButton>
        <Badge tone={face.tone} title={face.meaning}>
          <Dot tone={face.tone} pulse={flow.outcome === null} />
          {flow.status ?? ""} {face.label}
        </Badge>
        <h2
          // Made anew with what stands before it, which would push it aside.
          key={`${flow.status} ${flow.outcome}`}
          className="line-clamp-2 min-w-0 font-mono text-xs break-all text-ink @md:line-clamp-1"
          title={`${flow.method} ${authority(flow)}${flow.path}`}
        >
          <span className="text-ink-3">{flow.method} </span>
          {oneLine(authority(flow), 100)}
          <span className="text-ink-2">{oneLine(flow.path, 300)}</span>
        </h2>
        <span className="ml-auto flex shrink-0 items-center">
          {flow.session_id === null ? null : (
            <>
              <a
                href={sessionHref(flow.session_id, { turn: flow.id, ...readHit({ ...props.hit }) })}
                title="Show this turn in its session"
                aria-label="Show this turn in its session"
                className="inline-flex size-7 items-center justify-center rounded-md text-ink-3 hover:bg-raised hover:text-ink"
              >
                <SessionsIcon />
              </a>
              <StarButton session={flow.session_id} />
            </>
          )}
          <IconButton label="Close the flow (Esc)" onClick={onClose}>
            <CloseIcon />
          </IconButton>
        </span>
      </header>
      <Summary flow={flow} onFilter={props.onFilter} />
      <div data-glide={`tabs ${id}`} className="shrink-0">
        <Tabs {...props} tab={tab} events={flow.event_count} socket={socket} />
      </div>
      <div data-glide={`view ${id}`} className="min-h-0 flex-1">
        <Boundary resetKey={`${id} ${tab}`}>
          {tab !== "conversation" ? null : socket ? (
            <SocketView flow={flow} />
          ) : (
            <ConversationView flow={flow} hit={props.hit} />
          )}
          {tab === "events" ? (
            <EventsView flow={flow} type={type} onType={(next) => onLook({ type: next ?? "" })} />
          ) : null}
          {tab === "headers" ? <HeadersView flow={flow} /> : null}
          {tab === "raw" ? (
            <RawView
              flow={flow}
              side={side}
              onSide={(next) => onLook({ side: next })}
              changesHref={props.hrefOf({ tab: "changes" })}
            />
          ) : null}
          {tab === "changes" ? <ChangesView flow={flow} /> : null}
          {tab === "context" ? <ContextView flow={flow} /> : null}
          {tab === "timing" ? <TimingView flow={flow} /> : null}
        </Boundary>
      </div>
    </article>
  );
}

/** A WebSocket's views: its words are in the flows of its responses. */
const SOCKET_NAMES: Partial<Record<Tab, string>> = {
  conversation: "Responses",
  events: "Other messages",
  headers: "Headers",
  timing: "Timing",
};

function Tabs({
  tab,
  hrefOf,
  onLook,
  events,
  socket,
}: FlowDetailProps & { events: number; socket: boolean }) {
  const names = socket ? SOCKET_NAMES : NAMES;
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    // Where there is no room for all of them, the current one is brought into view.
    const link = bar.current?.querySelector(`[data-tab="${tab}"]`);
    link?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [tab]);
  const click = (event: MouseEvent, next: Tab) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    onLook({ tab: next });
  };
  return (
    <nav
      ref={bar}
      aria-label="Views of the flow"
      className="flex h-9 shrink-0 items-stretch overflow-x-auto @md:gap-1 overflow-y-hidden border-b px-2"
    >
      {(Object.keys(names) as Tab[]).map((each) => (
        <a
          key={each}
          data-tab={each}
          href={hrefOf({ tab: each })}
          onClick={(event) => click(event, each)}
          aria-current={each === tab ? "page" : undefined}
          className={cx(
            "-mb-px flex shrink-0 items-center gap-1.5 border-b-2 px-1.5 text-xs whitespace-nowrap @md:px-2 font-medium outline-offset-[-2px]",
            each === tab
              ? "border-accent text-ink"
              : "border-transparent text-ink-3 hover:text-ink",
          )}
        >
          {names[each]}
          {each === "events" ? (
            // With room for what comes.
            <span className="min-w-[3.5ch] text-2xs text-ink-3">
              {events > 0 ? events.toLocaleString("en-US") : null}
            </span>
          ) : null}
        </a>
      ))}
    </nav>
  );
}
