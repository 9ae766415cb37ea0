// Which sessions are at work, worked out from the newest flows: what each does, and how its cache stands.
import type { Flow, Session } from "@/api/types";
import { cacheUntil } from "@/lib/action";
import { subagent } from "@/lib/session";
import { inputTotal } from "@/lib/usage";

/** After an answer that called tools its session is at work for so long: they run meanwhile. */
export const TOOLS_RUN_MS = 300_000;
/** After any other answer, for so long: agents ask the next thing at once. */
export const PAUSE_MS = 10_000;
/** Its agent, or what it ran in, is gone: nothing more is awaited of it. */
const GONE: ReadonlySet<string | null> = new Set(["client_gone", "lost"]);
/** Sessions that rest are listed this long. */
export const RESTING_MS = 3_600_000;

export interface Running {
  /** Null for flows that belong to no session. */
  session: string | null;
  /** Newest first. */
  flows: Flow[];
  newest: Flow;
  open: Flow[];
  isAtWork: boolean;
  /** When its last flow began or ended, in milliseconds since the epoch. */
  lastAt: number;
  /** The first flow that is known of it. */
  firstAt: number;
  /** Its main agent's newest request that says how long it was, and its input tokens. */
  context: { flow: Flow; tokens: number } | null;
  /** When its cached prompt is let go; null where that is not known. */
  cacheUntil: number | null;
}

/** The sessions among the newest flows: those at work in the order in which they began, then those that rest. */
export function runningOf(flows: readonly Flow[], now: number): Running[] {
  const groups = new Map<string | null, Flow[]>();
  for (const flow of flows) {
    const group = groups.get(flow.session_id);
    if (group) group.push(flow);
    else groups.set(flow.session_id, [flow]);
  }
  return [...groups]
    .map(([session, group]) => one(session, group, now))
    .filter(({ lastAt, open }) => open.length > 0 || now - lastAt < RESTING_MS)
    .sort((a, b) =>
      a.isAtWork !== b.isAtWork
        ? Number(b.isAtWork) - Number(a.isAtWork)
        : a.isAtWork
          ? a.firstAt - b.firstAt
          : b.lastAt - a.lastAt,
    );
}

function one(session: string | null, flows: Flow[], now: number): Running {
  const newest = flows[0];
  if (!newest) throw new Error("A group has the flow that made it.");
  const open = flows.filter(({ outcome }) => outcome === null);
  const ends = flows.map((flow) => Date.parse(flow.ended_at ?? flow.started_at));
  const lastAt = Math.max(...ends);
  const main = flows.filter((flow) => subagent(flow) === null);
  const cached = main.map(cacheUntil).find((until) => until !== null);
  return {
    session,
    flows,
    newest,
    open,
    isAtWork: open.length > 0 || now - lastAt < awaited(newest),
    lastAt,
    firstAt: Date.parse(flows.at(-1)?.started_at ?? newest.started_at),
    context: contextOf(main),
    cacheUntil: cached ?? null,
  };
}

/** For how long after a flow the next one of its session is awaited. */
function awaited(newest: Flow): number {
  if (GONE.has(newest.outcome)) return 0;
  return runsTools(newest) ? TOOLS_RUN_MS : PAUSE_MS;
}

function contextOf(flows: readonly Flow[]): Running["context"] {
  for (const flow of flows) {
    const tokens = inputTotal(flow);
    if (tokens !== null && tokens > 0) return { flow, tokens };
  }
  return null;
}

/** Whether the newest answer called tools of the agent's, whose results are still to be sent. */
export function runsTools({ outcome, tool_names, stop_reason }: Flow): boolean {
  return outcome === "completed" && tool_names.length > 0 && stop_reason !== "end_turn";
}

/** The models that were asked, each once, the newest first. */
export function modelsOf(flows: readonly Flow[]): string[] {
  const names = flows.map(({ model, model_requested }) => model ?? model_requested);
  return [...new Set(names.filter((name) => name !== null))];
}

/** The sums of a session, where they are known. */
export function sumsOf(running: Running, sessions: readonly Session[]): Session | undefined {
  return sessions.find(({ id }) => id === running.session);
}
