//! Attempts that repeat one that failed.

use langley_engine::{IntakeOptions, RecorderOptions};
use langley_model::{Ending, FlowId, Micros};

use crate::kit::{Rig, Rows, Script, answer, no_live_feed};

const SECOND: i64 = 1_000_000;

fn asked(body: &str) -> Script {
    Script::post("/v1/messages", &[("x-claude-code-session-id", "s")])
        .request(body.as_bytes())
        .request_end()
}

const ONE: &str = r#"{"messages":[{"role":"user","content":"one"}],"stream":true,"max_tokens":9}"#;
/// The same without streaming, and with another limit.
const PLAIN: &str = r#"{"messages":[{"role":"user","content":"one"}],"max_tokens":5}"#;
const OTHER: &str = r#"{"messages":[{"role":"user","content":"two"}],"stream":true}"#;

fn status(script: Script, status: u16) -> Script {
    script.head(status, &[("content-type", "application/json")]).data(b"{}").end()
}

fn broken(script: Script) -> Script {
    script.sse().data(answer(&["half"]).split_at(200).0.as_bytes()).ends(Ending::UpstreamGone)
}

/// Plays scripts, each so many seconds after the start, one after the other, over several lanes.
fn play(scripts: Vec<(i64, Script)>) -> (Vec<FlowId>, Rows) {
    let intake = IntakeOptions { lanes: 2, ..IntakeOptions::default() };
    let rig = Rig::with(RecorderOptions::default(), intake, &no_live_feed());
    let mut captures = 0;
    let mut ids = Vec::new();
    for (second, mut script) in scripts {
        script.opened.started_at = Micros(second * SECOND);
        script.closed.ended_at = Micros(second * SECOND);
        ids.push(script.flow);
        rig.play(&script);
        captures += 2 + script.pieces.len() as u64;
        rig.until(|rig| rig.recorder.stats().captures_total == captures);
    }
    (ids, rig.finish())
}

#[track_caller]
fn assert_retries(scripts: Vec<(i64, Script)>, expected: &[Option<usize>]) {
    let (ids, rows) = play(scripts);
    let told: Vec<_> = ids.iter().map(|id| rows.flow(*id).retry_of).collect();
    let expected: Vec<_> = expected.iter().map(|place| place.map(|place| ids[place])).collect();
    assert_eq!(told, expected);
}

#[test]
fn each_attempt_names_the_one_before_that_failed() {
    let attempts = vec![
        (0, status(asked(ONE), 429)),
        (1, status(asked(ONE), 529)),
        (3, broken(asked(ONE))),
        (4, status(asked(PLAIN), 200)),
    ];
    assert_retries(attempts, &[None, Some(0), Some(1), Some(2)]);
}

#[test]
fn what_succeeded_or_was_wrong_is_not_retried_but_asked_again() {
    let attempts = vec![
        (0, status(asked(ONE), 200)),
        (1, status(asked(ONE), 400)),
        (2, status(asked(ONE), 200)),
        (3, status(asked(OTHER), 429)),
        (4, status(asked(ONE), 200)),
    ];
    assert_retries(attempts, &[None, None, None, None, None]);
}

#[test]
fn another_session_another_host_and_a_later_hour_repeat_nothing() {
    let mut elsewhere = status(asked(ONE), 200);
    elsewhere.opened.host = "other.example".into();
    let session = Script::post("/v1/messages", &[("x-claude-code-session-id", "t")])
        .request(ONE.as_bytes())
        .request_end();
    let attempts = vec![
        (0, status(asked(ONE), 503)),
        (1, elsewhere),
        (2, status(session, 200)),
        (3_600, status(asked(ONE), 200)),
    ];
    assert_retries(attempts, &[None, None, None, None]);
}
