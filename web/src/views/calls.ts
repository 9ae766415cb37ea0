// Which tool was called by which id, for results that stand apart from their call.
import { createContext } from "react";
import type { Part } from "@/providers/conversation";

export interface Called {
  name: string;
  /** The MCP server that has it, where the provider asked it. */
  server?: string | undefined;
}

export const CallsContext = createContext<ReadonlyMap<string, Called>>(new Map());

/** The calls among parts, by their ids. */
export function callsIn(parts: Iterable<Part>): Map<string, Called> {
  const calls = new Map<string, Called>();
  for (const part of parts) {
    if (part.kind === "tool_use" && part.id !== "") {
      calls.set(part.id, { name: part.name, server: part.server });
    }
  }
  return calls;
}
