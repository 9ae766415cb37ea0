// Whether a text is worth being laid out as markdown; apart from its reader, which is large and comes later.

const SIGNS =
  /^ {0,3}(#{1,6} |[-*+] |\d{1,9}[.)] |> ?|```|~~~|\|.*\|)|`[^`\n]{1,400}`|\*\*[^*\n]{1,400}\*\*|__[^_\n]{1,400}__|\[[^\][\n]{1,200}\]\([^)\n]{1,400}\)|~~[^~\n]{1,400}~~/m;

/** Whether there is anything in a text that would look different when it is laid out; a guess from its beginning. */
export function looksLikeMarkdown(text: string): boolean {
  return SIGNS.test(text.slice(0, 4_000));
}
