-- What agents wrote of their own sessions. A transcript is a file, whatever it is called at the moment; its lines
-- stay when the file goes. The lines lie in blocks, packed together.
CREATE TABLE transcripts (
    id          INTEGER PRIMARY KEY,
    agent       TEXT NOT NULL,
    path        TEXT NOT NULL,
    path_key    BLOB NOT NULL,    -- a digest of the path before it was redacted
    device      INTEGER NOT NULL,
    inode       INTEGER NOT NULL,
    size        INTEGER NOT NULL, -- of the file when it was looked at last
    modified_ns INTEGER NOT NULL, -- 0 where it may have changed since within the clock's step
    offset      INTEGER NOT NULL, -- it was read up to here
    head        INTEGER NOT NULL, -- digests of its beginning, and of what stands before `offset`
    tail        INTEGER NOT NULL,
    lines       INTEGER NOT NULL, -- up to `offset`
    reader      TEXT NOT NULL,    -- what is remembered of them for the next ones
    session     TEXT,
    folder      TEXT,
    last_at     INTEGER,          -- of its newest line
    records     INTEGER NOT NULL, -- lines that are kept
    bytes       INTEGER NOT NULL, -- of these, before they were redacted
    unreadable  INTEGER NOT NULL, -- of these, no JSON
    mended      INTEGER NOT NULL, -- of these, cut within a character
    cut         INTEGER NOT NULL, -- of these, too long to be kept whole
    imported_at INTEGER NOT NULL,
    deleted_at  INTEGER           -- since when the file is missed
);
CREATE INDEX transcripts_by_path ON transcripts (path_key);

CREATE TABLE transcript_blocks (
    id      INTEGER PRIMARY KEY,
    codec   INTEGER NOT NULL,
    raw_len INTEGER NOT NULL,
    bytes   BLOB NOT NULL
);

-- A session as its agent's files tell it, in whatever number of them.
CREATE TABLE conversations (
    id          INTEGER PRIMARY KEY,
    session     TEXT NOT NULL,
    agent       TEXT NOT NULL,
    project     TEXT,
    branch      TEXT,
    model       TEXT,             -- of its newest answer
    prompt      TEXT,             -- the first of a person
    prompt_at   INTEGER,
    first_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    records     INTEGER NOT NULL,
    prompts     INTEGER NOT NULL, -- of a person, not of an agent to its subagent
    compactions INTEGER NOT NULL,
    UNIQUE (session, agent)
);
CREATE INDEX conversations_by_last ON conversations (last_at, id);

CREATE TABLE transcript_records (
    id             INTEGER PRIMARY KEY,
    transcript     INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    conversation   INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    block          INTEGER NOT NULL REFERENCES transcript_blocks (id),
    start          INTEGER NOT NULL, -- in the block
    kept           INTEGER NOT NULL, -- bytes there
    number         INTEGER NOT NULL, -- of the line, in the file that it was read from
    offset         INTEGER NOT NULL, -- in that file
    len            INTEGER NOT NULL, -- bytes there
    digest         INTEGER NOT NULL, -- of what is kept
    role           INTEGER NOT NULL, -- its place among `LineRole::ALL`
    kind           TEXT NOT NULL,
    subkind        TEXT,
    uuid           TEXT,
    parent         TEXT,
    logical_parent TEXT,
    agent_id       TEXT,
    sidechain      INTEGER NOT NULL,
    at             INTEGER NOT NULL, -- of a line without a time, that of the line before
    message_id     TEXT,
    request_id     TEXT,
    model          TEXT,
    tools          TEXT,
    text           TEXT
);
CREATE INDEX transcript_records_by_transcript ON transcript_records (transcript);
CREATE INDEX transcript_records_by_conversation ON transcript_records (conversation, at);
CREATE INDEX transcript_records_by_block ON transcript_records (block);

-- What they tell of usage, once for each response: of its lines the one with the greatest output counts.
CREATE TABLE transcript_responses (
    id                    INTEGER PRIMARY KEY,
    conversation          INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    agent_id              TEXT,
    message_id            TEXT,
    request_id            TEXT,
    at                    INTEGER NOT NULL,
    model                 TEXT,
    input_tokens          INTEGER,
    cache_read_tokens     INTEGER,
    cache_write_5m_tokens INTEGER,
    cache_write_1h_tokens INTEGER,
    output_tokens         INTEGER,
    reasoning_tokens      INTEGER,
    web_search_requests   INTEGER,
    cost_micro_usd        INTEGER,
    UNIQUE (message_id, request_id) -- one that lacks an id is a response of its own
);
CREATE INDEX transcript_responses_by_conversation ON transcript_responses (conversation, at);
