-- What flows add up to, by the hour (and the day) of UTC in which they began, counted from the epoch. Empty
-- text stands for unknown; `model` is the one that answered, or the one asked for while none has. Beside
-- the sum of what not every flow has stands how many had it. Spreads are histograms: pairs of a step and a
-- count. Kept by the writer in the transaction that writes the flows; removing flows leaves them alone.
CREATE TABLE rollups_hourly (
    hour INTEGER NOT NULL,
    host TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    agent TEXT NOT NULL,
    flows INTEGER NOT NULL, -- those in no outcome below are open
    completed INTEGER NOT NULL,
    provider_error INTEGER NOT NULL,
    client_gone INTEGER NOT NULL,
    upstream_gone INTEGER NOT NULL,
    timed_out INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    events INTEGER NOT NULL,
    dropped_events INTEGER NOT NULL,
    request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL,
    unpriced INTEGER NOT NULL, -- flows with usage and without a cost
    input INTEGER NOT NULL, -- tokens, in the provider's own sense
    input_flows INTEGER NOT NULL,
    input_uncached INTEGER NOT NULL, -- in one sense for all providers
    input_uncached_flows INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_read_flows INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_5m_flows INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    cache_write_1h_flows INTEGER NOT NULL,
    output INTEGER NOT NULL,
    output_flows INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    reasoning_flows INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    web_searches_flows INTEGER NOT NULL,
    cost INTEGER NOT NULL, -- millionths of a US dollar
    cost_flows INTEGER NOT NULL,
    duration INTEGER NOT NULL, -- spans of time in nanoseconds
    duration_flows INTEGER NOT NULL,
    ttfb INTEGER NOT NULL,
    ttfb_flows INTEGER NOT NULL,
    ttft INTEGER NOT NULL,
    ttft_flows INTEGER NOT NULL,
    duration_spread BLOB NOT NULL,
    ttfb_spread BLOB NOT NULL,
    ttft_spread BLOB NOT NULL,
    PRIMARY KEY (hour, host, provider, model, agent)
) WITHOUT ROWID;
CREATE TABLE rollups_daily (
    day INTEGER NOT NULL,
    host TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    agent TEXT NOT NULL,
    flows INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    provider_error INTEGER NOT NULL,
    client_gone INTEGER NOT NULL,
    upstream_gone INTEGER NOT NULL,
    timed_out INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    events INTEGER NOT NULL,
    dropped_events INTEGER NOT NULL,
    request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    input INTEGER NOT NULL,
    input_flows INTEGER NOT NULL,
    input_uncached INTEGER NOT NULL,
    input_uncached_flows INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_read_flows INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_5m_flows INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    cache_write_1h_flows INTEGER NOT NULL,
    output INTEGER NOT NULL,
    output_flows INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    reasoning_flows INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    web_searches_flows INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    cost_flows INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    duration_flows INTEGER NOT NULL,
    ttfb INTEGER NOT NULL,
    ttfb_flows INTEGER NOT NULL,
    ttft INTEGER NOT NULL,
    ttft_flows INTEGER NOT NULL,
    duration_spread BLOB NOT NULL,
    ttfb_spread BLOB NOT NULL,
    ttft_spread BLOB NOT NULL,
    PRIMARY KEY (day, host, provider, model, agent)
) WITHOUT ROWID;

-- What the flows of each session add up to that are there; it goes with the last of them. `newest` is the
-- highest `n` that ever was there.
CREATE TABLE sessions (
    session_id TEXT NOT NULL PRIMARY KEY,
    newest INTEGER NOT NULL DEFAULT 0,
    flows INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    provider_error INTEGER NOT NULL,
    client_gone INTEGER NOT NULL,
    upstream_gone INTEGER NOT NULL,
    timed_out INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    events INTEGER NOT NULL,
    dropped_events INTEGER NOT NULL,
    request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    input INTEGER NOT NULL,
    input_flows INTEGER NOT NULL,
    input_uncached INTEGER NOT NULL,
    input_uncached_flows INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_read_flows INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_5m_flows INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    cache_write_1h_flows INTEGER NOT NULL,
    output INTEGER NOT NULL,
    output_flows INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    reasoning_flows INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    web_searches_flows INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    cost_flows INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    duration_flows INTEGER NOT NULL,
    ttfb INTEGER NOT NULL,
    ttfb_flows INTEGER NOT NULL,
    ttft INTEGER NOT NULL,
    ttft_flows INTEGER NOT NULL,
    duration_spread BLOB NOT NULL,
    ttfb_spread BLOB NOT NULL,
    ttft_spread BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_newest ON sessions (newest, session_id);

-- While flows of an earlier version are still to be added: the last revision that version gave, and the key
-- up to which its flows are part of the sums. Empty when all are.
CREATE TABLE rollups_filled (
    revision INTEGER NOT NULL,
    key      INTEGER NOT NULL
);
INSERT INTO rollups_filled
SELECT ifnull((SELECT value FROM totals WHERE name = 'revision'), 0), -9223372036854775808
WHERE EXISTS (SELECT 1 FROM flows);
