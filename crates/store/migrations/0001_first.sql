-- Schema 1. Words are those of the glossary; times are UTC microseconds, durations nanoseconds.

-- Running totals, so that nothing big is counted when the store opens.
CREATE TABLE totals (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- One row per applied migration, for people; the number the program trusts is user_version.
CREATE TABLE schema_version (
    version    INTEGER PRIMARY KEY,
    applied_at INTEGER NOT NULL
);

-- `n` is the start time in microseconds, moved up to the next free number when it is taken:
-- the table itself lists by newest, and every index below ends in `n`, so it does as well.
-- What the flow carried follows its facts: headers (as `name: value` lines), trailers, bodies and the
-- assembled answer (as JSON) refer to `blobs`. One row, because writing a row costs more than its columns.
CREATE TABLE flows (
    n                    INTEGER PRIMARY KEY,
    flow_id              BLOB NOT NULL,
    revision             INTEGER NOT NULL,
    connection_id        BLOB NOT NULL,
    started_at           INTEGER NOT NULL,
    host                 TEXT NOT NULL,
    provider             TEXT,
    model_requested      TEXT,
    model                TEXT,
    session_id           TEXT,
    status               INTEGER,
    outcome              TEXT,
    mode                 TEXT NOT NULL,
    ended_at             INTEGER,
    duration_ns          INTEGER,
    ttfb_ns              INTEGER,
    ttft_ns              INTEGER,
    connect_ns           INTEGER,
    tls_ns               INTEGER,
    client_addr          TEXT,
    client_pid           INTEGER,
    client_process       TEXT,
    user_agent           TEXT,
    agent                TEXT,
    agent_version        TEXT,
    agent_id             TEXT,
    scheme               TEXT NOT NULL,
    port                 INTEGER NOT NULL,
    method               TEXT NOT NULL,
    path                 TEXT NOT NULL,
    version_in           TEXT NOT NULL,
    version_out          TEXT NOT NULL,
    reason               TEXT,
    streaming            INTEGER,
    session_source       TEXT,
    task_id              TEXT,
    task_source          TEXT,
    input_tokens         INTEGER,
    cache_read_tokens    INTEGER,
    cache_write_5m_tokens INTEGER,
    cache_write_1h_tokens INTEGER,
    output_tokens        INTEGER,
    reasoning_tokens     INTEGER,
    web_search_requests  INTEGER,
    cost_micro_usd       INTEGER,
    cost_source          TEXT,
    stop_reason          TEXT,
    error_kind           TEXT,
    error_message        TEXT,
    tool_names           TEXT,
    provider_request_id  TEXT,
    message_id           TEXT,
    event_count          INTEGER NOT NULL,
    unknown_events       INTEGER NOT NULL,
    request_bytes        INTEGER NOT NULL,
    response_bytes       INTEGER NOT NULL,
    body_truncated       INTEGER NOT NULL,
    request_gap_chunks   INTEGER NOT NULL,
    request_gap_bytes    INTEGER NOT NULL,
    response_gap_chunks  INTEGER NOT NULL,
    response_gap_bytes   INTEGER NOT NULL,
    dropped_events       INTEGER NOT NULL,
    decode_note          TEXT,
    ja4_in               TEXT,
    ja4_out              TEXT,
    preview              TEXT,
    request_headers       INTEGER,
    request_trailers      INTEGER,
    response_headers      INTEGER,
    response_trailers     INTEGER,
    request_body          INTEGER,
    request_media_type    TEXT,
    request_original_len  INTEGER,
    request_truncated     INTEGER,
    response_body         INTEGER,
    response_media_type   TEXT,
    response_original_len INTEGER,
    response_truncated    INTEGER,
    message               INTEGER
);
CREATE UNIQUE INDEX flows_by_id ON flows (flow_id);
CREATE INDEX flows_by_host ON flows (host);
CREATE INDEX flows_by_provider ON flows (provider) WHERE provider IS NOT NULL;
CREATE INDEX flows_by_model ON flows (ifnull(model, model_requested))
    WHERE ifnull(model, model_requested) IS NOT NULL;
CREATE INDEX flows_by_session ON flows (session_id) WHERE session_id IS NOT NULL;
-- Nearly all flows are alike in these two, and reading by newest finds those at once: only the others
-- are worth an entry.
CREATE INDEX flows_by_status ON flows (status) WHERE status IS NOT 200;
CREATE INDEX flows_by_outcome ON flows (outcome) WHERE outcome IS NOT 'completed';

-- How many flows are alike in what listings are narrowed by, so that counting reads a row for each kind
-- of flow and not for each flow. Empty and 0 stand for none; an empty outcome for a flow still open.
-- `newest` is the highest `n` that ever was there.
CREATE TABLE flow_groups (
    session_id TEXT NOT NULL,
    host       TEXT NOT NULL,
    provider   TEXT NOT NULL,
    model      TEXT NOT NULL, -- the one that answered, or the one asked for while none has
    outcome    TEXT NOT NULL,
    status     INTEGER NOT NULL,
    flows      INTEGER NOT NULL,
    newest     INTEGER NOT NULL,
    PRIMARY KEY (session_id, host, provider, model, outcome, status)
) WITHOUT ROWID;
-- New flows are counted by the writer, once for each kind in a transaction.
CREATE TRIGGER flow_groups_emptied AFTER UPDATE OF flows ON flow_groups WHEN NEW.flows <= 0 BEGIN
    DELETE FROM flow_groups
    WHERE session_id = NEW.session_id AND host = NEW.host AND provider = NEW.provider
        AND model = NEW.model AND outcome = NEW.outcome AND status = NEW.status;
END;
CREATE TRIGGER flows_regroup
AFTER UPDATE OF session_id, host, provider, model, model_requested, outcome, status ON flows
WHEN OLD.outcome IS NOT NEW.outcome OR OLD.status IS NOT NEW.status
    OR OLD.session_id IS NOT NEW.session_id OR OLD.provider IS NOT NEW.provider
    OR ifnull(OLD.model, OLD.model_requested) IS NOT ifnull(NEW.model, NEW.model_requested)
    OR OLD.host IS NOT NEW.host
BEGIN
    UPDATE flow_groups SET flows = flows - 1
    WHERE session_id = ifnull(OLD.session_id, '') AND host = OLD.host
        AND provider = ifnull(OLD.provider, '')
        AND model = coalesce(OLD.model, OLD.model_requested, '')
        AND outcome = ifnull(OLD.outcome, '') AND status = ifnull(OLD.status, 0);
    INSERT INTO flow_groups VALUES (
        ifnull(NEW.session_id, ''), NEW.host, ifnull(NEW.provider, ''),
        coalesce(NEW.model, NEW.model_requested, ''), ifnull(NEW.outcome, ''), ifnull(NEW.status, 0),
        1, NEW.n
    ) ON CONFLICT DO UPDATE SET flows = flows + 1, newest = max(newest, excluded.newest);
END;
CREATE TRIGGER flows_group_out AFTER DELETE ON flows BEGIN
    UPDATE flow_groups SET flows = flows - 1
    WHERE session_id = ifnull(OLD.session_id, '') AND host = OLD.host
        AND provider = ifnull(OLD.provider, '')
        AND model = coalesce(OLD.model, OLD.model_requested, '')
        AND outcome = ifnull(OLD.outcome, '') AND status = ifnull(OLD.status, 0);
END;

-- Content is stored once, by the BLAKE3 hash of its redacted bytes.
CREATE TABLE blobs (
    id      INTEGER PRIMARY KEY,
    hash    BLOB NOT NULL,
    raw_len INTEGER NOT NULL,
    codec   INTEGER NOT NULL, -- 0 as it is, 1 zstd
    bytes   BLOB NOT NULL
);
CREATE UNIQUE INDEX blobs_by_hash ON blobs (hash);

-- Runs of stream events; `kinds` counts them by type as a JSON object.
CREATE TABLE event_blocks (
    id        INTEGER PRIMARY KEY,
    flow      INTEGER NOT NULL REFERENCES flows (n) ON DELETE CASCADE,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    first_us  INTEGER NOT NULL, -- since the flow started
    last_us   INTEGER NOT NULL,
    events    INTEGER NOT NULL,
    kinds     TEXT NOT NULL,
    raw_len   INTEGER NOT NULL,
    codec     INTEGER NOT NULL,
    bytes     BLOB NOT NULL
);
CREATE INDEX event_blocks_by_flow ON event_blocks (flow, first_seq, last_seq, events);

CREATE TABLE tool_calls (
    flow        INTEGER NOT NULL REFERENCES flows (n) ON DELETE CASCADE,
    position    INTEGER NOT NULL, -- among the flow's calls, from 0
    name        TEXT NOT NULL,
    call_id     TEXT,
    block       INTEGER,          -- index of its content block
    server      INTEGER,          -- 1 when the provider runs it itself
    input_bytes INTEGER,
    complete    INTEGER,
    PRIMARY KEY (flow, position)
) WITHOUT ROWID;
CREATE INDEX tool_calls_by_name ON tool_calls (name, flow);

CREATE TABLE tunnels (
    connection_id BLOB PRIMARY KEY,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    host          TEXT NOT NULL,
    port          INTEGER NOT NULL,
    client_addr   TEXT NOT NULL,
    bytes_up      INTEGER NOT NULL,
    bytes_down    INTEGER NOT NULL,
    why           TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX tunnels_by_start ON tunnels (started_at);
CREATE INDEX tunnels_open ON tunnels (started_at) WHERE ended_at IS NULL;

CREATE TABLE drops (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    flow_id BLOB,
    reason  TEXT NOT NULL,
    count   INTEGER NOT NULL,
    bytes   INTEGER NOT NULL
);

CREATE TABLE settings (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) WITHOUT ROWID;
