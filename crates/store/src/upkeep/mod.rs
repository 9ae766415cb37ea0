//! Keeping the file bounded: retention, contents that nothing refers to, the log, free pages, copies.
//!
//! What has to be looked for is looked for by readers, on the thread of whoever asked; the writer is only
//! handed small pieces of work, between which it records. So nothing here holds a lock for longer than a
//! few milliseconds, however much there is to remove.

mod board;
mod copy;
mod delete;
mod pages;
mod report;
mod retire;
mod run;
mod sweep;

pub(crate) use board::Board;
pub use board::{Phase, UpkeepState};
pub(crate) use pages::give_back;
pub use pages::{Checkpointed, Pages};
pub use report::{Retention, Upkeep};
