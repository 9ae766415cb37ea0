// Something that is folded away under a line, opened by a click or Enter; built on the browser's own element.
import { type ReactNode, useState } from "react";
import { cx } from "./cx";
import { DownIcon } from "./icons";

export function Fold({
  summary,
  children,
  open = false,
  className,
}: {
  summary: ReactNode;
  /** Made only once it was opened: what is folded away costs nothing. */
  children: () => ReactNode;
  open?: boolean;
  className?: string;
}) {
  const [opened, setOpened] = useState(open);
  return (
    <details
      className={cx("group min-w-0", className)}
      open={open}
      onToggle={(event) => {
        if (event.currentTarget.open) setOpened(true);
      }}
    >
      <summary className="flex min-h-8 list-none items-center gap-2 rounded-md px-2.5 py-1 hover:bg-hover [&::-webkit-details-marker]:hidden">
        <DownIcon className="size-3 -rotate-90 text-ink-3 transition-transform group-open:rotate-0" />
        {summary}
      </summary>
      {opened ? children() : null}
    </details>
  );
}
