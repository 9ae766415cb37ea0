// Shown when the browser holds no valid session: how to get one.
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";

/** `spent`: the browser came by a link that does not work any more. */
export function SignedOut({ spent = false }: { spent?: boolean }) {
  return (
    <main className="flex h-full items-center justify-center bg-ground p-6">
      <div className="w-full max-w-md rounded-lg border bg-surface p-6">
        <h1 className="text-lg font-semibold">
          {spent ? "This sign-in link does not work any more" : "This browser is not signed in"}
        </h1>
        <p className="mt-2 text-ink-2">
          {spent
            ? "A link works once, for ten minutes, and only while the Langley that made it runs."
            : "Langley shows what your agents send and receive, so it opens only to a browser that came through its own link. The link works once."}
        </p>
        <ol className="mt-4 flex list-decimal flex-col gap-2 pl-5 text-ink-2">
          <li>
            In a terminal, run
            <span className="ml-1.5 inline-flex items-center rounded-sm bg-raised pl-2 font-mono text-xs text-ink">
              langley
              <CopyButton text="langley" what="the command" />
            </span>
          </li>
          <li>Open the link it prints.</li>
        </ol>
        {spent ? null : (
          <Button className="mt-5" onClick={() => location.reload()}>
            Try again
          </Button>
        )}
      </div>
    </main>
  );
}
