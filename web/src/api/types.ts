// Names for what the API says: generated types, with the lists of words left open.
//
// A server that is newer than this page may use words it does not know (an outcome, a reason); they
// are strings here, and become a closed set only where the page decides how each of them looks.
import type { components } from "./schema";

type Schemas = components["schemas"];
type Open<T, K extends keyof T> = Omit<T, K> & { [P in K]: Extract<T[P], null> | string };

export type Flow = Open<Schemas["Flow"], "outcome" | "provider" | "dialect" | "mode">;
/** The words that this page was built with. */
export type KnownProvider = Schemas["Provider"];
export type KnownDialect = Schemas["DialectName"];
/** How many flows a filter names; `more` when not all were counted. */
export type FlowCount = Schemas["Count"];
export type Usage = Schemas["Usage"];
export type Gap = Schemas["Gap"];
export type Body = Schemas["Body"];
export type Header = [name: string, value: string];
export type RequestView = Schemas["Request"];
export type ResponseView = Schemas["Response"];
export type Message = Schemas["Message"];
export type Block = Schemas["Block"];
export type StreamEvent = Schemas["Event"];
export type RequestDiff = Schemas["RequestDiff"];
export type Piece = Schemas["Piece"];
export type PieceKind = Schemas["PieceKind"];
export type Stats = Schemas["Stats"];
export type Tunnel = Open<Schemas["Tunnel"], "why">;
export type Drop = Open<Schemas["Dropped"], "reason">;
export type Facet = Schemas["Facet"];
export type Facets = Schemas["Facets"];
export type SessionFacet = Schemas["SessionFacet"];
export type Star = Schemas["Star"];
export type EventPage = Schemas["EventPage"];
export type Snippet = Schemas["SearchSnippet"];
export type SearchFlow = Omit<Schemas["SearchFlow"], "flow"> & { flow: Flow };
export type Setup = Schemas["Setup"];
export type SetupClient = Schemas["SetupClient"];
export type Subscription = Schemas["Subscription"];

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
  total?: number;
}

export type LiveKind = "text" | "thinking" | "tool_input";

type Said = Schemas["LiveMessage"];

/** What the live socket says. */
export type LiveMessage =
  | Exclude<Said, { type: "flow" | "text" }>
  | (Omit<Extract<Said, { type: "flow" }>, "flow"> & { flow: Flow })
  | (Omit<Extract<Said, { type: "text" }>, "kind"> & { kind: LiveKind });

export type Context = Schemas["Context"];
export type Cost = Schemas["Cost"];
export type UsageSums = Schemas["UsageSums"];
export type CostPage = Schemas["CostPage"];
export type CostItem = Schemas["CostItem"];
export type CommitPage = Schemas["CommitPage"];
export type CommitItem = Schemas["CommitItem"];
export type Session = Schemas["Session"];
export type SessionDetail = Schemas["SessionDetail"];
export type SessionAgent = Schemas["SessionAgent"];
export type Totals = Schemas["Totals"];
export type Conversation = Schemas["Conversation"];
export type ConversationDetail = Schemas["ConversationDetail"];
export type ConversationLane = Schemas["ConversationLane"];
export type ConversationLine = Omit<Open<Schemas["ConversationLine"], "role">, "content"> & {
  content?: unknown;
};
export type Ledger = Schemas["Ledger"];
export type QuotaWindow = Schemas["WindowItem"];
export type Budget = Schemas["Budget"];
export type Tool = Schemas["Tool"];
export type ToolTotals = Schemas["ToolTotals"];
export type Invocation = Open<Schemas["Invocation"], "outcome" | "state">;
export type InvocationDetail = Omit<
  Open<Schemas["InvocationDetail"], "outcome" | "state">,
  "input" | "result"
> & { input: unknown; result: unknown };
export type Finding = Open<Schemas["Finding"], "kind">;
export type FindingKindSum = Open<Schemas["FindingKindSum"], "kind">;
/** A page of findings. */
export type FindingPage = Page<Finding> & { kinds: FindingKindSum[] };
export type FindingNumber = Schemas["FindingNumber"];
export type FindingState = Schemas["FindingState"];
export type Severity = Schemas["Severity"];
export type Setting = Omit<Schemas["Setting"], "value"> & { value: unknown };
