-- What was found, once for whatever is the same finding (kind, session and subject make up the key): the words
-- of its latest evidence, and what all of its evidence adds up to. Goes with the last flow that shows it.
CREATE TABLE findings (
    id         INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,
    severity   INTEGER NOT NULL, -- its place among `Severity::ALL`
    session_id TEXT,
    agent_id   TEXT,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    times      INTEGER NOT NULL, -- flows that show it
    micro_usd  INTEGER,          -- NULL where none of them says
    words      TEXT NOT NULL     -- see `findings/words.rs`
);
CREATE INDEX findings_by_rank ON findings (ifnull(micro_usd, -1), severity, last_at, id);
CREATE INDEX findings_by_session ON findings (session_id) WHERE session_id IS NOT NULL;

-- The evidence: flows that show it, and earlier ones that are part of it.
CREATE TABLE finding_flows (
    finding   INTEGER NOT NULL REFERENCES findings (id) ON DELETE CASCADE,
    flow      INTEGER NOT NULL REFERENCES flows (n) ON DELETE CASCADE,
    shows     INTEGER NOT NULL,
    micro_usd INTEGER,
    PRIMARY KEY (finding, flow)
) WITHOUT ROWID;
CREATE INDEX finding_flows_by_flow ON finding_flows (flow);
CREATE TRIGGER finding_flows_gone AFTER DELETE ON finding_flows WHEN OLD.shows BEGIN
    UPDATE findings SET
        times = times - 1,
        micro_usd = CASE WHEN OLD.micro_usd IS NULL THEN micro_usd ELSE micro_usd - OLD.micro_usd END,
        first_at = ifnull(
            (SELECT min(flow) FROM finding_flows WHERE finding = OLD.finding AND shows), first_at)
    WHERE id = OLD.finding;
    DELETE FROM findings WHERE id = OLD.finding AND times <= 0;
END;
