-- Tools by number; their names stand once.
CREATE TABLE tools (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
INSERT INTO tools (name) SELECT DISTINCT name FROM tool_calls;

-- A row for each call. The writer notes which tool a call is of with the answer that makes it; the rest is
-- told later, by the analysis, and is NULL until then: a call's arguments stand in the answer's message, its
-- result in the request that brings it. From position 65,536 on stand results in this flow's request whose
-- call is in no recorded answer.
ALTER TABLE tool_calls RENAME TO tool_calls_before;
DROP INDEX tool_calls_by_name;
CREATE TABLE tool_calls (
    flow         INTEGER NOT NULL REFERENCES flows (n) ON DELETE CASCADE,
    position     INTEGER NOT NULL, -- among the flow's calls, from 0
    tool         INTEGER NOT NULL,
    call         INTEGER, -- 48 bits of a digest of its id
    block        INTEGER, -- index of its content block
    flags        INTEGER, -- 1 run by the provider, 2 complete, 4 replayed, 8 repeated
    input_bytes  INTEGER,
    input_hash   INTEGER, -- 32 bits of a digest of its arguments
    began_us     INTEGER, -- since the flow began
    complete_us  INTEGER,
    state        INTEGER, -- its place among `ToolState::ALL`
    came_to      INTEGER, -- its place among `ToolOutcome::ALL`
    result_us    INTEGER, -- when the request began that has the result first: added to `flow` its key
    result_hash  INTEGER, -- 48 bits of a digest of it
    result_bytes INTEGER,
    violations   INTEGER, -- bit 0 is V01
    PRIMARY KEY (flow, position)
) WITHOUT ROWID;
INSERT INTO tool_calls (flow, position, tool)
SELECT flow, position, tools.id FROM tool_calls_before JOIN tools USING (name)
ORDER BY flow, position;
DROP TABLE tool_calls_before;
CREATE INDEX tool_calls_by_tool ON tool_calls (tool, flow);
CREATE INDEX tool_calls_by_call ON tool_calls (call) WHERE call IS NOT NULL;
-- Calls without a result, of sessions that may still bring one.
CREATE INDEX tool_calls_open ON tool_calls (flow) WHERE state < 12;

-- Runs of calls, as hooks, telemetry and transcripts tell of them.
CREATE TABLE tool_executions (
    flow     INTEGER NOT NULL,
    position INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    source   INTEGER NOT NULL, -- its place among `ToolSource::ALL`
    flags    INTEGER NOT NULL, -- 1 in the background, 2 put to the call by order and time
    began_us INTEGER NOT NULL, -- since the flow of the call began
    ended_us INTEGER,
    outcome  INTEGER,
    PRIMARY KEY (flow, position, number),
    FOREIGN KEY (flow, position) REFERENCES tool_calls (flow, position) ON DELETE CASCADE
) WITHOUT ROWID;

-- What calls add up to, by the hour (span 0) and the day (span 1) of UTC in which their flow began, counted
-- from the epoch. Replayed calls are none. Outlives the flows.
CREATE TABLE tool_sums (
    span      INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    tool      INTEGER NOT NULL,
    agent     TEXT NOT NULL, -- empty stands for unknown
    calls     INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    denied    INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    timed_out INTEGER NOT NULL,
    orphaned  INTEGER NOT NULL,
    lost      INTEGER NOT NULL,
    repeated  INTEGER NOT NULL,
    violated  INTEGER NOT NULL, -- calls with a violation
    duration  INTEGER NOT NULL, -- microseconds
    timed     INTEGER NOT NULL, -- calls whose duration is known
    spread    BLOB NOT NULL,    -- of the durations, as in the rollups
    PRIMARY KEY (span, at, tool, agent)
) WITHOUT ROWID;

-- Ended flows that are still to be analysed.
CREATE TABLE analysis_waiting (flow INTEGER PRIMARY KEY);
CREATE TRIGGER analysis_deleted AFTER DELETE ON flows BEGIN
    DELETE FROM analysis_waiting WHERE flow = OLD.n;
END;
-- Flows from this one up to that one are still to be noted; that is done in the background, oldest first.
INSERT INTO totals (name, value) SELECT 'analysis_from', n FROM flows ORDER BY n LIMIT 1;
INSERT INTO totals (name, value) SELECT 'analysis_to', n FROM flows ORDER BY n DESC LIMIT 1;
