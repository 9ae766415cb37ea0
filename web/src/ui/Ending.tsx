// A text at the right edge of its place that changes while one watches.

/**
 * Made anew when its length changes: a text that only grows would begin further to the left, and what
 * moves under the eyes is not read.
 */
export function Ending({
  text,
  className,
  title,
}: {
  text: string;
  className?: string | undefined;
  title?: string | undefined;
}) {
  return (
    <span key={text.length} className={className} title={title}>
      {text}
    </span>
  );
}
