-- Conversations that somebody deleted: what their agents' files still tell of them is not kept again, until somebody
-- asks for it.
CREATE TABLE deleted_conversations (
    session    TEXT NOT NULL,
    agent      TEXT NOT NULL,
    deleted_at INTEGER NOT NULL,
    left_out   INTEGER NOT NULL, -- lines that came since and were not kept
    PRIMARY KEY (session, agent)
) WITHOUT ROWID;

-- Each look at a file that is being written leaves a small block; maintenance folds them together.
CREATE INDEX transcript_blocks_small ON transcript_blocks (id) WHERE raw_len < 32768;
