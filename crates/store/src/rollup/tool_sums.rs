//! What tools cost, by hour and day: the sums, and a row of theirs.

use langley_model::{Flow, NanoUsd, ToolCost, ToolShares};
use rusqlite::{Connection, OptionalExtension, Row};

use super::group::Group;

/// A number of calls or flows, or a sum of costs in billionths of a dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolCostTally {
    /// Flows that the tool has a part of.
    Flows,
    /// Those of them whose cost is known by class.
    Priced,
    /// Those that used something that nobody knows the cost of.
    Unpriced,
    /// Calls.
    Calls,
    /// Calls whose cost is known.
    PricedCalls,
    /// Results, each where it was sent first.
    Results,
    /// Results whose cost is known.
    PricedResults,
    /// What the calls cost as output.
    Output,
    /// Web searches that the provider ran.
    Search,
    /// What the results cost as input the first time.
    Result,
    /// What calls and results cost as input that is sent again.
    Reread,
}

impl ToolCostTally {
    /// All, in the order of the columns.
    pub const ALL: [Self; 11] = [
        Self::Flows,
        Self::Priced,
        Self::Unpriced,
        Self::Calls,
        Self::PricedCalls,
        Self::Results,
        Self::PricedResults,
        Self::Output,
        Self::Search,
        Self::Result,
        Self::Reread,
    ];
}

const NUMBERS: usize = ToolCostTally::ALL.len();

/// The columns of sums, in order.
pub(super) const COLUMNS: &str =
    "flows, priced, unpriced, calls, priced_calls, results, priced_results,
    output, search, result, reread";

/// What tools cost; or by how much that changes, for which all numbers wrap around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolCostSums([u64; NUMBERS]);

impl ToolCostSums {
    /// How much of this there is.
    #[must_use]
    pub const fn tally(&self, tally: ToolCostTally) -> u64 {
        self.0[tally as usize]
    }

    /// What a tool costs: its calls, its searches, and its results the first time. None where nothing of it is
    /// known.
    #[must_use]
    pub fn cost(&self) -> Option<NanoUsd> {
        let of = |tally| self.tally(tally);
        let is_used = of(ToolCostTally::Calls) > 0 || of(ToolCostTally::Results) > 0;
        let is_known = of(ToolCostTally::PricedCalls) > 0 || of(ToolCostTally::PricedResults) > 0;
        let sum = [ToolCostTally::Output, ToolCostTally::Search, ToolCostTally::Result];
        let sum = sum.into_iter().fold(0, |sum: u64, tally| sum.wrapping_add(of(tally)));
        (is_known || (!is_used && of(ToolCostTally::Priced) > 0)).then_some(NanoUsd(sum))
    }

    /// What each tool of a flow adds.
    pub(super) fn each(flow: &Flow, shares: &ToolShares<i64>, mut take: impl FnMut(i64, Self)) {
        let costs = shares.costs(flow);
        for (place, part) in shares.parts.iter().enumerate() {
            let cost = costs.as_ref().and_then(|costs| costs.get(place));
            let ToolCost { output, search, result, reread } = cost.copied().unwrap_or_default();
            let if_known = |is_known: bool, count: u64| if is_known { count } else { 0 };
            let NanoUsd(spoken) = output.unwrap_or_default();
            take(
                part.tool,
                Self([
                    1,
                    u64::from(cost.is_some()),
                    u64::from(flow.is_unpriced()),
                    part.calls,
                    if_known(output.is_some(), part.calls),
                    part.results,
                    if_known(cost.is_some(), part.results),
                    spoken,
                    search.0,
                    result.0,
                    reread.0,
                ]),
            );
        }
    }

    /// Adds others so many times.
    pub(crate) fn add(&mut self, others: &Self, times: u64) {
        for (number, more) in self.0.iter_mut().zip(others.0) {
            *number = number.wrapping_add(more.wrapping_mul(times));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The sums of a row, from the column `first` on.
    pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let mut sums = Self::default();
        for (place, number) in (first..).zip(&mut sums.0) {
            *number = row.get::<_, i64>(place)?.cast_unsigned();
        }
        Ok(sums)
    }
}

/// Changes the sums of a row; what adds up to nothing has none.
pub(super) fn put(
    conn: &Connection,
    span: i64,
    (group, tool): (&Group, i64),
    change: &ToolCostSums,
) -> rusqlite::Result<()> {
    let Group { at, host, provider, model, agent } = group;
    let key = (span, at, tool, host, provider, model, agent);
    let of = "span = ?1 AND at = ?2 AND tool = ?3 AND host = ?4 AND provider = ?5 AND model = ?6 AND agent = ?7";
    let known = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM tool_costs WHERE {of}"))?
        .query_row(key, |row| ToolCostSums::read(row, 0))
        .optional()?;
    let mut sums = known.unwrap_or_default();
    sums.add(change, 1);
    if sums.is_empty() {
        conn.prepare_cached(&format!("DELETE FROM tool_costs WHERE {of}"))?.execute(key)?;
        return Ok(());
    }
    let marks: Vec<String> = (8..8 + NUMBERS).map(|place| format!("?{place}")).collect();
    let mut write = conn.prepare_cached(&format!(
        "INSERT OR REPLACE INTO tool_costs (span, at, tool, host, provider, model, agent, {COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, {})",
        marks.join(", ")
    ))?;
    write.raw_bind_parameter(1, span)?;
    write.raw_bind_parameter(2, at)?;
    write.raw_bind_parameter(3, tool)?;
    for (place, text) in (4..).zip([host, provider, model, agent]) {
        write.raw_bind_parameter(place, text.as_str())?;
    }
    for (place, number) in (8..).zip(sums.0) {
        write.raw_bind_parameter(place, number.cast_signed())?;
    }
    write.raw_execute()?;
    Ok(())
}
