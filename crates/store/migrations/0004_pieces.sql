-- Schema 4. Request bodies lie in pieces. Each is a blob; the body's own blob is then a recipe: codec 2
-- as it is, 3 zstd. Which recipes there are must be known to tell which blobs are still needed.
CREATE INDEX blobs_recipes ON blobs (codec) WHERE codec >= 2;
