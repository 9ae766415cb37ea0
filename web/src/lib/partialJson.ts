// Reads JSON that may have been cut off: what was there before the cut is kept, and the cut is told.

export interface ReadJson {
  /** What was read; undefined when nothing was. */
  value: unknown;
  /** Whether the text ended, or stopped being JSON, before the value did. */
  cut: boolean;
}

/** Nesting beyond this is treated as a cut: no honest body needs it, and a hostile one would exhaust the stack. */
const DEPTH_MAX = 512;

export function readJson(text: string): ReadJson {
  try {
    return { value: JSON.parse(text) as unknown, cut: false };
  } catch {
    const reader = new Reader(text);
    const value = reader.value(0);
    return { value: value === CUT ? undefined : value, cut: true };
  }
}

const CUT = Symbol("cut");

class Reader {
  private at = 0;
  private stopped = false;

  constructor(private readonly text: string) {}

  value(depth: number): unknown {
    this.space();
    const first = this.text[this.at];
    if (first === undefined || depth > DEPTH_MAX) return this.stop();
    if (first === "{") return this.object(depth);
    if (first === "[") return this.array(depth);
    if (first === '"') return this.string();
    return this.word();
  }

  private object(depth: number): Record<string, unknown> {
    // No prototype: a key named __proto__ is a key.
    const found = Object.create(null) as Record<string, unknown>;
    this.at += 1;
    for (;;) {
      this.space();
      const next = this.text[this.at];
      if (next === "}") {
        this.at += 1;
        return found;
      }
      if (next === ",") {
        this.at += 1;
        continue;
      }
      if (next !== '"') {
        this.stop();
        return found;
      }
      const key = this.string();
      if (this.stopped) return found;
      this.space();
      if (this.text[this.at] !== ":") {
        this.stop();
        return found;
      }
      this.at += 1;
      const value = this.value(depth + 1);
      if (value !== CUT) found[key] = value;
      if (this.stopped) return found;
    }
  }

  private array(depth: number): unknown[] {
    const found: unknown[] = [];
    this.at += 1;
    for (;;) {
      this.space();
      const next = this.text[this.at];
      if (next === "]") {
        this.at += 1;
        return found;
      }
      if (next === ",") {
        this.at += 1;
        continue;
      }
      const value = this.value(depth + 1);
      if (value !== CUT) found.push(value);
      if (this.stopped) return found;
    }
  }

  private string(): string {
    const start = this.at;
    this.at += 1;
    while (this.at < this.text.length) {
      const next = this.text[this.at];
      if (next === "\\") this.at += 2;
      else if (next === '"') {
        this.at += 1;
        return this.unescape(this.text.slice(start, this.at));
      } else this.at += 1;
    }
    this.stop();
    // An escape that was cut in half is left out.
    return this.unescape(`${this.text.slice(start).replace(/\\(u[0-9a-fA-F]{0,3})?$/, "")}"`);
  }

  private unescape(literal: string): string {
    try {
      return JSON.parse(literal) as string;
    } catch {
      return literal.slice(1, -1);
    }
  }

  private word(): unknown {
    const match = /^[-+0-9.eE]+|^(?:true|false|null)/.exec(this.text.slice(this.at, this.at + 64));
    if (!match) return this.stop();
    this.at += match[0].length;
    try {
      return JSON.parse(match[0]) as unknown;
    } catch {
      return this.stop();
    }
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at += 1;
  }

  private stop(): typeof CUT {
    this.stopped = true;
    return CUT;
  }
}
