-- From here on `hash` of a new content has the first five bytes of its BLAKE3 hash, or 16 where another one
-- has the same five. What is found by less than 16 is compared with the content that is looked for.

-- A word of the index begins with a mark that says in which place it stood (see `search/mark.rs`), so that a
-- posting has to say nothing but in which row.
DROP TABLE search_words;
DROP TABLE search;
DELETE FROM search_flows;
CREATE VIRTUAL TABLE search USING fts5(
    words, content = '', contentless_delete = 1, detail = 'none',
    tokenize = 'ascii tokenchars ''!#$%&'''
);
-- Every word that is in the index, for the audit.
CREATE VIRTUAL TABLE search_words USING fts5vocab(search, 'row');
-- Flows before this one are still to be noted; that is done in the background, newest first.
DELETE FROM search_waiting;
DELETE FROM totals WHERE name = 'search_backlog';
INSERT INTO totals (name, value) SELECT 'search_backlog', n + 1 FROM flows ORDER BY n DESC LIMIT 1;
