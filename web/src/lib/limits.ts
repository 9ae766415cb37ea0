// From which figures on health is worth a warning; one place, for the strip and the screen.

/** Commits come at most a second after the event; later than this the writer is behind. */
export const LAG_WARN_MS = 2_000;
export const LAG_BAD_MS = 10_000;
