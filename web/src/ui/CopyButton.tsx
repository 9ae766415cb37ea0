// Copies a text and says so, to the eye and to a screen reader.
import { useEffect, useState } from "react";
import { IconButton } from "./Button";
import { CheckIcon, CopyIcon } from "./icons";

type Told = "idle" | "copied" | "failed";

export function CopyButton({
  text,
  what,
  word,
}: {
  text: string;
  what: string;
  /** Shown beside the icon, where several are to be told apart. */
  word?: string;
}) {
  const [told, setTold] = useState<Told>("idle");
  useEffect(() => {
    if (told === "idle") return;
    const timer = setTimeout(() => setTold("idle"), 1_500);
    return () => clearTimeout(timer);
  }, [told]);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setTold("copied"),
      () => setTold("failed"),
    );
  };
  const labels: Record<Told, string> = {
    idle: `Copy ${what}`,
    copied: "Copied",
    failed: "Copying was refused by the browser",
  };
  return (
    <IconButton
      label={labels[told]}
      onClick={copy}
      className={word ? "h-6 w-auto gap-1 px-1.5" : "size-6"}
    >
      {told === "copied" ? (
        <CheckIcon className="size-3.5 text-ok" />
      ) : (
        <CopyIcon className="size-3.5" />
      )}
      {word ? <span className="text-xs">{word}</span> : null}
      <span className="sr-only" aria-live="polite">
        {told === "idle" ? "" : labels[told]}
      </span>
    </IconButton>
  );
}
