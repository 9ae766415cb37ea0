// The states a flow can be in, and how each looks: a total record, so that no state is without a face.

export type Tone = "ok" | "warn" | "bad" | "info" | "idle" | "violet";

export const OUTCOMES = [
  "completed",
  "provider_error",
  "client_gone",
  "upstream_gone",
  "timed_out",
  "refused",
  "lost",
] as const;

export type Outcome = (typeof OUTCOMES)[number];
export type FlowState = Outcome | "open" | "unknown";

export interface Face {
  label: string;
  tone: Tone;
  /** What it means, in a sentence. */
  meaning: string;
}

export const FACES: Record<FlowState, Face> = {
  open: { label: "Open", tone: "info", meaning: "The exchange is still going on." },
  completed: { label: "Completed", tone: "ok", meaning: "The answer arrived whole." },
  provider_error: {
    label: "Provider error",
    tone: "bad",
    meaning: "The exchange completed with an error status or an error event.",
  },
  client_gone: {
    label: "Client gone",
    tone: "warn",
    meaning: "The agent went away before the answer was whole.",
  },
  upstream_gone: {
    label: "Upstream gone",
    tone: "bad",
    meaning: "The provider could not be reached, or broke the answer off.",
  },
  timed_out: { label: "Timed out", tone: "bad", meaning: "A configured time limit ended it." },
  refused: {
    label: "Refused",
    tone: "warn",
    meaning: "Langley refused it.",
  },
  lost: { label: "Lost", tone: "violet", meaning: "The record of its end was lost." },
  unknown: { label: "Unknown", tone: "idle", meaning: "An outcome this version does not know." },
};

export function flowState(outcome: string | null): FlowState {
  if (outcome === null) return "open";
  return OUTCOMES.find((each) => each === outcome) ?? "unknown";
}
