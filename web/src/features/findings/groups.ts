// Findings of the same kind and subject as one row: the same thing happens in many sessions.
import type { Finding } from "@/api/types";

export interface FindingGroup {
  key: string;
  /** The dearest first; never empty. */
  findings: [Finding, ...Finding[]];
  /** What those cost together whose cost is known; null where none is. */
  cost: number | null;
  /** How many of them have no known cost. */
  unknown: number;
  sessions: number;
  flows: number;
  firstAt: string;
  lastAt: string;
}

/** The dearest group first; those of unknown cost last, in the order in which they came. */
export function groupsOf(findings: readonly Finding[]): FindingGroup[] {
  const byKey = new Map<string, [Finding, ...Finding[]]>();
  for (const finding of findings) {
    const key = keyOf(finding);
    const known = byKey.get(key);
    if (known) known.push(finding);
    else byKey.set(key, [finding]);
  }
  return [...byKey]
    .map(([key, of]) => group(key, of))
    .sort((one, other) => (other.cost ?? -1) - (one.cost ?? -1));
}

/**
 * A subject names its subagent, and that of a loop its request: neither makes it another thing. What was muted or
 * resolved is not one with what still is to be looked at.
 */
function keyOf({ kind, subject, agent_id, state }: Finding): string {
  const under = agent_id === null ? "" : ` of ${agent_id}`;
  const own = under !== "" && subject.endsWith(under) ? subject.slice(0, -under.length) : subject;
  const done = state === "muted" || state === "resolved" ? state : "current";
  return `${done} ${kind} ${kind === "request_loop" ? "" : own}`;
}

function group(key: string, findings: [Finding, ...Finding[]]): FindingGroup {
  const costs = findings.flatMap(({ cost }) => (cost === null ? [] : [cost.micro_usd]));
  const sum = (of: number[]) => of.reduce((total, each) => total + each, 0);
  const times = (of: string[]) => of.sort();
  return {
    key,
    findings,
    cost: costs.length === 0 ? null : sum(costs),
    unknown: findings.length - costs.length,
    sessions: new Set(findings.map(({ session_id }) => session_id).filter(Boolean)).size,
    flows: sum(findings.map(({ times }) => times)),
    firstAt: times(findings.map(({ first_at }) => first_at))[0] ?? findings[0].first_at,
    lastAt: times(findings.map(({ last_at }) => last_at)).at(-1) ?? findings[0].last_at,
  };
}
