// A question that got no answer: what failed, why, and how to ask again.
import { Button } from "./Button";
import { Notice } from "./Notice";

export function Failed({
  what,
  error,
  onRetry,
}: {
  what: string;
  error: unknown;
  onRetry?: () => void;
}) {
  const message = error instanceof Error ? error.message : String(error);
  const hint =
    error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : null;
  return (
    <Notice
      tone="bad"
      title={`${what} could not be loaded`}
      action={onRetry ? <Button onClick={onRetry}>Try again</Button> : undefined}
    >
      <p className="wrap-anywhere">{message}</p>
      {hint ? <p className="mt-1 wrap-anywhere text-ink-3">{hint}</p> : null}
    </Notice>
  );
}
