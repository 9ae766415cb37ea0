-- Lines that are kept and that their file, as it was read last, does not have any more: their digests, eight bytes
-- each. Where they are written once more, they are kept already.
CREATE TABLE transcript_gone (
    transcript INTEGER PRIMARY KEY REFERENCES transcripts (id) ON DELETE CASCADE,
    digests    BLOB NOT NULL
);
-- Of files that an earlier version saw cut it is found out by reading them from their beginning, once. 4096 bytes are
-- what a file's beginning is known by.
UPDATE transcripts SET offset = 0, lines = 0, head = iif(offset >= 4096, head, 0), tail = 0, modified_ns = 0 WHERE records > lines;
