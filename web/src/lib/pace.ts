// The beat at which the screen changes by itself: what comes between two beats is shown together.

/** Between two beats: eight a second, so that a change of the reader's own never makes eleven. */
export const BEAT_MS = 125;

/** How often work may ask for more within one beat. */
const ROUNDS_MAX = 4;

export class Pace {
  private waiting: (() => void)[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private last = Number.NEGATIVE_INFINITY;

  /** Does it with the next beat; after a rest that is at once, though never within this call. */
  soon = (work: () => void): void => {
    this.waiting.push(work);
    this.timer ??= setTimeout(this.beat, Math.max(0, this.last + BEAT_MS - performance.now()));
  };

  private beat = (): void => {
    this.last = performance.now();
    // What the work itself asks for belongs to this beat: React shows all of one task at once. Not without end.
    for (let round = 0; round < ROUNDS_MAX && this.waiting.length > 0; round += 1) {
      const works = this.waiting;
      this.waiting = [];
      for (const work of works) attempt(work);
    }
    this.timer = this.waiting.length > 0 ? setTimeout(this.beat, BEAT_MS) : undefined;
  };
}

/** One that fails does not keep the others away. */
function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    reportError(error);
  }
}

/** The page's own. */
export const pace = new Pace();
