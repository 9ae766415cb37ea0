-- A response whose lines lack a request id is known by its message id: of its lines the one with the greatest output
-- counts.
DELETE FROM transcript_responses WHERE request_id IS NULL AND message_id <> '' AND EXISTS (SELECT 1 FROM transcript_responses AS other WHERE other.message_id = transcript_responses.message_id AND other.request_id IS NULL AND (ifnull(other.output_tokens, -1), -other.id) > (ifnull(transcript_responses.output_tokens, -1), -transcript_responses.id));
UPDATE OR IGNORE transcript_responses SET request_id = '' WHERE request_id IS NULL AND message_id <> '';
