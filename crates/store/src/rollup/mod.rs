//! Rollups: what flows add up to by hour and by day, kept by the writer in the transaction that writes the
//! flows.
//!
//! They outlive the flows they sum. A session is no part of their key: with it they would be nearly as many
//! as the flows, and a question over all of them no faster than one over those. Sessions, tasks and
//! subagents have sums of their own, which go with their flows.

mod agents;
mod belonging;
mod cost_sums;
mod costs;
mod fill;
mod gather;
mod group;
mod measure;
mod named_sums;
mod parts;
mod project_costs;
mod query;
mod redefined;
mod sessions;
mod spread;
mod sums;
mod table;
mod tasks;
mod tool_costs;
mod tool_shares;
mod tool_sums;

pub use agents::SessionAgent;
pub use costs::{CostBy, CostGroup, CostKey, CostQuery, CostReport, UnpricedModel};
pub(crate) use fill::{Filled, Held, Scope, before_removal};
pub(crate) use gather::Gathered;
pub use measure::{Measure, Tally};
pub use parts::{PartSessions, Parting};
pub use query::{GroupBy, UsageGroup, UsageQuery, UsageReport};
pub(crate) use redefined::redefine;
pub use sessions::{Session, SessionCost, SessionPage};
pub use spread::Spread;
pub use sums::{Figure, Sums};
pub use tasks::{Task, TaskFilter, TaskPage};
pub use tool_shares::ShareEntry;
pub(crate) use tool_shares::ToolCostChange;
pub use tool_sums::{ToolCostSums, ToolCostTally};
