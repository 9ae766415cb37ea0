//! One file per command: what it does, apart from how it was typed.

pub(crate) mod analytics;
pub(crate) mod audit;
pub(crate) mod ca;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod conversations;
pub(crate) mod cost;
pub(crate) mod db;
mod db_info;
pub(crate) mod export;
pub(crate) mod findings;
mod flow_json;
pub(crate) mod flows;
pub(crate) mod import;
pub(crate) mod ledger;
mod raw;
mod reprice;
pub(crate) mod run;
pub(crate) mod sessions;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod statusline;
pub(crate) mod stop;
pub(crate) mod tasks;
pub(crate) mod token;
pub(crate) mod tools;
mod transcripts;
