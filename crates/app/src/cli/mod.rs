//! The command line as it was typed: raw arguments, with no decision taken yet.

mod args;
mod flows;

pub(crate) use args::{
    CaVerb, Cli, ConfigVerb, DbVerb, EnvForm, GlobalArgs, RunArgs, RunMode, StartArgs, StoreArgs,
    TokenVerb, Verb,
};
pub(crate) use flows::FlowsArgs;
