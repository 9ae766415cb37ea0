//! Meaning: turns what the tap saw into flows, messages and events, names how each flow ended, and
//! hands redacted records to the store, without ever making the tap wait.

mod agent;
mod analysis;
mod assemble;
mod attempts;
mod background;
mod bench;
mod blocks;
mod body;
mod broken;
mod budget;
mod chains;
mod commits;
mod composition;
mod conversation;
mod counted;
mod cut;
mod diff;
mod estimate;
mod exchange;
mod extract;
mod findings;
mod framing;
mod gap;
mod import;
mod inference_key;
mod intake;
mod intake_stats;
mod ledger;
pub mod lifecycle;
mod live;
mod losses;
mod media;
mod note;
mod notebook;
mod options;
mod outbox;
mod outcome;
mod pieces;
mod preview;
mod price;
mod project;
mod provider;
mod rate_limit;
mod recall;
mod recent;
mod recorder;
mod request;
mod response;
mod search;
mod session;
mod session_request;
mod session_turns;
mod stream;
mod telling;
mod token_use;
mod tokenizer;
mod transcripts;
mod turns;
mod websocket;
mod windows;
mod work;
mod worth;
mod written;

pub use analysis::{
    Analyst, Lookout, ReadInvocation, analyse, analyse_for, input_heads, read_invocation,
};
pub use background::Bell;
pub use blocks::{Block, BlockReport, Pace, blocks};
pub use budget::{
    Budget, BudgetAction, BudgetBell, BudgetKeeper, BudgetReader, BudgetScope, BudgetState,
};
pub use commits::{Commit, CommitCost, CommitReport, commit_costs, commits};
pub use composition::{
    Composed, Composition, ContextKind, ContextPart, composition, composition_of_session,
    context_tokens,
};
pub use conversation::{
    Branch, ConversationThread, Lane, ShownLine, ThreadQuery, ThreadShapes, conversation_thread,
};
pub use diff::{Amount, Compared, Diff, Divergence, PartDiff, ShownPiece, diff};
pub use extract::{
    ExtractMode, ExtractOut, ExtractQuery, Extracted, Field, ModeSpec, UsageOf, extract,
    extract_reference,
};
pub use findings::{
    BookPrices, CallMade, Change, DayPart, Diverged, Facts, Limits, NoPrices, Pause, Prices,
    Pricing, Prompt, Recalled, ResultSeen, Secret, SecretPlace, Sources, Spot, TokenPrices, Usual,
    Watch,
};
pub use import::{
    Follower, FollowerOptions, FollowerReader, FollowerState, ImportError, ImportReport,
    ImportWanted, Importer,
};
pub use inference_key::InferenceKey;
pub use intake::{Intake, IntakeOptions};
pub use intake_stats::IntakeStats;
pub use ledger::{Ledger, LedgerEntry, LedgerReason, LedgerSide, LedgerSum, ledger};
pub use live::{LiveFeed, NoLiveFeed};
pub use options::RecorderOptions;
pub use outbox::RecordSink;
pub use price::{
    BookError, Card, Lack, Model, Peak, PriceBook, PriceOverride, PricedAnew, Pricer, Quote,
    reprice,
};
pub use recall::recall;
pub use recorder::{Recorder, RecorderHandle, RecorderStats, RecorderStatsReader};
pub use search::{Found, Indexer, Snippet, new_text, read_texts, search};
pub use session_turns::{SessionTurn, SessionTurns, session_turns};
pub use token_use::{
    ContextSize, Growth, SessionTokens, TokenGroup, TokenUse, token_use, token_use_of_session,
};
pub use transcripts::{
    Scanned, TRANSCRIPT_BY_MAX, TranscriptBy, TranscriptCache, TranscriptFile, TranscriptQuery,
    TranscriptRoot, Walked, default_roots, scan, transcript_blocks, transcript_costs, user_roots,
    walk,
};
pub use windows::{Window, Windows, windows};
pub use work::{Work, WorkBy, WorkGroup, WorkQuery, WorkReport, work};
