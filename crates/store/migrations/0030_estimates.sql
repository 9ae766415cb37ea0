-- What providers did not tell of usage, estimated: beside their own numbers, and never among them.
ALTER TABLE flows ADD COLUMN estimate_source INTEGER; -- its place among `EstimateSource::ALL`
ALTER TABLE flows ADD COLUMN estimated_input_tokens INTEGER;
ALTER TABLE flows ADD COLUMN estimated_output_tokens INTEGER;
ALTER TABLE flows ADD COLUMN estimated_cost_micro_usd INTEGER;

-- What that adds up to, and of how many flows.
ALTER TABLE rollups_hourly ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN estimated_input INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN estimated_input_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN estimated_output INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN estimated_output_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN estimated_cost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN estimated_cost_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN estimated_input INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN estimated_input_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN estimated_output INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN estimated_output_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN estimated_cost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN estimated_cost_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN estimated_input INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN estimated_input_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN estimated_output INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN estimated_output_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN estimated_cost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN estimated_cost_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN estimated_input INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN estimated_input_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN estimated_output INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN estimated_output_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN estimated_cost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN estimated_cost_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_agents ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_agents ADD COLUMN estimated_input INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_agents ADD COLUMN estimated_input_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_agents ADD COLUMN estimated_output INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_agents ADD COLUMN estimated_output_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_agents ADD COLUMN estimated_cost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_agents ADD COLUMN estimated_cost_flows INTEGER NOT NULL DEFAULT 0;

-- What other sources than the wire tell of tool calls: digests, times and words.
CREATE TABLE tool_evidence (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER REFERENCES conversations (id) ON DELETE CASCADE, -- of what a transcript tells
    call         INTEGER NOT NULL, -- as in `tool_calls`
    source       INTEGER NOT NULL, -- its place among `ToolSource::ALL`
    step         INTEGER NOT NULL, -- its place among `ToldStep::ALL`
    at           INTEGER NOT NULL,
    session      INTEGER,          -- digests
    name         INTEGER,
    arguments    BLOB,             -- of each member, four bytes
    outcome      INTEGER,
    UNIQUE (call, source, step, at)
);
CREATE INDEX tool_evidence_by_conversation ON tool_evidence (conversation);
CREATE INDEX tool_evidence_of_hooks ON tool_evidence (session, at) WHERE source = 1;

-- Flows of which a transcript may tell what they lack: usage, or their session.
CREATE INDEX flows_lacking ON flows (message_id) WHERE message_id IS NOT NULL AND (input_tokens IS NULL OR output_tokens IS NULL OR session_id IS NULL OR substr(session_id, 1, 9) = 'inferred-');

-- What was joined is joined again where a transcript tells more of it or it is priced anew; and a number that is given
-- again is that of something new. Who joins sees by the count that something changed meanwhile.
CREATE TRIGGER transcript_responses_changed AFTER UPDATE OF input_tokens, output_tokens, cost_micro_usd
ON transcript_responses BEGIN
    UPDATE totals SET value = min(value, OLD.id - 1) WHERE name = 'transcript_responses_joined';
    INSERT INTO totals (name, value) VALUES ('transcript_responses_changes', 1)
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
END;
CREATE TRIGGER transcript_responses_removed AFTER DELETE ON transcript_responses BEGIN
    UPDATE totals SET value = min(value, OLD.id - 1) WHERE name = 'transcript_responses_joined';
    INSERT INTO totals (name, value) VALUES ('transcript_responses_changes', 1)
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
END;
CREATE TRIGGER tool_evidence_removed AFTER DELETE ON tool_evidence BEGIN
    UPDATE totals SET value = min(value, OLD.id - 1) WHERE name = 'tool_evidence_read';
END;
