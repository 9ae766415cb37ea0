//! Options of `langley export`: which flows, in what form, and where to.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use langley_server::ExportFormat;

/// What is exported.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ExportVerb {
    /// All recorded flows
    Flows {
        /// Only flows of this session
        #[arg(long, value_name = "ID")]
        session: Option<String>,
        #[command(flatten)]
        args: ExportArgs,
    },
    /// The flows of one session
    Session {
        /// The session's id
        id: String,
        #[command(flatten)]
        args: ExportArgs,
    },
}

/// Form and place of an export.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExportArgs {
    /// ndjson, json and csv hold the facts of each flow; html what was said; har headers and bodies too
    #[arg(long, value_enum, default_value_t = Form::Ndjson)]
    pub(crate) format: Form,

    /// Write to this file, which only you may read [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Replace that file where it is there already
    #[arg(long, requires = "output")]
    pub(crate) force: bool,

    /// Only flows since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Only flows of this project: a folder, or the name that was given
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
}

/// The form, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// One flow a line, as JSON
    Ndjson,
    /// One JSON object
    Json,
    /// A table
    Csv,
    /// A page that needs nothing else
    Html,
    /// HTTP Archive 1.2
    Har,
}

impl From<Form> for ExportFormat {
    fn from(form: Form) -> Self {
        match form {
            Form::Ndjson => Self::Ndjson,
            Form::Json => Self::Json,
            Form::Csv => Self::Csv,
            Form::Html => Self::Html,
            Form::Har => Self::Har,
        }
    }
}
