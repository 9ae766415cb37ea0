//! By what tools are put in order.

use std::cmp::Reverse;
use std::collections::HashMap;

use langley_model::MicroUsd;

use super::report::{ToolQuery, ToolReport, ToolTotals};
use super::sums::ToolTally;
use crate::error::StoreError;
use crate::rollup::{CostBy, CostKey, CostQuery, ToolCostSums, UsageQuery};
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
        let rank = |tool: &ToolTotals| {
            let of = |tally| tool.sums.tally(tally);
            match self {
                Self::Calls => of(ToolTally::Calls),
                // What is known to cost nothing still comes before what nobody knows the cost of.
                Self::Cost => tool.cost.map_or(0, |cost| cost.0.cast_unsigned().saturating_add(1)),
                Self::Duration => tool.sums.durations().percentile(95).unwrap_or(0),
                Self::Failures => FAILURES.into_iter().map(of).sum(),
                Self::Repeats => of(ToolTally::Repeated),
                Self::Violations => of(ToolTally::Violated),
            }
        };
        tools.sort_by_cached_key(|tool| Reverse(rank(tool)));
    }
}

impl Store {
    /// Tells what the tools of a report cost.
    pub(super) fn put_costs(
        &self,
        report: &mut ToolReport,
        query: &ToolQuery,
    ) -> Result<(), StoreError> {
        let ToolQuery { since, until, .. } = *query;
        let costs = self.costs(&CostQuery {
            by: vec![CostBy::Tool],
            usage: UsageQuery { since, until, ..UsageQuery::default() },
            session: query.session.clone(),
            groups_max: usize::MAX,
            ..CostQuery::default()
        })?;
        let mut of_tools: HashMap<String, MicroUsd> = HashMap::new();
        for group in costs.groups {
            let cost = group.tool.as_ref().and_then(ToolCostSums::cost);
            if let (Some(cost), Some(CostKey::Name(Some(tool)))) =
                (cost, group.keys.into_iter().next())
            {
                of_tools.insert(tool, cost.rounded());
            }
        }
        for tool in &mut report.tools {
            tool.cost = of_tools.get(&tool.name).copied();
        }
        Ok(())
    }
}
