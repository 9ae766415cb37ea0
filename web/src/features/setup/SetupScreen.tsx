// The first-run checklist: how to point an agent at Langley, ticked live as it happens.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { setupQuery } from "@/api/queries";
import type { Setup, SetupClient } from "@/api/types";
import { CopyButton } from "@/ui/CopyButton";
import { cx } from "@/ui/cx";
import { Failed } from "@/ui/Failed";
import { Fold } from "@/ui/Fold";
import { CheckIcon } from "@/ui/icons";
import { Skeleton } from "@/ui/Notice";

const STEPS: { key: keyof Setup["checklist"]; title: string; wait: string }[] = [
  {
    key: "proxy_up",
    title: "Proxy is up",
    wait: "The proxy does not listen yet.",
  },
  {
    key: "trust_ready",
    title: "An agent trusts Langley",
    wait: "Run one of the commands below; the first intercepted or reverse request ticks this.",
  },
  {
    key: "first_byte",
    title: "First byte seen",
    wait: "A provider's first answer ticks this.",
  },
  {
    key: "first_token",
    title: "First token counted",
    wait: "The first answer whose usage was read ticks this.",
  },
];

/** `history` is what agents wrote before, where there is any. */
export function SetupScreen({ history = null }: { history?: ReactNode }) {
  const { data: setup, error, refetch } = useQuery(setupQuery());
  if (!setup) {
    return error ? (
      <Failed what="The checklist" error={error} onRetry={() => void refetch()} />
    ) : (
      <Skeleton lines={8} />
    );
  }
  const { demo } = setup;
  const done = STEPS.filter(({ key }) => setup.checklist[key]).length;
  const next = STEPS.find(({ key }) => !setup.checklist[key])?.key;
  return (
    <section tabIndex={0} aria-label="Setup" className="h-full overflow-y-auto">
      <div className="mx-auto flex max-w-4xl flex-col gap-6 px-4 py-6 sm:px-8">
        <header>
          <h1 className="text-xl font-semibold tracking-tight">
            {demo
              ? "This is a demonstration"
              : done === STEPS.length
                ? "Langley is watching"
                : "Point an agent at Langley"}
          </h1>
          <p className="mt-1 max-w-prose text-ink-2">
            {demo
              ? "It plays made-up sessions and keeps nothing: agents have no place here. End it and run langley to watch your own."
              : done === STEPS.length
                ? "Every step is done. The commands stay here for the next agent."
                : "Run one of the commands below in a terminal. The list ticks itself as traffic arrives."}
          </p>
        </header>
        {demo ? null : (
          <ol
            className="grid overflow-hidden rounded-lg border sm:grid-cols-2 lg:grid-cols-4"
            aria-label="Checklist"
          >
            {STEPS.map(({ key, title, wait }, at) => (
              <li
                key={key}
                className={cx(
                  "flex gap-3 border-line p-3.5 max-sm:not-first:border-t sm:max-lg:nth-[n+3]:border-t sm:max-lg:even:border-l lg:not-first:border-l",
                  key === next && "bg-selected",
                )}
              >
                <Tick done={setup.checklist[key]} number={at + 1} />
                <div className="min-w-0">
                  <p className="font-medium">{title}</p>
                  <p className="mt-0.5 text-xs text-ink-3">
                    {setup.checklist[key] ? "Done" : wait}
                  </p>
                </div>
              </li>
            ))}
          </ol>
        )}
        {demo ? null : (
          <section aria-labelledby="commands" className="flex flex-col gap-2">
            <h2 id="commands" className="text-base font-semibold">
              Commands
            </h2>
            <ul className="divide-y divide-line overflow-hidden rounded-md border">
              {setup.commands.map(({ label, command }) => (
                <li key={label} className={LINE}>
                  <h3 className="py-0.75 text-xs font-medium text-ink-2">{label}</h3>
                  <Command what={label} command={command} />
                </li>
              ))}
              <li className={LINE}>
                <h3 className="py-0.75 text-xs font-medium text-ink-2">Without an agent</h3>
                <div>
                  <Command what="a demonstration" command="langley demo" />
                  <p className="pb-0.75 text-xs text-ink-3">
                    It plays made-up sessions through a proxy of its own, and keeps nothing.
                  </p>
                </div>
              </li>
            </ul>
            <p className="max-w-prose text-xs text-ink-3">
              That sets all a program needs, for it alone. How each known client is pointed here by
              hand:
            </p>
            <ul className="flex flex-col gap-2">
              {setup.clients.map((client) => (
                <Client key={client.name} client={client} />
              ))}
            </ul>
          </section>
        )}
        {demo ? null : history}
        <section aria-labelledby="places" className="flex flex-col gap-2">
          <h2 id="places" className="text-base font-semibold">
            Addresses and files
          </h2>
          <dl className="divide-y divide-line rounded-md border">
            <Place name="Proxy" value={setup.proxy_url} />
            <Place name="Base URL" value={setup.reverse_url} />
            <Place name="API" value={setup.api_url} />
            <Place name="Certificate" value={setup.ca_path} />
            <Place name="Fingerprint" value={setup.ca_fingerprint} />
            <Place name="Home" value={setup.home} />
          </dl>
        </section>
      </div>
    </section>
  );
}

const LINE = "grid items-start gap-x-3 py-1 pr-1 pl-3 sm:grid-cols-[11rem_1fr]";

/** A client and its lines. */
function Client({ client }: { client: SetupClient }) {
  const lines: [way: string, command: string][] = [
    ["Everything set", client.run],
    ["By proxy", client.proxied],
  ];
  if (client.based !== null) lines.push(["By base URL", client.based]);
  return (
    <li>
      <Fold
        className="rounded-md border"
        summary={<span className="min-w-0 text-xs font-medium wrap-anywhere">{client.name}</span>}
      >
        {() => (
          <ul className="divide-y divide-line border-t">
            {lines.map(([way, command]) => (
              <li key={way} className={LINE}>
                <h3 className="py-0.75 text-xs text-ink-2">{way}</h3>
                <Command what={`${client.name}, ${way.toLowerCase()}`} command={command} />
                {command === client.proxied && client.proxied_note !== null ? (
                  <p className="pb-0.75 text-xs text-ink-3 sm:col-start-2">{client.proxied_note}</p>
                ) : null}
              </li>
            ))}
            {client.based === null ? (
              <li className={LINE}>
                <h3 className="py-0.75 text-xs text-ink-2">By base URL</h3>
                <p className="py-0.75 text-xs text-ink-3">It takes none from outside.</p>
              </li>
            ) : null}
          </ul>
        )}
      </Fold>
    </li>
  );
}

function Command({ what, command }: { what: string; command: string }) {
  return (
    <div className="flex min-w-0 items-start justify-between gap-2">
      <pre className="wire-text min-w-0 py-0.75 font-mono text-xs">{command}</pre>
      <CopyButton text={command} what={`the command: ${what}`} />
    </div>
  );
}

function Tick({ done, number }: { done: boolean; number: number }) {
  return (
    <span
      className={cx(
        "mt-px flex size-5 shrink-0 items-center justify-center rounded-full text-2xs font-semibold",
        done ? "bg-ok-soft text-ok" : "bg-raised text-ink-2",
      )}
    >
      {done ? <CheckIcon className="size-3.5" /> : number}
      <span className="sr-only">{done ? "done" : "not yet"}</span>
    </span>
  );
}

function Place({ name, value }: { name: string; value: string }) {
  return (
    <div className="flex min-h-7.5 items-center gap-3 pr-1 pl-3">
      <dt className="w-18 shrink-0 text-xs text-ink-3">{name}</dt>
      <dd className="flex min-w-0 flex-1 items-center justify-between gap-2 font-mono text-xs">
        <span className="min-w-0 wrap-anywhere">{value}</span>
        <CopyButton text={value} what={name.toLowerCase()} />
      </dd>
    </div>
  );
}
