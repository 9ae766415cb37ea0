-- When the first request began that has the result and was billed: added to `flow` its key. An attempt that was
-- refused has the result and pays for nothing.
ALTER TABLE tool_calls ADD COLUMN billed_us INTEGER;
