//! Transcripts: lines that agents wrote of their own sessions, kept for as long as nobody says otherwise, whatever
//! becomes of the files.
//!
//! Lines are numerous and much alike, so those of a batch are packed together, on the thread of whoever brings them;
//! the writer does a batch between two of its own, in one transaction with the place up to which the file was read.
//! So a line is kept once, however often reading breaks off.

mod block;
mod bring;
mod conversations;
mod delete;
mod fold;
mod gone;
mod join;
mod keep;
mod known;
mod remove;
mod reprice;
mod response;
mod retire;
mod thread;
mod whose;

pub use bring::TranscriptWriter;
pub use conversations::{Conversation, ConversationFilter, ConversationPage};
pub use delete::DeletedConversation;
pub use join::{Amend, Looked, ToldFlow};
pub use keep::{ImportedBatch, TranscriptBatch, TranscriptPlace};
pub use known::{KnownTranscript, KnownTranscripts, TranscriptTotals};
pub use reprice::PriceTold;
pub use response::{KeptResponse, ToldByAgent};
pub use thread::{KeptLine, KeptLines, ThreadLine};

/// A number that is never negative.
fn count(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}
