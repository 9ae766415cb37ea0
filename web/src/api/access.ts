// Whether this browser holds a valid session, as the last answer told.
import { ApiError } from "./client";

export type Access = "unknown" | "granted" | "signed_out";

let access: Access = "unknown";
const listeners = new Set<() => void>();

export const accessStore = {
  current: (): Access => access,
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  /** Takes note of an answer: any success grants, only a 401 takes away. */
  note(error: unknown): void {
    if (error === null) set("granted");
    else if (error instanceof ApiError && error.failure === "signed_out") set("signed_out");
  },
};

function set(next: Access): void {
  if (next === access) return;
  access = next;
  for (const listener of listeners) listener();
}
