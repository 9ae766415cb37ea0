// The parts of a turn: text, thinking, tool calls and results, media; each folded where it is noise.
import { use } from "react";
import { bytes, DASH } from "@/lib/format";
import { holds } from "@/lib/hit";
import { oneLine } from "@/lib/hostile";
import { plainLine } from "@/lib/plain";
import type { Part } from "@/providers/conversation";
import { Badge } from "@/ui/Badge";
import { CopyButton } from "@/ui/CopyButton";
import { Fold } from "@/ui/Fold";
import { ImageIcon, ToolIcon } from "@/ui/icons";
import { Json } from "@/ui/Json";
import { FOLDED, WireText } from "@/ui/WireText";
import { CallsContext } from "./calls";
import { AtHit, HitContext } from "./HitText";
import { Prose } from "./Prose";
import { ToolInput, ToolTitle } from "./ToolInput";

export function Parts({ parts }: { parts: Part[] }) {
  return parts.map((part, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place in the turn
    <PartView key={at} part={part} />
  ));
}

export function PartView({ part, live = false }: { part: Part; live?: boolean }) {
  switch (part.kind) {
    case "text":
      return (
        <div className="flex min-w-0 items-start gap-2">
          {live && part.text.length > FOLDED ? (
            <WireText text={part.text} className="flex-1 text-ink" tail />
          ) : (
            <AtHit part={part}>
              <Prose text={part.text} className="flex-1 text-ink" />
            </AtHit>
          )}
          <CacheMark ttl={part.cache} />
        </div>
      );
    case "thinking":
      return <Thinking part={part} live={live} />;
    case "tool_use":
      return <ToolUse part={part} live={live} />;
    case "tool_result":
      return <ToolResult part={part} />;
    case "media":
      return (
        <p className="inline-flex items-center gap-2 self-start rounded-md border border-dashed border-line-strong px-2.5 py-1.5 text-xs text-ink-2">
          <ImageIcon className="size-4 text-ink-3" />
          {part.what}
          <span className="text-ink-3">{mediaFacts(part)}</span>
        </p>
      );
    default:
      return <Other part={part} />;
  }
}

/** What stands in place of an image whose data was left out: its type, its size, and a digest. */
const LEFT_OUT = /^\[redacted:base64_image (\S+) (\d+) bytes/;

function mediaFacts({ mediaType, bytes: size, note }: Part & { kind: "media" }): string {
  const [, type, length] = LEFT_OUT.exec(note ?? "") ?? [];
  const told = mediaType ?? type;
  const facts = told ? oneLine(told, 40) : "unknown type";
  if (length !== undefined) return `${facts} · ${bytes(Number(length))}, its data was not kept`;
  return `${facts} · ${size === null ? oneLine(note ?? DASH, 80) : bytes(size)}`;
}

function Other({ part }: { part: Part & { kind: "other" } }) {
  const found = useHolds(part);
  return (
    <Fold
      open={found}
      className="rounded-md border"
      summary={
        <span className="truncate font-mono text-xs text-ink-3">{oneLine(part.type, 60)}</span>
      }
    >
      {() => (
        <div className="border-t bg-sunken px-3 py-2">
          <AtHit part={part} mono>
            <Json value={part.json} />
          </AtHit>
        </div>
      )}
    </Fold>
  );
}

/** Whether a part holds what was searched for, so that it is unfolded. */
function useHolds(part: Part): boolean {
  const found = use(HitContext);
  return found !== null && holds(part, found.part);
}

function Thinking({ part, live }: { part: Part & { kind: "thinking" }; live: boolean }) {
  const found = useHolds(part);
  if (part.text === "") {
    return <p className="text-xs text-ink-3 italic">Thinking {part.note ?? "without text"}</p>;
  }
  if (live) {
    return (
      <div className="border-l-2 border-line-strong pl-3">
        <p className="text-xs text-ink-3">Thinking</p>
        <WireText text={part.text} className="text-ink-2" tail />
      </div>
    );
  }
  return (
    <Fold
      open={found}
      className="-ml-2.5"
      summary={
        <span className="flex min-w-0 items-baseline gap-2 text-xs">
          <span className="shrink-0 text-ink-2">Thinking</span>
          <span className="truncate text-ink-3">{plainLine(part.text, 160)}</span>
        </span>
      }
    >
      {() => (
        <AtHit part={part}>
          <Prose
            text={part.text}
            className="ml-2.5 border-l-2 border-line-strong pl-3 text-ink-2"
          />
        </AtHit>
      )}
    </Fold>
  );
}

function ToolUse({ part, live }: { part: Part & { kind: "tool_use" }; live: boolean }) {
  return (
    <div className="overflow-hidden rounded-md border">
      <div className="flex h-8 min-w-0 items-center gap-2 bg-ground pr-1 pl-2.5">
        <ToolIcon className="size-3.5 text-accent" />
        {part.name === "" ? (
          <span className="shrink-0 text-xs text-ink-3">Tool call</span>
        ) : (
          <ToolTitle name={part.name} server={part.server} />
        )}
        {part.ranAt ? <Badge>run by the provider</Badge> : null}
        <span className="ml-auto truncate font-mono text-2xs text-ink-3">
          {oneLine(part.id, 60)}
        </span>
        {part.id ? <CopyButton text={part.id} what="the call's id" /> : null}
      </div>
      <div className="border-t bg-sunken px-3 py-2">
        {!live ? (
          <AtHit part={part} mono>
            <ToolInput name={part.name} input={part.input} raw={part.raw} whole={part.whole} />
          </AtHit>
        ) : part.raw ? (
          <WireText text={part.raw} mono tail />
        ) : (
          <p className="text-xs text-ink-3">Input follows…</p>
        )}
      </div>
    </div>
  );
}

function ToolResult({ part }: { part: Part & { kind: "tool_result" } }) {
  const found = useHolds(part);
  const called = use(CallsContext).get(part.id);
  const name = part.name ?? called?.name;
  const first = part.parts[0];
  const text = part.parts
    .map((each) => (each.kind === "text" ? each.text : `[${each.kind}]`))
    .join(" ");
  const short = part.parts.length === 1 && first?.kind === "text" && first.text.length < 240;
  return (
    <Fold
      open={short || part.error || found}
      className={part.error ? "rounded-md border border-bad/40" : "rounded-md border"}
      summary={
        <span className="flex min-w-0 flex-1 items-center gap-2 text-xs">
          <span className={part.error ? "shrink-0 font-medium text-bad" : "shrink-0 text-ink-2"}>
            {part.error ? "Failed" : "Result"}
          </span>
          {name ? <ToolTitle name={name} server={called?.server} /> : null}
          <span className="min-w-0 flex-1 truncate font-mono text-ink-3 group-open:invisible">
            {oneLine(text, 160)}
          </span>
          <span className="shrink-0 text-2xs text-ink-3">{bytes(text.length)}</span>
          <CacheMark ttl={part.cache} />
        </span>
      }
    >
      {() => (
        <div className="flex flex-col gap-2 border-t bg-sunken px-3 py-2">
          {part.parts.length === 0 ? <p className="text-xs text-ink-3">Empty</p> : null}
          {part.parts.map((each, at) =>
            each.kind === "text" ? (
              // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place in the result
              <AtHit key={at} part={each} mono>
                <WireText text={each.text} mono />
              </AtHit>
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place in the result
              <PartView key={at} part={each} />
            ),
          )}
        </div>
      )}
    </Fold>
  );
}

function CacheMark({ ttl }: { ttl: string | undefined }) {
  return ttl === undefined ? null : (
    <Badge title={`Cache breakpoint, kept for ${oneLine(ttl, 20)}`}>cache {oneLine(ttl, 10)}</Badge>
  );
}
