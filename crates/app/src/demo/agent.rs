//! A scripted coding agent: it sends what Claude Code sends, and runs no tool at all.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use langley_model::ConnectionId;
use serde_json::{Value, json};

use super::answer::{Answer, Call};
use crate::proxied::{Connection, Road, RoadError};

const PROVIDER: &str = "api.anthropic.com";
const MODEL: &str = "claude-opus-5-5";

/// Shaped like a key, so that the demo also shows the redactor at work.
const KEY: &str = "sk-ant-api03-DEMO0nly0nota0realkey0DEMO0nly0nota0realkey";

const SYSTEM: &str = include_str!("system.txt");

/// An agent with one session.
#[derive(Debug)]
pub(crate) struct Agent {
    road: Road,
    connection: Option<Connection>,
    session: String,
    /// Its id, where it is a subagent of the session.
    subagent: Option<String>,
    messages: Vec<Value>,
    requests: usize,
    /// Tokens of what the provider has read so far: the next request begins with it.
    read: u64,
}

/// A subagent that the model asks for.
#[derive(Debug)]
pub(crate) struct Errand {
    /// The call.
    call: String,
    /// What it is asked.
    prompt: String,
}

/// One question to the provider.
#[derive(Debug)]
pub(crate) struct Ask {
    stream: bool,
    wish: String,
}

impl Ask {
    /// Answered by a stream; `wish` tells the fixture how.
    pub(crate) fn streamed(wish: &str) -> Self {
        Self { stream: true, wish: wish.to_owned() }
    }

    /// Answered in one piece.
    pub(crate) fn whole(wish: &str) -> Self {
        Self { stream: false, wish: wish.to_owned() }
    }
}

/// How much of an answer is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// All of it.
    ToTheEnd,
    /// So many bytes; then the connection is dropped.
    OfBytes(usize),
}

impl Agent {
    /// An agent whose person has just said `prompt`.
    pub(crate) fn new(road: Road, prompt: &str) -> Self {
        Self {
            road,
            connection: None,
            session: ConnectionId::new().to_string(),
            subagent: None,
            messages: vec![json!({ "role": "user", "content": prompt })],
            requests: 0,
            read: 0,
        }
    }

    /// A subagent of this one's session, on an errand.
    pub(crate) fn send(&self, errand: &Errand) -> Self {
        let id = ConnectionId::new().to_string();
        let tail = id.len().saturating_sub(8);
        Self {
            session: self.session.clone(),
            subagent: Some(format!("a{}", &id[tail..])),
            ..Self::new(self.road.clone(), &errand.prompt)
        }
    }

    /// Requests sent so far.
    pub(crate) const fn requests(&self) -> usize {
        self.requests
    }

    /// Sends the conversation and reads the answer.
    ///
    /// # Errors
    /// The road does not carry. A stream that breaks off is an answer, not an error.
    pub(crate) async fn ask(&mut self, ask: &Ask, reading: Reading) -> Result<Answer, RoadError> {
        let mut body = self.body();
        body["stream"] = json!(ask.stream);
        let wish = format!("{};{}", ask.wish, self.usage(&body));
        let request = self.request("/v1/messages?beta=true", &wish, &body);
        self.exchange(request, reading).await
    }

    fn usage(&mut self, body: &Value) -> String {
        let [input, read, written] = stated(self.read, body.to_string().len() as u64 / 4);
        self.read = read + written;
        format!("usage={input}/{read}/{written}")
    }

    /// Asks how long the conversation is.
    ///
    /// # Errors
    /// The road does not carry.
    pub(crate) async fn count_tokens(&mut self) -> Result<Answer, RoadError> {
        let body = self.body();
        let request = self.request("/v1/messages/count_tokens?beta=true", "", &body);
        self.exchange(request, Reading::ToTheEnd).await
    }

    /// Adds the answer to the conversation, with a made-up result for each tool call; that of a subagent is what it
    /// `reported`. Returns whether there was one, so that the provider is to be asked again.
    pub(crate) fn take(&mut self, answer: Answer, reported: Option<(&Errand, &str)>) -> bool {
        let results: Vec<Value> = answer
            .tool_calls()
            .map(|call| match reported.filter(|(errand, _)| errand.call == call.id) {
                Some((_, report)) => result(&call, report, false),
                None if call.is_bound_to_fail() => {
                    result(&call, "(the demo runs no tools: this one is taken as failed) No such file or directory", true)
                }
                None => {
                    let done = format!("(the demo runs no tools: {} is taken as done)", call.name);
                    result(&call, &done, false)
                }
            })
            .collect();
        self.messages.push(json!({ "role": "assistant", "content": answer.into_blocks() }));
        let called = !results.is_empty();
        if called {
            self.messages.push(json!({ "role": "user", "content": results }));
        }
        called
    }

    fn body(&self) -> Value {
        let tool = |name: &str, what: &str, property: &str| {
            json!({
                "name": name,
                "description": what,
                "input_schema": { "type": "object", "properties": { property: { "type": "string" } } },
            })
        };
        let user = json!({
            "device_id": "0".repeat(64),
            "account_uuid": "",
            "session_id": self.session,
        });
        json!({
            "model": MODEL,
            "max_tokens": 32_000,
            "system": [{
                "type": "text",
                "text": SYSTEM,
                "cache_control": { "type": "ephemeral" },
            }],
            "tools": [
                tool("Bash", "Runs a command.", "command"),
                tool("Read", "Reads a file.", "file_path"),
                tool("Write", "Writes a file.", "file_path"),
                tool("Edit", "Changes a file.", "file_path"),
                tool("Grep", "Searches files.", "pattern"),
                tool("Agent", "Gives a part of the job to a subagent.", "prompt"),
                tool("mcp__tickets__search", "Searches the tickets of the project.", "query"),
            ],
            "messages": self.messages,
            "metadata": { "user_id": user.to_string() },
        })
    }

    fn request(&self, target: &str, wish: &str, body: &Value) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::from(body.to_string())));
        *request.method_mut() = hyper::Method::POST;
        *request.uri_mut() = target.parse().unwrap_or_default();
        let mut set = |name, value: &str| {
            if let (Ok(name), Ok(value)) =
                (hyper::header::HeaderName::try_from(name), value.parse())
            {
                request.headers_mut().insert(name, value);
            }
        };
        set(HOST.as_str(), PROVIDER);
        set(USER_AGENT.as_str(), "claude-cli/2.1.329 (external, demo)");
        set(CONTENT_TYPE.as_str(), "application/json");
        set("accept-encoding", "gzip");
        set("anthropic-version", "2023-06-01");
        set("x-api-key", KEY);
        set("x-claude-code-session-id", &self.session);
        if let Some(subagent) = &self.subagent {
            set("x-claude-code-agent-id", subagent);
        }
        if !wish.is_empty() {
            set("x-fixture", wish);
        }
        request
    }

    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        reading: Reading,
    ) -> Result<Answer, RoadError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.road.to(PROVIDER).await?,
        };
        self.requests += 1;
        let answer = connection.send(request).await?;
        let mut body = answer.into_body();
        let mut bytes = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
            }
            if matches!(reading, Reading::OfBytes(most) if bytes.len() >= most) {
                return Ok(Answer::read(&bytes));
            }
        }
        self.connection = Some(connection);
        Ok(Answer::read(&bytes))
    }
}

/// What the provider is to state of a request of `whole` tokens (it takes four bytes for one, as it does when it is asked
/// to count): what it has `read` before comes from the cache, and what is new is written there, but for the last words.
fn stated(read: u64, whole: u64) -> [u64; 3] {
    const LAST_WORDS: u64 = 12;
    let before = read.min(whole);
    let new = whole - before;
    let written = new.saturating_sub(LAST_WORDS);
    [new - written, before, written]
}

fn result(call: &Call<'_>, content: &str, is_error: bool) -> Value {
    let mut result = json!({ "type": "tool_result", "tool_use_id": call.id, "content": content });
    if is_error {
        result["is_error"] = json!(true);
    }
    result
}

impl Errand {
    /// The first one that an answer asks for.
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        answer.tool_calls().find(|call| call.name == "Agent").map(|call| Self {
            call: call.id.to_owned(),
            prompt: call.input["prompt"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_states_as_many_tokens_as_it_has_and_reads_what_was_written_before() {
        let mut read = 0;
        for whole in [1_000, 1_200, 1_200, 1_205, 3_000, 400] {
            let stated = stated(read, whole);
            assert_eq!(stated.iter().sum::<u64>(), whole);
            assert_eq!(stated[1], read.min(whole));
            read = stated[1] + stated[2];
        }
    }
}
