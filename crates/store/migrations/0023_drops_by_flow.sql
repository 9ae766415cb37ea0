-- Which flows rows about drops name: those that have no row of their own are not recorded at all.
CREATE INDEX drops_by_flow ON drops (flow_id, at) WHERE flow_id IS NOT NULL;
