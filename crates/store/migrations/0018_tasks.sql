-- What the flows of each task add up to that are there, and those of each subagent of a session (the flows
-- of neither are the session's own): the columns of a session, whatever those are. `newest` and `oldest` are
-- the highest and the lowest `n` that ever were there; `inferred`: nothing but host and time says that the
-- newest flow is of the task.
CREATE TABLE tasks AS SELECT session_id AS task_id, 0 AS inferred, * FROM sessions LIMIT 0;
ALTER TABLE tasks DROP COLUMN session_id;
CREATE UNIQUE INDEX tasks_by_id ON tasks (task_id);
CREATE INDEX tasks_by_newest ON tasks (newest, task_id);
CREATE TABLE session_agents AS
SELECT session_id AS agent_id, 0 AS oldest, * FROM sessions LIMIT 0;
CREATE UNIQUE INDEX session_agents_by_id ON session_agents (session_id, agent_id);

-- As `rollups_filled`, for these two.
CREATE TABLE tasks_filled (
    revision INTEGER NOT NULL,
    key      INTEGER NOT NULL
);
INSERT INTO tasks_filled
SELECT ifnull((SELECT value FROM totals WHERE name = 'revision'), 0), -9223372036854775808
WHERE EXISTS (SELECT 1 FROM flows);
