//! What is handed to memory: records whose every text has passed the redactor.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::capture::Tunnel;
use crate::flow::Flow;
use crate::http::{HeaderBlock, Side};
use crate::id::FlowId;
use crate::loss::Loss;
use crate::message::{Block, Content, Message, ProviderError};
use crate::redact::{Redacted, RedactedBytes, Redactor, Scrub};
use crate::time::Micros;

/// One thing to remember.
#[derive(Clone, Debug)]
pub enum Record {
    /// A new flow, or the present state of a known one.
    Flow(Arc<Flow>),
    /// The headers (or trailers) of one side.
    Headers(Headers),
    /// The body of one side, content encoding undone.
    Body(Body),
    /// A run of stream events, appended to the flow's earlier ones.
    Events(EventRun),
    /// The assembled answer.
    Message(FlowId, Box<Message>),
    /// A tunnel.
    Tunnel(Tunnel),
    /// Observations that were dropped.
    Drop(Drop),
    /// What of a flow was given up since its row was written last.
    Loss(FlowId, Loss),
}

/// Headers of one side of a flow.
#[derive(Clone, Debug)]
pub struct Headers {
    /// The flow.
    pub flow: FlowId,
    /// Request (client) or answer (upstream).
    pub side: Side,
    /// Whether these are trailers.
    pub trailers: bool,
    /// The lines.
    pub lines: HeaderBlock,
}

/// A body of one side of a flow.
#[derive(Clone, Debug)]
pub struct Body {
    /// The flow.
    pub flow: FlowId,
    /// Request (client) or answer (upstream).
    pub side: Side,
    /// The decoded bytes, redacted, possibly cut at the limit.
    pub bytes: RedactedBytes,
    /// Where in the bytes its pieces lie, in order and apart from each other; none when it is kept as a
    /// whole.
    pub pieces: Vec<Range<usize>>,
    /// Media type as stated.
    pub media_type: Option<String>,
    /// Decoded length before any cut, as far as it was seen or announced.
    pub original_len: u64,
    /// Whether bytes are missing at the end, or at the end of a piece.
    pub truncated: bool,
}

/// A run of stream events of one flow: one text buffer, one span per event.
#[derive(Clone, Debug, Default)]
pub struct EventRun {
    /// The flow; none only in an empty run.
    pub flow: Option<FlowId>,
    /// The events' data, one after the other.
    pub text: RedactedBytes,
    /// One entry per event, in order.
    pub spans: Vec<EventSpan>,
    /// The distinct type names in this run; spans refer to them by position.
    pub kinds: Vec<Cow<'static, str>>,
}

/// One event inside an [`EventRun`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSpan {
    /// Position in the flow, from 0.
    pub seq: u64,
    /// Microseconds since the flow started.
    pub offset_us: u64,
    /// Position of its type in [`EventRun::kinds`].
    pub kind: u16,
    /// Length of its data in [`EventRun::text`].
    pub len: u32,
    /// Length of its data before redaction.
    pub original_len: u32,
}

impl EventRun {
    /// An empty run of `flow`.
    #[must_use]
    pub fn new(flow: FlowId) -> Self {
        Self { flow: Some(flow), ..Self::default() }
    }

    /// An empty run of `flow` with room for this many bytes and events.
    #[must_use]
    pub fn with_capacity(flow: FlowId, bytes: usize, events: usize) -> Self {
        Self {
            flow: Some(flow),
            text: RedactedBytes::with_capacity(bytes),
            spans: Vec::with_capacity(events),
            kinds: Vec::new(),
        }
    }

    /// Gives spare room back.
    pub fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.spans.shrink_to_fit();
    }

    /// Position of `kind` in [`Self::kinds`], added when new.
    pub fn kind(&mut self, kind: &str) -> u16 {
        let known = self.kinds.iter().position(|name| name == kind);
        let position = known.unwrap_or_else(|| {
            self.kinds.push(Cow::Owned(kind.to_owned()));
            self.kinds.len() - 1
        });
        u16::try_from(position).unwrap_or(u16::MAX)
    }

    /// Every event as (span, type, data).
    pub fn iter(&self) -> impl Iterator<Item = (&EventSpan, &str, &[u8])> {
        let mut start = 0;
        self.spans.iter().map(move |span| {
            let end = start + span.len as usize;
            let data = self.text.as_bytes().get(start..end).unwrap_or_default();
            start = end;
            (span, self.kinds.get(usize::from(span.kind)).map_or("", AsRef::as_ref), data)
        })
    }
}

/// Something that could not be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// When.
    pub at: Micros,
    /// The flow, when one is known.
    pub flow: Option<FlowId>,
    /// Why.
    pub reason: DropReason,
    /// How many events, chunks or flows.
    pub count: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// Why something could not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// The channel from the tap was full: chunks were not captured.
    CaptureQueueFull,
    /// No slot for another open flow: a flow was not captured.
    TooManyOpenFlows,
    /// The channel from the tap was full beyond its reserve: a flow was not captured.
    NoRoomForFlow,
    /// The tap's channel or the writer's queue was full, or a write failed: the row of a tunnel was lost.
    TunnelLost,
    /// The writer's queue was full: decoded events were dropped.
    WriterQueueFull,
    /// A batch failed to be written after its retries.
    WriteFailed,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::CaptureQueueFull,
        Self::TooManyOpenFlows,
        Self::NoRoomForFlow,
        Self::TunnelLost,
        Self::WriterQueueFull,
        Self::WriteFailed,
    ];

    /// The word used in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CaptureQueueFull => "capture_queue_full",
            Self::TooManyOpenFlows => "too_many_open_flows",
            Self::NoRoomForFlow => "no_room_for_flow",
            Self::TunnelLost => "tunnel_lost",
            Self::WriterQueueFull => "writer_queue_full",
            Self::WriteFailed => "write_failed",
        }
    }

    /// The reason that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// Text that appeared just now; shown live, never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveText {
    /// The flow.
    pub flow: FlowId,
    /// The content block.
    pub block: u32,
    /// What kind of text it is.
    pub kind: LiveKind,
    /// The new text.
    pub text: Redacted<String>,
}

/// Kind of live text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LiveKind {
    /// Text for the person.
    Text,
    /// Reasoning.
    Thinking,
    /// Tool arguments as JSON text.
    ToolInput,
}

impl LiveKind {
    /// The word used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Thinking => "thinking",
            Self::ToolInput => "tool_input",
        }
    }
}

impl Scrub for Record {
    fn scrub(&mut self, redactor: &Redactor) {
        match self {
            Self::Flow(flow) => flow.scrub(redactor),
            Self::Headers(headers) => headers.lines.scrub(redactor),
            Self::Body(body) => body.media_type.scrub(redactor),
            Self::Events(run) => {
                for kind in &mut run.kinds {
                    redactor.scrub_cow(kind);
                }
            }
            Self::Message(_, message) => message.scrub(redactor),
            Self::Tunnel(tunnel) => {
                tunnel.host.scrub(redactor);
                tunnel.reason.scrub(redactor);
            }
            Self::Drop(_) | Self::Loss(..) => {}
        }
    }
}

impl Scrub for Flow {
    fn scrub(&mut self, redactor: &Redactor) {
        redactor.scrub_target(&mut self.path);
        for text in [
            &mut self.client_process,
            &mut self.user_agent,
            &mut self.agent,
            &mut self.agent_version,
            &mut self.agent_id,
            &mut self.reason,
            &mut self.model_requested,
            &mut self.model,
            &mut self.service_tier,
            &mut self.stop_reason,
            &mut self.error_kind,
            &mut self.error_message,
            &mut self.provider_request_id,
            &mut self.message_id,
            &mut self.decode_note,
            &mut self.tls_note,
            &mut self.preview,
        ] {
            text.scrub(redactor);
        }
        for attributed in
            [&mut self.session, &mut self.task, &mut self.project].into_iter().flatten()
        {
            attributed.id.scrub(redactor);
        }
        self.host.scrub(redactor);
        self.tool_names.scrub(redactor);
        for limit in &mut self.rate_limits {
            limit.name.scrub(redactor);
        }
    }
}

impl Scrub for Message {
    fn scrub(&mut self, redactor: &Redactor) {
        let Self { id, model, role, blocks, stop_reason, stop_sequence, error, .. } = self;
        if let Some(details) = &mut self.stop_details {
            redactor.scrub_json(details);
        }
        for text in [id, model, role, stop_reason, stop_sequence] {
            text.scrub(redactor);
        }
        error.scrub(redactor);
        blocks.scrub(redactor);
    }
}

impl Scrub for ProviderError {
    fn scrub(&mut self, redactor: &Redactor) {
        self.kind.scrub(redactor);
        self.message.scrub(redactor);
    }
}

impl Scrub for Block {
    fn scrub(&mut self, redactor: &Redactor) {
        match &mut self.content {
            Content::Text { text, citations } => {
                text.scrub(redactor);
                for citation in citations {
                    redactor.scrub_json(citation);
                }
            }
            Content::Thinking { text, .. } => text.scrub(redactor),
            Content::RedactedThinking { .. } => {}
            Content::ToolUse { id, name, input } | Content::ServerToolUse { id, name, input } => {
                id.scrub(redactor);
                name.scrub(redactor);
                redactor.scrub_json(input);
            }
            Content::ServerToolResult { kind, tool_use_id, json } => {
                kind.scrub(redactor);
                tool_use_id.scrub(redactor);
                redactor.scrub_json(json);
            }
            Content::Other { kind, json } => {
                kind.scrub(redactor);
                redactor.scrub_json(json);
            }
        }
    }
}
