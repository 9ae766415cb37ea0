// The costs of a span of time, told apart by one thing, the dearest first.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Params } from "@/api/client";
import { costQuery } from "@/api/insight";
import type { CostItem, CostPage } from "@/api/types";
import type { FlowFilter } from "@/lib/filter";
import { compact, count, DASH, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { CLASS_LABELS, CLASSES, type Dimension } from "@/lib/spend";
import {
  conversationHref,
  flowsHref,
  type SpendView,
  sessionHref,
  spendHref,
  toolsHref,
} from "@/routes/paths";
import { BarRow } from "@/ui/BarRow";
import { Failed } from "@/ui/Failed";
import { Notice, Skeleton } from "@/ui/Notice";
import { SessionName } from "@/ui/SessionName";
import { CLASS_TONES } from "./classFaces";

/** What costs are told apart by in this list; commits have their own. */
export type Group = Exclude<Dimension, "commit">;

/** Groups that are listed; the API says what they leave out. */
const LISTED = 200;

export function Breakdown({ by, params, view }: { by: Group; params: Params; view: SpendView }) {
  // A subagent is one of its session, and is named together with it.
  const group = by === "subagent" ? "session,subagent" : by;
  const asked = { ...params, group_by: group, limit: LISTED };
  const { data, error, refetch, isPlaceholderData } = useQuery(costQuery(asked));
  if (error && !data) {
    return <Failed what="The costs" error={error} onRetry={() => void refetch()} />;
  }
  // Another grouping's rows would be read as this one's.
  if (!data || (isPlaceholderData && !data.group_by.includes(by))) return <Skeleton lines={8} />;
  const rows = data.items.flatMap((item) => rowOf(by, item, params, view));
  if (rows.length === 0) {
    return (
      <Notice title={`No cost is told by ${by}`}>
        <p>{EMPTY[by] ?? "Nothing in this span of time has one."}</p>
      </Notice>
    );
  }
  const most = rows.reduce((found, { cost }) => Math.max(found, cost ?? 0), 0);
  return (
    <>
      <ul
        aria-label={`Cost by ${by}`}
        className="divide-y divide-line overflow-hidden rounded-lg border"
      >
        {rows.map(({ key, cost, ...row }) => (
          <BarRow
            key={key}
            {...row}
            value={money(cost)}
            share={most > 0 ? (cost ?? 0) / most : 0}
          />
        ))}
      </ul>
      {by === "tool" ? <Rest page={data} /> : null}
      <p className="text-xs text-ink-3">{footnote(by, data)}</p>
    </>
  );
}

interface Row {
  key: string;
  href: string | null;
  name: ReactNode;
  note: ReactNode;
  detail: ReactNode;
  cost: number | null;
  tone?: string;
}

const EMPTY: Partial<Record<Group, string>> = {
  tool: "Agents called no tool in this span of time.",
  subagent: "No session had a subagent in this span of time.",
  project: "A project is the folder an agent works in, where the agent says so.",
};

function rowOf(by: Group, item: CostItem, params: Params, view: SpendView): Row[] {
  // What agents wrote themselves may have no flow: it leads to what else they wrote.
  const isTold = view.from === "transcripts";
  const filter: FlowFilter = {};
  for (const key of ["since", "model", "project"] as const) {
    const value = params[key];
    if (value !== undefined) filter[key] = String(value);
  }
  const cost = item.cost?.micro_usd ?? null;
  const row = {
    cost,
    note: countOf(item, isTold ? "response" : "flow"),
    detail: tokensOf(item),
  };
  const plain = (key: "model" | "project" | "host" | "agent", shown: FlowFilter): Row[] => {
    const value = item[key];
    const isNarrower = (key === "model" || key === "project") && view[key] !== value;
    const narrower = isNarrower ? spendHref({ ...view, [key]: value }) : null;
    return [
      {
        ...row,
        key: value ?? "",
        name: value === null ? <Unknown>not known</Unknown> : oneLine(value, 160),
        href: value === null ? null : isTold ? narrower : flowsHref({ ...filter, ...shown }),
      },
    ];
  };
  switch (by) {
    case "model":
      return plain("model", { model: item.model ?? "" });
    case "project":
      return plain("project", { project: item.project ?? "" });
    case "host":
      return plain("host", { host: item.host ?? "" });
    case "agent":
      // The list of flows has no filter for it, but finds the word.
      return plain("agent", { q: item.agent ?? "" });
    case "session":
      return item.session === null
        ? []
        : [
            {
              ...row,
              key: item.session,
              name: <SessionName id={item.session} />,
              href: isTold ? conversationHref(item.session) : sessionHref(item.session),
            },
          ];
    case "subagent":
      return item.session === null || item.subagent === null
        ? []
        : [
            {
              ...row,
              key: `${item.session} ${item.subagent}`,
              name: (
                <span className="flex min-w-0 items-baseline gap-2">
                  <span className="truncate font-mono text-xs">{oneLine(item.subagent, 60)}</span>
                  <SessionName id={item.session} />
                </span>
              ),
              href: isTold
                ? conversationHref(item.session, { lane: item.subagent })
                : sessionHref(item.session, { lane: item.subagent }),
            },
          ];
    case "tool":
      return item.tool === null ? [] : [toolRow(item, item.tool)];
    default:
      return classRow(item, isTold ? null : flowsHref(filter));
  }
}

function toolRow(item: CostItem, tool: string): Row {
  const share = item.tool_cost;
  return {
    key: tool,
    name: <span className="font-mono text-xs">{oneLine(tool, 120)}</span>,
    href: toolsHref({ tool }),
    cost: share?.cost?.micro_usd ?? null,
    note: share ? plural(share.calls, "call") : DASH,
    detail: share
      ? `calls ${money(share.output?.micro_usd)} + results ${money(share.result?.micro_usd)}${
          share.search.micro_usd > 0 ? ` + searches ${money(share.search.micro_usd)}` : ""
        } · beside it, read again ${money(share.reread.micro_usd)}`
      : null,
  };
}

/** What flows cost beside the tools: with it the parts are the whole. */
function Rest({ page: { tools, totals } }: { page: CostPage }) {
  const whole = totals.cost?.micro_usd;
  if (tools === null || whole === undefined) return null;
  const ofTools = tools.cost?.micro_usd ?? 0;
  const sums: [name: string, cost: number, note: string][] = [
    ["All tools", ofTools, "calls, results and searches"],
    [
      "Not a tool's",
      whole - ofTools,
      `prompts, answers, thinking, and what is sent again: ${money(tools.reread.micro_usd)} of it are calls and results, read again by later requests`,
    ],
    ["Together", whole, "what all flows cost"],
  ];
  return (
    <dl className="flex flex-col gap-1 px-3 text-xs">
      {sums.map(([name, cost, note]) => (
        <div key={name} className="grid grid-cols-[6rem_minmax(0,1fr)_5rem] items-baseline gap-x-3">
          <dt className="font-medium">{name}</dt>
          <dd className="order-last text-right font-semibold">{money(cost)}</dd>
          <dd className="text-ink-3">{note}</dd>
        </div>
      ))}
    </dl>
  );
}

function classRow(item: CostItem, href: string | null): Row[] {
  const name = CLASSES.find((each) => each === item.class);
  return [
    {
      key: item.class ?? "",
      name: name ? CLASS_LABELS[name] : oneLine(item.class ?? "not known", 60),
      href,
      cost: item.cost?.micro_usd ?? null,
      note: item.units == null ? DASH : `${compact(item.units)} ${unit(name)}`,
      detail: null,
      ...(name ? { tone: CLASS_TONES[name] } : {}),
    },
  ];
}

function unit(name: string | undefined): string {
  return name === "web_search" ? "searches" : name === "undivided" ? "flows" : "tokens";
}

function countOf(item: CostItem, counted: "flow" | "response"): string {
  const all = plural(item.flows, counted);
  return item.unpriced_flows > 0 ? `${all}, ${count(item.unpriced_flows)} unpriced` : all;
}

function tokensOf({ usage }: CostItem): string {
  const written = (usage.cache_write_5m ?? 0) + (usage.cache_write_1h ?? 0);
  return `${compact(usage.input_uncached)} uncached · ${compact(usage.cache_read)} from the cache · ${
    written > 0 ? `${compact(written)} written to it · ` : ""
  }${compact(usage.output)} output`;
}

function footnote(by: Group, page: CostPage): string {
  const more = page.more ? `Only the dearest ${LISTED} are listed. ` : "";
  if (by === "tool") {
    return `${more}A tool's cost is its calls as output, and their results as input the first time they are sent, by their share of what the flow cost. That later requests read them again is told beside it, and is no part of it.`;
  }
  if (page.source === "transcripts") {
    return `${more}Told from agents' files as they are now, each response once: what was in files that are gone is not counted.`;
  }
  if (page.from_flows) return `${more}Told from the flows that are kept.`;
  return `${more}Told from sums by the hour, which outlive the flows: what was deleted is in them.`;
}

function Unknown({ children }: { children: ReactNode }) {
  return <span className="text-ink-3 italic">{children}</span>;
}
