//! A scripted coding agent: it sends what Claude Code sends, and runs no tool at all.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use langley_model::ConnectionId;
use serde_json::{Value, json};

use super::answer::Answer;
use crate::proxied::{Connection, Road, RoadError};

const PROVIDER: &str = "api.anthropic.com";
const MODEL: &str = "claude-opus-5-5";

/// Shaped like a key, so that the demo also shows the redactor at work.
const KEY: &str = "sk-ant-api03-DEMO0nly0nota0realkey0DEMO0nly0nota0realkey";

/// An agent with one session.
#[derive(Debug)]
pub(crate) struct Agent {
    road: Road,
    connection: Option<Connection>,
    session: String,
    messages: Vec<Value>,
    requests: usize,
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
            messages: vec![json!({ "role": "user", "content": prompt })],
            requests: 0,
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
        let request = self.request("/v1/messages?beta=true", &ask.wish, &body);
        self.exchange(request, reading).await
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

    /// Adds the answer to the conversation, with a made-up result for each tool call. Returns
    /// whether there was one, so that the provider is to be asked again.
    pub(crate) fn take(&mut self, answer: Answer) -> bool {
        let results: Vec<Value> = answer
            .tool_calls()
            .map(|(id, name)| {
                json!({
                    "type": "tool_result",
                    "tool_use_id": id,
                    "content": format!("(the demo runs no tools: {name} is taken as done)"),
                })
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
                "text": "You are a coding agent in a demonstration.\nWorking directory: /home/demo/project",
                "cache_control": { "type": "ephemeral" },
            }],
            "tools": [
                tool("Bash", "Runs a command.", "command"),
                tool("Read", "Reads a file.", "file_path"),
                tool("Write", "Writes a file.", "file_path"),
                tool("Edit", "Changes a file.", "file_path"),
                tool("Grep", "Searches files.", "pattern"),
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
