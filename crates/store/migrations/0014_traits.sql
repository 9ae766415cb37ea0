-- What many flows have alike (who asked, by what protocols, how it was attributed and how it stopped) stands
-- once in a table of its own, as a JSON list, and in a flow's row its number; the row's own columns are empty
-- then (see `traits.rs` for which and in what order). Rows before have theirs, and so do those whose list is
-- too long, or one too many, to be given a number.
CREATE TABLE traits (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
ALTER TABLE flows ADD COLUMN traits INTEGER;
