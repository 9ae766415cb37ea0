//! The schema: numbered migrations, applied under one immediate transaction so that two processes
//! starting together take turns.

use std::path::Path;

use langley_model::Micros;
use rusqlite::{Connection, TransactionBehavior};

use crate::damage;
use crate::error::StoreError;
use crate::rollup;

/// `LNGL`: tells a store from the databases of other programs.
const APPLICATION_ID: i32 = 0x4c4e_474c;

/// What they drop can be made again: the index, sums, findings, the analysis of calls. One that gave up what was
/// recorded would first have to make a copy (`Store::backup`).
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_tls_note.sql"),
    include_str!("../migrations/0003_rate_limits.sql"),
    include_str!("../migrations/0004_pieces.sql"),
    include_str!("../migrations/0005_upkeep.sql"),
    include_str!("../migrations/0006_search.sql"),
    include_str!("../migrations/0007_search_noted.sql"),
    include_str!("../migrations/0008_rollups.sql"),
    include_str!("../migrations/0009_indexes.sql"),
    include_str!("../migrations/0010_tunnel_reason.sql"),
    include_str!("../migrations/0011_search_by_flow.sql"),
    include_str!("../migrations/0012_search_by_slot.sql"),
    include_str!("../migrations/0013_based.sql"),
    include_str!("../migrations/0014_traits.sql"),
    include_str!("../migrations/0015_narrow.sql"),
    include_str!("../migrations/0016_cost.sql"),
    include_str!("../migrations/0017_tools.sql"),
    include_str!("../migrations/0018_tasks.sql"),
    include_str!("../migrations/0019_retries.sql"),
    include_str!("../migrations/0020_findings.sql"),
    include_str!("../migrations/0021_reasoning_apart.sql"),
    include_str!("../migrations/0022_evidence.sql"),
    include_str!("../migrations/0023_drops_by_flow.sql"),
    include_str!("../migrations/0024_words_without_counts.sql"),
    include_str!("../migrations/0025_times.sql"),
    include_str!("../migrations/0026_tool_costs_projects.sql"),
    include_str!("../migrations/0027_transcripts.sql"),
    include_str!("../migrations/0028_billed_results.sql"),
    include_str!("../migrations/0029_deleted_conversations.sql"),
    include_str!("../migrations/0030_estimates.sql"),
    include_str!("../migrations/0031_line_notes.sql"),
    include_str!("../migrations/0032_gone_lines.sql"),
    include_str!("../migrations/0033_maintained.sql"),
    include_str!("../migrations/0034_responses_by_message.sql"),
];

/// What of them reads all rows of a table whose pages may be damaged, and can be done without: an index, without which
/// some lists take longer; what has files that were cut read once more; and what makes responses one that were kept apart.
const SCANS: [&str; 6] = [
    "CREATE INDEX flows_by_project ON flows (project) WHERE project IS NOT NULL;",
    "CREATE INDEX transcript_blocks_small ON transcript_blocks (id) WHERE raw_len < 32768;",
    "CREATE INDEX flows_lacking ON flows (message_id) WHERE message_id IS NOT NULL AND (input_tokens IS NULL OR output_tokens IS NULL OR session_id IS NULL OR substr(session_id, 1, 9) = 'inferred-');",
    "UPDATE transcripts SET offset = 0, lines = 0, head = iif(offset >= 4096, head, 0), tail = 0, modified_ns = 0 WHERE records > lines;",
    "DELETE FROM transcript_responses WHERE request_id IS NULL AND message_id <> '' AND EXISTS (SELECT 1 FROM transcript_responses AS other WHERE other.message_id = transcript_responses.message_id AND other.request_id IS NULL AND (ifnull(other.output_tokens, -1), -other.id) > (ifnull(transcript_responses.output_tokens, -1), -transcript_responses.id));",
    "UPDATE OR IGNORE transcript_responses SET request_id = '' WHERE request_id IS NULL AND message_id <> '';",
];

/// The first that keeps sums, and the first that sums what this program does.
const FIRST_WITH_SUMS: i64 = 8;
const REDEFINED: i64 = 25;

/// The newest schema this program knows.
pub(crate) const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// Brings the file to [`SCHEMA`]. Where flows cannot be read, they are left out of what is summed anew.
pub(crate) fn migrate(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if check(conn, path)? == SCHEMA {
        return Ok(());
    }
    let error = match bring(conn, path, None) {
        Err(error) if error.is_of_one_place() => error,
        done => return done,
    };
    // Which these are is found out outside of a transaction that writes, which damage would end.
    let Ok(sound) = damage::sound_keys(conn) else { return Err(error) };
    bring(conn, path, Some(&sound))
}

fn bring(conn: &mut Connection, path: &Path, sound: Option<&[i64]>) -> Result<(), StoreError> {
    let fail = |error| StoreError::of(error, path);
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    // Once more, under the lock: another process may have been first.
    let version = check(&change, path)?;
    if (1..SCHEMA).contains(&version) {
        tracing::warn!(
            "the record is of an earlier version (schema {version} of {SCHEMA}) and is brought up to date; \
             if it is large, that takes a while"
        );
    }
    for (number, sql) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > version) {
        match sound {
            None => change.execute_batch(sql),
            Some(_) => {
                let without = SCANS.iter().fold(String::from(*sql), |sql, it| sql.replace(it, ""));
                change.execute_batch(&without)
            }
        }
        .map_err(fail)?;
        change
            .execute(
                "INSERT INTO schema_version (version, applied_at) VALUES (?1, ?2)",
                (number, Micros::now().0),
            )
            .map_err(fail)?;
    }
    if (FIRST_WITH_SUMS..REDEFINED).contains(&version) {
        rollup::redefine(&change, version, sound).map_err(fail)?;
    }
    change.pragma_update(None, "application_id", APPLICATION_ID).map_err(fail)?;
    change.pragma_update(None, "user_version", SCHEMA).map_err(fail)?;
    change.commit().map_err(fail)
}

/// The file's schema; an error when it is newer than this program or not a store at all.
pub(crate) fn check(conn: &Connection, path: &Path) -> Result<i64, StoreError> {
    let fail = |error| StoreError::of(error, path);
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let found = pragma("user_version").map_err(fail)?;
    let application = pragma("application_id").map_err(fail)?;
    let tables: i64 =
        conn.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).map_err(fail)?;
    if application != i64::from(APPLICATION_ID) && (tables > 0 || found != 0) {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if found > SCHEMA {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: SCHEMA });
    }
    Ok(found)
}
