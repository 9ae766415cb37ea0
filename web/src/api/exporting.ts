// Exports of flows: fetched piece by piece, saved as a file when they are whole, and told of meanwhile.
import { ApiError, type Params, queryOf, refusal } from "./client";

export const EXPORT_FORMATS = ["ndjson", "json", "csv", "html", "har"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What is exported: the flows of a filter, under a name for people and for the file. */
export interface ExportWish {
  what: string;
  /** The beginning of the file's name; letters, digits and hyphens. */
  file: string;
  filter: Params;
  format: ExportFormat;
}

export type Export =
  | { state: "running"; what: string; bytes: number }
  | { state: "saved"; what: string; file: string; bytes: number }
  /** `href` is where the browser can fetch it by itself, where that helps. */
  | { state: "failed"; what: string; message: string; hint: string | null; href: string | null };

/** An export is held by the page until it is whole; a larger one is left to the browser. */
export const HELD_MAX = 256 * 1024 * 1024;
/** The page is told of what has come this often at most. */
const TELL_MS = 200;

/** One export at a time; it goes on while screens change. */
export class ExportStore {
  private now: Export | null = null;
  private running: AbortController | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly save: (parts: BlobPart[], file: string) => void,
    private readonly heldMax = HELD_MAX,
  ) {}

  current = (): Export | null => this.now;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Begins an export, in the place of one that runs. */
  async start(wish: ExportWish): Promise<void> {
    this.running?.abort();
    const control = new AbortController();
    this.running = control;
    const href = `/api/flows/export${queryOf({ ...wish.filter, format: wish.format })}`;
    this.tell({ state: "running", what: wish.what, bytes: 0 });
    const ended = await this.fetched(wish, href, control).catch((error: unknown): Export => {
      const { message, hint = null } = error instanceof ApiError ? error : BROKEN;
      return { state: "failed", what: wish.what, message, hint, href: null };
    });
    // Another one may have begun, or this one was stopped, which whoever did it knows.
    if (this.running !== control) return;
    this.running = null;
    this.tell(ended);
  }

  stop(): void {
    this.running?.abort();
    this.running = null;
    this.tell(null);
  }

  /** Lets go of what was told of the last one. */
  dismiss(): void {
    if (this.running === null) this.tell(null);
  }

  private async fetched(
    { what, file, format }: ExportWish,
    href: string,
    control: AbortController,
  ): Promise<Export> {
    const answer = await fetch(href, { credentials: "same-origin", signal: control.signal });
    if (!answer.ok) throw await refusal(answer);
    const parts: BlobPart[] = [];
    let bytes = 0;
    let told = Date.now();
    const reader = answer.body?.getReader();
    for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
      parts.push(piece.value);
      bytes += piece.value.byteLength;
      if (bytes > this.heldMax) {
        control.abort();
        return { state: "failed", what, ...TOO_LARGE, href };
      }
      if (Date.now() - told < TELL_MS || this.running !== control) continue;
      told = Date.now();
      this.tell({ state: "running", what, bytes });
    }
    const name = `${file}.${format}`;
    if (!control.signal.aborted) this.save(parts, name);
    return { state: "saved", what, file: name, bytes };
  }

  private tell(now: Export | null): void {
    this.now = now;
    for (const listener of this.listeners) listener();
  }
}

const BROKEN = {
  message: "The export broke off before it was whole, so nothing was saved.",
  hint: "Langley may have been stopped. Try again once it runs.",
};

const TOO_LARGE = {
  message: "The export is too large for the page to hold.",
  hint: "The browser can save it by itself, or langley export flows writes it to a file.",
};

/** Gives the browser a file to keep. */
function saveFile(parts: BlobPart[], file: string): void {
  const address = URL.createObjectURL(new Blob(parts));
  const link = document.createElement("a");
  link.href = address;
  link.download = file;
  link.click();
  // The browser has taken hold of it by the next turn; kept longer it would stay in memory.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export const exportStore = new ExportStore(saveFile);
