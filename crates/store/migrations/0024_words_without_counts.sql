-- The words of the index, a row for each place of each: a row for each word would count its places whenever one is
-- read, which takes as long as the word is frequent.
DROP TABLE search_words;
CREATE VIRTUAL TABLE search_words USING fts5vocab(search, 'instance');
