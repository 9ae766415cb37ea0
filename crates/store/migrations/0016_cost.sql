-- What of the cost of flows each class of usage has; known of flows that were priced by the book. The prices
-- themselves stand behind the source of the cost (see `traits.rs`), so that they take no room in a flow's row.

ALTER TABLE rollups_hourly ADD COLUMN cost_input INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_input_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_cache_read INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_cache_read_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_cache_write_5m INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_cache_write_5m_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_cache_write_1h INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_cache_write_1h_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_output INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_output_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_reasoning INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_reasoning_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_web_search INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_hourly ADD COLUMN cost_web_search_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_input INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_input_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_cache_read INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_cache_read_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_cache_write_5m INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_cache_write_5m_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_cache_write_1h INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_cache_write_1h_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_output INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_output_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_reasoning INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_reasoning_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_web_search INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups_daily ADD COLUMN cost_web_search_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_input INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_input_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_cache_read INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_cache_read_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_cache_write_5m INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_cache_write_5m_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_cache_write_1h INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_cache_write_1h_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_output INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_output_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_reasoning INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_reasoning_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_web_search INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cost_web_search_flows INTEGER NOT NULL DEFAULT 0;

-- Each time that the costs of stored flows were calculated anew: what was asked for, by which price book, and
-- what came of it. Money in millionths of a US dollar.
CREATE TABLE reprices (
    id        INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL, -- microseconds since the epoch
    since     INTEGER,
    until     INTEGER,
    model     TEXT,
    book      TEXT NOT NULL,
    flows     INTEGER NOT NULL, -- that were looked at
    changed   INTEGER NOT NULL,
    priced    INTEGER NOT NULL, -- of those changed, that had no cost before
    unpriced  INTEGER NOT NULL, -- of those changed, that have none any more
    before    INTEGER NOT NULL,
    after     INTEGER NOT NULL,
    finished  INTEGER NOT NULL  -- 0 while it goes on, and where it broke off
);
