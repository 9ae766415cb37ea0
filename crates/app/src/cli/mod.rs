//! The command line as it was typed: raw arguments, with no decision taken yet.

mod args;
mod flows;

pub(crate) use args::{
    CaVerb, Cli, ConfigVerb, DbVerb, GlobalArgs, RunArgs, StartArgs, TokenVerb, Verb,
};
pub(crate) use flows::FlowsArgs;
