// What a screen does not speak of: what agents wrote down that did not pass here, and where that is.
export function OfTheWire({ what, href }: { what: string; href: string }) {
  return (
    <span className="text-xs text-ink-3">
      {what} What agents wrote in files of their own is in{" "}
      <a href={href} className="font-medium text-accent hover:underline">
        History
      </a>
      .
    </span>
  );
}
