-- Rows of flows that were deleted: until now they stayed, and would be taken for flows that were never recorded.
UPDATE drops SET flow_id = NULL
    WHERE flow_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM flows WHERE flows.flow_id = drops.flow_id);

-- Which flows rows about drops name: those that have no row of their own are not recorded at all.
CREATE INDEX drops_by_flow ON drops (flow_id, at) WHERE flow_id IS NOT NULL;
