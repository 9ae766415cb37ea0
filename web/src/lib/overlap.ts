// Joins a text that was read from the record with the live text that arrived meanwhile.

/**
 * `base` holds everything up to some moment after `tail` began, so the end of `base` repeats the
 * beginning of `tail`: the longest such repetition is taken out. Linear time (Knuth, Morris, Pratt).
 */
export function join(base: string, tail: string): string {
  if (base === "" || tail === "") return base + tail;
  const window = base.slice(-tail.length);
  const fail = failures(tail);
  let matched = 0;
  for (let i = 0; i < window.length; i += 1) {
    while (matched > 0 && (matched === tail.length || window[i] !== tail[matched])) {
      matched = fail[matched - 1] ?? 0;
    }
    if (window[i] === tail[matched]) matched += 1;
  }
  return base + tail.slice(matched);
}

function failures(pattern: string): Int32Array {
  const fail = new Int32Array(pattern.length);
  let matched = 0;
  for (let i = 1; i < pattern.length; i += 1) {
    while (matched > 0 && pattern[i] !== pattern[matched]) matched = fail[matched - 1] ?? 0;
    if (pattern[i] === pattern[matched]) matched += 1;
    fail[i] = matched;
  }
  return fail;
}
