-- What listings can be narrowed to and no index knew. Each holds only the flows that have one.
CREATE INDEX flows_by_task ON flows (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX flows_by_cost ON flows (cost_micro_usd) WHERE cost_micro_usd IS NOT NULL;
-- A class of statuses in the order of time; by status itself they would have to be sorted.
CREATE INDEX flows_by_status_class ON flows (status / 100) WHERE status IS NOT 200;
