// Names that many flows have, each kept once: what is parsed brings a copy of its own with every flow.

/** Names that are kept; beyond it all of them are let go. */
const NAMES_MAX = 4_000;
/** A longer text is hardly a name. */
const NAME_MAX = 200;
/** What each flow has for itself. */
const OWN = new Set([
  "id",
  "started_at",
  "ended_at",
  "preview",
  "message_id",
  "provider_request_id",
  "retry_of",
  "reset_at",
]);

export class Names {
  private readonly known = new Map<string, string>();

  constructor(private readonly most = NAMES_MAX) {}

  get size(): number {
    return this.known.size;
  }

  /** The names in what was just parsed, at any depth, are put in place by the copies that are known. */
  share<T>(parsed: T): T {
    if (typeof parsed !== "object" || parsed === null) return parsed;
    const fields = parsed as Record<string, unknown>;
    for (const key in fields) {
      const value = fields[key];
      if (typeof value === "object") this.share(value);
      else if (typeof value === "string" && !OWN.has(key) && value.length <= NAME_MAX) {
        fields[key] = this.one(value);
      }
    }
    return parsed;
  }

  private one(name: string): string {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    if (this.known.size >= this.most) this.known.clear();
    this.known.set(name, name);
    return name;
  }
}

/** Those of all flows of this page. */
export const names = new Names();
