//! Opening: new, old, newer, damaged, foreign and unwritable files.

use std::fs;
use std::sync::{Arc, Barrier};

use langley_store::{Facet, FlowFilter, Store, StoreError, Told};

use crate::given::{
    Fixture, body, ended, flow, noise, of, options, page_of_contents, redactor, seal, spoil, tunnel,
};
use langley_model::{Outcome, Side};

/// Takes away what estimates brought, and evidence of tool calls, and what came later; comes before what takes away earlier schemas.
pub(crate) fn without_estimates() -> String {
    const SUMS: [&str; 7] = [
        "estimated",
        "estimated_input",
        "estimated_input_flows",
        "estimated_output",
        "estimated_output_flows",
        "estimated_cost",
        "estimated_cost_flows",
    ];
    const OF_FLOWS: [&str; 4] = [
        "estimate_source",
        "estimated_input_tokens",
        "estimated_output_tokens",
        "estimated_cost_micro_usd",
    ];
    let drop = |table: &str, columns: &[&str]| -> String {
        let drop = |column| format!("ALTER TABLE {table} DROP COLUMN {column};");
        columns.iter().map(drop).collect()
    };
    let sums = ["rollups_hourly", "rollups_daily", "sessions", "tasks", "session_agents"]
        .map(|table| drop(table, &SUMS))
        .concat();
    format!(
        "DROP TRIGGER told_flow_removed; DROP TRIGGER tokens_deleted; DROP TABLE tokens_waiting; DROP TABLE repriced_days;
         DROP TRIGGER transcript_blocks_removed; DROP TABLE transcript_gone;
         DROP TABLE tool_evidence; DROP INDEX flows_lacking; {sums} {}",
        drop("flows", &OF_FLOWS)
    )
}

/// Takes away what schemas after 15 brought; comes before the others. Calls have the table again that they had.
pub(crate) const SCHEMA_15: &str = "
    DROP TRIGGER IF EXISTS told_flow_removed; DROP TRIGGER IF EXISTS tokens_deleted; DROP TABLE IF EXISTS transcript_gone;
    DROP TABLE deleted_conversations; DROP TABLE transcript_responses; DROP TABLE transcript_records; DROP TABLE transcript_blocks;
    DROP TABLE conversations; DROP TABLE transcripts;
    DROP TABLE tool_shares; DROP TABLE tool_costs; DROP TABLE project_costs; DROP TABLE projects;
    DROP INDEX flows_by_project; ALTER TABLE flows DROP COLUMN project; ALTER TABLE flows DROP COLUMN project_source;
    DROP INDEX sessions_by_project; ALTER TABLE sessions DROP COLUMN project;
    ALTER TABLE drops DROP COLUMN unclear; ALTER TABLE flows DROP COLUMN ttlt_ns; ALTER TABLE flows DROP COLUMN stall_ns;
    ALTER TABLE rollups_hourly DROP COLUMN retries; ALTER TABLE rollups_hourly DROP COLUMN retries_flows;
    ALTER TABLE rollups_hourly DROP COLUMN connect; ALTER TABLE rollups_hourly DROP COLUMN connect_flows; ALTER TABLE rollups_hourly DROP COLUMN connect_spread;
    ALTER TABLE rollups_hourly DROP COLUMN tls; ALTER TABLE rollups_hourly DROP COLUMN tls_flows; ALTER TABLE rollups_hourly DROP COLUMN tls_spread;
    ALTER TABLE rollups_hourly DROP COLUMN ttlt; ALTER TABLE rollups_hourly DROP COLUMN ttlt_flows; ALTER TABLE rollups_hourly DROP COLUMN ttlt_spread;
    ALTER TABLE rollups_hourly DROP COLUMN stall; ALTER TABLE rollups_hourly DROP COLUMN stall_flows; ALTER TABLE rollups_hourly DROP COLUMN stall_spread;
    ALTER TABLE rollups_hourly DROP COLUMN token_time; ALTER TABLE rollups_hourly DROP COLUMN token_time_flows; ALTER TABLE rollups_hourly DROP COLUMN token_time_spread;
    ALTER TABLE rollups_daily DROP COLUMN retries; ALTER TABLE rollups_daily DROP COLUMN retries_flows;
    ALTER TABLE rollups_daily DROP COLUMN connect; ALTER TABLE rollups_daily DROP COLUMN connect_flows; ALTER TABLE rollups_daily DROP COLUMN connect_spread;
    ALTER TABLE rollups_daily DROP COLUMN tls; ALTER TABLE rollups_daily DROP COLUMN tls_flows; ALTER TABLE rollups_daily DROP COLUMN tls_spread;
    ALTER TABLE rollups_daily DROP COLUMN ttlt; ALTER TABLE rollups_daily DROP COLUMN ttlt_flows; ALTER TABLE rollups_daily DROP COLUMN ttlt_spread;
    ALTER TABLE rollups_daily DROP COLUMN stall; ALTER TABLE rollups_daily DROP COLUMN stall_flows; ALTER TABLE rollups_daily DROP COLUMN stall_spread;
    ALTER TABLE rollups_daily DROP COLUMN token_time; ALTER TABLE rollups_daily DROP COLUMN token_time_flows; ALTER TABLE rollups_daily DROP COLUMN token_time_spread;
    ALTER TABLE sessions DROP COLUMN retries; ALTER TABLE sessions DROP COLUMN retries_flows;
    ALTER TABLE sessions DROP COLUMN connect; ALTER TABLE sessions DROP COLUMN connect_flows; ALTER TABLE sessions DROP COLUMN connect_spread;
    ALTER TABLE sessions DROP COLUMN tls; ALTER TABLE sessions DROP COLUMN tls_flows; ALTER TABLE sessions DROP COLUMN tls_spread;
    ALTER TABLE sessions DROP COLUMN ttlt; ALTER TABLE sessions DROP COLUMN ttlt_flows; ALTER TABLE sessions DROP COLUMN ttlt_spread;
    ALTER TABLE sessions DROP COLUMN stall; ALTER TABLE sessions DROP COLUMN stall_flows; ALTER TABLE sessions DROP COLUMN stall_spread;
    ALTER TABLE sessions DROP COLUMN token_time; ALTER TABLE sessions DROP COLUMN token_time_flows; ALTER TABLE sessions DROP COLUMN token_time_spread;
    DROP TABLE finding_flows; DROP TABLE findings; DROP INDEX sessions_by_cost;
    DROP TABLE tasks; DROP TABLE session_agents; DROP TABLE tasks_filled; DROP TABLE retries;
    DROP TABLE tool_executions; DROP TABLE tool_sums;
    DROP TRIGGER analysis_deleted; DROP TABLE analysis_waiting;
    DELETE FROM totals WHERE name IN ('analysis_from', 'analysis_to');
    CREATE TABLE kept AS SELECT flow, position, name FROM tool_calls JOIN tools ON id = tool;
    DROP TABLE tool_calls; DROP TABLE tools;
    CREATE TABLE tool_calls (
        flow        INTEGER NOT NULL REFERENCES flows (n) ON DELETE CASCADE,
        position    INTEGER NOT NULL,
        name        TEXT NOT NULL,
        call_id     TEXT,
        block       INTEGER,
        server      INTEGER,
        input_bytes INTEGER,
        complete    INTEGER,
        PRIMARY KEY (flow, position)
    ) WITHOUT ROWID;
    CREATE INDEX tool_calls_by_name ON tool_calls (name, flow);
    INSERT INTO tool_calls (flow, position, name) SELECT flow, position, name FROM kept;
    DROP TABLE kept;
    ALTER TABLE rollups_hourly DROP COLUMN cost_input; ALTER TABLE rollups_hourly DROP COLUMN cost_input_flows;
    ALTER TABLE rollups_hourly DROP COLUMN cost_cache_read; ALTER TABLE rollups_hourly DROP COLUMN cost_cache_read_flows;
    ALTER TABLE rollups_hourly DROP COLUMN cost_cache_write_5m; ALTER TABLE rollups_hourly DROP COLUMN cost_cache_write_5m_flows;
    ALTER TABLE rollups_hourly DROP COLUMN cost_cache_write_1h; ALTER TABLE rollups_hourly DROP COLUMN cost_cache_write_1h_flows;
    ALTER TABLE rollups_hourly DROP COLUMN cost_output; ALTER TABLE rollups_hourly DROP COLUMN cost_output_flows;
    ALTER TABLE rollups_hourly DROP COLUMN cost_reasoning; ALTER TABLE rollups_hourly DROP COLUMN cost_reasoning_flows;
    ALTER TABLE rollups_hourly DROP COLUMN cost_web_search; ALTER TABLE rollups_hourly DROP COLUMN cost_web_search_flows;
    ALTER TABLE rollups_daily DROP COLUMN cost_input; ALTER TABLE rollups_daily DROP COLUMN cost_input_flows;
    ALTER TABLE rollups_daily DROP COLUMN cost_cache_read; ALTER TABLE rollups_daily DROP COLUMN cost_cache_read_flows;
    ALTER TABLE rollups_daily DROP COLUMN cost_cache_write_5m; ALTER TABLE rollups_daily DROP COLUMN cost_cache_write_5m_flows;
    ALTER TABLE rollups_daily DROP COLUMN cost_cache_write_1h; ALTER TABLE rollups_daily DROP COLUMN cost_cache_write_1h_flows;
    ALTER TABLE rollups_daily DROP COLUMN cost_output; ALTER TABLE rollups_daily DROP COLUMN cost_output_flows;
    ALTER TABLE rollups_daily DROP COLUMN cost_reasoning; ALTER TABLE rollups_daily DROP COLUMN cost_reasoning_flows;
    ALTER TABLE rollups_daily DROP COLUMN cost_web_search; ALTER TABLE rollups_daily DROP COLUMN cost_web_search_flows;
    ALTER TABLE sessions DROP COLUMN cost_input; ALTER TABLE sessions DROP COLUMN cost_input_flows;
    ALTER TABLE sessions DROP COLUMN cost_cache_read; ALTER TABLE sessions DROP COLUMN cost_cache_read_flows;
    ALTER TABLE sessions DROP COLUMN cost_cache_write_5m; ALTER TABLE sessions DROP COLUMN cost_cache_write_5m_flows;
    ALTER TABLE sessions DROP COLUMN cost_cache_write_1h; ALTER TABLE sessions DROP COLUMN cost_cache_write_1h_flows;
    ALTER TABLE sessions DROP COLUMN cost_output; ALTER TABLE sessions DROP COLUMN cost_output_flows;
    ALTER TABLE sessions DROP COLUMN cost_reasoning; ALTER TABLE sessions DROP COLUMN cost_reasoning_flows;
    ALTER TABLE sessions DROP COLUMN cost_web_search; ALTER TABLE sessions DROP COLUMN cost_web_search_flows;
    ALTER TABLE rollups_hourly DROP COLUMN reasoning_apart; ALTER TABLE rollups_hourly DROP COLUMN reasoning_apart_flows;
    ALTER TABLE rollups_daily DROP COLUMN reasoning_apart; ALTER TABLE rollups_daily DROP COLUMN reasoning_apart_flows;
    ALTER TABLE sessions DROP COLUMN reasoning_apart; ALTER TABLE sessions DROP COLUMN reasoning_apart_flows;
    DROP TABLE reprices; DROP INDEX drops_by_flow;
    DELETE FROM schema_version WHERE version > 15; PRAGMA user_version = 15;";

/// Gives each row its words back, and takes away what schema 14 brought.
pub(crate) const SCHEMA_13: &str = "
    UPDATE flows SET (mode, scheme, version_in, version_out, client_process, user_agent, agent,
            agent_version, session_source, task_source, cost_source, stop_reason, ja4_in, ja4_out)
        = (SELECT name ->> 0, name ->> 1, name ->> 2, name ->> 3, name ->> 4, name ->> 5, name ->> 6,
            name ->> 7, name ->> 8, name ->> 9, name ->> 10, name ->> 11, name ->> 12, name ->> 13
            FROM traits WHERE id = flows.traits)
        WHERE traits IS NOT NULL;
    ALTER TABLE flows DROP COLUMN traits; DROP TABLE traits;
    DELETE FROM schema_version WHERE version > 13; PRAGMA user_version = 13;";

/// Gives the index the form that it had, without rows. Before that come the statements of schema 13.
pub(crate) const SCHEMA_14: &str = "
    DROP TABLE search_words; DROP TABLE search;
    CREATE VIRTUAL TABLE search USING fts5(
        tool_result, answer, prompt, thinking, tool_input, facts,
        content = '', contentless_delete = 1, tokenize = 'ascii', detail = 'column'
    );
    CREATE VIRTUAL TABLE search_words USING fts5vocab(search, 'row');
    DELETE FROM schema_version WHERE version > 14; PRAGMA user_version = 14;";

/// Takes away what schemas before that brought.
pub(crate) const FIRST_SCHEMA: &str = "
    DROP TRIGGER flow_kinds_new; DROP TRIGGER flow_kinds_changed; DROP TABLE flow_kinds;
    DROP INDEX flows_by_connection;
    DROP INDEX flows_by_task; DROP INDEX flows_by_cost; DROP INDEX flows_by_status_class;
    DROP TRIGGER search_deleted; DROP TABLE search_words; DROP TABLE search;
    DROP TABLE search_flows; DROP TABLE search_waiting;
    DROP TABLE rollups_hourly; DROP TABLE rollups_daily; DROP TABLE rollups_filled;
    DROP TABLE sessions;
    DROP TABLE stars; DROP TABLE upkeep; ALTER TABLE blobs DROP COLUMN base; DROP TABLE event_kinds;
    ALTER TABLE tunnels DROP COLUMN reason; ALTER TABLE flows DROP COLUMN rate_limits;
    ALTER TABLE flows DROP COLUMN tls_note;
    DELETE FROM schema_version WHERE version > 1; PRAGMA user_version = 1;";

fn silent() -> langley_store::Announce {
    Box::new(|_| {})
}

#[test]
fn the_file_is_for_its_owner_only_and_logs_ahead() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    fixture.write(vec![of(&ended(1))]);
    for name in ["langley.db", "langley.db-wal", "langley.db-shm"] {
        let mode = fs::metadata(fixture.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let conn = rusqlite::Connection::open(fixture.store.path()).unwrap();
    let pragma = |name: &str| -> String {
        conn.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| format!("{value:?}"))
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma("auto_vacuum"), "Integer(2)");
    assert!(fixture.store.counters().db_bytes > 0);
    assert!(fixture.store.counters().wal_bytes > 0);
}

#[test]
fn a_new_file_has_large_pages_and_an_older_one_keeps_its_own() {
    let fixture = Fixture::new();
    assert_eq!(fixture.store.pages().unwrap().bytes, 8192);
    let (old, new) = (ended(1), ended(2));
    fixture.write(vec![of(&old)]);
    fixture.store.clone().close();
    let conn = rusqlite::Connection::open(fixture.store.path()).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = DELETE; PRAGMA page_size = 4096; VACUUM; PRAGMA journal_mode = WAL",
    )
    .unwrap();
    drop(conn);
    let again = fixture.after_close();
    again.write(vec![of(&new)]);
    let pages = again.store.pages().unwrap();
    assert_eq!((pages.bytes, pages.incremental), (4096, true));
    for flow in [&old, &new] {
        assert_eq!(&*again.store.flow(flow.id).unwrap().unwrap(), flow);
    }
}

#[test]
fn stores_that_race_for_a_new_file_all_open_it() {
    for _ in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let start = Arc::new(Barrier::new(4));
        let racers: Vec<_> = (0..4)
            .map(|racer| {
                let mut options = options(folder.path());
                // As in real life; in a hurry nobody can take turns.
                options.busy_timeout = std::time::Duration::from_secs(5);
                let start = Arc::clone(&start);
                std::thread::spawn(move || {
                    start.wait();
                    let store = Store::open(options, silent()).unwrap();
                    store.submit(seal(vec![of(&flow(racer))])).unwrap();
                    store.flush().unwrap();
                    store
                })
            })
            .collect();
        let stores: Vec<Store> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
        // All four are there, and nobody has taken the others' open flows for lost ones.
        let filter = FlowFilter {
            outcome: Some(langley_store::OutcomeFilter::Open),
            ..FlowFilter::default()
        };
        assert_eq!(stores[0].count_flows(&filter).unwrap(), 4);
        for store in stores {
            store.close();
        }
    }
}

#[test]
fn a_newer_file_is_refused_with_both_versions_and_left_alone() {
    let fixture = Fixture::new();
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    for refused in [
        Store::open(options(fixture.folder.path()), silent()).map(drop),
        Store::open_read_only(&path).map(drop),
    ] {
        let error = refused.unwrap_err();
        let StoreError::Newer { found: 99, known, .. } = &error else { panic!("{error:?}") };
        let (text, known) = (error.to_string(), format!("only up to {known}"));
        assert!(text.contains("99") && text.contains(&known) && text.contains("update"), "{text}");
    }
}

#[test]
fn a_file_of_the_first_schema_is_brought_up_to_date_with_all_it_holds() {
    let fixture = Fixture::new();
    let (old, mut new) = (ended(1), ended(2));
    new.tls_note = Some("a note".into());
    let mut open = flow(3);
    open.host = "other.test".into();
    fixture.write(vec![of(&old), of(&ended(4)), of(&open)]);
    let path = fixture.store.path().to_owned();
    fixture.store.put_setting("a", redactor().seal("1".to_owned())).unwrap();
    fixture.store.clone().close();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch(&without_estimates()).unwrap();
    conn.execute_batch(SCHEMA_15).unwrap();
    conn.execute_batch(SCHEMA_13).unwrap();
    conn.execute_batch(FIRST_SCHEMA).unwrap();
    drop(conn);
    // What says how the rest is to be treated is read before it is brought up to date.
    assert_eq!(Store::setting_at(&path, "a").unwrap().as_deref(), Some("1"));
    assert_eq!(Store::setting_at(&path, "b").unwrap(), None);
    let refused = Store::open_read_only(&path).map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::Outdated { found: 1, .. }), "{refused:?}");
    let store = Store::open(options(fixture.folder.path()), silent()).unwrap();
    assert_eq!(&*store.flow(old.id).unwrap().unwrap(), &old);
    // The sums that menus and counts read are filled at once.
    assert_eq!(store.count_flows(&FlowFilter::default()).unwrap(), 3);
    let facets = store.facets(None).unwrap();
    let counts = |facets: Vec<Facet>| -> Vec<(String, u64)> {
        facets.into_iter().map(|facet| (facet.value, facet.count)).collect()
    };
    assert_eq!(counts(facets.hosts), [(old.host.clone(), 2), (open.host.clone(), 1)]);
    // What a kill left open is lost.
    assert_eq!(counts(facets.outcomes), [("completed".into(), 2), ("lost".into(), 1)]);
    store.submit(seal(vec![of(&new)])).unwrap();
    store.flush().unwrap();
    assert_eq!(store.flow(new.id).unwrap().unwrap().tls_note, new.tls_note);
    // What was there waits for the index.
    while store.note_backlog().unwrap() {}
    assert!(store.unindexed(10).unwrap().iter().any(|next| next.flow == old.id));
    store.close();
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("langley.db");
    fs::write(&path, b"not a database, but somebody's notes".repeat(100)).unwrap();
    let before = fs::read(&path).unwrap();
    let error = Store::open(options(folder.path()), silent()).map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("nothing was deleted"));
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    drop(conn);
    let error = Store::open(options(folder.path()), silent()).map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
}

#[test]
fn a_damaged_page_is_named_and_nothing_else_is_lost() {
    let fixture = Fixture::new();
    let flows: Vec<_> = (1..13).map(|at| (ended(at), noise(at.cast_unsigned()))).collect();
    for (flow, bytes) in &flows {
        fixture.write(vec![of(flow), body(flow.id, Side::Client, bytes.clone())]);
    }
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    spoil(&path, page_of_contents(&path));
    let fixture = fixture.after_close();
    let (mut damaged, mut whole) = (0, 0);
    for (flow, bytes) in &flows {
        assert_eq!(&*fixture.store.flow(flow.id).unwrap().unwrap(), flow);
        match fixture.store.body(flow.id, Side::Client) {
            Ok(body) => {
                assert_eq!(&body.unwrap().bytes, bytes);
                whole += 1;
            }
            Err(StoreError::Corrupt { .. }) => damaged += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!((1..=3).contains(&damaged), "{damaged}");
    assert_eq!(whole + damaged, flows.len());
}

#[test]
fn a_file_whose_tables_are_damaged_is_refused_and_left_as_it_is() {
    let fixture = Fixture::new();
    fixture.write(vec![of(&ended(1))]);
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    // The roots of all tables but the schema's own.
    let pages = fs::metadata(&path).unwrap().len() / 8192;
    for page in 2..=pages.min(12) {
        spoil(&path, page);
    }
    let bytes = fs::read(&path).unwrap();
    let result = Store::open_read_only(&path)
        .and_then(|store| store.flows(&FlowFilter::default(), None, 10).map(drop));
    let error = result.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    let error = Store::open(options(fixture.folder.path()), silent()).map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(fs::read(&path).unwrap() == bytes, "something was written to it");
}

#[test]
fn rows_that_do_not_decode_keep_no_store_from_being_opened() {
    let fixture = Fixture::new();
    let [damaged, open] = [1, 2].map(flow);
    fixture.write(vec![of(&damaged), of(&open)]);
    let conn = rusqlite::Connection::open(fixture.store.path()).unwrap();
    assert_eq!(conn.execute("UPDATE flows SET port = 'x' WHERE n = 1", ()).unwrap(), 1);
    let again = fixture.after_a_kill();
    assert_eq!(again.store.counters().lost_flows_at_open, 2);
    let conn = rusqlite::Connection::open(again.store.path()).unwrap();
    let lost = "SELECT count(*) FROM flows WHERE outcome = 'lost' AND reason LIKE 'Langley ended%'";
    assert_eq!(conn.query_row(lost, (), |row| row.get::<_, i64>(0)).unwrap(), 2);
    assert_eq!(again.store.flow(open.id).unwrap().unwrap().outcome, Some(Outcome::Lost));
}

#[test]
fn a_missing_store_is_not_made_by_reading_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("langley.db");
    assert!(matches!(Store::open_read_only(&path), Err(StoreError::Missing { .. })));
    assert!(!path.exists());
}

#[test]
fn a_folder_that_is_not_there_or_not_writable_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let missing = Store::open(options(&folder.path().join("none")), silent()).map(drop);
    assert!(matches!(missing, Err(StoreError::Unwritable { .. })), "{missing:?}");

    let sealed = folder.path().join("sealed");
    fs::create_dir(&sealed).unwrap();
    fs::set_permissions(&sealed, PermissionsExt::from_mode(0o500)).unwrap();
    // The superuser may write anywhere.
    if fs::write(sealed.join("probe"), b"").is_err() {
        let refused = Store::open(options(&sealed), silent()).map(drop);
        assert!(matches!(refused, Err(StoreError::Unwritable { .. })), "{refused:?}");
    }
}

#[test]
fn a_read_only_file_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let path = fixture.store.path().to_owned();
    fixture.store.clone().close();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
    if fs::OpenOptions::new().write(true).open(&path).is_err() {
        let refused = Store::open(options(fixture.folder.path()), silent()).map(drop);
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    }
}

#[test]
fn reading_never_marks_flows_lost_and_takes_no_records() {
    let fixture = Fixture::new();
    let open = flow(1);
    fixture.write(vec![of(&open)]);
    let reader = Store::open_read_only(fixture.store.path()).unwrap();
    let read = reader.flow(open.id).unwrap().unwrap();
    assert!(read.is_open());
    let told = Told::Lost.flow(&reader, read.clone()).unwrap();
    assert_eq!(Told::Open.flow(&reader, read.clone()).unwrap(), read);
    assert_eq!(told.ended_at, Some(read.started_at), "nothing more is known of it");
    assert_eq!(told.outcome, Some(Outcome::Lost));
    assert!(told.reason.as_deref().is_some_and(|why| why.starts_with("Langley ended before")));
    assert_eq!(reader.submit(seal(vec![of(&open)])).unwrap_err().len(), 1);
    assert!(matches!(reader.delete_flows(&FlowFilter::default()), Err(StoreError::Closed)));
    fixture.write(vec![of(&ended(2))]);
    assert_eq!(reader.counters().flows_total, 2);
    let flows = reader.flows(&FlowFilter::default(), None, 1).unwrap().items;
    let ended = flows.into_iter().next().unwrap();
    let told = Told::Lost.flow(&reader, ended.clone()).unwrap();
    assert_eq!(told, ended, "what has ended is as it was");
}

#[test]
fn tunnels_that_a_kill_left_open_are_ended_and_seem_no_longer_than_they_were() {
    let fixture = Fixture::new();
    let tunnels = [tunnel(5, None), tunnel(6, Some(7)), tunnel(8, None)];
    fixture.write(tunnels.into_iter().chain([of(&ended(9))]).collect());
    let again = fixture.after_a_kill();
    let stored = again.store.tunnels(10).unwrap();
    let times: Vec<_> =
        stored.iter().map(|t| (t.started_at.0, t.ended_at.map(|at| at.0))).collect();
    assert_eq!(times, [(8, Some(9)), (6, Some(7)), (5, Some(9))]);
    assert_eq!(stored[2].bytes_up, 7);
    // A second writer beside a living one ends nothing.
    again.write(vec![tunnel(10, None)]);
    let beside = Store::open(options(again.folder.path()), silent()).unwrap();
    assert_eq!(beside.tunnels(1).unwrap()[0].ended_at, None);
}

#[test]
fn a_store_at_rest_is_read_where_no_file_can_be_made_beside_it() {
    let fixture = Fixture::new();
    let flow = ended(1);
    fixture.write(vec![of(&flow)]);
    let path = fixture.folder.path().join("a?b%20#.db");
    fixture.store.clone().close();
    fs::rename(fixture.store.path(), &path).unwrap();
    let beside = |suffix: &str| {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        std::path::PathBuf::from(name)
    };
    // Nobody can open a link that leads to itself, whoever runs this.
    std::os::unix::fs::symlink(beside("-shm"), beside("-shm")).unwrap();
    let store = Store::open_read_only(&path).unwrap();
    assert_eq!(&*store.flow(flow.id).unwrap().unwrap(), &flow);
    let copy = fixture.folder.path().join("copy.db");
    store.backup(&copy, &Store::backup_part(&copy)).unwrap();
    // With a log the file alone is not all.
    fs::write(beside("-wal"), b"x").unwrap();
    let refused = Store::open_read_only(&path).map(drop);
    assert!(matches!(refused, Err(StoreError::Unwritable { .. })), "{refused:?}");
}
