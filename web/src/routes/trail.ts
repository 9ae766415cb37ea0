// Where this tab has been, so that leaving a thing leads back to where it was opened from.
import type { RouterHistory } from "@tanstack/react-router";

export class Trail {
  /** Paths by their place in the tab's history, as far as this page has seen them. */
  private readonly seen: (string | undefined)[] = [];

  constructor(private readonly history: RouterHistory) {
    this.note();
    history.subscribe(({ action }) => {
      // What was ahead is gone for good.
      if (action.type === "PUSH") this.seen.length = this.at();
      this.note();
    });
  }

  /** The last place with another path than this one; null where this page has seen none. */
  before(): string | null {
    return this.seen[this.beforeAt()] ?? null;
  }

  /** Goes there; does nothing where there is none. */
  back(): void {
    const to = this.beforeAt();
    if (to >= 0) this.history.go(to - this.at());
  }

  private beforeAt(): number {
    const here = this.history.location.pathname;
    return this.seen.findLastIndex(
      (path, at) => at < this.at() && path !== undefined && path !== here,
    );
  }

  private at(): number {
    return this.history.location.state.__TSR_index;
  }

  private note(): void {
    this.seen[this.at()] = this.history.location.pathname;
  }
}
