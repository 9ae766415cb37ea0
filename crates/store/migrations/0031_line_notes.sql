-- What is noted of a line, so that it goes with it. Of lines that an earlier version kept it is not known: what is noted
-- of theirs goes with the last line of their file.
ALTER TABLE transcript_records ADD COLUMN mended INTEGER NOT NULL DEFAULT 0; -- cut within a character
ALTER TABLE transcript_records ADD COLUMN cut INTEGER NOT NULL DEFAULT 0;    -- too long to be kept whole
