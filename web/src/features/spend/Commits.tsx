// What led to each commit cost, the newest first, with the sessions in which it was made.
import { useQuery } from "@tanstack/react-query";
import type { Params } from "@/api/client";
import { commitsQuery } from "@/api/insight";
import type { CommitItem, CommitPage } from "@/api/types";
import { clock, count, fullTime, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { sessionHref } from "@/routes/paths";
import { BarRow } from "@/ui/BarRow";
import { Failed } from "@/ui/Failed";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { SessionName } from "@/ui/SessionName";

/** Commits that are listed; the API says whether there are more. */
const LISTED = 100;
/** Sessions of a commit that are named. */
const SESSIONS_SHOWN = 6;
/** Characters of a hash by which people know a commit. */
const HASH_SHOWN = 8;

export function Commits({ params }: { params: Params }) {
  const { data, error, refetch } = useQuery(commitsQuery({ ...params, limit: LISTED }));
  if (!data) {
    return error ? (
      <Failed what="The costs" error={error} onRetry={() => void refetch()} />
    ) : (
      <Skeleton lines={8} />
    );
  }
  return (
    <>
      {data.complete ? null : (
        <Note tone="info">
          Flows of an earlier version are still being added up: until then some of their cost is in
          no commit.
        </Note>
      )}
      {data.items.length === 0 ? (
        <Notice title="No cost is told by commit">
          <p>
            Agents that say in which folder they work have their cost told by the commits of the
            repository it lies in. In this span of time none did in one that is on this machine.
          </p>
        </Notice>
      ) : (
        <Listed page={data} />
      )}
      <p className="text-xs text-ink-3">{footnote(data)}</p>
    </>
  );
}

function Listed({ page }: { page: CommitPage }) {
  const most = page.items.reduce((found, { cost }) => Math.max(found, cost?.micro_usd ?? 0), 0);
  return (
    <ul
      aria-label="Cost by commit"
      className="divide-y divide-line overflow-hidden rounded-lg border"
    >
      {page.items.map((item) => (
        <BarRow
          key={`${item.repository} ${item.commit}`}
          href={null}
          name={
            item.commit === null ? (
              <span className="text-ink-2 italic">not committed yet</span>
            ) : (
              <span dir="auto">
                {item.subject ? oneLine(item.subject, 200) : "without a message"}
              </span>
            )
          }
          note={flowsOf(item)}
          value={money(item.cost?.micro_usd)}
          share={most > 0 ? (item.cost?.micro_usd ?? 0) / most : 0}
          detail={<Detail item={item} />}
        />
      ))}
    </ul>
  );
}

function Detail({ item }: { item: CommitItem }) {
  const { commit, committed_at, pull_request, repository, sessions } = item;
  return (
    <span className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
      {commit === null ? null : (
        <span className="font-mono" title={oneLine(commit, 80)}>
          {oneLine(commit, 80).slice(0, HASH_SHOWN)}
        </span>
      )}
      {pull_request === null ? null : <span>pull request #{pull_request}</span>}
      {committed_at === null ? null : (
        <span title={fullTime(committed_at)}>{clock(committed_at)}</span>
      )}
      <span className="max-w-full truncate" title={oneLine(repository, 300)}>
        {oneLine(repository.split(/[/\\]/).filter(Boolean).at(-1) ?? repository, 60)}
      </span>
      <Sessions sessions={sessions} more={item.more_sessions} />
    </span>
  );
}

function Sessions({ sessions, more }: { sessions: string[]; more: boolean }) {
  const left = sessions.length - SESSIONS_SHOWN;
  return (
    <>
      {sessions.slice(0, SESSIONS_SHOWN).map((id) => (
        <a
          key={id}
          data-row
          href={sessionHref(id)}
          className="inline-flex min-h-6 items-center rounded-sm hover:underline"
        >
          <SessionName id={id} />
        </a>
      ))}
      {left > 0 ? <span>and {count(left)} more</span> : null}
      {more ? (
        <span title="Only the newest flows that are kept are looked at for their sessions.">
          {sessions.length > 0 ? "maybe others" : "sessions not known"}
        </span>
      ) : null}
    </>
  );
}

function flowsOf({ flows, unpriced_flows }: CommitItem): string {
  const all = plural(flows, "flow");
  return unpriced_flows > 0 ? `${all}, ${count(unpriced_flows)} unpriced` : all;
}

function footnote({ elsewhere, more }: CommitPage): string {
  const listed = more ? `Only the newest ${LISTED} are listed. ` : "";
  const how =
    "A commit's cost is that of the flows in its repository that began after the commit before it.";
  return elsewhere.flows === 0
    ? `${listed}${how}`
    : `${listed}${how} ${plural(elsewhere.flows, "flow")} (${money(elsewhere.cost?.micro_usd)}) ran in a folder of no repository on this machine, or before its log begins.`;
}
