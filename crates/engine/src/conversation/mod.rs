//! A conversation as transcripts tell it: its lines in the order of time, with the branches that they make and a lane
//! for each subagent.

mod named;
mod page;
mod shape;
mod tree;

pub use page::{ConversationThread, Lane, ShownLine, ThreadQuery, conversation_thread};
pub use shape::ThreadShapes;
pub use tree::Branch;
