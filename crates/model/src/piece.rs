//! Pieces: the natural parts of a request's body, each of which is stored once.

/// What a piece of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PieceKind {
    /// A system prompt, or a block or message of it.
    System,
    /// A tool definition.
    Tools,
    /// A message of the user's.
    User,
    /// A message of the model's, given back to it.
    Assistant,
    /// The result of a tool call, where it is a message of its own.
    ToolResults,
    /// A message of a role that is none of these.
    Other,
    /// All that stands around pieces: parameters, names and punctuation.
    Rest,
}

impl PieceKind {
    /// Every kind, in the order in which a model reads them.
    pub const ALL: [Self; 7] = [
        Self::Tools,
        Self::System,
        Self::User,
        Self::Assistant,
        Self::ToolResults,
        Self::Other,
        Self::Rest,
    ];

    /// The word used in JSON and in the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Tools => "tools",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::ToolResults => "tool_results",
            Self::Other => "other",
            Self::Rest => "rest",
        }
    }
}
