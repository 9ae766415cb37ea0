// The same finding in many places as one row: how often, what it cost together, and each of them once unfolded.
import { useState } from "react";
import { type Saying, usePressed, useSaying } from "@/api/finding";
import type { Finding } from "@/api/types";
import { clock, fullTime, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { Badge, Dot } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { DownIcon } from "@/ui/icons";
import { ShowMore } from "@/ui/ShowMore";
import { FindingCard, NEXT, SEVERITIES } from "./FindingCard";
import type { FindingGroup } from "./groups";

/** Findings shown at first once a group is unfolded, and how many more at a time. */
const SHOWN = 20;

export function GroupCard({
  group,
  onKind,
}: {
  group: FindingGroup;
  onKind: (finding: Finding) => void;
}) {
  const [open, setOpen] = useState(false);
  const [shown, setShown] = useState(SHOWN);
  const { findings, cost, unknown } = group;
  const [dearest] = findings;
  const severity = SEVERITIES[dearest.severity];
  const same = findings.every(({ title }) => title === dearest.title);
  return (
    <li className="overflow-hidden rounded-lg border [contain-intrinsic-block-size:auto_5rem] [content-visibility:auto]">
      <div className="flex max-sm:flex-col">
        <button
          type="button"
          data-row
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="grid min-w-0 flex-1 grid-cols-[auto_5rem_minmax(0,1fr)] items-baseline gap-x-3 px-3 py-2.5 text-left hover:bg-hover focus-visible:-outline-offset-2"
        >
          <span className="flex items-center gap-2 self-center">
            <DownIcon className={cx("size-3 text-ink-3", !open && "-rotate-90")} />
            <Dot tone={severity.tone} />
            <span className="sr-only">{severity.label}: </span>
          </span>
          <span
            className={cx("text-right", cost === null ? "text-ink-3" : "font-semibold")}
            title={
              cost === null
                ? "What they cost is not known"
                : `What they cost together${unknown > 0 ? `, but for ${unknown} whose cost is not known` : ""}`
            }
          >
            {money(cost)}
          </span>
          <span className="flex min-w-0 flex-wrap items-baseline gap-x-2 gap-y-1">
            <span className="min-w-0 font-medium wrap-anywhere">{oneLine(dearest.title, 160)}</span>
            <Badge title="Findings of this kind and subject">×{findings.length}</Badge>
          </span>
          {same ? null : (
            <span className="col-start-3 mt-0.5 text-xs text-ink-3 max-sm:col-span-3 max-sm:col-start-1">
              and others of its kind; the dearest is named
            </span>
          )}
          <span className="col-start-3 mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-2xs text-ink-3 max-sm:col-span-3 max-sm:col-start-1">
            {group.sessions > 0 ? <span>in {plural(group.sessions, "session")}</span> : null}
            <span>{plural(group.flows, "flow")}</span>
            <span title={`${fullTime(group.firstAt)} to ${fullTime(group.lastAt)}`}>
              {clock(group.firstAt)} to {clock(group.lastAt)}
            </span>
            {unknown > 0 && cost !== null ? <span>{unknown} of unknown cost</span> : null}
          </span>
        </button>
        <SaidOfAll findings={findings} />
      </div>
      {open ? (
        <div className="flex flex-col gap-2 border-t bg-ground p-2 sm:pl-8">
          <ul
            aria-label={`${plural(findings.length, "finding")}: ${oneLine(dearest.title, 80)}`}
            className="flex flex-col gap-2"
          >
            {findings.slice(0, shown).map((finding) => (
              <FindingCard key={finding.id} finding={finding} onKind={() => onKind(finding)} />
            ))}
          </ul>
          {findings.length > shown ? (
            <ShowMore
              pages={{
                hasNextPage: true,
                isFetchingNextPage: false,
                fetchNextPage: () => setShown(shown + SHOWN),
              }}
            />
          ) : null}
        </div>
      ) : null}
    </li>
  );
}

/** What may be said of all of them at once; each that it does not fit stays as it is. */
function SaidOfAll({ findings }: { findings: FindingGroup["findings"] }) {
  const { mutate } = useSaying();
  const [pressed, setPressed] = useState<number>();
  const { refused, isPending } = usePressed(pressed);
  const state = findings.some((each) => each.state === "open") ? "open" : findings[0].state;
  const say = (saying: Saying) => {
    const press = performance.now();
    setPressed(press);
    for (const { id, state } of findings) {
      if (NEXT[state].some(([fits]) => fits === saying)) mutate({ finding: id, saying, press });
    }
  };
  return (
    <div className="flex flex-wrap content-start items-center gap-1.5 px-3 pb-2.5 sm:py-2.5">
      {NEXT[state].map(([saying, label]) => (
        <Button
          key={saying}
          disabled={isPending}
          aria-label={`${label} all ${findings.length}: ${oneLine(findings[0].title, 80)}`}
          onClick={() => say(saying)}
        >
          {label} all
        </Button>
      ))}
      <span role="status" className="text-xs text-bad">
        {refused > 0 ? `${plural(refused, "finding")} not changed` : ""}
      </span>
    </div>
  );
}
