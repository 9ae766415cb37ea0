//! Holds what was recorded against what the provider received and what the script said.

use langley_fixture::{Say, Script, Turn};
use langley_model::Tokens;
use serde_json::{Value, json};

use super::case::Case;
use super::reconciled::Reconciled;
use super::trial::{Mode, Trial};

/// What a run showed.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) title: String,
    pub(crate) mode: Mode,
    /// HTTP versions between client and Langley, of the calls of the model.
    pub(crate) versions: Vec<String>,
    /// Where sessions were read.
    pub(crate) session: Option<String>,
    /// JA4 of the client's hellos.
    pub(crate) ja4: Vec<String>,
    /// How many requests the provider received.
    pub(crate) requests: usize,
    /// What passed held against the client's own transcript, where it writes one.
    pub(crate) ledger: Option<Reconciled>,
    /// What did not hold; empty: all held.
    pub(crate) problems: Vec<String>,
}

impl Finding {
    /// For the terminal.
    pub(crate) fn line(&self, title: &str) -> String {
        let verdict = if self.problems.is_empty() { "ok" } else { "PROBLEM" };
        let problems: String = self.problems.iter().map(|line| format!("\n    {line}")).collect();
        let (versions, requests) = (self.versions.join(", "), self.requests);
        format!("{verdict:8}{title}, {:?}: {requests} requests, {versions}{problems}", self.mode)
    }
}

/// Judges one run.
pub(crate) fn judge(case: &Case, mode: Mode, trial: &Trial) -> Finding {
    let mut problems = Vec::new();
    match trial.exit {
        Some(0) => {}
        Some(code) => problems.push(format!("the client exited with {code}")),
        None => problems.push("the client did not end by itself".to_owned()),
    }
    if !trial.is_proven {
        problems.push(format!("the client did not do its work: {:?} is missing", case.proof));
    }
    problems.extend(unrecorded(trial));
    problems.extend(trial.flows.iter().filter_map(blemish));
    let script = (case.script)();
    problems.extend(script.turns().iter().filter_map(|turn| missing(case, turn, trial)));
    problems.extend(sessions(case, &script, trial));
    match &trial.ledger {
        Some(ledger) => problems.extend(ledger.problems(case)),
        None if case.writes_transcripts => problems.push("there is no ledger".to_owned()),
        None => {}
    }
    let answered =
        || trial.flows.iter().filter(|flow| flow["streaming"] == true || flow["status"] == 101);
    let distinct = |key: &str| {
        let mut found: Vec<String> =
            answered().filter_map(|flow| Some(flow[key].as_str()?.to_owned())).collect();
        found.sort();
        found.dedup();
        found
    };
    if mode == Mode::Forward && distinct("ja4_in").is_empty() {
        problems.push("no flow knows the JA4 of the client's hello".to_owned());
    }
    let versions = distinct("version_in");
    if mode == Mode::Forward && !versions.iter().any(|version| version == case.version) {
        problems.push(format!("{} was expected, seen was {versions:?}", case.version));
    }
    Finding {
        title: case.title(),
        mode,
        versions,
        session: distinct("session_source").first().cloned(),
        ja4: distinct("ja4_in"),
        requests: trial.exchanges.len(),
        ledger: trial.ledger.clone(),
        problems,
    }
}

/// Requests that the provider received and no flow stands for.
fn unrecorded(trial: &Trial) -> Option<String> {
    let requests = trial.exchanges.len();
    let flows = trial.flows.iter().filter(|flow| is_request(flow)).count();
    (requests != flows).then(|| format!("{requests} requests reached the provider, {flows} flows"))
}

/// Whether a flow stands for a request to the provider: a call over a WebSocket is a flow of its own,
/// and no request.
pub(crate) fn is_request(flow: &Value) -> bool {
    flow["method"] != "WS" && !is_ours(flow)
}

/// A look at the base URL itself (`HEAD /`), which Langley answers alone.
fn is_ours(flow: &Value) -> bool {
    flow["method"] == "HEAD" && flow["path"] == "/" && flow["status"] == 204
}

/// What a flow must never be.
fn blemish(flow: &Value) -> Option<String> {
    let is_ended_well = match flow["outcome"].as_str() {
        Some("completed") => true,
        // The loopback provider has the API only, not the services beside it.
        Some("provider_error") => flow["status"] == 404 && flow["method"] == "GET",
        _ => false,
    };
    let trouble = if !is_ended_well {
        format!("ended {} ({})", flow["outcome"], flow["reason"])
    } else if flow["capture_gaps"] != 0 {
        format!("{} gaps", flow["capture_gaps"])
    } else if flow["unknown_events"] != 0 {
        format!("{} unknown events", flow["unknown_events"])
    } else if !flow["decode_note"].is_null() {
        format!("decoding: {}", flow["decode_note"])
    } else {
        return None;
    };
    Some(format!("{} {}: {trouble}", flow["method"], flow["path"]))
}

/// Why the provider did not see the client's own TLS hello, when it did not.
pub(crate) fn unlike(flow: &Value) -> Option<String> {
    let (seen, sent) = (&flow["ja4_in"], &flow["ja4_out"]);
    // A call within a WebSocket has the hellos of its upgrade; a plain connection has none.
    let is_alike = seen.is_string() && seen == sent || flow["scheme"] == "http";
    (!is_alike).then(|| format!("JA4 in {seen}, out {sent} ({})", flow["tls_note"]))
}

/// What is wrong when no flow says what `turn` said.
fn missing(case: &Case, turn: &Turn, trial: &Trial) -> Option<String> {
    let wanted = wanted(case, turn);
    let differences = |flow: &Value| -> Vec<String> {
        wanted
            .iter()
            .filter(|(key, value)| flow.pointer(key) != Some(value))
            .map(|(key, value)| {
                format!("{key} is {}, not {value}", flow.pointer(key).unwrap_or(&Value::Null))
            })
            .collect()
    };
    let nearest = trial.flows.iter().map(differences).min_by_key(Vec::len);
    match nearest {
        None => Some("nothing was recorded".to_owned()),
        Some(differences) if differences.is_empty() => None,
        Some(differences) => {
            Some(format!("no flow says what was said; the nearest: {}", differences.join("; ")))
        }
    }
}

/// The facts of a flow that carries `turn`, as JSON pointers and values.
fn wanted(case: &Case, turn: &Turn) -> Vec<(&'static str, Value)> {
    let calls: Vec<&str> = turn
        .blocks
        .iter()
        .filter_map(|block| match block {
            Say::Tool { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let usage = turn.usage;
    let count = |tokens: Option<Tokens>| tokens.map_or(0, |Tokens(count)| count);
    let all = count(usage.input)
        + count(usage.cache_read)
        + count(usage.cache_write_5m)
        + count(usage.cache_write_1h);
    // Anthropic's and Bedrock's input leaves out the cache, Google's output the thoughts.
    let is_apart = matches!(case.provider, "anthropic" | "bedrock");
    let input = if is_apart { count(usage.input) } else { all };
    let thoughts: usize = turn
        .blocks
        .iter()
        .map(|block| if let Say::Thinking(text) = block { text.len() / 4 } else { 0 })
        .sum();
    let output = match case.provider {
        "gemini" => turn.output_tokens().saturating_sub(thoughts as u64),
        _ => turn.output_tokens(),
    };
    let mut facts = vec![
        ("/provider", json!(case.provider)),
        ("/model", json!(case.recorded_model.unwrap_or(case.model))),
        ("/streaming", json!(true)),
        ("/tool_names", json!(calls)),
        ("/usage/input", json!(input)),
        ("/usage/cache_read", json!(count(usage.cache_read))),
        ("/usage/output", json!(output)),
    ];
    let written = [usage.cache_write_5m, usage.cache_write_1h].map(count);
    let tokens = if is_apart {
        [count(usage.input), count(usage.cache_read), written[0], written[1], turn.output_tokens()]
    } else {
        // What was written to the cache these providers do not tell.
        let read = count(usage.cache_read);
        [all - read, read, 0, 0, turn.output_tokens()]
    };
    facts.extend(cost(case, tokens).map(|cost| ("/cost/micro_usd", json!(cost))));
    facts
}

/// What the script's usage costs in millionths of a dollar, calculated from the lists of the makers, which stand here
/// once more: cents for a million tokens uncached, read from the cache, written for five minutes and for an hour, and
/// of output. None where the list has more to it than that.
fn cost(case: &Case, tokens: [u64; 5]) -> Option<u64> {
    let cents: [u64; 5] = match (case.provider, case.recorded_model.unwrap_or(case.model)) {
        ("anthropic", "claude-opus-5-5") => [400, 20, 500, 800, 2_000],
        ("openai", "gpt-6.1-sol") => [200, 10, 0, 0, 1_000],
        ("gemini", "gemini-3-pro-preview" | "gemini-3.1-pro-preview") => [200, 20, 0, 0, 1_200],
        _ => return None,
    };
    let exact: u64 = tokens.iter().zip(cents).map(|(tokens, cents)| tokens * cents).sum();
    let (whole, rest) = (exact / 100, exact % 100);
    Some(whole + u64::from(rest > 50 || (rest == 50 && whole % 2 == 1)))
}

/// A client that names its session names it in every call of the script.
fn sessions(case: &Case, script: &Script, trial: &Trial) -> Option<String> {
    let mut sessions: Vec<&str> =
        trial.flows.iter().filter_map(|flow| flow["session_id"].as_str()).collect();
    let named = sessions.len();
    sessions.sort_unstable();
    sessions.dedup();
    if case.names_session && named < script.turns().len() {
        return Some(format!("{named} flows have a session"));
    }
    (case.names_session && sessions.len() != 1)
        .then(|| format!("one session was expected: {sessions:?}"))
}

#[cfg(test)]
mod tests {
    use super::super::catalog::catalog;
    use super::*;

    /// A run of the first client in which all is well, changed by `change`.
    fn problems(change: impl FnOnce(&mut Trial)) -> Vec<String> {
        let cases = catalog();
        let case = &cases[0];
        let script = (case.script)();
        let flow = |turn: &Turn| {
            let mut flow = json!({
                "outcome": "completed", "capture_gaps": 0, "unknown_events": 0, "usage": {},
                "session_id": "s", "session_source": "header", "version_in": case.version,
                "ja4_in": "t13d", "method": "POST", "path": "/v1/messages", "status": 200,
            });
            for (pointer, value) in wanted(case, turn) {
                match pointer.trim_start_matches('/').split_once('/') {
                    Some((object, key)) => flow[object][key] = value,
                    None => flow[&pointer[1..]] = value,
                }
            }
            flow
        };
        let mut trial = Trial {
            exit: Some(0),
            output: String::new(),
            errors: String::new(),
            is_proven: true,
            flows: script.turns().iter().map(flow).collect(),
            exchanges: Vec::new(),
            ledger: Some(Reconciled(ledger(script.turns().len()))),
        };
        change(&mut trial);
        // A flow too many or too few is judged apart: no request can be made up here.
        let found = judge(case, Mode::Forward, &trial).problems;
        found.into_iter().filter(|problem| !problem.contains("reached the provider")).collect()
    }

    /// A ledger in which all is joined, and one request beside the conversation is explained.
    fn ledger(calls: usize) -> Value {
        json!({
            "wire": { "responses": calls + 1 }, "transcript": { "responses": calls },
            "joined": calls, "differing": 0,
            "gaps": [{ "reason": "not_written", "responses": 1 }], "entries": [],
        })
    }

    #[test]
    fn a_transcript_that_does_not_come_to_what_passed_is_a_problem() {
        let changes: [(&str, Value); 6] = [
            ("/wire/responses", json!(9)),
            ("/transcript/responses", json!(9)),
            ("/joined", json!(0)),
            ("/differing", json!(1)),
            ("/gaps/0/reason", json!("passed_by")),
            ("/gaps/0/responses", json!(2)),
        ];
        for (pointer, value) in changes {
            let found = problems(|trial| {
                let place = trial.ledger.as_mut().and_then(|it| it.0.pointer_mut(pointer));
                *place.unwrap() = value.clone();
            });
            assert!(!found.is_empty(), "{pointer}");
        }
        assert_eq!(problems(|trial| trial.ledger = None), ["there is no ledger"]);
    }

    #[test]
    fn a_run_in_which_all_is_right_has_no_problem() {
        assert_eq!(problems(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn every_wrong_fact_is_a_problem() {
        let changes: [(&str, Value); 10] = [
            ("/outcome", json!("upstream_gone")),
            ("/capture_gaps", json!(1)),
            ("/unknown_events", json!(1)),
            ("/model", json!("other")),
            ("/provider", json!("openai")),
            ("/tool_names", json!(["Read"])),
            ("/usage/output", json!(1)),
            ("/usage/cache_read", Value::Null),
            ("/cost/micro_usd", json!(1)),
            ("/session_id", json!("another")),
        ];
        for (pointer, value) in changes {
            let found = problems(|trial| {
                if let Some(place) = trial.flows[0].pointer_mut(pointer) {
                    *place = value.clone();
                }
            });
            assert_eq!(found.len(), 1, "{pointer}: {found:?}");
        }
    }

    #[test]
    fn a_hello_that_differs_is_told() {
        let flow = |out: Value| json!({ "scheme": "https", "ja4_in": "a", "ja4_out": out });
        assert_eq!(unlike(&flow(json!("a"))), None);
        assert!(unlike(&flow(json!("b"))).is_some());
        assert!(unlike(&flow(Value::Null)).is_some());
        assert!(unlike(&json!({ "scheme": "https" })).is_some());
    }

    #[test]
    fn a_client_that_fails_or_hangs_is_a_problem() {
        assert_eq!(problems(|trial| trial.exit = Some(1)), ["the client exited with 1"]);
        assert_eq!(problems(|trial| trial.exit = None).len(), 1);
        assert_eq!(problems(|trial| trial.is_proven = false).len(), 1);
    }

    #[test]
    fn a_request_without_a_flow_is_a_problem() {
        let cases = catalog();
        let trial = Trial {
            exit: Some(0),
            output: String::new(),
            errors: String::new(),
            is_proven: true,
            flows: vec![json!({ "method": "POST" })],
            exchanges: Vec::new(),
            ledger: None,
        };
        let found = judge(&cases[0], Mode::Forward, &trial).problems;
        assert!(
            found.contains(&"0 requests reached the provider, 1 flows".to_owned()),
            "{found:?}"
        );
    }
}
