// The colour of each lane's column, and of the line that joins its turns.

export const LANE_TONES = [
  "bg-accent-fill",
  "bg-session-1",
  "bg-session-5",
  "bg-session-7",
  "bg-session-2",
  "bg-session-4",
] as const;
