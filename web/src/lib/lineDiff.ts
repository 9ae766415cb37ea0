// Two texts compared line by line, as an edit is read.

export type Sign = "same" | "gone" | "new";

export interface DiffLine {
  sign: Sign;
  text: string;
}

/** Pairs of lines that are compared at most; beyond it everything between the common ends is told as exchanged. */
const PAIRS_MAX = 400_000;

/** Pairs of lines that may still be compared: one for all comparisons that are shown together. */
export interface DiffBudget {
  pairs: number;
}

export const diffBudget = (): DiffBudget => ({ pairs: PAIRS_MAX });

export function lineDiff(before: string, after: string, budget = diffBudget()): DiffLine[] {
  const old = linesOf(before);
  const now = linesOf(after);
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < now.length - head &&
    old[old.length - 1 - tail] === now[now.length - 1 - tail]
  ) {
    tail += 1;
  }
  const [gone, come] = [old.slice(head, old.length - tail), now.slice(head, now.length - tail)];
  const middle = between(gone, come, budget);
  return [
    ...old.slice(0, head).map(signed("same")),
    ...middle,
    ...old.slice(old.length - tail).map(signed("same")),
  ];
}

/** No text has no lines; a newline at the end begins none. */
export function linesOf(text: string): string[] {
  if (text === "") return [];
  return text.replace(/\r?\n$/, "").split(/\r?\n/);
}

export function signed(sign: Sign): (text: string) => DiffLine {
  return (text) => ({ sign, text });
}

/** By the longest common subsequence, from a table of its lengths from each pair of lines on. */
function between(old: string[], now: string[], budget: DiffBudget): DiffLine[] {
  const pairs = old.length * now.length;
  if (pairs > budget.pairs) {
    return [...old.map(signed("gone")), ...now.map(signed("new"))];
  }
  budget.pairs -= pairs;
  const width = now.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  const at = (row: number, column: number) => lengths[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = now.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        old[row] === now[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: DiffLine[] = [];
  let row = 0;
  let column = 0;
  while (row < old.length || column < now.length) {
    const gone = old[row];
    const come = now[column];
    if (gone !== undefined && gone === come) {
      lines.push({ sign: "same", text: gone });
      row += 1;
      column += 1;
    } else if (
      gone !== undefined &&
      (come === undefined || at(row + 1, column) >= at(row, column + 1))
    ) {
      lines.push({ sign: "gone", text: gone });
      row += 1;
    } else if (come !== undefined) {
      lines.push({ sign: "new", text: come });
      column += 1;
    }
  }
  return lines;
}
