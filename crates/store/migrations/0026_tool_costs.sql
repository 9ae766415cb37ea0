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
