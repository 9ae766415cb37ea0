// The lanes of a session: its own agent first, then its subagents in the order in which they began.
import type { ConversationLane, Flow, SessionAgent } from "@/api/types";
import { saidIn } from "@/lib/action";
import { laneName, laneTitle } from "@/lib/laneName";
import { subagent } from "@/lib/session";

/** Lanes with a column of their own; further ones share the last. */
export const COLUMNS_MAX = 6;

/** The session's own agent, as the address names it. */
export const MAIN = "main";

export interface Lane {
  /** A subagent's id, or {@link MAIN}. */
  id: string;
  /** What it is called, and all that is told of it. */
  name: string;
  title: string;
  /** From 0; several lanes may share the last. */
  column: number;
  first: number;
  last: number;
  flows: number;
  cost: number | null;
}

export function lanesOf(
  session: {
    first_at: string;
    last_at: string;
    totals: { flows: { total: number }; cost: { micro_usd: number } | null };
  },
  agents: readonly SessionAgent[],
  /** What its transcripts tell of the same. */
  told: readonly ConversationLane[] = [],
  /** What subagents were asked, by their ids, where nothing else names them. */
  prompts: ReadonlyMap<string, string> = new Map(),
): Lane[] {
  const named = ({ agent_id }: SessionAgent, number: number) => {
    const lane = told.find((each) => each.agent_id === agent_id) ?? {
      number,
      agent_id,
      prompt: prompts.get(agent_id) ?? null,
    };
    return { name: laneName(lane), title: laneTitle(lane) };
  };
  const began = (agent: SessionAgent) => Date.parse(agent.first_at);
  const apart = [...agents].sort((one, other) => began(one) - began(other));
  const others = apart.reduce((sum, { totals }) => sum + totals.flows.total, 0);
  const known = session.totals.cost;
  const theirs = apart.reduce((sum, { totals }) => sum + (totals.cost?.micro_usd ?? 0), 0);
  return [
    {
      id: MAIN,
      name: laneName({ number: 0, agent_id: null }),
      title: laneTitle({ number: 0, agent_id: null }),
      column: 0,
      first: Date.parse(session.first_at),
      last: Date.parse(session.last_at),
      flows: Math.max(0, session.totals.flows.total - others),
      cost: known === null ? null : Math.max(0, known.micro_usd - theirs),
    },
    ...apart.map((agent, at) => ({
      id: agent.agent_id,
      ...named(agent, at + 1),
      column: Math.min(COLUMNS_MAX - 1, at + 1),
      first: began(agent),
      last: Date.parse(agent.last_at),
      flows: agent.totals.flows.total,
      cost: agent.totals.cost?.micro_usd ?? null,
    })),
  ];
}

/** What the subagents of some flows were asked: each of their requests begins with it. */
export function promptsIn(flows: Iterable<Flow>): Map<string, string> {
  const prompts = new Map<string, string>();
  for (const flow of flows) {
    const { asked } = saidIn(flow.preview);
    const lane = laneOf(flow);
    if (lane !== MAIN && asked) prompts.set(lane, asked);
  }
  return prompts;
}

/** The lane of a flow. */
export function laneOf(flow: Flow): string {
  return subagent(flow) ?? MAIN;
}
