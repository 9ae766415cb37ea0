//! The doors from outside: a real listener, a real store, a real client.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod access;
mod analytics;
#[cfg(feature = "dashboard")]
mod assets;
mod brute;
mod budgets;
mod conversations;
mod cost;
mod diff;
mod document;
mod export;
mod findings;
mod flows;
mod live;
mod rig;
mod search;
mod system;
mod tasks;
mod tools;
mod upkeep;
mod usage;
