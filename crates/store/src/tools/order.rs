//! By what tools are put in order.

use std::cmp::Reverse;

use langley_model::NanoUsd;

use super::report::{ToolQuery, ToolReport, ToolTotals};
use super::sums::ToolTally;
use crate::error::StoreError;
use crate::rollup::{ToolCostSums, UsageQuery};
use crate::store::Store;

/// By what tools are put in order, the greatest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolOrder {
    /// Calls.
    #[default]
    Calls,
    /// What they cost; what is not known comes last.
    Cost,
    /// How long they take, of 95 of 100 calls.
    Duration,
    /// Calls that failed, were denied or cancelled, or took too long.
    Failures,
    /// Calls that asked for what had been asked for before.
    Repeats,
    /// Calls with a violation.
    Violations,
}

impl ToolOrder {
    /// All, with their words.
    pub const ALL: [(&str, Self); 6] = [
        ("calls", Self::Calls),
        ("cost", Self::Cost),
        ("duration", Self::Duration),
        ("failures", Self::Failures),
        ("repeats", Self::Repeats),
        ("violations", Self::Violations),
    ];

    /// The order of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == word).map(|(_, order)| order)
    }

    /// Puts tools in order; those that are alike stay as they are.
    pub(super) fn sort(self, tools: &mut [ToolTotals]) {
        const FAILURES: [ToolTally; 4] =
            [ToolTally::Failed, ToolTally::Denied, ToolTally::Cancelled, ToolTally::TimedOut];
        // What is not known comes last.
        let rank = |tool: &ToolTotals| {
            let of = |tally| tool.sums.tally(tally);
            match self {
                Self::Calls => Some(of(ToolTally::Calls)),
                Self::Cost => tool.cost.map(|cost| cost.0.max(0).cast_unsigned()),
                Self::Duration => tool.sums.durations().percentile(95),
                Self::Failures => Some(FAILURES.into_iter().map(of).sum()),
                Self::Repeats => Some(of(ToolTally::Repeated)),
                Self::Violations => Some(of(ToolTally::Violated)),
            }
        };
        tools.sort_by_cached_key(|tool| Reverse(rank(tool)));
    }
}

impl Store {
    /// Tells what the tools of a report cost, and all of them together.
    pub(super) fn put_costs(
        &self,
        report: &mut ToolReport,
        query: &ToolQuery,
    ) -> Result<(), StoreError> {
        let ToolQuery { since, until, .. } = *query;
        let usage = UsageQuery { since, until, ..UsageQuery::default() };
        let mut costs = self.tool_cost_sums(usage, query.session.clone())?;
        let mut all = ToolCostSums::default();
        for tool in &mut report.tools {
            if let Some(sums) = costs.remove(&tool.name) {
                tool.cost = sums.cost().map(NanoUsd::rounded);
                all.add(&sums, 1);
            }
        }
        report.cost = all.cost().map(NanoUsd::rounded);
        Ok(())
    }
}
