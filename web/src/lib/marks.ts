// A snippet cut into pieces: what was asked for, and what stands around it.
import { visible } from "./hostile";

export interface Piece {
  text: string;
  marked: boolean;
}

/** Cuts at ranges of code points, which are in order and apart; each piece is made harmless. */
export function pieces(text: string, ranges: { start: number; end: number }[]): Piece[] {
  const points = Array.from(text);
  const cut: Piece[] = [];
  const add = (from: number, to: number, marked: boolean) => {
    if (from < to) cut.push({ text: visible(points.slice(from, to).join("")), marked });
  };
  let at = 0;
  for (const { start, end } of ranges) {
    add(at, start, false);
    add(Math.max(at, start), end, true);
    at = Math.max(at, end);
  }
  add(at, points.length, false);
  return cut;
}
