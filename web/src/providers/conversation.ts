// A conversation as every provider's view gives it, so that one set of components shows them all.

export type Part =
  | { kind: "text"; text: string; cache?: string }
  | { kind: "thinking"; text: string; note?: string }
  | {
      kind: "tool_use";
      id: string;
      name: string;
      input: unknown;
      /** The input as text, when it is no JSON: free text when `whole`, else cut off. */
      raw?: string;
      whole?: boolean;
      ranAt?: "provider";
      /** The MCP server that the provider asks for it. */
      server?: string;
    }
  | {
      kind: "tool_result";
      id: string;
      name: string | null;
      error: boolean;
      parts: Part[];
      cache?: string;
    }
  | { kind: "media"; what: string; mediaType: string | null; bytes: number | null; note?: string }
  | { kind: "other"; type: string; json: unknown };

export interface Turn {
  role: string;
  parts: Part[];
}

export interface Tool {
  name: string;
  description: string | null;
  schema: unknown;
  cache?: string;
}

export interface Conversation {
  system: Part[];
  tools: Tool[];
  turns: Turn[];
  /** Settings of the request, such as max_tokens, in order. */
  settings: [name: string, value: string][];
  /** Whether the body was cut, so that the end is missing. */
  cut: boolean;
}

/** Rebuilds an answer from stored stream events, for joining a stream in its middle. */
export interface Assembler {
  event(type: string, data: string): void;
  blocks(): {
    block: number;
    kind: "text" | "thinking" | "tool_input";
    text: string;
    name?: string;
  }[];
}

/** What a provider brings to the dashboard; others that speak its dialect are shown by it, too. */
export interface ProviderView {
  /** The dialect, and the provider whose it is. */
  id: string;
  label: string;
  /** Types for the filter of the events, in the order of a stream. */
  eventTypes: readonly string[];
  /** The request as a conversation; null when the body is none. */
  request(path: string, body: string): Conversation | null;
  assembler(): Assembler;
}
