//! The nouns of Langley; no I/O, no runtime, no wire formats, so that every room can share them.

mod broken;
mod capture;
mod courtesy;
mod dialect_name;
mod estimate;
mod few;
mod finding;
mod finding_kind;
mod flow;
mod gate;
mod http;
mod id;
mod loss;
mod message;
mod model_call;
mod money;
mod note;
mod obeyed;
mod outcome;
mod percent;
mod piece;
mod project;
mod provider;
mod provider_host;
mod provider_resource;
mod rate_limit;
mod record;
mod redact;
mod search_text;
mod session_header;
mod stored;
mod strain;
mod time;
mod tool;
mod tool_evidence;
mod tool_share;
mod tool_state;
mod transcript;
mod unit;
mod violation;

pub use broken::Break;
pub use capture::{
    Capture, CaptureSink, Chunk, Closed, Control, Gap, Interest, KEPT_TAIL, Opened, Part,
    ResponseHead, Setup, Tunnel, TunnelReason,
};
pub use courtesy::Courtesy;
pub use dialect_name::DialectName;
pub use estimate::{BYTES_PER_TOKEN, EstimateSource, UsageEstimate};
pub use few::Few;
pub use finding::{Finding, FindingNumber, FindingUnit, KeptFinding};
pub use finding_kind::{FindingKind, FindingState, Severity};
pub use flow::{Attributed, CHECK_AGENT, Flow, INFERRED, PROBE_HOST};
pub use gate::{Barred, Barrier, Gate, PublishedGate};
pub use http::{HeaderBlock, HttpVersion, Mode, Side};
pub use id::{ConnectionId, FlowId, InvalidId, Revision, SESSION_ID_MAX, SessionId};
pub use loss::Loss;
pub use message::{Block, Content, Message, ProviderError};
pub use model_call::{ModelCall, ModelMethod};
pub use money::{Billed, CostClass, CostShares, ExactCost, Rate, Rates, Terms};
pub use note::add_note;
pub use obeyed::is_obeyed;
pub use outcome::{Ending, Outcome};
pub use percent::percent_decoded;
pub use piece::PieceKind;
pub use project::{PROJECT_HEADER, PROJECT_MAX, Project};
pub use provider::Provider;
pub use rate_limit::{Permille, RateLimit};
pub use record::{
    Body, Drop, DropReason, EventRun, EventSpan, Headers, LiveKind, LiveText, Record,
};
pub use redact::{
    Credential, EventRedactor, EventText, IncomingEvent, Redacted, RedactedBytes, Redactor,
    RedactorOptions, RuleCount, Scrub, Survey, Suspect, TextKind,
};
pub use search_text::{Passage, Place, SearchText};
pub use session_header::SessionHeader;
pub use stored::Stored;
pub use strain::Strain;
pub use time::{Micros, Tick};
pub use tool::{ToolCall, ToolExecution, ToolResult, ToolSource};
pub use tool_evidence::{ToldStep, ToldTool};
pub use tool_share::{ToolCost, ToolPart, ToolShares};
pub use tool_state::{ToolOutcome, ToolState};
pub use transcript::{LineFacts, LineRole, OWN_WORDS_MODEL, ToldResponse, TranscriptLine};
pub use unit::{MicroUsd, NanoUsd, Tokens, Usage};
pub use violation::{Violation, Violations};
