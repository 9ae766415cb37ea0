// What a session is told by in little room: the end of its id, which differs where ids begin alike, and a tone.

/** Characters of an id that are shown: ids made from the time begin alike, and end at random. */
const SHOWN = 8;
/** Tones in the stylesheet, `session-0` and up. */
export const SESSION_TONES = 8;

/** The id of a subagent; some agents give their main thread one too, which is then the session's own. */
export function subagent(flow: {
  agent_id: string | null;
  session_id: string | null;
}): string | null {
  return flow.agent_id === flow.session_id ? null : flow.agent_id;
}

export function sessionTail(id: string): string {
  const points = Array.from(id);
  return points.length > SHOWN ? points.slice(-SHOWN).join("") : id;
}

/** Always the same for one id (FNV-1a). */
export function sessionTone(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193) >>> 0;
  }
  // The low bits of this hash are its worst.
  return ((hash ^ (hash >>> 15)) >>> 0) % SESSION_TONES;
}
