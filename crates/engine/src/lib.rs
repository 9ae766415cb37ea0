//! Meaning: turns what the tap saw into flows, messages and events, names how each flow ended, and
//! hands redacted records to the store, without ever making the tap wait.

mod agent;
mod assemble;
mod attempts;
mod bench;
mod blocks;
mod body;
mod broken;
mod budget;
mod chains;
mod counted;
mod cut;
mod diff;
mod exchange;
mod framing;
mod gap;
mod intake;
mod intake_stats;
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
mod provider;
mod rate_limit;
mod recall;
mod recent;
mod recorder;
mod request;
mod response;
mod search;
mod session;
mod stream;
mod turns;
mod websocket;
mod written;

pub use blocks::{Block, Pace, blocks};
pub use budget::{
    Budget, BudgetAction, BudgetBell, BudgetKeeper, BudgetReader, BudgetScope, BudgetState,
};
pub use diff::{Amount, Compared, Diff, Divergence, PartDiff, ShownPiece, diff};
pub use intake::{Intake, IntakeOptions};
pub use intake_stats::IntakeStats;
pub use live::{LiveFeed, NoLiveFeed};
pub use options::RecorderOptions;
pub use outbox::RecordSink;
pub use price::{BookError, Card, Model, Peak, PriceBook, PriceOverride, Pricer, Quote};
pub use recall::recall;
pub use recorder::{Recorder, RecorderHandle, RecorderStats, RecorderStatsReader};
pub use search::{Found, Indexer, IndexerBell, Snippet, new_text, read_texts, search};
