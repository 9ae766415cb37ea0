// A lane's name: of which kind its subagent is and what it was begun for, as far as that is told.
import type { ConversationLane } from "@/api/types";
import { oneLine } from "./hostile";
import { plainLine } from "./plain";

export type NamedLane = Pick<ConversationLane, "number" | "agent_id"> &
  Partial<Pick<ConversationLane, "agent_type" | "description" | "prompt">>;

/** In little room. */
export function laneName({ number, agent_id, agent_type, description, prompt }: NamedLane): string {
  if (number === 0) return "Main agent";
  const about = description ? oneLine(description, 60) : prompt ? plainLine(prompt, 40) : "";
  const told = [agent_type ? oneLine(agent_type, 40) : "", about].filter(Boolean).join(": ");
  return told || oneLine(agent_id ?? `Subagent ${number}`, 40);
}

/** All that is told of it. */
export function laneTitle({
  number,
  agent_id,
  agent_type,
  description,
  prompt,
}: NamedLane): string {
  if (number === 0) return "The session's own agent";
  const told = [agent_type, description, agent_id ?? `Subagent ${number}`].filter(Boolean);
  const title = oneLine(told.join(" · "), 300);
  return prompt ? `${title}: ${plainLine(prompt, 200)}` : title;
}
