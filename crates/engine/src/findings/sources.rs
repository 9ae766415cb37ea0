//! What detectors ask back: things that are only read when a flow is suspicious.

use std::time::Duration;

use langley_model::{Finding, Flow, FlowId, MicroUsd};
use langley_store::{Kept, StoreError};

use super::facts::Facts;
use super::price::Prices;
use super::prompt::Prompt;

/// How long a model usually takes to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// Half of its answers begin sooner.
    pub median: Duration,
    /// Answers that are known.
    pub answers: u64,
}

/// What of a day is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayPart {
    /// To the end of the hour in which the flow began.
    UpToFlow,
    /// All of it.
    Whole,
}

/// What is read back of a session.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// Its last flows, the oldest first.
    pub facts: Vec<Facts>,
    /// Whether it has no others that are known.
    pub is_all: bool,
}

/// Where a suspicion is looked into.
pub trait Sources {
    /// Earlier flows of the same session that ended before this one began: what has to be known of a session
    /// that is not in memory. Those that cannot be read are left out.
    ///
    /// # Errors
    /// A failure of the store.
    fn before(&self, flow: &Flow, most: usize) -> Result<Recalled, StoreError>;

    /// Whether this finding is kept already, and by whose evidence.
    ///
    /// # Errors
    /// A failure of the store.
    fn kept(&self, finding: &Finding) -> Result<Kept, StoreError>;

    /// Whether a finding is kept that this flow shows: it was looked at before.
    ///
    /// # Errors
    /// A failure of the store.
    fn is_shown_by(&self, flow: FlowId) -> Result<bool, StoreError>;

    /// The request of a flow; none where it was not kept, does not come apart, or is damaged and another
    /// flow's than the one that is looked at.
    ///
    /// # Errors
    /// A failure of the store.
    fn prompt(&self, flow: FlowId) -> Result<Option<Prompt>, StoreError>;

    /// How long the model of this flow usually takes to begin.
    ///
    /// # Errors
    /// A failure of the store.
    fn usual(&self, flow: &Flow) -> Result<Option<Usual>, StoreError>;

    /// What all flows of the day of UTC cost in which this one began, so far as it is known.
    ///
    /// # Errors
    /// A failure of the store.
    fn spent(&self, flow: &Flow, part: DayPart) -> Result<Option<MicroUsd>, StoreError>;

    /// Who knows prices.
    fn prices(&self) -> &dyn Prices;
}
