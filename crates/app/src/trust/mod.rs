//! The system's own store of trusted certificates: whether it holds ours, and how to change that.

mod change;
mod store;

pub(crate) use change::{Change, Direction};
pub(crate) use store::{Installed, Store, StoreName};
