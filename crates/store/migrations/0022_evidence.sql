-- When evidence goes, a finding's cost is what the rest of it says, and unknown again where that says none; and
-- it was seen last by the newest that is left.
DROP TRIGGER finding_flows_gone;
CREATE TRIGGER finding_flows_gone AFTER DELETE ON finding_flows WHEN OLD.shows BEGIN
    UPDATE findings SET
        times = times - 1,
        micro_usd = CASE
            WHEN OLD.micro_usd IS NULL THEN micro_usd
            WHEN EXISTS (SELECT 1 FROM finding_flows
                         WHERE finding = OLD.finding AND shows AND micro_usd IS NOT NULL)
            THEN micro_usd - OLD.micro_usd
        END,
        first_at = ifnull(
            (SELECT min(flow) FROM finding_flows WHERE finding = OLD.finding AND shows), first_at),
        last_at = ifnull(
            (SELECT max(flow) FROM finding_flows WHERE finding = OLD.finding AND shows), last_at)
    WHERE id = OLD.finding;
    DELETE FROM findings WHERE id = OLD.finding AND times <= 0;
END;
CREATE INDEX findings_by_kind ON findings (kind);

-- Violations that a later result took back, and days whose overrun was added up once for each start, as an
-- earlier version left them.
DELETE FROM finding_flows
WHERE shows
    AND finding IN (SELECT id FROM findings WHERE kind = 'lifecycle_violation' AND json_valid(words))
    AND NOT EXISTS (
        SELECT 1 FROM findings JOIN tool_calls ON tool_calls.flow = finding_flows.flow
        WHERE id = finding_flows.finding
            AND violations & (1 << CAST(substr(json_extract(iif(json_valid(words), words, '{}'), '$.subject'), 2) AS INTEGER) - 1)
    );
DELETE FROM finding_flows
WHERE shows
    AND finding IN (SELECT id FROM findings WHERE kind = 'daily_budget')
    AND flow > (SELECT min(flow) FROM finding_flows AS first
                WHERE first.finding = finding_flows.finding AND first.shows);
UPDATE findings
SET micro_usd = (SELECT sum(micro_usd) FROM finding_flows WHERE finding = id AND shows)
WHERE micro_usd = 0;
