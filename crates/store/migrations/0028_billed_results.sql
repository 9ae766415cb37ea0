-- When the first request began that has the result and was billed: added to `flow` its key. An attempt that was
-- refused has the result and pays for nothing.
ALTER TABLE tool_calls ADD COLUMN billed_us INTEGER;

-- A number is given once: who still has that of a transcript or conversation that is forgotten must find nothing, and
-- never another one. These are the greatest that were forgotten.
CREATE TRIGGER transcripts_forgotten AFTER DELETE ON transcripts BEGIN
    INSERT INTO totals (name, value) VALUES ('transcripts_forgotten', OLD.id)
    ON CONFLICT (name) DO UPDATE SET value = max(value, OLD.id);
END;
CREATE TRIGGER conversations_forgotten AFTER DELETE ON conversations BEGIN
    INSERT INTO totals (name, value) VALUES ('conversations_forgotten', OLD.id)
    ON CONFLICT (name) DO UPDATE SET value = max(value, OLD.id);
END;

-- By what a response that transcripts tell of is priced anew; NULL of those that were kept before, or have no time.
-- What came of it is told beside what came of flows: both may tell of the same response.
ALTER TABLE transcript_responses ADD COLUMN provider TEXT;
ALTER TABLE transcript_responses ADD COLUMN tier TEXT;
ALTER TABLE reprices ADD COLUMN transcripts INTEGER NOT NULL DEFAULT 0;
