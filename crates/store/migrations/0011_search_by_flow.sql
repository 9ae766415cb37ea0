-- A row of the index has its flow's key, so that it is read in the order of flows, newest first, without
-- looking at all that matches.
DROP TRIGGER search_deleted;
DROP TABLE search_flows;
INSERT INTO search (search) VALUES ('delete-all');
CREATE TABLE search_flows (
    flow  INTEGER PRIMARY KEY,
    whole INTEGER NOT NULL -- 1: the whole conversation of the request counted as new
);
CREATE TRIGGER search_deleted AFTER DELETE ON flows BEGIN
    DELETE FROM search WHERE rowid = (SELECT flow FROM search_flows WHERE flow = OLD.n);
    DELETE FROM search_flows WHERE flow = OLD.n;
    DELETE FROM search_waiting WHERE flow = OLD.n;
END;
-- Flows before this one are still to be noted; that is done in the background, newest first.
DELETE FROM search_waiting;
INSERT INTO totals (name, value) SELECT 'search_backlog', n + 1 FROM flows ORDER BY n DESC LIMIT 1;
