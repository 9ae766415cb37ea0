-- What tools have of each flow, in bytes: what they cost is their share of what the flow costs, whatever that
-- is priced at (`rollup/tool_shares.rs`).
CREATE TABLE tool_shares (
    flow   INTEGER PRIMARY KEY REFERENCES flows (n) ON DELETE CASCADE,
    shares BLOB NOT NULL
);

-- What tools cost, by the hour (span 0) and the day (span 1) of UTC in which the flow began that was billed.
-- Billionths of a dollar. Outlives the flows.
CREATE TABLE tool_costs (
    span           INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    tool           INTEGER NOT NULL,
    host           TEXT NOT NULL,
    provider       TEXT NOT NULL, -- empty stands for unknown, as of model and agent
    model          TEXT NOT NULL,
    agent          TEXT NOT NULL,
    flows          INTEGER NOT NULL, -- flows that the tool has a part of
    priced         INTEGER NOT NULL, -- those of them whose cost is known by class
    unpriced       INTEGER NOT NULL, -- those that used something that nobody knows the cost of
    calls          INTEGER NOT NULL,
    priced_calls   INTEGER NOT NULL, -- calls whose cost is known
    results        INTEGER NOT NULL, -- results, each where it was sent first
    priced_results INTEGER NOT NULL,
    output         INTEGER NOT NULL, -- the calls
    search         INTEGER NOT NULL, -- web searches
    result         INTEGER NOT NULL, -- the results, the first time
    reread         INTEGER NOT NULL, -- calls and results that are sent again
    PRIMARY KEY (span, at, tool, host, provider, model, agent)
) WITHOUT ROWID;

-- Flows that are there are looked at once more, in the background.
INSERT OR REPLACE INTO totals (name, value)
SELECT 'analysis_from', n FROM flows ORDER BY n LIMIT 1;
INSERT OR REPLACE INTO totals (name, value)
SELECT 'analysis_to', n FROM flows ORDER BY n DESC LIMIT 1;

-- Projects by number; their names stand once.
CREATE TABLE projects (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
ALTER TABLE flows ADD COLUMN project INTEGER;
ALTER TABLE flows ADD COLUMN project_source TEXT;
CREATE INDEX flows_by_project ON flows (project) WHERE project IS NOT NULL;
-- Of the newest flow that has one.
ALTER TABLE sessions ADD COLUMN project INTEGER;
CREATE INDEX sessions_by_project ON sessions (project, newest, session_id) WHERE project IS NOT NULL;

-- What flows of a project add up to, keyed as what tools cost: what was used and what it cost, as numbers
-- (LEB128) in the order of `Costs` in `rollup/sums.rs`. Outlives the flows.
CREATE TABLE project_costs (
    span     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    project  INTEGER NOT NULL,
    host     TEXT NOT NULL,
    provider TEXT NOT NULL,
    model    TEXT NOT NULL,
    agent    TEXT NOT NULL,
    sums     BLOB NOT NULL,
    PRIMARY KEY (span, at, project, host, provider, model, agent)
) WITHOUT ROWID;
