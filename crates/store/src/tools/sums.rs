//! What calls add up to, by hour and day, tool and agent.

use std::collections::HashMap;

use langley_model::{ToolCall, ToolOutcome, ToolState};
use rusqlite::{Connection, OptionalExtension, Row};

use super::STRAY;
use crate::hours::DAY_HOURS;
use crate::rollup::Spread;

/// A number of calls, or a sum over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolTally {
    /// Calls.
    Calls,
    /// Came to this.
    Succeeded,
    /// Came to this.
    Failed,
    /// Came to this.
    Denied,
    /// Came to this.
    Cancelled,
    /// Came to this.
    TimedOut,
    /// Ended without a result.
    Orphaned,
    /// Broke off with their answer.
    Lost,
    /// Were made before in their session, with the same arguments.
    Repeated,
    /// Have a violation.
    Violated,
    /// Microseconds from complete arguments to the result.
    Duration,
    /// Calls of which that is known.
    Timed,
}

impl ToolTally {
    /// All, in the order of the columns.
    pub const ALL: [Self; 12] = [
        Self::Calls,
        Self::Succeeded,
        Self::Failed,
        Self::Denied,
        Self::Cancelled,
        Self::TimedOut,
        Self::Orphaned,
        Self::Lost,
        Self::Repeated,
        Self::Violated,
        Self::Duration,
        Self::Timed,
    ];

    /// By how much a call counts.
    fn of(self, call: &ToolCall) -> u64 {
        let came_to = |outcome| u64::from(call.outcome == Some(outcome));
        match self {
            Self::Calls => 1,
            Self::Succeeded => came_to(ToolOutcome::Succeeded),
            Self::Failed => came_to(ToolOutcome::Failed),
            Self::Denied => came_to(ToolOutcome::Denied),
            Self::Cancelled => came_to(ToolOutcome::Cancelled),
            Self::TimedOut => came_to(ToolOutcome::TimedOut),
            Self::Orphaned => u64::from(call.state == ToolState::Orphaned),
            Self::Lost => u64::from(call.state == ToolState::Lost),
            Self::Repeated => u64::from(call.repeated),
            Self::Violated => u64::from(!call.violations.is_empty()),
            Self::Duration => call.duration_us().unwrap_or(0),
            Self::Timed => u64::from(call.duration_us().is_some()),
        }
    }
}

const NUMBERS: usize = ToolTally::ALL.len();

/// The columns of sums, in order.
pub(super) const COLUMNS: &str =
    "calls, succeeded, failed, denied, cancelled, timed_out, orphaned, lost,
    repeated, violated, duration, timed, spread";

/// What a number of calls add up to; or by how much that changes, for which all numbers wrap around.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolSums {
    numbers: [u64; NUMBERS],
    spread: Spread,
}

impl ToolSums {
    /// How much of this there is.
    #[must_use]
    pub const fn tally(&self, tally: ToolTally) -> u64 {
        self.numbers[tally as usize]
    }

    /// How the durations spread, in nanoseconds.
    #[must_use]
    pub const fn durations(&self) -> &Spread {
        &self.spread
    }

    /// Adds a call; a replayed one, or a result without one, counts for nothing.
    pub(super) fn add(&mut self, position: u32, call: &ToolCall) {
        self.count(position, call, 1);
    }

    /// Takes a call out that was added as it is here.
    pub(super) fn take_out(&mut self, position: u32, call: &ToolCall) {
        self.count(position, call, 1_u64.wrapping_neg());
    }

    fn count(&mut self, position: u32, call: &ToolCall, times: u64) {
        if call.replayed || position >= STRAY {
            return;
        }
        for tally in ToolTally::ALL {
            let number = &mut self.numbers[tally as usize];
            *number = number.wrapping_add(tally.of(call).wrapping_mul(times));
        }
        if let Some(micros) = call.duration_us() {
            self.spread.add(micros.saturating_mul(1_000), times);
        }
    }

    /// Adds other sums.
    pub(super) fn merge(&mut self, other: &Self) {
        for (number, more) in self.numbers.iter_mut().zip(other.numbers) {
            *number = number.wrapping_add(more);
        }
        self.spread.merge(&other.spread);
    }

    fn is_empty(&self) -> bool {
        self.numbers == [0; NUMBERS] && self.spread.is_empty()
    }

    /// The sums of a row, from the column `first` on. A spread that is damaged is empty.
    pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let mut sums = Self::default();
        for (place, number) in (first..).zip(&mut sums.numbers) {
            *number = row.get::<_, i64>(place)?.cast_unsigned();
        }
        let spread: Vec<u8> = row.get(first + NUMBERS)?;
        sums.spread = Spread::decode(&spread).unwrap_or_default();
        Ok(sums)
    }
}

/// Calls that are added up together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Group {
    /// The hour in which their flow began.
    pub(super) hour: i64,
    pub(super) tool: i64,
    pub(super) agent: String,
}

/// By how much a transaction changes the sums.
#[derive(Debug, Default)]
pub(super) struct Gathered(HashMap<Group, ToolSums>);

impl Gathered {
    pub(super) fn of(&mut self, group: Group) -> &mut ToolSums {
        self.0.entry(group).or_default()
    }

    /// Writes the changes; the transaction is about to end.
    pub(super) fn write(self, conn: &Connection) -> rusqlite::Result<()> {
        for (group, change) in self.0 {
            if !change.is_empty() {
                put(conn, (0, group.hour), &group, &change)?;
                put(conn, (1, group.hour.div_euclid(DAY_HOURS)), &group, &change)?;
            }
        }
        Ok(())
    }
}

/// Changes the sums of a row; what adds up to nothing has none.
fn put(
    conn: &Connection,
    (span, at): (i64, i64),
    group: &Group,
    change: &ToolSums,
) -> rusqlite::Result<()> {
    let key = (span, at, group.tool, &group.agent);
    let of = "span = ?1 AND at = ?2 AND tool = ?3 AND agent = ?4";
    let known = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM tool_sums WHERE {of}"))?
        .query_row(key, |row| ToolSums::read(row, 0))
        .optional()?;
    let mut sums = known.unwrap_or_default();
    sums.merge(change);
    if sums.is_empty() {
        conn.prepare_cached(&format!("DELETE FROM tool_sums WHERE {of}"))?.execute(key)?;
        return Ok(());
    }
    let mut write = conn.prepare_cached(&format!(
        "INSERT OR REPLACE INTO tool_sums (span, at, tool, agent, {COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
    ))?;
    write.raw_bind_parameter(1, span)?;
    write.raw_bind_parameter(2, at)?;
    write.raw_bind_parameter(3, group.tool)?;
    write.raw_bind_parameter(4, group.agent.as_str())?;
    for (place, number) in (5..).zip(sums.numbers) {
        write.raw_bind_parameter(place, number.cast_signed())?;
    }
    write.raw_bind_parameter(5 + NUMBERS, sums.spread.encode())?;
    write.raw_execute()?;
    Ok(())
}
