// Buttons: one for words, one that is a link, one for an icon alone, which therefore must have a name.
import type { AnchorHTMLAttributes, ButtonHTMLAttributes, ReactNode } from "react";
import { cx } from "./cx";

type Attributes = ButtonHTMLAttributes<HTMLButtonElement>;

const WORDS =
  "inline-flex h-7 items-center gap-1.5 rounded-md border border-line-strong bg-surface px-2.5 text-xs font-medium text-ink hover:bg-hover active:bg-raised";

export function Button({ className, ...rest }: Attributes) {
  return <button type="button" {...rest} className={cx(WORDS, "disabled:opacity-50", className)} />;
}

/** Looks like a button, and leads somewhere. */
export function LinkButton({ className, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement>) {
  return <a {...rest} className={cx(WORDS, className)} />;
}

export function IconButton({
  label,
  children,
  className,
  ...rest
}: Attributes & { label: string; children: ReactNode }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={cx(
        "inline-flex size-7 shrink-0 items-center justify-center rounded-md text-ink-3",
        "hover:bg-raised hover:text-ink active:bg-selected disabled:opacity-40 aria-disabled:opacity-40",
        className,
      )}
    >
      {children}
    </button>
  );
}
