//! What passed of a client's session, held against the transcript that the client wrote itself: every response of
//! the transcript passed, and every call of the script is told.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use super::case::Case;
use crate::langley::Langley;

/// How long a transcript may take until it is read to its end: its folder is looked at every two seconds, and the last
/// totals of Codex count once nobody has written for two.
const SETTLING: Duration = Duration::from_secs(20);

/// The ledger of a session, as the API tells it.
#[derive(Clone, Debug)]
pub(crate) struct Reconciled(pub(crate) Value);

impl Reconciled {
    /// The ledger of the session of these flows, once the transcript is read; none where no flow has a session.
    pub(crate) async fn of(
        langley: &Langley,
        case: &Case,
        flows: &[Value],
    ) -> Result<Option<Self>> {
        let Some(session) = flows.iter().find_map(|flow| flow["session_id"].as_str()) else {
            return Ok(None);
        };
        let started = Instant::now();
        loop {
            let path = format!("/api/sessions/{session}/ledger");
            let ledger = Self(langley.get(&path).await?);
            if ledger.problems(case).is_empty() || started.elapsed() > SETTLING {
                return Ok(Some(ledger));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What does not come to the same.
    pub(crate) fn problems(&self, case: &Case) -> Vec<String> {
        let (passed, told, joined) = (
            self.count("/wire/responses"),
            self.count("/transcript/responses"),
            self.count("/joined"),
        );
        let mut problems = Vec::new();
        let calls = (case.script)().turns().len() as u64;
        if joined < calls {
            problems.push(format!("the ledger joins {joined} responses, the script has {calls}"));
        }
        if told != joined {
            problems.push(format!("the transcript tells of {told} responses, {joined} are joined"));
        }
        if self.count("/differing") != 0 {
            problems.push(format!(
                "{} joined responses differ: {}",
                self.count("/differing"),
                self.0["entries"]
            ));
        }
        if passed != joined + self.gaps().map(|(_, count)| count).sum::<u64>() {
            problems.push(format!(
                "{passed} passed, {joined} are joined, and the gaps are {}",
                self.in_words()
            ));
        }
        // What else passes of a session is what the agent asks for beside it.
        let odd = self.gaps().filter(|(reason, _)| *reason != "not_written");
        problems.extend(odd.map(|(reason, count)| format!("ledger: {count} {reason}")));
        problems
    }

    /// The gaps on one line.
    pub(crate) fn in_words(&self) -> String {
        let gaps: Vec<String> =
            self.gaps().map(|(reason, count)| format!("{count} `{reason}`")).collect();
        if gaps.is_empty() { "none".to_owned() } else { gaps.join(", ") }
    }

    pub(crate) fn count(&self, pointer: &str) -> u64 {
        self.0.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
    }

    fn gaps(&self) -> impl Iterator<Item = (&str, u64)> {
        let gaps = self.0["gaps"].as_array().into_iter().flatten();
        gaps.map(|gap| {
            (gap["reason"].as_str().unwrap_or("?"), gap["responses"].as_u64().unwrap_or_default())
        })
    }
}
