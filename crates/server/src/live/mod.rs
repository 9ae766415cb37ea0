//! The live feed: committed changes and fresh text, to every page that watches.
//!
//! A watcher that reads slowly costs a bounded mailbox and is told to resync; it never delays the
//! writer, the recorder or another watcher.

mod hub;
mod mailbox;
mod message;
mod socket;

pub use hub::{Hub, LiveOptions};
pub(crate) use message::{Subscribe, Subscription};

pub(crate) use socket::{__path_live, live};
