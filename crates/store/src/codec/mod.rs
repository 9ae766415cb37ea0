//! The forms in which content lies in the file.

pub(crate) mod block;
pub(crate) mod event_block;
pub(crate) mod message_json;
pub(crate) mod number;
pub(crate) mod pack;
pub(crate) mod rate_limit_json;
pub(crate) mod recipe;
mod shared;
