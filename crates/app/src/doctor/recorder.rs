//! The recorder of the running server: does it keep up, and does the database take what it writes?

use serde_json::Value;

use super::check::Check;
use crate::api::Api;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::state::State;
use crate::token::Token;

const NAME: &str = "recorder";

/// What was lost since the start of the server because more came in than could be recorded, by the name it has
/// in the stats.
const FLOODED: [(&str, &str); 3] = [
    ("/gaps_total", "pieces not captured"),
    ("/recorder/records_dropped", "records dropped before the writer"),
    ("/recorder/events_dropped", "events dropped before the writer"),
];

/// What was lost since then because the database took no writes.
const UNWRITTEN: [(&str, &str); 2] =
    [("/batches_failed", "batches given up"), ("/records_dropped", "records in them")];

/// Asks the running server.
pub(super) async fn check(home: &Home, state: &State) -> Check {
    match stats(home, state).await {
        Ok(stats) => judge(&stats),
        Err(error) => Check::failed(NAME, &error),
    }
}

async fn stats(home: &Home, state: &State) -> Result<Value> {
    let api = Api::new(state.api, Token::read(home)?);
    api.get("/api/stats").await.map_err(|error| {
        AppError::failed("the server does not tell how the recording goes").because(&error)
    })
}

fn judge(stats: &Value) -> Check {
    let lag = stats["writer_lag_ms"].as_u64().unwrap_or(0);
    if stats["writer_failing"] == true {
        let error = AppError::failed("the database takes no writes")
            .why(match lag / 1000 {
                0 => String::from("what was to be written is given up; traffic itself goes on"),
                waits => format!("the oldest record has waited for {waits} s; traffic itself goes on"),
            })
            .next("see whether another program holds the database, and whether the disk has room")
            .next("the server's log says more: in its terminal, or logs/ in the home where `langley run` started it");
        return Check::failed(NAME, &error);
    }
    let dead = stats["recorder"]["threads_failed"].as_u64().unwrap_or(0);
    if dead > 0 {
        let error = AppError::failed(format!("{dead} of the recorder's threads died"))
            .why("what they recorded is lost from then on; traffic itself goes on")
            .next("start Langley again: `langley stop`, then `langley`")
            .next("the server's log says more: in its terminal, or logs/ in the home where `langley run` started it");
        return Check::failed(NAME, &error);
    }
    let (flooded, unwritten) = (losses(stats, &FLOODED), losses(stats, &UNWRITTEN));
    let lost: Vec<&str> = unwritten.iter().chain(&flooded).map(String::as_str).collect();
    if lost.is_empty() {
        return Check::passed(NAME, "nothing was lost since the server started");
    }
    let check = Check::warned(NAME, format!("since the server started: {}", lost.join(", ")));
    let why = match (unwritten.is_empty(), flooded.is_empty()) {
        (true, _) => FLOOD,
        (false, true) => NO_WRITES,
        (false, false) => {
            "the database took no writes for a while, and more came in than could be recorded; traffic itself was not held up"
        }
    };
    let mut check = check.why(why);
    if !unwritten.is_empty() {
        check = check.next(
            "see that the disk has room, and that no other program holds the database; recording goes on by itself",
        );
    }
    if !flooded.is_empty() {
        check = check.next(
            "see Health in the dashboard; a faster disk, or a larger `persistence.queue_max_bytes`",
        );
    }
    check
}

const FLOOD: &str = "more came in than could be recorded; traffic itself was not held up";
const NO_WRITES: &str = "the database took no writes for a while (a full disk, a lock, a damaged page); traffic itself was not held up";

/// Those of `kinds` that are not nought, in words.
fn losses(stats: &Value, kinds: &[(&str, &str)]) -> Vec<String> {
    let said = kinds.iter().filter_map(|(place, what)| {
        let count = stats.pointer(place)?.as_u64().filter(|count| *count > 0)?;
        Some(format!("{count} {what}"))
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn losses_and_a_stuck_writer_are_said() {
        let quiet = json!({ "gaps_total": 0, "recorder": { "records_dropped": 0 } });
        assert_eq!(judge(&quiet).verdict, Verdict::Pass);
        let lossy = json!({ "gaps_total": 3, "recorder": { "records_dropped": 2 } });
        let check = judge(&lossy);
        assert_eq!(check.verdict, Verdict::Warn);
        assert!(
            check
                .to_string()
                .contains("3 pieces not captured, 2 records dropped before the writer")
        );
        assert!(check.to_string().contains("queue_max_bytes"), "{check}");
        let full = judge(&json!({ "batches_failed": 2, "records_dropped": 599 })).to_string();
        assert!(full.contains("2 batches given up, 599 records in them"), "{full}");
        assert!(full.contains("took no writes") && full.contains("the disk has room"), "{full}");
        assert!(!full.contains("queue_max_bytes") && !full.contains("more came in"), "{full}");
        let stuck = json!({ "writer_failing": true, "writer_lag_ms": 9000 });
        assert_eq!(judge(&stuck).verdict, Verdict::Fail);
        let dead = judge(&json!({ "recorder": { "threads_failed": 1 } }));
        assert_eq!(dead.verdict, Verdict::Fail);
        assert!(dead.to_string().contains("1 of the recorder's threads died"));
    }
}
