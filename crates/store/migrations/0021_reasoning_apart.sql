-- Reasoning tokens that are counted beside the output, which are a class of their own where costs are told. What
-- else is summed otherwise from here on (input without what was written to a cache, unpriced flows only where
-- they have ended) is brought up to date for the flows that are there: see `rollup/redefined.rs`.
ALTER TABLE rollups_hourly ADD COLUMN reasoning_apart INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN reasoning_apart_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN reasoning_apart INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN reasoning_apart_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN reasoning_apart INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN reasoning_apart_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN reasoning_apart INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN reasoning_apart_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_agents ADD COLUMN reasoning_apart INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_agents ADD COLUMN reasoning_apart_flows INTEGER NOT NULL DEFAULT 0;

-- Which sessions cost more than a budget allows.
CREATE INDEX sessions_by_cost ON sessions (cost);
