-- Sessions whose flows retention leaves alone.
CREATE TABLE stars (
    session_id TEXT PRIMARY KEY,
    starred_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Runs of maintenance: when, and what they removed.
CREATE TABLE upkeep (
    id          INTEGER PRIMARY KEY,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    flows       INTEGER NOT NULL,
    events      INTEGER NOT NULL,
    bodies      INTEGER NOT NULL,
    contents    INTEGER NOT NULL,
    tunnels     INTEGER NOT NULL,
    drops       INTEGER NOT NULL,
    freed_bytes INTEGER NOT NULL
);
