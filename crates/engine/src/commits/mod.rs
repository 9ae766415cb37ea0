//! What commits cost: the flows of a repository's folders, by the commit that came next.
//!
//! A repository notes each move of its `HEAD` in a file of text (`logs/HEAD`). That file alone is read, and nothing is
//! ever run or written there.

mod reflog;
mod report;

pub use reflog::{Commit, commits};
pub use report::{CommitCost, CommitReport, commit_costs};
