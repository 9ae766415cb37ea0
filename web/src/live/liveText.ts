// Live text of open flows, block by block, until the committed message replaces it; bounded.
import type { LiveKind } from "@/api/types";

/** Characters kept per open flow; beyond it the beginning goes. */
export const TEXT_MAX = 1 << 20;
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

  constructor(
    private readonly textMax = TEXT_MAX,
    private readonly flowsMax = FLOWS_MAX,
  ) {}

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
    const cut = shorten(blocks, this.textMax) || before.cut;
    // Kept in the order of the last word, so that the quietest flow goes first.
    this.flows.delete(flow);
    this.flows.set(flow, { blocks, cut, since: before.since ?? Date.now() });
    if (this.flows.size > this.flowsMax) {
      const quietest = this.flows.keys().next().value;
      if (quietest !== undefined) this.flows.delete(quietest);
    }
  }

  /** What was not seen cannot be joined: after a hole the text starts afresh. */
  forget(flow: string): void {
    this.flows.delete(flow);
  }

  clear(): void {
    this.flows.clear();
  }
}

function shorten(blocks: LiveBlock[], max: number): boolean {
  let excess = blocks.reduce((sum, { text }) => sum + text.length, 0) - max;
  let cut = false;
  for (let at = 0; at < blocks.length && excess > 0; at += 1) {
    const block = blocks[at];
    if (!block) break;
    const taken = Math.min(excess, block.text.length);
    blocks[at] = { ...block, text: block.text.slice(taken) };
    excess -= taken;
    cut = true;
  }
  return cut;
}
