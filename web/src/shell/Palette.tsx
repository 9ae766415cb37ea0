// The commands: one field from which every screen, session and flow is reached, by keyboard alone.
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { facetsQuery } from "@/api/queries";
import type { SessionFacet } from "@/api/types";
import { clock, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { Dialog } from "@/ui/Dialog";
import { KeyCaps } from "@/ui/KeyCaps";
import { PickList } from "@/ui/PickList";
import { SessionName } from "@/ui/SessionName";
import { useSettled } from "@/ui/useSettled";
import { setTheme } from "@/views/theme";
import { type Command, type CommandAct, commandsFor } from "./commands";

/** Between the last key press and the question to the server. */
const TYPING_MS = 150;
/** No one types more than this; it is what the field takes. */
const TYPED_MAX = 200;

export interface PaletteProps {
  open: boolean;
  onClose: () => void;
  onHelp: () => void;
}

export function Palette({ open, onClose, onHelp }: PaletteProps) {
  const router = useRouter();
  const run = (act: CommandAct) => {
    onClose();
    if ("go" in act) router.history.push(act.go);
    else if ("theme" in act) setTheme(act.theme);
    else onHelp();
  };
  return (
    <Dialog
      label="Commands"
      open={open}
      onClose={onClose}
      className="mx-auto mt-[12vh] mb-auto w-[36rem] max-w-[calc(100vw-1rem)]"
    >
      {() => <Commands onRun={run} />}
    </Dialog>
  );
}

/** What can be done, narrowed by what is typed. */
export function Commands({ onRun }: { onRun: (act: CommandAct) => void }) {
  const [typed, setTyped] = useState("");
  const asked = useSettled(typed.trim(), TYPING_MS);
  const { data, isError, isPlaceholderData } = useQuery(facetsQuery(asked));
  const found = data?.sessions ?? [];
  // Until the answer to these words is there, of the one before only what they are in.
  const isOlder = isPlaceholderData || asked !== typed.trim();
  const commands = commandsFor(typed, isOlder ? found.filter(holding(typed)) : found);
  return (
    <div className="flex max-h-[min(30rem,70vh)] flex-col">
      <PickList
        label="Commands"
        placeholder="A screen, a session, a flow's id, or words"
        roomy
        value=""
        options={commands.map((command) => ({ value: command.id, content: <Row {...command} /> }))}
        typed={typed}
        onType={(text) => setTyped(text.slice(0, TYPED_MAX))}
        onPick={(id) => {
          const command = commands.find((each) => each.id === id);
          if (command) onRun(command.act);
        }}
        empty="There is nothing of this name."
        note={isError ? "Sessions could not be looked up." : null}
      />
    </div>
  );
}

function holding(typed: string): (session: SessionFacet) => boolean {
  const words = typed.trim().toLowerCase();
  return ({ value, opening }) => `${value} ${opening ?? ""}`.toLowerCase().includes(words);
}

function Row({ shown }: Command) {
  if (shown.kind === "session") return <SessionRow session={shown.session} />;
  return (
    <span className="flex min-w-0 items-center gap-3">
      <span className="w-16 shrink-0 text-xs text-ink-3">{shown.group}</span>{" "}
      <span className="min-w-0 flex-1 truncate text-ink" dir="auto">
        {oneLine(shown.name, TYPED_MAX)}
      </span>
      {shown.keys ? (
        <span className="max-sm:hidden">
          <KeyCaps keys={shown.keys} />
        </span>
      ) : null}
    </span>
  );
}

/** A session by what people know it by: how it began, and when. */
function SessionRow({ session }: { session: SessionFacet }) {
  const { value, opening, first_at, count } = session;
  return (
    <span className="flex min-w-0 items-center gap-3">
      <span className="w-16 shrink-0 text-xs text-ink-3">Session</span>{" "}
      <span className="min-w-0 flex-1">
        <span className={`block truncate ${opening ? "text-ink" : "text-ink-3"}`} dir="auto">
          {opening ? oneLine(opening, 160) : "Nothing was said yet"}
        </span>
        <span className="flex items-baseline gap-2 text-2xs text-ink-3">
          <SessionName id={value} />
          {first_at ? clock(first_at) : null}
          <span>{plural(count, "flow")}</span>
        </span>
      </span>
    </span>
  );
}
