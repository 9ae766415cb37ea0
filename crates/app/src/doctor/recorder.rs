//! The recorder of the running server: does it keep up, and does the database take what it writes?

use serde_json::Value;

use super::check::Check;
use crate::api::Api;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::state::State;
use crate::token::Token;

const NAME: &str = "recorder";

/// What was captured or written away since the start of the server, by the name it has in the stats.
const LOSSES: [(&str, &str); 4] = [
    ("/gaps_total", "pieces not captured"),
    ("/recorder/records_dropped", "records dropped"),
    ("/recorder/events_dropped", "events dropped"),
    ("/batches_failed", "batches given up"),
];

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
            .why(format!(
                "the oldest record has waited for {} s; traffic itself goes on",
                lag / 1000
            ))
            .next("see whether another program holds the database, and whether the disk has room")
            .next("the server's log says more: logs/ in the home");
        return Check::failed(NAME, &error);
    }
    let dead = stats["recorder"]["threads_failed"].as_u64().unwrap_or(0);
    if dead > 0 {
        let error = AppError::failed(format!("{dead} of the recorder's threads died"))
            .why("what they recorded is lost from then on; traffic itself goes on")
            .next("start Langley again: `langley stop`, then `langley`")
            .next("the server's log says more: logs/ in the home");
        return Check::failed(NAME, &error);
    }
    let lost: Vec<String> = LOSSES
        .iter()
        .filter_map(|(place, what)| {
            let count = stats.pointer(place)?.as_u64().filter(|count| *count > 0)?;
            Some(format!("{count} {what}"))
        })
        .collect();
    if lost.is_empty() {
        return Check::passed(NAME, "nothing was lost since the server started");
    }
    Check::warned(NAME, format!("since the server started: {}", lost.join(", ")))
        .why("more came in than could be recorded; traffic itself was not held up")
        .next(
            "see Health in the dashboard; a faster disk, or a larger `persistence.queue_max_bytes`",
        )
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
        assert!(check.to_string().contains("3 pieces not captured, 2 records dropped"));
        let stuck = json!({ "writer_failing": true, "writer_lag_ms": 9000 });
        assert_eq!(judge(&stuck).verdict, Verdict::Fail);
        let dead = judge(&json!({ "recorder": { "threads_failed": 1 } }));
        assert_eq!(dead.verdict, Verdict::Fail);
        assert!(dead.to_string().contains("1 of the recorder's threads died"));
    }
}
