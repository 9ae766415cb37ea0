-- A content may be packed with another one as its dictionary (4 is added to its codec): the one that is
-- named here, which is there as long as it is. Events may be packed so against their flow's message.
ALTER TABLE blobs ADD COLUMN base INTEGER;
-- Nearly every content names another now; the sweep reads them in the order of the table.
DROP INDEX blobs_recipes;
-- From here on `hash` of a new content is the first half of its BLAKE3 hash; rows that have the whole begin
-- with it. And 8 is added to the codec of what was packed with the shapes in its dictionary.

-- The names of types of events. From here on `kinds` of a new block is a BLOB: for each type its number here
-- and how many there are, both as base-128 varints. Rows before have a JSON object, and so do those with a
-- name that is too long, or one too many, to be given a number.
CREATE TABLE event_kinds (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
