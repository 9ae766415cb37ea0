-- The writer notes by itself which flows wait for the index, once per transaction: a trigger costs each
-- row a statement journal.
DROP TRIGGER search_new;
DROP TRIGGER search_ended;
DROP TRIGGER search_late;
