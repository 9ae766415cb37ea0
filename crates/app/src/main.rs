//! The binary `langley`: it reads what was typed, does it, and says how it went.

mod agent_env;
mod alarm;
mod allocator;
mod alone;
mod api;
mod browser;
mod bypass;
mod ca_facts;
mod cli;
mod clients;
mod commands;
mod config;
mod demo;
mod detach;
mod digest_key;
mod doctor;
mod dollars;
mod env_form;
mod error;
mod fidelity;
mod hint;
mod home;
mod idle;
mod keeper;
mod known_clients;
mod listen;
mod lock;
mod logs;
mod missing;
mod neighbour;
mod opening;
mod pipe;
mod place;
mod preflight;
mod preset;
mod proxied;
mod raw;
mod reading;
mod run_hints;
mod runtime;
mod served;
mod state;
mod table;
mod temporary;
mod token;
mod told_usage;
mod trust;
mod upgrade;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use cli::{AuditVerb, Cli, StartArgs, Verb};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // clap answers --help and wrong use by itself, with exit codes 0 and 2.
    let Cli { global, verb } = Cli::parse();
    logs::start();
    pipe::quietly();
    let done = match verb.unwrap_or(Verb::Start(StartArgs::default())) {
        Verb::Start(args) => commands::start::start(&global, &args),
        Verb::Run(args) => commands::run::run(&global, args),
        Verb::Demo { once } => demo::demo(&global, once).map(|()| ExitCode::SUCCESS),
        Verb::Doctor { fidelity: true, json } => fidelity::fidelity(&global, json),
        Verb::Doctor { fidelity: false, json } => doctor::doctor(&global, json),
        Verb::Stop => commands::stop::stop(&global).map(|()| ExitCode::SUCCESS),
        Verb::Status { json } => {
            commands::status::status(&global, json).map(|()| ExitCode::SUCCESS)
        }
        Verb::Ca { verb } => commands::ca::ca(&global, &verb).map(|()| ExitCode::SUCCESS),
        Verb::Token { verb } => commands::token::token(&global, verb).map(|()| ExitCode::SUCCESS),
        Verb::Config { verb } => {
            commands::config::config(&global, verb).map(|()| ExitCode::SUCCESS)
        }
        Verb::Db { verb } => commands::db::db(&global, verb).map(|()| ExitCode::SUCCESS),
        Verb::Flows(args) => commands::flows::flows(&global, &args).map(|()| ExitCode::SUCCESS),
        Verb::Sessions(args) => {
            commands::sessions::sessions(&global, &args).map(|()| ExitCode::SUCCESS)
        }
        Verb::Conversations(args) => {
            commands::conversations::conversations(&global, &args).map(|()| ExitCode::SUCCESS)
        }
        Verb::Ledger(args) => commands::ledger::ledger(&global, &args).map(|()| ExitCode::SUCCESS),
        Verb::Tasks(args) => commands::tasks::tasks(&global, &args).map(|()| ExitCode::SUCCESS),
        Verb::Analytics { verb } => {
            commands::analytics::analytics(&global, &verb).map(|()| ExitCode::SUCCESS)
        }
        Verb::Cost(args) => commands::cost::cost(&global, &args).map(|()| ExitCode::SUCCESS),
        Verb::Findings(args) => {
            commands::findings::findings(&global, &args).map(|()| ExitCode::SUCCESS)
        }
        Verb::Tools(args) => commands::tools::tools(&global, &args).map(|()| ExitCode::SUCCESS),
        Verb::Import(args) => commands::import::import(&global, &args).map(|()| ExitCode::SUCCESS),
        Verb::Audit { verb: AuditVerb::Redaction { json } } => {
            commands::audit::redaction(&global, json)
        }
        Verb::Export { verb } => {
            commands::export::export(&global, &verb).map(|()| ExitCode::SUCCESS)
        }
        Verb::Extract(args) => {
            commands::extract::extract(&global, &args).map(|()| ExitCode::SUCCESS)
        }
        Verb::Statusline => {
            commands::statusline::statusline(&global);
            Ok(ExitCode::SUCCESS)
        }
        Verb::Completions { shell } => {
            commands::completions::completions(shell);
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| {
        error.print_beside(&global.warned, global.home.as_deref());
        error.exit_code()
    })
}
