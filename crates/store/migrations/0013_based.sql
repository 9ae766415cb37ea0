-- A content may be packed with another one as its dictionary (4 is added to its codec): the one that is
-- named here, which is there as long as it is. Events may be packed so against their flow's message.
ALTER TABLE blobs ADD COLUMN base INTEGER;
-- Nearly every content names another now; the sweep reads them in the order of the table.
DROP INDEX blobs_recipes;
-- The names of types of events; a block's row has their numbers and how many there are of each.
CREATE TABLE event_kinds (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
