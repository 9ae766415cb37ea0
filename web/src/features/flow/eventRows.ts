// Events with what is missing between them: a hole in the sequence becomes a row of its own.
import type { StreamEvent } from "@/api/types";

export type EventRow =
  | { kind: "event"; key: string; event: StreamEvent }
  | { kind: "gap"; key: string; missing: number };

/** `whole`: no filter is on, so a jump in the sequence is a loss and not a choice. */
export function eventRows(events: StreamEvent[], whole: boolean): EventRow[] {
  const rows: EventRow[] = [];
  let previous: number | null = null;
  for (const event of events) {
    // Pages may overlap when the stream grew between two questions.
    if (previous !== null && event.seq <= previous) continue;
    if (whole && previous !== null && event.seq > previous + 1) {
      rows.push({ kind: "gap", key: `gap ${event.seq}`, missing: event.seq - previous - 1 });
    }
    rows.push({ kind: "event", key: String(event.seq), event });
    previous = event.seq;
  }
  return rows;
}
