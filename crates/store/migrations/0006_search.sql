-- Full-text search over what is new in each flow. The index keeps no text: snippets are cut from the
-- stored content. Its rows are numbered one after the other, for the distance between rows is what a
-- posting costs; `search_flows` says which flow a row is.
CREATE VIRTUAL TABLE search USING fts5(
    prompt, answer, thinking, tool_input, tool_result,
    content = '', contentless_delete = 1, tokenize = 'ascii'
);
-- Every word that is in the index, for the audit.
CREATE VIRTUAL TABLE search_words USING fts5vocab(search, 'row');
CREATE TABLE search_flows (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    flow  INTEGER NOT NULL UNIQUE,
    whole INTEGER NOT NULL -- 1: the whole conversation of the request counted as new
);
-- Ended flows that are still to be indexed.
CREATE TABLE search_waiting (flow INTEGER PRIMARY KEY);

CREATE TRIGGER search_new AFTER INSERT ON flows WHEN NEW.outcome IS NOT NULL BEGIN
    INSERT OR IGNORE INTO search_waiting VALUES (NEW.n);
END;
CREATE TRIGGER search_ended AFTER UPDATE OF outcome ON flows
WHEN NEW.outcome IS NOT NULL AND OLD.outcome IS NOT NEW.outcome BEGIN
    INSERT OR IGNORE INTO search_waiting VALUES (NEW.n);
END;
-- An answer or a question that came after the flow's end.
CREATE TRIGGER search_late AFTER UPDATE OF request_body, message ON flows
WHEN NEW.outcome IS NOT NULL
    AND (OLD.message IS NOT NEW.message OR OLD.request_body IS NOT NEW.request_body) BEGIN
    INSERT OR IGNORE INTO search_waiting VALUES (NEW.n);
END;
CREATE TRIGGER search_deleted AFTER DELETE ON flows BEGIN
    DELETE FROM search WHERE rowid = (SELECT id FROM search_flows WHERE flow = OLD.n);
    DELETE FROM search_flows WHERE flow = OLD.n;
    DELETE FROM search_waiting WHERE flow = OLD.n;
END;
