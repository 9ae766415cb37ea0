// Live text of open flows, block by block, until the committed message replaces it; bounded.
import type { LiveKind } from "@/api/types";

/** Characters kept of the flow that is looked at; beyond it the beginning goes. */
export const TEXT_MAX = 1 << 20;
/** The same of each other one, of which the end alone is shown: fifty streams do not fill the page's memory. */
export const TAIL_MAX = 4_096;
/** Open flows whose text is kept. */
const FLOWS_MAX = 64;

export interface LiveBlock {
  block: number;
  kind: LiveKind;
  text: string;
}

export interface LiveAnswer {
  blocks: LiveBlock[];
  /** Whether the beginning was let go. */
  cut: boolean;
  /** When its first word came, in milliseconds since the epoch; null before. */
  since: number | null;
}

const NONE: LiveAnswer = { blocks: [], cut: false, since: null };

export class LiveTexts {
  private flows = new Map<string, LiveAnswer>();

  private looked: string | undefined;

  constructor(
    private readonly textMax = TEXT_MAX,
    private readonly flowsMax = FLOWS_MAX,
    private readonly tailMax = TAIL_MAX,
  ) {}

  /** From now on this flow's text is kept whole, and the end of all others. */
  lookAt(flow: string | undefined): void {
    this.looked = flow;
    this.clear();
  }

  of(flow: string): LiveAnswer {
    return this.flows.get(flow) ?? NONE;
  }

  add(flow: string, block: number, kind: LiveKind, text: string): void {
    const before = this.flows.get(flow) ?? NONE;
    const blocks = [...before.blocks];
    const place = blocks.findIndex((each) => each.block === block && each.kind === kind);
    const known = blocks[place];
    if (known) blocks[place] = { ...known, text: known.text + text };
    else blocks.push({ block, kind, text });
    const max = flow === this.looked ? this.textMax : this.tailMax;
    const { kept, cut } = shortened(blocks, max);
    // Kept in the order of the last word, so that the quietest flow goes first.
    this.flows.delete(flow);
    this.flows.set(flow, {
      blocks: kept,
      cut: cut || before.cut,
      since: before.since ?? Date.now(),
    });
    if (this.flows.size > this.flowsMax) {
      const quietest = this.flows.keys().next().value;
      if (quietest !== undefined) this.flows.delete(quietest);
    }
  }

  /** What was not seen cannot be joined: after a hole the texts start afresh. */
  clear(): void {
    this.flows.clear();
  }
}

/** Without so much of the beginning; a block of which nothing is left goes. */
function shortened(blocks: LiveBlock[], max: number): { kept: LiveBlock[]; cut: boolean } {
  let excess = blocks.reduce((sum, { text }) => sum + text.length, 0) - max;
  if (excess <= 0) return { kept: blocks, cut: false };
  const kept = blocks.flatMap((block) => {
    const taken = Math.min(Math.max(0, excess), block.text.length);
    excess -= taken;
    if (taken === 0) return [block];
    return taken < block.text.length ? [{ ...block, text: block.text.slice(taken) }] : [];
  });
  return { kept, cut: true };
}
