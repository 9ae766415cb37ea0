-- A row of the index lies in a slot of time, so that the distance between rows, which is what a posting
-- costs, is short; and a posting says in which columns a word stands, not where in them: phrases are looked
-- up in the texts. `facts` holds what the flow's own row says, as far as no text of it does.
DROP TRIGGER search_deleted;
DROP TABLE search_words;
DROP TABLE search;
DROP TABLE search_flows;
CREATE VIRTUAL TABLE search USING fts5(
    tool_result, answer, prompt, thinking, tool_input, facts,
    content = '', contentless_delete = 1, tokenize = 'ascii', detail = 'column'
);
-- Every word that is in the index, for the audit.
CREATE VIRTUAL TABLE search_words USING fts5vocab(search, 'row');
CREATE TABLE search_flows (
    slot  INTEGER PRIMARY KEY, -- of 4,096 µs each; the flow's own, or a later one that was free
    flow  INTEGER NOT NULL UNIQUE,
    whole INTEGER NOT NULL -- 1: the whole conversation of the request counted as new
);
CREATE TRIGGER search_deleted AFTER DELETE ON flows BEGIN
    DELETE FROM search WHERE rowid = (SELECT slot FROM search_flows WHERE flow = OLD.n);
    DELETE FROM search_flows WHERE flow = OLD.n;
    DELETE FROM search_waiting WHERE flow = OLD.n;
END;
-- Flows before this one are still to be noted; that is done in the background, newest first.
DELETE FROM search_waiting;
DELETE FROM totals WHERE name = 'search_backlog';
INSERT INTO totals (name, value) SELECT 'search_backlog', n + 1 FROM flows ORDER BY n DESC LIMIT 1;

-- A connection by the end of its id: that tells them apart as well as the whole, in a quarter of the room.
CREATE INDEX flows_by_connection ON flows (substr(connection_id, 13));

-- How many flows are alike in what menus show, whatever their session: a few rows, kept along with the
-- groups. Rows of 0 stay.
CREATE TABLE flow_kinds (
    host     TEXT NOT NULL,
    provider TEXT NOT NULL,
    model    TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    flows    INTEGER NOT NULL,
    PRIMARY KEY (host, provider, model, outcome)
) WITHOUT ROWID;
INSERT INTO flow_kinds
SELECT host, provider, model, outcome, sum(flows) FROM flow_groups GROUP BY 1, 2, 3, 4;
CREATE TRIGGER flow_kinds_new AFTER INSERT ON flow_groups BEGIN
    INSERT INTO flow_kinds VALUES (NEW.host, NEW.provider, NEW.model, NEW.outcome, NEW.flows)
    ON CONFLICT DO UPDATE SET flows = flows + excluded.flows;
END;
CREATE TRIGGER flow_kinds_changed AFTER UPDATE OF flows ON flow_groups BEGIN
    UPDATE flow_kinds SET flows = flows + NEW.flows - OLD.flows
    WHERE host = NEW.host AND provider = NEW.provider AND model = NEW.model AND outcome = NEW.outcome;
END;
