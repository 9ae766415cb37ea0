//! The JSON shapes of the API, apart from the domain's own types, which may change without them.

mod analytics;
mod budget;
mod commit;
mod conversation;
mod cost;
mod diff;
mod exchange;
mod finding;
mod flow;
mod import;
mod latency;
mod ledger;
pub(crate) mod message;
mod page;
mod search;
mod session;
mod task;
mod timeline;
mod tool;
mod usage;
mod window;
mod word;
mod work;

pub(crate) use analytics::{
    CacheBreaks, CachePage, Context, SessionEfficiency, TokenPage, TurnPage,
};
pub(crate) use budget::BudgetPage;
pub(crate) use commit::CommitPage;
pub use commit::commits_json;
pub(crate) use conversation::{ConversationDetail, ConversationPage, DeletedConversation};
pub use conversation::{conversation_json, conversations_json, deleted_conversation_json};
pub(crate) use cost::{BlockPage, CostPage, RepriceDone, RepricePage};
pub use cost::{
    UNDIVIDED, blocks_json, cost_json, reprice_json, reprices_json, transcript_cost_json,
};
pub(crate) use diff::RequestDiff;
pub(crate) use exchange::{Body, EventPage, Request, Response};
pub use finding::findings_json;
pub(crate) use finding::{Finding, FindingPage};
pub(crate) use flow::Flow;
pub use import::import_json;
pub(crate) use import::{ImportDone, TranscriptStats};
pub(crate) use latency::LatencyPage;
pub use latency::latency_json;
pub(crate) use ledger::Ledger;
pub use ledger::{ledger_json, ledgers_json};
pub use page::per_second;
pub(crate) use page::{Count, Deleted, DropPage, FlowPage, TunnelPage, rfc3339};
pub(crate) use search::{SearchFlow, SearchPage};
pub use session::sessions_json;
pub(crate) use session::{SessionDetail, SessionPage};
pub use task::tasks_json;
pub(crate) use task::{Task, TaskPage};
pub(crate) use timeline::TimelinePage;
pub(crate) use tool::{InvocationDetail, InvocationPage, ToolPage, parse_invocation_id};
pub use tool::{invocations_json, tools_json};
pub(crate) use usage::UsagePage;
pub(crate) use window::WindowPage;
pub use window::limits_json;
pub(crate) use word::{LiveKind, Strain};
pub(crate) use work::{Efficiency, EfficiencyGroupPage, TurnGroupPage, Turns};
pub use work::{efficiency_json, turns_json};

pub(crate) use exchange::lines;
