//! Commands and global options, exactly as clap reads them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use langley_model::FlowId;

use super::{
    AnalyticsVerb, ConversationsArgs, CostArgs, ExportVerb, ExtractArgs, FindingsArgs, FlowsArgs,
    ImportArgs, LedgerArgs, SessionsArgs, TasksArgs, ToolsArgs,
};
use crate::error::Warned;
use crate::trust::StoreName;

/// See what your coding agents send to LLM providers, what came back, and how it ended.
#[derive(Debug, Parser)]
#[command(name = "langley", version, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,

    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// Options that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct GlobalArgs {
    /// Folder for the database, certificates and token [default: XDG data `langley`]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,

    /// Where the proxy listens; port 0 takes any free one [default: 127.0.0.1:9090]
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,

    /// Where dashboard and API listen [default: 127.0.0.1:9091]
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub(crate) api: Option<String>,

    /// Configuration file [default: langley.config.yaml in the home, else in XDG config]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Do not open a browser
    #[arg(long, global = true)]
    pub(crate) no_open: bool,

    /// Print errors only
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// What reading the configuration has warned of.
    #[arg(skip)]
    pub(crate) warned: Warned,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start proxy, recorder and dashboard, and stay (also what plain `langley` does)
    Start(StartArgs),
    /// Stop the running server of this home
    Stop,
    /// Say whether a server runs, and where
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run a command with proxy and trust set up for it alone
    Run(RunArgs),
    /// Play scripted agent sessions through the real proxy, with temporary data and on free ports
    Demo {
        /// Play each session once, print a summary and exit
        #[arg(long)]
        once: bool,
    },
    /// Look for what is in the way; each finding says what, why and what next
    Doctor {
        /// Prove instead that bytes pass unchanged: the same requests directly and through the
        /// proxy (the running one, else a temporary one), to an origin on this machine
        #[arg(long)]
        fidelity: bool,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// The certificate authority that agents have to trust
    Ca {
        #[command(subcommand)]
        verb: CaVerb,
    },
    /// The token that guards the API
    Token {
        #[command(subcommand)]
        verb: TokenVerb,
    },
    /// The settings in force, and where each came from
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// The database
    Db {
        #[command(subcommand)]
        verb: DbVerb,
    },
    /// List recorded flows, newest first
    ///
    /// IN counts input tokens that the cache had no part in (neither read from it nor written to it), as
    /// the dashboard's list does; `--json` has the provider's own numbers. Below a flow stands why it ended
    /// as it did, and what it lacks.
    Flows(FlowsArgs),
    /// List sessions with what their flows add up to, newest first
    Sessions(SessionsArgs),
    /// List what agents' own files tell of their sessions, newest first; or the lines of one
    ///
    /// Of one, each line has its lane (a subagent) and its branch: where a person went back and said something
    /// else, or an answer was asked for again. Branch 0 goes on to the newest line.
    Conversations(ConversationsArgs),
    /// Hold what passed against what agents' own files tell: both counts, the gap, and why
    Ledger(LedgerArgs),
    /// List tasks with what their flows add up to, newest first
    ///
    /// A task is named by the header `X-Langley-Task`, else it is the session, else it is inferred by host
    /// and time (`tasks.infer`).
    Tasks(TasksArgs),
    /// Tell what was spent: by model, day, session and the like, or by class of usage
    ///
    /// COST is the sum of the flows that have one; PRICED and UNPRICED count those that used something
    /// and have a cost, or have none. By time, host, provider, model and agent it is told from sums that
    /// outlive the flows; by session, task and subagent from the flows that are kept.
    Cost(CostArgs),
    /// Tell where the time went, how agents worked, and what came of the tokens
    Analytics {
        #[command(subcommand)]
        verb: AnalyticsVerb,
    },
    /// List what is worth a change, the dearest first; acknowledge, mute or resolve it
    Findings(FindingsArgs),
    /// List the tools that were called with what their calls add up to; or the calls of one
    Tools(ToolsArgs),
    /// Keep what agents wrote of their own sessions, also when they delete it later
    ///
    /// Brings in what is new in the files of Claude Code, Codex and Gemini CLI, and says what that was; what is
    /// known is not brought in again. A running server does it by itself (`transcripts.enabled`).
    Import(ImportArgs),
    /// Look through everything stored for what looks like a secret
    Audit {
        #[command(subcommand)]
        verb: AuditVerb,
    },
    /// Write recorded flows as a file: JSON, CSV, HTML or HTTP Archive
    Export {
        #[command(subcommand)]
        verb: ExportVerb,
    },
    /// Answer questions from the files that agents keep of their sessions, with no proxy ever run
    ///
    /// Records come as JSON, one a line; on a terminal as a table.
    Extract(ExtractArgs),
    /// Print one line for the status line of Claude Code, which it gives its JSON
    ///
    /// In Claude Code's settings: "statusLine": {"type": "command", "command": "langley statusline"}. It
    /// tells the cost of the session and of today, how full the context is, and what share came from the
    /// cache; what is not known is left out.
    Statusline,
    /// Print a completion script
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Options of `start`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct StartArgs {
    /// Also keep bodies unredacted, for forensics; takes `redaction.store_raw: true` as well
    #[arg(long)]
    pub(crate) store_raw: bool,

    /// Leave the terminal's session (used by `langley run`)
    #[arg(long, hide = true)]
    pub(crate) detached: bool,

    /// Exit after this many seconds without a `langley run` client
    #[arg(long, hide = true, value_name = "SECONDS")]
    pub(crate) idle_exit: Option<u64>,
}

/// Options of `run`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunArgs {
    /// As a proxy, or by base URL for what ignores proxies
    #[arg(long, value_enum, default_value_t = RunMode::Forward)]
    pub(crate) mode: RunMode,

    /// Run nothing; print the environment, for a shell or an IDE's settings [default form: shell]
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "shell"
    )]
    pub(crate) print_env: Option<EnvForm>,

    /// List the clients that are known, and how each is reached
    #[arg(long)]
    pub(crate) list: bool,

    /// With --list: print JSON
    #[arg(long, requires = "list")]
    pub(crate) json: bool,

    /// The command and its arguments
    #[arg(
        required_unless_present_any = ["list", "print_env"],
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    pub(crate) command: Vec<std::ffi::OsString>,
}

/// How a command's traffic comes to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunMode {
    /// Through the proxy, with trust in its certificate
    Forward,
    /// By base URL: the proxy is taken for the provider
    Reverse,
}

/// How an environment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvForm {
    /// `export` lines, for sh, bash and zsh
    Shell,
    /// `set -gx` lines
    Fish,
    /// An object
    Json,
}

/// Which body of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BodySide {
    /// What the agent sent
    Request,
    /// What the provider answered
    Response,
}

/// Verbs of `ca`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CaVerb {
    /// Show fingerprint, expiry and the names it may sign for
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the path of the certificate
    Path,
    /// Put the certificate into the system's store, after showing what will be done
    Install(StoreArgs),
    /// Take it out again
    Remove(StoreArgs),
    /// Make a new key and certificate; running agents must be restarted
    Rotate,
}

/// Options of `ca install` and `ca remove`.
#[derive(Args, Clone, Debug)]
pub(crate) struct StoreArgs {
    /// Show the commands and files only
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// The system's root folder, for another system than the running one (an image, a container)
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,

    /// The kind of store [default: the system's own]
    #[arg(long, value_enum, value_name = "SYSTEM")]
    pub(crate) store: Option<StoreName>,
}

/// Verbs of `token`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum TokenVerb {
    /// Print the token
    Show,
    /// Make a new token; the old one, links and dashboard sessions stop working at once
    Rotate,
}

/// Verbs of `config`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Print every key with its value and where it came from
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check settings, file, environment and flags; nothing is started
    Check,
    /// Print the path of the configuration file
    Path,
    /// Print the table of keys for the documentation
    #[command(hide = true)]
    Reference,
}

/// Verbs of `audit`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// Count what was replaced by rule, and name what still looks like a secret (exit code 1 then)
    Redaction {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Verbs of `db`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum DbVerb {
    /// Print the path of the database
    Path,
    /// Tell what it holds, and what takes the room; reads all of it
    Info {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove what is older than retention lets it become, and what nothing refers to
    Maintain {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Fold the write-ahead log back into the database
    Checkpoint {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give the free room inside the database back to the disk
    Vacuum {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make the index for searches anew from the flows, where it is damaged; only while no server runs
    Reindex {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a copy of the database, of one moment; recording goes on
    Backup {
        /// The copy; must not exist [default: langley-DATE-TIME.db in the current folder]
        file: Option<PathBuf>,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a body as it travelled, unredacted; kept only while `start --store-raw` runs
    Raw {
        /// The flow's id
        #[arg(required_unless_present = "remove_all")]
        flow: Option<FlowId>,

        /// Of the request, or of the answer
        #[arg(long, value_enum, default_value_t = BodySide::Response)]
        side: BodySide,

        /// Remove everything that was kept unredacted
        #[arg(long, conflicts_with_all = ["flow", "side"])]
        remove_all: bool,
    },
}
