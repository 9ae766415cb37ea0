-- Flows whose usage is estimated by bytes, and whose tokens are still to be counted.
CREATE TABLE tokens_waiting (flow INTEGER PRIMARY KEY);
CREATE TRIGGER tokens_deleted AFTER DELETE ON flows BEGIN
    DELETE FROM tokens_waiting WHERE flow = OLD.n;
END;

-- Days of UTC on which something costs another sum since it was priced anew, and that were not looked at since.
CREATE TABLE repriced_days (day INTEGER PRIMARY KEY);

-- A number that is given again is that of a block that was not folded.
CREATE TRIGGER transcript_blocks_removed AFTER DELETE ON transcript_blocks
WHEN OLD.id > (SELECT ifnull(max(id), 0) FROM transcript_blocks) BEGIN
    UPDATE totals SET value = min(value, (SELECT ifnull(max(id), 0) FROM transcript_blocks)) WHERE name = 'transcript_blocks_folded';
END;

-- That a response passed, and its flow was removed since.
ALTER TABLE transcript_responses ADD COLUMN flow_removed INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER told_flow_removed AFTER DELETE ON flows WHEN OLD.message_id IS NOT NULL BEGIN
    UPDATE transcript_responses SET flow_removed = 1 WHERE message_id = OLD.message_id;
END;
