// Buttons: one for words, one for an icon alone, which therefore must have a name.
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { cx } from "./cx";

type Attributes = ButtonHTMLAttributes<HTMLButtonElement>;

export function Button({ className, ...rest }: Attributes) {
  return (
    <button
      type="button"
      {...rest}
      className={cx(
        "inline-flex h-7 items-center gap-1.5 rounded-md border border-line-strong bg-surface px-2.5 text-xs font-medium text-ink",
        "hover:bg-hover active:bg-raised disabled:opacity-50",
        className,
      )}
    />
  );
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
