// A text at the right edge of its place that changes while one watches.

/**
 * Made anew when its width may change: a text that only grows would begin further to the left, and what
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
    <span key={shapeOf(text)} className={className} title={title}>
      {text}
    </span>
  );
}

/** What a text's width depends on: all digits are as wide as each other. */
export function shapeOf(text: string): string {
  return text.replace(/\d/g, "0");
}
