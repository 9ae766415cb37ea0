//! Sessions and tasks of requests that state none: by what they go on from.

use std::time::Duration;

use langley_engine::{InferenceKey, IntakeOptions, RecorderOptions};
use langley_model::{Flow, FlowId, Micros};

use crate::kit::{Rig, Rows, Script, no_live_feed};

const MINUTE: i64 = 60_000_000;

/// Flows one after the other, each known before the next begins.
struct Talk {
    rig: Rig,
    captures: u64,
}

impl Talk {
    fn new() -> Self {
        Self::with(RecorderOptions::default())
    }

    fn with(options: RecorderOptions) -> Self {
        let intake = IntakeOptions { lanes: 2, ..IntakeOptions::default() };
        Self { rig: Rig::with(options, intake, &no_live_feed()), captures: 0 }
    }

    /// Plays a script that begins after so many minutes and takes no time.
    fn at(&mut self, minute: i64, mut script: Script) -> FlowId {
        script.opened.started_at = Micros(minute * MINUTE);
        script.closed.ended_at = Micros(minute * MINUTE);
        self.rig.play(&script);
        self.captures += 2 + script.pieces.len() as u64;
        let captures = self.captures;
        self.rig.until(|rig| rig.recorder.stats().captures_total == captures);
        script.flow
    }

    fn finish(self) -> Rows {
        self.rig.finish()
    }
}

/// A request of Messages with these turns, the user's and the model's in alternation.
fn said(turns: &[&str]) -> Script {
    let turns: Vec<String> = turns
        .iter()
        .enumerate()
        .map(|(place, text)| {
            let role = if place % 2 == 0 { "user" } else { "assistant" };
            format!(r#"{{"role":"{role}","content":"{text}"}}"#)
        })
        .collect();
    Script::messages(&format!(r#"{{"model":"m","messages":[{}]}}"#, turns.join(",")))
}

/// A request of Responses; answered with `id`.
fn responded(lines: &[(&str, &str)], body: &str, id: &str) -> Script {
    let event = format!(
        "data: {{\"type\":\"response.created\",\"response\":{{\"id\":\"{id}\",\"model\":\"m\"}}}}\n\n"
    );
    let done = event.replace("response.created", "response.completed");
    Script::post("/v1/responses", lines)
        .request(body.as_bytes())
        .request_end()
        .sse()
        .data(event.as_bytes())
        .data(done.as_bytes())
        .end()
}

fn session(rows: &Rows, id: FlowId) -> (&str, &'static str) {
    let session = rows.flow(id).session.as_ref().unwrap();
    (&session.id, session.source)
}

fn task(rows: &Rows, id: FlowId) -> Option<(&str, &'static str)> {
    rows.flow(id).task.as_ref().map(|task| (task.id.as_str(), task.source))
}

#[test]
fn a_conversation_without_a_name_is_one_session_however_long_it_rests() {
    let mut talk = Talk::new();
    let first = talk.at(0, said(&["fix it"]));
    let second = talk.at(30, said(&["fix it", "done", "thanks"]));
    let third = talk.at(90, said(&["fix it", "done", "thanks", "sure", "and now?"]));
    let retried = talk.at(91, said(&["fix it", "done", "thanks", "sure", "and now?"]));
    let other = talk.at(92, said(&["another thing", "done", "thanks"]));
    let rows = talk.finish();
    let (id, source) = session(&rows, first);
    assert_eq!(source, "inferred");
    for flow in [second, third, retried] {
        assert_eq!(session(&rows, flow), (id, "chain:messages"));
    }
    assert_ne!(session(&rows, other).0, id);
    assert_eq!(session(&rows, other).1, "inferred");
}

#[test]
fn what_only_begins_alike_is_one_session_until_it_rests() {
    let mut talk = Talk::new();
    let flows = [0, 4, 9, 15].map(|minute| talk.at(minute, said(&["hello"])));
    let mut elsewhere = said(&["hello"]);
    elsewhere.opened.host = "other.example".into();
    let elsewhere = talk.at(15, elsewhere);
    let rows = talk.finish();
    let ids = flows.map(|flow| session(&rows, flow).0);
    assert_eq!((ids[0], ids[1]), (ids[1], ids[2]), "four and five minutes are no rest");
    assert_ne!(ids[2], ids[3], "six minutes are one");
    assert_ne!(ids[3], session(&rows, elsewhere).0);
    assert!(flows.iter().all(|flow| session(&rows, *flow).1 == "inferred"));
}

#[test]
fn what_is_still_being_answered_does_not_rest() {
    let mut talk = Talk::new();
    let mut long = said(&["hello"]);
    long.opened.started_at = Micros(0);
    long.closed.ended_at = Micros(20 * MINUTE);
    talk.rig.start(&long);
    talk.captures += 1 + long.pieces.len() as u64;
    let meanwhile = talk.at(19, said(&["hello"]));
    talk.rig.play_end(&long);
    talk.captures += 1;
    let after = talk.at(24, said(&["hello"]));
    let rows = talk.finish();
    let (id, _) = session(&rows, long.flow);
    assert_eq!(session(&rows, meanwhile).0, id);
    assert_eq!(session(&rows, after).0, id, "four minutes after the end");
}

#[test]
fn what_is_still_being_answered_does_not_rest_when_an_older_conversation_that_began_alike_goes_on()
{
    let mut talk = Talk::new();
    talk.at(0, said(&["hello"]));
    let older = talk.at(1, said(&["hello", "hi", "more"]));
    let mut long = said(&["hello"]);
    long.opened.started_at = Micros(20 * MINUTE);
    long.closed.ended_at = Micros(60 * MINUTE);
    talk.rig.start(&long);
    talk.captures += 1 + long.pieces.len() as u64;
    let captures = talk.captures;
    talk.rig.until(|rig| rig.recorder.stats().captures_total == captures);
    let goes_on = talk.at(21, said(&["hello", "hi", "more", "sure", "thanks"]));
    let meanwhile = talk.at(30, said(&["hello"]));
    talk.rig.play_end(&long);
    talk.captures += 1;
    let rows = talk.finish();
    assert_eq!(session(&rows, goes_on), (session(&rows, older).0, "chain:messages"));
    assert_ne!(session(&rows, long.flow).0, session(&rows, older).0);
    assert_eq!(session(&rows, meanwhile).0, session(&rows, long.flow).0);
}

#[test]
fn an_inferred_id_tells_nothing_of_the_words_to_who_has_no_key() {
    let ids = |random| {
        let inference_key = InferenceKey::new(random);
        let mut talk = Talk::with(RecorderOptions { inference_key, ..RecorderOptions::default() });
        let flow = talk.at(0, said(&["hello"]));
        let rows = talk.finish();
        (session(&rows, flow).0.to_owned(), task(&rows, flow).unwrap().0.to_owned())
    };
    let kept = ids([7; 32]);
    assert_eq!(ids([7; 32]), kept);
    assert_ne!(ids([8; 32]).0, kept.0);
    let mut guess = Talk::new();
    let flow = guess.at(0, said(&["hello"]));
    let rows = guess.finish();
    assert_ne!(session(&rows, flow).0, kept.0);
    assert_ne!(task(&rows, flow).unwrap().0, kept.1);
}

#[test]
fn a_request_that_names_an_answer_is_of_its_session_and_task() {
    let mut talk = Talk::new();
    let stated = [("session-id", "s-1")];
    let first = talk.at(0, responded(&stated, r#"{"input":"hi"}"#, "resp_1"));
    let more = r#"{"input":"more","previous_response_id":"resp_1"}"#;
    let second = talk.at(60, responded(&[], more, "resp_2"));
    let more = more.replace("resp_1", "resp_2");
    let third = talk.at(120, responded(&[], &more, "resp_3"));
    let lost = talk.at(121, responded(&[], &more.replace("resp_2", "resp_0"), "resp_4"));
    let rows = talk.finish();
    assert_eq!(session(&rows, first), ("s-1", "header:session-id"));
    for flow in [second, third] {
        assert_eq!(session(&rows, flow), ("s-1", "chain:previous_response_id"));
        assert_eq!(task(&rows, flow), Some(("s-1", "session")));
    }
    assert_eq!(session(&rows, lost).1, "inferred");
}

#[test]
fn a_task_is_inferred_by_host_and_rest_and_only_where_nothing_names_one() {
    let mut talk = Talk::new();
    let first = talk.at(0, said(&["one"]));
    let second = talk.at(5, said(&["two"]));
    let rested = talk.at(11, said(&["three"]));
    let user = Script::messages(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"user_id":"u"}}"#,
    );
    let user = talk.at(11, user);
    let rows = talk.finish();
    let (id, source) = task(&rows, first).unwrap();
    assert_eq!(source, "inferred");
    assert_eq!(task(&rows, second), Some((id, "inferred")));
    assert_ne!(session(&rows, first).0, session(&rows, second).0);
    assert_ne!(task(&rows, rested).unwrap().0, id);
    assert_eq!(task(&rows, user), Some(("u", "body:metadata.user_id")));
}

#[test]
fn tasks_are_not_inferred_where_that_is_switched_off_and_the_gap_is_the_one_asked_for() {
    let options = RecorderOptions {
        infers_tasks: false,
        idle_gap: Duration::from_mins(1),
        ..RecorderOptions::default()
    };
    let mut talk = Talk::with(options);
    let first = talk.at(0, said(&["hello"]));
    let second = talk.at(2, said(&["hello"]));
    let rows = talk.finish();
    assert_eq!(task(&rows, first), None);
    assert_ne!(session(&rows, first).0, session(&rows, second).0);
}

#[test]
fn what_an_earlier_run_recorded_goes_on() {
    let mut talk = Talk::new();
    let inferred = talk.at(0, said(&["hello"]));
    let answered = talk.at(0, responded(&[], r#"{"input":"hi"}"#, "resp_1"));
    let rows = talk.finish();
    let recalled: Vec<Flow> = [inferred, answered].map(|flow| rows.flow(flow).clone()).into();
    let mut talk = Talk::with(RecorderOptions { recalled, ..RecorderOptions::default() });
    let again = talk.at(3, said(&["hello"]));
    let more = r#"{"input":"more","previous_response_id":"resp_1"}"#;
    let more = talk.at(60, responded(&[], more, "resp_2"));
    let after = talk.finish();
    assert_eq!(session(&after, again), session(&rows, inferred));
    assert_eq!(task(&after, again), task(&rows, inferred));
    assert_eq!(session(&after, more).0, session(&rows, answered).0);
}

#[test]
fn what_cannot_be_read_as_a_conversation_has_no_session() {
    let mut talk = Talk::new();
    let broken = talk.at(0, Script::messages(r#"{"model":"m","messages":[{"role":"user","con"#));
    let telemetry = Script::post("/api/event_logging/v2/batch", &[]).request(b"{}").request_end();
    let telemetry = talk.at(0, telemetry);
    let rows = talk.finish();
    assert_eq!(rows.flow(broken).session, None);
    assert_eq!((&rows.flow(telemetry).session, &rows.flow(telemetry).task), (&None, &None));
}

#[test]
fn the_session_is_known_before_the_answer() {
    let talk = Talk::new();
    let script = said(&["hello"]);
    talk.rig.start(&script);
    let is_known = |flow: &Flow| flow.session.is_some() && flow.task.is_some();
    talk.rig.until(|rig| rig.shelf.flow(script.flow).is_some_and(|flow| is_known(&flow)));
    talk.rig.play_end(&script);
    talk.finish();
}

#[test]
fn a_thread_that_a_call_names_goes_before_the_one_of_its_connection() {
    let body = r#"{"input":"x","client_metadata":{"session_id":"s","thread_id":"t-2"}}"#;
    let mut talk = Talk::new();
    let over_http = talk.at(0, responded(&[], body, "resp_1"));
    let with_header = talk.at(0, responded(&[("thread-id", "t-1")], body, "resp_2"));
    let mut call = responded(&[("thread-id", "t-1")], body, "resp_3");
    call.opened.method = "WS".into();
    let call = talk.at(0, call);
    let rows = talk.finish();
    let thread = |flow| rows.flow(flow).agent_id.as_deref();
    assert_eq!(thread(over_http), Some("t-2"));
    assert_eq!(thread(with_header), Some("t-1"));
    assert_eq!(thread(call), Some("t-2"));
}
