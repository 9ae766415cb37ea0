//! The command line as it was typed: raw arguments, with no decision taken yet.

mod analytics;
mod args;
mod conversations;
mod cost;
mod export;
mod extract;
mod findings;
mod flows;
mod import;
mod ledger;
mod sessions;
mod tasks;
mod tools;

pub(crate) use analytics::{AnalyticsVerb, SpanArgs, WorkArgs};
pub(crate) use args::{
    AuditVerb, BodySide, CaVerb, Cli, ConfigVerb, DbVerb, EnvForm, GlobalArgs, RunArgs, RunMode,
    StartArgs, StoreArgs, TokenVerb, Verb,
};
pub(crate) use conversations::ConversationsArgs;
pub(crate) use cost::{CostArgs, CostSource, CostVerb, RepriceArgs};
pub(crate) use export::ExportVerb;
pub(crate) use extract::{ExtractArgs, IdleForm};
pub(crate) use findings::{FindingsArgs, FindingsVerb};
pub(crate) use flows::FlowsArgs;
pub(crate) use import::ImportArgs;
pub(crate) use ledger::LedgerArgs;
pub(crate) use sessions::SessionsArgs;
pub(crate) use tasks::TasksArgs;
pub(crate) use tools::ToolsArgs;
