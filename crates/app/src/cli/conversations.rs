//! Options of `langley conversations`: which, and in what shape.

use clap::Args;

/// Options of `conversations`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConversationsArgs {
    /// Lines of this session's conversation: its id, or (but with --delete) as much of its beginning as no other has
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,

    /// Print JSON, as `GET /api/conversations` and `/api/conversations/{id}` do
    #[arg(long)]
    pub(crate) json: bool,

    /// Only conversations with a line since then: an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    #[arg(long, value_name = "WHEN", conflicts_with = "id")]
    pub(crate) since: Option<String>,

    /// Only those of this agent: claude-code, codex or gemini-cli
    #[arg(long, value_name = "AGENT", conflicts_with = "id")]
    pub(crate) agent: Option<String>,

    /// Only those that began in this folder, or in one that is called so
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    pub(crate) project: Option<String>,

    /// Only those with a response of this model
    #[arg(long, value_name = "MODEL", conflicts_with = "id")]
    pub(crate) model: Option<String>,

    /// Only those whose first prompt has these words in it
    #[arg(long, value_name = "TEXT", conflicts_with = "id")]
    pub(crate) search: Option<String>,

    /// Of one conversation: lines of this branch alone
    #[arg(long, value_name = "N", requires = "id")]
    pub(crate) branch: Option<u32>,

    /// Of one conversation: lines of this lane alone
    #[arg(long, value_name = "N", requires = "id")]
    pub(crate) lane: Option<u32>,

    /// Of one conversation: also what the agent noted for itself
    #[arg(long, requires = "id")]
    pub(crate) notes: bool,

    /// Of one conversation: the newest line first
    #[arg(long, requires = "id")]
    pub(crate) newest: bool,

    /// Of one conversation, in JSON: each line as the agent wrote it, redacted
    #[arg(long, requires = "id", requires = "json")]
    pub(crate) content: bool,

    /// Delete this conversation: its lines are gone and not brought in again, files and flows stay
    #[arg(long, requires = "id", conflicts_with_all = ["branch", "lane", "notes", "newest", "content", "cursor", "limit"])]
    pub(crate) delete: bool,

    /// Go on after a page: its `next_cursor`, as --json and the last line tell it
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
}
