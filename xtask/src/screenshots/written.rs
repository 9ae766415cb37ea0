//! What Claude Code would have written of the sessions that are played, so that the history has something to show.

use jiff::Timestamp;
use serde_json::{Value, json};

/// The lines of one session's file.
#[derive(Debug)]
pub(super) struct Written {
    session: &'static str,
    folder: &'static str,
    lines: Vec<String>,
}

impl Written {
    pub(super) const fn new(session: &'static str, folder: &'static str) -> Self {
        Self { session, folder, lines: Vec::new() }
    }

    /// What was asked in a lane, or what its tools gave back.
    pub(super) fn ask(&mut self, lane: &str, message: &Value) {
        self.line(lane, "user", message, None);
    }

    /// What was answered: the content as the agent keeps it, in the message that the stream began.
    pub(super) fn answer(
        &mut self,
        lane: &str,
        (events, request): (&[Value], Option<&str>),
        content: &Value,
    ) {
        let Some(started) = events.iter().find(|event| event["type"] == "message_start") else {
            return;
        };
        let mut message = started["message"].clone();
        message["content"] = content.clone();
        for event in events.iter().filter(|event| event["type"] == "message_delta") {
            message["stop_reason"] = event["delta"]["stop_reason"].clone();
            message["usage"]["output_tokens"] = event["usage"]["output_tokens"].clone();
        }
        self.line(lane, "assistant", &message, request);
    }

    fn line(&mut self, lane: &str, kind: &str, message: &Value, request: Option<&str>) {
        let id = |nth: usize| format!("{}-{nth}", self.session);
        let nth = self.lines.len();
        let mut line = json!({
            "type": kind,
            "uuid": id(nth),
            "parentUuid": nth.checked_sub(1).map(id),
            "sessionId": self.session,
            "cwd": self.folder,
            "gitBranch": "main",
            "version": "2.1.329",
            "timestamp": Timestamp::now().to_string(),
            "isSidechain": !lane.is_empty(),
            "message": message,
        });
        if let Some(request) = request {
            line["requestId"] = request.into();
        }
        if !lane.is_empty() {
            line["agentId"] = lane.into();
        }
        self.lines.push(line.to_string());
    }

    /// The file.
    pub(super) fn file(&self) -> String {
        self.lines.join("\n") + "\n"
    }
}
