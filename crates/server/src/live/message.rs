//! The messages of the live feed, both ways.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stats::Stats;
use crate::wire::{Finding, Flow, LiveKind};

/// What a watcher sends: `{"subscribe": {…}}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscribe {
    /// What it wants from now on, instead of what it wanted before.
    pub subscribe: Subscription,
}

/// What a watcher wants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscription {
    /// Summaries of changed flows; by default yes, unless `flow` is given.
    #[serde(default)]
    pub flows: Option<bool>,
    /// Only flows of this session.
    #[serde(default)]
    pub session: Option<String>,
    /// This flow closely: summary, event counts, and the only flow whose text is sent.
    #[serde(default)]
    pub flow: Option<String>,
}

/// What the server sends.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum LiveMessage {
    /// First of all.
    Hello {
        /// Everything up to here is in the store and in any list loaded from now on.
        revision: u64,
        /// The server's version.
        version: &'static str,
    },
    /// A subscription is in force.
    Subscribed {
        /// Everything that changes after this revision will be sent.
        revision: u64,
    },
    /// A flow changed.
    Flow {
        /// The flow's revision.
        revision: u64,
        /// The flow as it is now.
        flow: Box<Flow>,
    },
    /// The subscribed flow has more stored events.
    Event {
        /// The flow's revision.
        revision: u64,
        /// The flow.
        flow_id: String,
        /// Events stored so far.
        event_count: u64,
    },
    /// A finding is new, or has new evidence.
    Finding {
        /// The last revision that was committed when it was read.
        revision: u64,
        /// The finding as it is now.
        finding: Box<Finding>,
    },
    /// Text that appeared just now; never stored in this form, and without a revision.
    Text {
        /// The flow.
        flow_id: String,
        /// The content block.
        block: u32,
        /// Kind of text.
        kind: LiveKind,
        /// The new text.
        text: String,
    },
    /// Figures; at most one a second, and only while something changes.
    Stats {
        /// The last committed revision.
        revision: u64,
        /// The figures.
        #[serde(flatten)]
        stats: Box<Stats>,
    },
    /// The watcher fell behind and messages were thrown away: load anew.
    Resync {
        /// Everything up to here is in any list loaded from now on.
        revision: u64,
    },
    /// A message from the watcher was not understood.
    Error {
        /// A stable word.
        code: &'static str,
        /// What was wrong.
        message: String,
        /// What to do.
        hint: &'static str,
    },
}
