//! The JSON shapes of the API, apart from the domain's own types, which may change without them.

mod analytics;
mod diff;
mod exchange;
mod finding;
mod flow;
mod message;
mod page;
mod search;
mod session;
mod tool;
mod usage;
mod word;

pub(crate) use analytics::{CachePage, Context, SessionEfficiency, TokenPage, TurnPage};
pub(crate) use diff::RequestDiff;
pub(crate) use exchange::{Body, EventPage, Request, Response};
pub use finding::findings_json;
pub(crate) use finding::{Finding, FindingPage};
pub(crate) use flow::Flow;
pub(crate) use page::{Count, Deleted, DropPage, FlowPage, TunnelPage, rfc3339};
pub(crate) use search::{SearchFlow, SearchPage};
pub use session::sessions_json;
pub(crate) use session::{Session, SessionPage};
pub(crate) use tool::{InvocationDetail, InvocationPage, ToolPage, parse_invocation_id};
pub use tool::{invocations_json, tools_json};
pub(crate) use usage::UsagePage;
pub(crate) use word::{LiveKind, Strain};

pub(crate) use exchange::lines;
