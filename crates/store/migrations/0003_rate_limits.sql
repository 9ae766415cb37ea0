-- What the provider said of its limits beside the answer: a JSON list of
-- [name, limit, remaining, reset], the last in UTC microseconds.
ALTER TABLE flows ADD COLUMN rate_limits TEXT;
