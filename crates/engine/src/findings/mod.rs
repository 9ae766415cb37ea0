//! Findings: what agents do that a person may want to change. Facts of one ended flow go in, in the order in
//! which flows began, and findings come out; nothing here knows a clock.

mod book;
mod call_memory;
mod detectors;
mod facts;
mod limits;
mod price;
mod prompt;
mod session_memory;
mod sources;
mod stored;
#[cfg(test)]
mod tests;
mod watch;

pub use book::BookPrices;
pub(crate) use detectors::{unrecorded, violation};
pub use facts::{CallMade, Facts, Pause, ResultSeen, Secret, SecretPlace};
pub use limits::Limits;
pub use price::{NoPrices, Prices, Pricing, TokenPrices};
pub use prompt::{Change, Diverged, Prompt, Spot};
pub use sources::{DayPart, Recalled, Sources, Usual};
pub(crate) use stored::Stored;
pub use watch::Watch;
