// Where Langley hears from, when each spoke last, and how far it is with agents' own files.
import { useQuery } from "@tanstack/react-query";
import { sourcesQuery } from "@/api/queries";
import type { Stats } from "@/api/types";
import { bytes, clock, count, duration, fullTime } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { paths } from "@/routes/paths";
import { Note } from "@/ui/Notice";
import { Section } from "@/ui/Page";
import { useNow } from "@/ui/useNow";
import { Facts, type Known } from "./Facts";

export function Sources({ stats }: { stats: Pick<Stats, "transcripts"> }) {
  const { data, error } = useQuery(sourcesQuery());
  const now = useNow();
  const spoke = (at: string | null | undefined) =>
    at === undefined ? error ? "not known" : "…" : <Spoke at={at} now={now} />;
  return (
    <Section title="Sources" note="when each spoke last">
      <Facts
        facts={[
          { name: "the proxy: requests of agents", value: spoke(data?.wire) },
          {
            name: "transcripts: files that agents write",
            value: stats.transcripts === null ? "not read" : spoke(data?.transcripts),
          },
          { name: "hooks, logs and telemetry (OTLP)", value: "not read by this version" },
        ]}
      />
    </Section>
  );
}

function Spoke({ at, now }: { at: string | null; now: number }) {
  if (at === null) return "never";
  const silent = Math.max(0, now - Date.parse(at));
  return (
    <time dateTime={at} title={fullTime(at)}>
      {silent < 60_000 ? "within the last minute" : `${duration(silent)} ago`}
    </time>
  );
}

export function Transcripts({ stats: { transcripts } }: { stats: Pick<Stats, "transcripts"> }) {
  if (transcripts === null) {
    return (
      <Section title="Transcripts">
        <p className="rounded-md border border-dashed px-3 py-4 text-xs text-ink-3">
          Only made-up sessions are shown: agents' files are not read.
        </p>
      </Section>
    );
  }
  const { following, folders, looked_at, refused, refused_why, ...of } = transcripts;
  // What is seldom so is told where it is so.
  const seldom = (name: string, value: number, tone?: string): Known[] =>
    value === 0 ? [] : [{ name, value: count(value), tone }];
  return (
    <Section
      title="Transcripts"
      note={
        <>
          files that agents write themselves, shown in{" "}
          <a href={paths.history} className="font-medium text-accent hover:underline">
            History
          </a>
        </>
      }
    >
      {following ? null : (
        <Note tone="warn">
          Their folders are not followed, so what agents write now is not read. Set
          transcripts.enabled, or bring it in with: langley import
        </Note>
      )}
      {refused > 0 ? (
        <Note tone="warn">
          Not everything could be read
          {refused_why === null ? "." : `: ${oneLine(refused_why, 400)}`}
        </Note>
      ) : null}
      <Facts
        facts={[
          {
            name: "looked at last",
            value:
              looked_at === null ? (
                "not yet"
              ) : (
                <time title={fullTime(looked_at)}>{clock(looked_at)}</time>
              ),
          },
          { name: "files found and there", value: count(of.files) },
          {
            name: "files that wait to be read",
            value: count(of.waiting),
            tone: of.waiting > 0 ? "text-info" : undefined,
          },
          {
            name: "files and folders that could not be read",
            value: count(refused),
            tone: refused > 0 ? "text-warn" : undefined,
          },
          { name: "lines read and kept", value: `${count(of.lines)} · ${bytes(of.bytes)}` },
          ...seldom("files that are gone, their lines kept", of.deleted),
          ...seldom("files whose state the database lost", of.damaged, "text-bad"),
          ...seldom("lines that are no JSON", of.unreadable, "text-warn"),
          ...seldom("lines too long to be kept whole", of.cut, "text-warn"),
          ...seldom("lines cut within a character", of.mended, "text-warn"),
          ...seldom("conversations deleted here, not brought in again", of.deleted_conversations),
          ...seldom("lines of theirs that came since, left out", of.left_out),
          {
            name: folders.length === 1 ? "folder" : "folders",
            value:
              folders.length === 0 ? (
                "none"
              ) : (
                <span className="flex flex-col font-mono wrap-anywhere">
                  {folders.map((folder) => (
                    <span key={folder}>{oneLine(folder, 200)}</span>
                  ))}
                </span>
              ),
          },
        ]}
      />
    </Section>
  );
}
