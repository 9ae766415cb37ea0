-- The id of the failed attempt that a flow repeats: few do.
CREATE TABLE retries (
    flow    INTEGER PRIMARY KEY REFERENCES flows (n) ON DELETE CASCADE,
    attempt BLOB NOT NULL
);
