//! Sums that an earlier version kept, and what becomes of them.

use std::time::Duration;

use langley_model::{DropReason, Flow, FlowId, Micros, Provider, Tokens};
use langley_store::{Figure, FlowFilter, Measure, Store, Tally, Unrecorded, UsageQuery};
use rusqlite::Connection;

use crate::failing::unnamed;
use crate::given::{Fixture, ended, flow, leaf, of, options, session, spoil};
use crate::opening::without_estimates;
use crate::rollups::{DAY, START};

/// What schema 20 has in its sums, and how it summed: the column that is newer is gone, uncached input has what
/// was written to a cache in it, and what is open counts as unpriced.
const SCHEMA_20: &str = "
    UPDATE {table} SET input_uncached = input_uncached + {written}, unpriced = unpriced + flows - completed;
    ALTER TABLE {table} DROP COLUMN reasoning_apart; ALTER TABLE {table} DROP COLUMN reasoning_apart_flows;";

/// Schema 25 knows neither what tools cost nor projects.
const SCHEMA_25: &str = "
    DROP TABLE tool_shares; DROP TABLE tool_costs; DROP TABLE project_costs; DROP TABLE projects;
    DROP INDEX flows_by_project; ALTER TABLE flows DROP COLUMN project; ALTER TABLE flows DROP COLUMN project_source;
    DROP INDEX sessions_by_project; ALTER TABLE sessions DROP COLUMN project;";

/// Schema 24 has no sums of how connections were set up, of the time of tokens, and of retries.
const SCHEMA_24: &str = "
    ALTER TABLE {table} DROP COLUMN retries; ALTER TABLE {table} DROP COLUMN retries_flows;
    ALTER TABLE {table} DROP COLUMN connect; ALTER TABLE {table} DROP COLUMN connect_flows; ALTER TABLE {table} DROP COLUMN connect_spread;
    ALTER TABLE {table} DROP COLUMN tls; ALTER TABLE {table} DROP COLUMN tls_flows; ALTER TABLE {table} DROP COLUMN tls_spread;
    ALTER TABLE {table} DROP COLUMN ttlt; ALTER TABLE {table} DROP COLUMN ttlt_flows; ALTER TABLE {table} DROP COLUMN ttlt_spread;
    ALTER TABLE {table} DROP COLUMN stall; ALTER TABLE {table} DROP COLUMN stall_flows; ALTER TABLE {table} DROP COLUMN stall_spread;
    ALTER TABLE {table} DROP COLUMN token_time; ALTER TABLE {table} DROP COLUMN token_time_flows; ALTER TABLE {table} DROP COLUMN token_time_spread;";

/// Schema 26 has no transcripts, nor does it know what was billed first for a result.
const SCHEMA_26: &str = "
    ALTER TABLE tool_calls DROP COLUMN billed_us; ALTER TABLE reprices DROP COLUMN transcripts;
    DROP TABLE deleted_conversations; DROP TABLE transcript_responses; DROP TABLE transcript_records; DROP TABLE transcript_blocks;
    DROP TABLE conversations; DROP TABLE transcripts;";

#[test]
fn sums_of_an_earlier_version_are_brought_to_what_is_summed_today() {
    brought_from(20);
}

#[test]
fn sums_of_the_version_before_the_times_lack_these_alone() {
    brought_from(24);
}

/// Takes a store back to this schema, and opens it.
fn brought_from(schema: i64) {
    let fixture = Fixture::new();
    let belonging = |mut flow: Flow| {
        (flow.session, flow.task) = (session("s"), session("t"));
        flow.agent_id = Some("a".into());
        flow.usage.input = Some(Tokens(100));
        flow.usage.cache_read = Some(Tokens(60));
        flow.usage.cache_write_5m = Some(Tokens(10));
        flow.usage.reasoning = Some(Tokens(7));
        (flow.connect, flow.tls) =
            (Some(Duration::from_millis(20)), Some(Duration::from_millis(30)));
        flow.retry_of = Some(FlowId::new());
        flow
    };
    let mut written = belonging(ended(START));
    (written.provider, written.path) = (Some(Provider::XAi), "/v1/chat/completions".into());
    let apart = belonging(ended(START));
    let mut open = belonging(flow(START));
    open.provider = Some(Provider::Anthropic);
    let flows = [written, apart, open];
    // An hour whose flows are gone, which nobody can bring up to date.
    fixture.write(vec![of(&ended(START - DAY))]);
    fixture.store.delete_flows(&FlowFilter::default()).unwrap();
    fixture.write(flows.iter().map(of).collect());
    // Until then what tunnels lost was summed with what flows did.
    fixture.write(vec![unnamed(DropReason::WriteFailed), unnamed(DropReason::WriterQueueFull)]);
    let there = UsageQuery { since: Some(Micros(START)), ..UsageQuery::default() };
    let before = fixture.store.usage(&there).unwrap().totals;
    let told = |store: &Store| {
        let session = store.session("s").unwrap().unwrap().sums;
        (session, store.task("t").unwrap().unwrap().sums, store.session_agents("s").unwrap())
    };
    let belongings = told(&fixture.store);
    let conn = Connection::open(fixture.store.path()).unwrap();
    for (table, at) in [
        ("rollups_hourly", "provider"),
        ("rollups_daily", "provider"),
        ("sessions", "'all'"),
        ("tasks", "'all'"),
        ("session_agents", "'all'"),
    ] {
        conn.execute_batch(&SCHEMA_24.replace("{table}", table)).unwrap();
        if schema == 20 {
            let sql = SCHEMA_20
                .replace("{table}", table)
                .replace("{written}", &format!("10 * ({at} IN ('xai', 'all'))"));
            conn.execute_batch(&sql).unwrap();
        }
    }
    if schema == 20 {
        conn.execute_batch(
            "DROP INDEX sessions_by_cost; DROP INDEX findings_by_kind; DROP INDEX drops_by_flow",
        )
        .unwrap();
    }
    conn.execute_batch(&without_estimates()).unwrap();
    conn.execute_batch(SCHEMA_26).unwrap();
    conn.execute_batch(&format!(
        "{SCHEMA_25} ALTER TABLE drops DROP COLUMN unclear; ALTER TABLE flows DROP COLUMN ttlt_ns; ALTER TABLE flows DROP COLUMN stall_ns;
         DELETE FROM schema_version WHERE version > {schema}; PRAGMA user_version = {schema}"
    ))
    .unwrap();
    // Beside a writer that is alive nothing is lost, so that what is open stays so.
    let again = Store::open(options(fixture.folder.path()), Box::new(|_| ())).unwrap();
    assert_eq!(again.usage(&there).unwrap().totals, before);
    assert_eq!(told(&again), belongings);
    // Whether a flow that is gone repeated another nobody knows: that is not told as none.
    let all = again.usage(&UsageQuery::default()).unwrap().totals;
    assert_eq!(all.tally(Tally::Flows), 4);
    assert_eq!(all.figure(Measure::Retries), Figure { sum: 3, flows: 3 });
    // Nor whether a whole flow was among the losses of then; of later ones that may be.
    assert_eq!(again.unrecorded().unwrap(), Unrecorded::default());
    again.close();
    let fixture = fixture.after_close();
    fixture.write(vec![unnamed(DropReason::WriteFailed)]);
    assert!(fixture.store.unrecorded().unwrap().more);
    fixture.store.delete_flows(&FlowFilter::default()).unwrap();
    assert!(
        fixture.store.sessions((None, None), None, 10).unwrap().items.is_empty(),
        "nothing is left over"
    );
}

#[test]
fn a_flow_that_does_not_decode_keeps_no_store_from_being_brought_up_to_date() {
    let fixture = Fixture::new();
    let mut flow = ended(START);
    flow.usage.input = Some(Tokens(100));
    fixture.write(vec![of(&flow)]);
    fixture.store.clone().close();
    let conn = Connection::open(fixture.store.path()).unwrap();
    for table in ["rollups_hourly", "rollups_daily", "sessions", "tasks", "session_agents"] {
        let sql = [SCHEMA_20, SCHEMA_24].concat();
        let sql = sql.replace("{table}", table).replace("{written}", "0");
        conn.execute_batch(&sql).unwrap();
    }
    conn.execute_batch(&without_estimates()).unwrap();
    conn.execute_batch(SCHEMA_26).unwrap();
    conn.execute_batch(&format!(
        "UPDATE flows SET port = 'x'; {SCHEMA_25}
         DROP INDEX sessions_by_cost; DROP INDEX findings_by_kind; DROP INDEX drops_by_flow; ALTER TABLE drops DROP COLUMN unclear; ALTER TABLE flows DROP COLUMN ttlt_ns; ALTER TABLE flows DROP COLUMN stall_ns; DELETE FROM schema_version WHERE version > 20;
         PRAGMA user_version = 20"
    ))
    .unwrap();
    drop(conn);
    let fixture = fixture.after_close();
    assert_eq!(fixture.store.count_flows(&FlowFilter::default()).unwrap(), 1);
}

#[test]
fn a_page_of_flows_that_cannot_be_read_keeps_no_store_from_being_brought_up_to_date() {
    let fixture = Fixture::new();
    let flows: Vec<Flow> = (0..400)
        .map(|at| {
            let mut flow = ended(START + at);
            (flow.session, flow.connect) = (session("s"), Some(Duration::from_millis(20)));
            flow
        })
        .collect();
    fixture.write(flows.iter().map(of).collect());
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    let conn = Connection::open(&path).unwrap();
    for table in ["rollups_hourly", "rollups_daily", "sessions", "tasks", "session_agents"] {
        conn.execute_batch(&SCHEMA_24.replace("{table}", table)).unwrap();
    }
    conn.execute_batch(&without_estimates()).unwrap();
    conn.execute_batch(SCHEMA_26).unwrap();
    conn.execute_batch(&format!(
        "{SCHEMA_25} ALTER TABLE drops DROP COLUMN unclear; ALTER TABLE flows DROP COLUMN ttlt_ns; ALTER TABLE flows DROP COLUMN stall_ns;
         DELETE FROM schema_version WHERE version > 24; PRAGMA user_version = 24; PRAGMA wal_checkpoint(TRUNCATE)"
    ))
    .unwrap();
    drop(conn);
    spoil(&path, leaf(&path, "flows", 2));
    let fixture = fixture.after_close();
    let damaged = fixture.store.flows(&FlowFilter::default(), None, 500).unwrap().damaged;
    assert!((10..200).contains(&damaged), "{damaged}");
    let sums = fixture.store.usage(&UsageQuery::default()).unwrap().totals;
    assert_eq!(sums.tally(Tally::Flows), 400, "what was summed stays");
    assert_eq!(sums.figure(Measure::Connect).flows, 400 - damaged);
}
