// The frame of a screen that scrolls as a whole: a heading, what can be chosen beside it, and the content.
import type { ReactNode } from "react";

export function Page({
  title,
  heading: Heading = "h1",
  note,
  actions,
  children,
}: {
  title: string;
  /** The second where the screen has another first one. */
  heading?: "h1" | "h2";
  /** A line under the heading. */
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section tabIndex={0} aria-label={title} className="h-full overflow-y-auto">
      <div className="mx-auto flex max-w-6xl flex-col gap-6 px-4 py-6 sm:px-8">
        <header className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
          <div className="min-w-0">
            <Heading className="text-xl font-semibold tracking-tight">{title}</Heading>
            {note ? <p className="mt-0.5 text-xs text-ink-3">{note}</p> : null}
          </div>
          {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
        </header>
        {children}
      </div>
    </section>
  );
}

/** A part of a page under its own heading. */
export function Section({
  title,
  note,
  actions,
  glide,
  children,
}: {
  title: string;
  note?: ReactNode;
  actions?: ReactNode;
  /** What it is called among what glides (`useGlide`). */
  glide?: string;
  children: ReactNode;
}) {
  return (
    <section data-glide={glide} className="relative flex min-w-0 flex-col gap-2.5">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="flex flex-wrap items-baseline gap-x-2 text-base font-semibold">
          {title}
          {note ? <span className="text-xs font-normal text-ink-3">{note}</span> : null}
        </h2>
        {actions}
      </div>
      {children}
    </section>
  );
}
