//! What every provider's dialect must be able to say, in words that name no provider, so that the
//! engine assembles messages without knowing whose they are.

use std::borrow::Cow;

use langley_model::{
    Content, DialectName, EventText, Few, LiveKind, MicroUsd, ModelCall, SessionId, Tokens, Usage,
    percent_decoded,
};

use crate::json::{Object, stated_or_error};
use crate::piece::Seam;
use crate::sse::SseEvent;
use crate::{anthropic, bedrock, gemini, openai};

/// One provider's way to write requests and answers.
pub trait Dialect: Send + Sync {
    /// Reads what is worth knowing from a request's body (content encoding undone). Never fails:
    /// see [`RequestFacts::json_ok`].
    fn request(&self, body: &[u8]) -> RequestFacts;

    /// A decoder for one answer.
    fn response(&self) -> Box<dyn ResponseDecoder>;

    /// The model asked for, where the path names it, as it stands there (see [`model_name`]). A query may be left on the path.
    fn model_in_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        ModelCall::of_path(path)?.model
    }

    /// Whether a stream is asked for, where the path says it. A query may be left on the path.
    fn streams(&self, path: &str) -> Option<bool> {
        ModelCall::of_path(path).map(|call| call.method.streams())
    }

    /// Where a request's body comes apart; nowhere when it is not worth it.
    fn seams(&self) -> &'static [Seam] {
        &[]
    }

    /// Whether a request may name an earlier answer in place of the conversation so far.
    fn names_earlier_answers(&self) -> bool {
        false
    }

    /// Whether a stream asked for may come as one JSON array whose elements are its events.
    fn has_array_streams(&self) -> bool {
        false
    }
}

/// The name of a model that stands in a path, percent escapes undone.
#[must_use]
pub fn model_name(in_path: &str) -> Cow<'_, str> {
    if in_path.contains('%') {
        Cow::Owned(String::from_utf8_lossy(&percent_decoded(in_path)).into_owned())
    } else {
        Cow::Borrowed(in_path)
    }
}

/// Decodes one answer; has no clock, holds no text, and its memory does not grow with the answer.
///
/// Either [`Self::event`] is called for each event of a stream, in order, or [`Self::json`] once
/// with the whole body. After lost bytes, just go on with the next whole event: deltas then refer
/// to blocks whose [`Delta::BlockStart`] was never seen.
pub trait ResponseDecoder: Send {
    /// Decodes one stream event: hands each delta in it to `out`, in order, and says what it was.
    fn event<'a>(&mut self, event: &SseEvent<'a>, out: &mut dyn FnMut(Delta<'_>))
    -> EventFacts<'a>;

    /// Decodes a whole body, an answer or an error: the same deltas, in the order in which a stream
    /// would have sent them. Returns whether all of it was understood.
    fn json(&mut self, body: &[u8], out: &mut dyn FnMut(Delta<'_>)) -> bool;

    /// What a stream that ends after the events so far still owes, in the provider's own words: none
    /// when its last event has come, or when nothing is known of how such streams end. After an error
    /// nothing is owed, whatever this says.
    fn owes(&self) -> Option<&'static str>;
}

/// What one stream event was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFacts<'a> {
    /// Its type: the one its data states, else the event's name, else empty.
    pub kind: &'a str,
    /// Where in its data the texts of its deltas (or of block starts that bring text along) lie.
    /// They are what [`Delta::Text`], [`Delta::Thinking`] or [`Delta::InputJson`] give unescaped.
    pub texts: Few<EventText>,
    /// The blocks that ended with this event.
    pub ends_blocks: Few<u32>,
    /// `false` when the event, its block or its delta is of a type this version does not know, or
    /// its data cannot be read. Count it and keep the data as it came.
    pub known: bool,
}

/// What was read of an event of a known type.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) texts: Few<EventText>,
    pub(crate) ends_blocks: Few<u32>,
}

/// A JSON event: the type that it states, its data, and the object that they hold.
#[derive(Clone, Copy)]
pub(crate) struct Stated<'e> {
    pub(crate) kind: &'e str,
    pub(crate) data: &'e [u8],
    pub(crate) object: &'e Object<'e>,
}

/// What was read of an event; none when it is of no known type or lacks what its type must have.
pub(crate) type Understood = Option<Result<Read, Said>>;

/// The unknown part of an event was already handed out as [`Delta::Unknown`].
#[derive(Clone, Copy)]
pub(crate) struct Said;

impl<'a> EventFacts<'a> {
    /// A known event of this type that has no text and ends nothing.
    #[must_use]
    pub const fn plain(kind: &'a str) -> Self {
        Self { kind, texts: Few::None, ends_blocks: Few::None, known: true }
    }

    /// An event of which something is not known, and that was said.
    pub(crate) const fn unknown(kind: &'a str) -> Self {
        Self { kind, texts: Few::None, ends_blocks: Few::None, known: false }
    }

    /// The facts of a JSON event, whose type `member` states and whose parts `read` hands out.
    pub(crate) fn read(
        event: &SseEvent<'a>,
        member: &str,
        out: &mut dyn FnMut(Delta<'_>),
        read: impl FnOnce(Stated<'_>, &mut dyn FnMut(Delta<'_>)) -> Understood,
    ) -> Self {
        let object = Object::read(event.data);
        let kind = stated_or_error(object.as_ref(), member, event.name);
        let stated = |object| Stated { kind, data: event.data, object };
        let understood = object.as_ref().and_then(|object| read(stated(object), out));
        Self::of(kind, understood, out)
    }

    /// The facts of an event of the type `kind`, which is said to be unknown when nothing was read.
    pub(crate) fn of(kind: &'a str, read: Understood, out: &mut dyn FnMut(Delta<'_>)) -> Self {
        match read {
            Some(Ok(Read { texts, ends_blocks })) => Self { kind, texts, ends_blocks, known: true },
            Some(Err(Said)) => Self::unknown(kind),
            None => {
                out(Delta::Unknown { kind: Cow::Borrowed(kind) });
                Self::unknown(kind)
            }
        }
    }
}

/// The place of `text`, a part of `data`: what lies between the quotes of a JSON string.
pub(crate) fn place(block: u32, kind: LiveKind, data: &[u8], text: &str) -> EventText {
    let start = text.as_ptr().addr() - data.as_ptr().addr();
    EventText { block, kind, credential: None, start, end: start + text.len() }
}

/// One step of an answer.
///
/// Contract for whoever assembles them:
///
/// - All texts are unescaped (what the JSON string means). A lone UTF-16 surrogate becomes U+FFFD.
/// - [`Delta::BlockStart`] brings a content whose *streamed* parts are empty: `text`, `citations`,
///   `thinking` and `input` of the [`Content`] are empty and `signature_bytes` is 0, whatever the
///   provider wrote there; what it did write follows at once as deltas of its own. So appending is
///   always right, and nothing is ever to be replaced.
/// - `index` is the provider's index of the block. Deltas of different blocks may interleave, and
///   a delta may name a block that was never started (after lost bytes).
/// - Texts of one block are fragments: joined in order they are the block's text. Fragments of
///   [`Delta::InputJson`] joined are JSON text only once the block stopped; an input that was not
///   sent at all stays empty (which means `{}`).
/// - [`Delta::Usage`] is cumulative: apply each with [`Usage::update`], the last one wins.
/// - [`Delta::Stop`] and [`Delta::MessageStop`] come at most once each in a well-formed answer; the
///   absence of the second means that the answer was cut off (or ended in [`Delta::Error`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta<'a> {
    /// The answer began.
    MessageStart {
        /// The response's id.
        id: Option<Cow<'a, str>>,
        /// The model that answers.
        model: Option<Cow<'a, str>>,
        /// `assistant`.
        role: Option<Cow<'a, str>>,
    },
    /// Usage so far, only the classes that were stated.
    Usage(Usage),
    /// What the answer cost, as the provider says; the last one wins.
    Cost(MicroUsd),
    /// How the answer is served, in the provider's word, where that has to do with its price; there may
    /// be several.
    Tier(Cow<'a, str>),
    /// Tokens of a prompt that was counted and not run (not billed, hence not usage).
    TokenCount(Tokens),
    /// A content block began.
    BlockStart {
        /// The provider's index of the block.
        index: u32,
        /// Its kind, with the streamed parts empty.
        content: Content,
    },
    /// Text for the person.
    Text {
        /// Index of the block.
        index: u32,
        /// The fragment, unescaped.
        text: Cow<'a, str>,
    },
    /// Reasoning.
    Thinking {
        /// Index of the block.
        index: u32,
        /// The fragment, unescaped.
        text: Cow<'a, str>,
    },
    /// The provider's signature of a thinking block; add up the lengths.
    Signature {
        /// Index of the block.
        index: u32,
        /// Length of this piece in bytes; the signature itself is of no use to a reader.
        bytes: u32,
    },
    /// A piece of a tool call's arguments.
    InputJson {
        /// Index of the block.
        index: u32,
        /// A fragment of JSON text, unescaped once (out of the event's own JSON).
        json: Cow<'a, str>,
    },
    /// A citation in a text block.
    Citation {
        /// Index of the block.
        index: u32,
        /// The citation, a whole JSON object as it was sent.
        json: Cow<'a, str>,
    },
    /// A content block ended.
    BlockStop {
        /// Index of the block.
        index: u32,
    },
    /// Why the model stopped.
    Stop {
        /// The reason, verbatim.
        reason: Option<Cow<'a, str>>,
        /// The stop sequence that was hit.
        sequence: Option<Cow<'a, str>>,
    },
    /// What is said beside the reason, such as why the model refused.
    StopDetails {
        /// A whole JSON value as it was sent.
        json: Cow<'a, str>,
    },
    /// The answer is whole.
    MessageStop,
    /// A sign of life without content.
    Ping,
    /// The provider reports an error, instead of an answer or in the middle of one.
    Error {
        /// The provider's class of error.
        kind: Option<Cow<'a, str>>,
        /// The provider's sentence.
        message: Option<Cow<'a, str>>,
    },
    /// A call whose answer is no message, such as vectors or an image, was served.
    Served {
        /// By which model.
        model: Option<Cow<'a, str>>,
    },
    /// Something of a type this version does not know. An unknown block also has its
    /// [`Delta::BlockStart`], with [`Content::Other`].
    Unknown {
        /// The type it states; empty when it states none.
        kind: Cow<'a, str>,
    },
}

impl<'a> Delta<'a> {
    /// A piece of a block's text.
    pub(crate) const fn fragment(index: u32, kind: LiveKind, text: Cow<'a, str>) -> Self {
        match kind {
            LiveKind::Text => Self::Text { index, text },
            LiveKind::Thinking => Self::Thinking { index, text },
            LiveKind::ToolInput => Self::InputJson { index, json: text },
        }
    }
}

/// What a request says of itself. Absent means that the body did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFacts {
    /// The model asked for.
    pub model: Option<String>,
    /// Whether a stream is asked for; absent is the provider's default (no).
    pub stream: Option<bool>,
    /// Session ids in the body, by place.
    pub session: SessionHints,
    /// The folder that the agent works in, as it tells the model.
    pub folder: Option<String>,
    /// The id of the earlier answer that this request goes on from.
    pub previous: Option<String>,
    /// Limit on output tokens.
    pub max_tokens: Option<u64>,
    /// Number of messages.
    pub message_count: Option<u64>,
    /// Number of tools offered.
    pub tool_count: Option<u64>,
    /// Whether there is a system prompt.
    pub system_present: bool,
    /// First characters of the last text the user wrote, at most [`PREVIEW_CHARS`].
    pub last_user_text: Option<String>,
    /// Whether the body is one whole JSON object. When not, the other fields hold what could be
    /// read before it broke.
    pub json_ok: bool,
}

/// The most characters in a preview.
pub const PREVIEW_CHARS: usize = 200;

/// Session ids that a request's body states, by the place they were read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionHints {
    /// `session_id` of the JSON object in `metadata.user_id`.
    pub user_id_json: Option<SessionId>,
    /// `metadata.sessionId`.
    pub metadata: Option<SessionId>,
    /// The UUID after `_session_` at the end of `metadata.user_id`.
    pub user_id_suffix: Option<SessionId>,
    /// `metadata.user_id` as a whole.
    pub user_id: Option<SessionId>,
    /// `client_metadata.session_id`.
    pub client_metadata: Option<SessionId>,
    /// `client_metadata.thread_id`: no session, but the subagent of one.
    pub client_thread: Option<SessionId>,
    /// `prompt_cache_key`.
    pub prompt_cache_key: Option<SessionId>,
    /// `request.session_id`, as Gemini CLI states it.
    pub request_session: Option<SessionId>,
}

/// The dialect of an exchange, by method and path; the query is ignored, and so is the host: many
/// hosts speak the same dialects, often below a path prefix.
#[must_use]
pub fn dialect_for(
    method: &str,
    _host: &str,
    path: &str,
) -> Option<(DialectName, &'static dyn Dialect)> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.strip_suffix('/').unwrap_or(path);
    if method == "WS" && path.ends_with("/responses") {
        // A call within a WebSocket.
        return Some((DialectName::OpenAi, &openai::Responses));
    } else if method != "POST" {
        return None;
    }
    let name = DialectName::of_call(path)?;
    let named = || ModelCall::of_path(path);
    let dialect: &dyn Dialect = match name {
        DialectName::Anthropic if anthropic::Vertex::is_call(path) => &anthropic::Vertex,
        DialectName::Anthropic if path.ends_with("Predict") => return None,
        DialectName::Anthropic => &anthropic::Anthropic,
        DialectName::OpenAi => openai::of_call(path),
        DialectName::Gemini if path.ends_with("/interactions") => &gemini::Interactions,
        DialectName::Gemini => gemini::of_method(named()?.method)?,
        DialectName::Bedrock => {
            let ModelCall { model, method } = named()?;
            bedrock::of_method(method, model.unwrap_or_default())?
        }
    };
    Some((name, dialect))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anthropics_models_at_vertex_are_named_by_the_path() {
        let path = "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-5-5@20260101";
        let spoken = |verb: &str| dialect_for("POST", "any.example", &format!("{path}:{verb}"));
        let (name, dialect) = spoken("streamRawPredict").expect("a dialect");
        assert_eq!(name, DialectName::Anthropic);
        let asked = format!("{path}:streamRawPredict?alt=sse");
        assert_eq!(dialect.model_in_path(&asked), Some("claude-opus-5-5@20260101"));
        assert_eq!(dialect.streams(&asked), Some(true));
        assert_eq!(dialect.streams(&format!("{path}:rawPredict")), Some(false));
        assert!(spoken("countTokens:x").is_none());
    }

    #[test]
    fn a_dialect_is_chosen_by_method_and_path_whatever_the_host() {
        let spoken = |method: &str, path: &str| {
            dialect_for(method, "any.example", path).map(|(name, _)| name)
        };
        assert_eq!(spoken("POST", "/v1/messages?beta=true"), Some(DialectName::Anthropic));
        assert_eq!(spoken("POST", "/v1/messages/count_tokens"), Some(DialectName::Anthropic));
        assert_eq!(spoken("POST", "/api/anthropic/v1/messages/"), Some(DialectName::Anthropic));
        for path in [
            "/v1/chat/completions",
            "/api/v1/chat/completions",
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
            "/openai/deployments/embed/embeddings?api-version=2024-10-21",
            "/v1/embeddings",
            "/v1/images/generations",
            "/v1/audio/speech",
            "/v1/responses",
            "/openai/v1/responses",
            "/openai/responses?api-version=2025-03-01-preview",
            "/backend-api/codex/responses",
        ] {
            assert_eq!(spoken("POST", path), Some(DialectName::OpenAi), "{path}");
        }
        for path in [
            "/model/anthropic.claude-3-haiku-20240307-v1:0/converse",
            "/model/amazon.nova-pro-v1%3A0/converse-stream?x=1",
            "/gateway/model/meta.llama3-8b-instruct-v1:0/invoke",
            "/model/arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.x/invoke/",
            "/model/us.anthropic.claude-x/invoke-with-response-stream",
        ] {
            assert_eq!(spoken("POST", path), Some(DialectName::Bedrock), "{path}");
        }
        assert_eq!(spoken("POST", "/model/amazon.nova-pro-v1:0/async-invoke"), None);
        assert_eq!(spoken("POST", "/model//converse"), None);
        assert_eq!(spoken("POST", "/custom-model/x/converse"), None);
        assert_eq!(spoken("GET", "/model/x/converse"), None);
        assert_eq!(spoken("POST", "/survey/responses"), None);
        assert_eq!(spoken("GET", "/v1/messages"), None);
        assert_eq!(spoken("POST", "/v1/messages/batches"), None);
        assert_eq!(spoken("POST", "/api/event_logging/v2/batch?x=/v1/messages"), None);
        assert_eq!(spoken("POST", "/xv1/messages"), None);
        let vertex = "/v1/projects/p/locations/l/publishers/google/models/m";
        for path in [
            "/v1beta/models/gemini-2.5-pro:generateContent",
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            "/v1/models/gemini-2.5-pro:countTokens/",
            &format!("{vertex}:streamGenerateContent"),
            &format!("/gateway{vertex}:generateContent").replace("v1", "v1beta1"),
            "/v1beta/models/text-embedding-004:embedContent",
            "/v1internal:streamGenerateContent?alt=sse",
            "/v1beta/interactions",
            "/v1beta1/projects/p/locations/global/interactions",
        ] {
            assert_eq!(spoken("POST", path), Some(DialectName::Gemini), "{path}");
            assert_eq!(spoken("GET", path), None, "{path}");
        }
        for path in [
            "/v1internal:loadCodeAssist",
            "/v1beta/interactions/v1_abc/cancel",
            "/api/interactions",
            "/v1beta/models/:generateContent",
            "/v1beta/models",
            "/v1beta/models/m:generateContentX",
            "/v1beta/files/m:generateContent",
        ] {
            assert_eq!(spoken("POST", path), None, "{path}");
        }
    }
}
