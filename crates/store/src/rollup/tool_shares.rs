//! What tools have of each flow, kept in a row of its own, and what they cost added up.
//!
//! The row has bytes, not money: whoever changes what a flow costs changes what its tools do
//! ([`ToolCostChange::exchange`]), in the same transaction.

use std::collections::HashMap;

use langley_model::{Flow, Redacted, ToolPart, ToolShares};
use rusqlite::{Connection, OptionalExtension};

use super::group::Group;
use super::tool_sums::{ToolCostSums, put};
use crate::codec::number;
use crate::damage::decoded_flow;
use crate::error::StoreError;
use crate::writer::Site;

/// The form's number, in case there will be another one.
const FORM: u64 = 1;

/// What tools have of a flow, for its row.
#[derive(Clone, Debug)]
pub struct ShareEntry {
    /// The key of the flow.
    pub key: i64,
    /// What they have; none takes the row away.
    pub shares: Option<Redacted<ToolShares>>,
}

impl ShareEntry {
    /// Writes the row, and gathers what that changes of the sums.
    pub(crate) fn write(
        &self,
        site: &mut Site<'_>,
        conn: &Connection,
        change: &mut ToolCostChange,
    ) -> rusqlite::Result<()> {
        let before = read(conn, self.key)?;
        if before.is_none() && self.shares.is_none() {
            return Ok(());
        }
        // The flow may have been removed.
        let Some(flow) = decoded_flow(conn, self.key)? else { return Ok(()) };
        if let Some(before) = before {
            change.add(&flow, &before, 1_u64.wrapping_neg());
        }
        let shares = match &self.shares {
            Some(shares) => numbered(site, shares, self.key)?,
            None => ToolShares::default(),
        };
        if shares.parts.is_empty() {
            conn.prepare_cached("DELETE FROM tool_shares WHERE flow = ?1")?.execute([self.key])?;
            return Ok(());
        }
        change.add(&flow, &shares, 1);
        conn.prepare_cached("INSERT OR REPLACE INTO tool_shares (flow, shares) VALUES (?1, ?2)")?
            .execute((self.key, encode(&shares)))?;
        Ok(())
    }
}

fn numbered(
    site: &mut Site<'_>,
    shares: &ToolShares,
    key: i64,
) -> rusqlite::Result<ToolShares<i64>> {
    let ToolShares { output_bytes, request_bytes, new_bytes, parts } = shares;
    let mut numbered = ToolShares {
        output_bytes: *output_bytes,
        request_bytes: *request_bytes,
        new_bytes: *new_bytes,
        parts: Vec::with_capacity(parts.len()),
    };
    for part in parts {
        let Some(tool) = site.tool_number(&part.tool, key)? else { continue };
        // Names that are too many have one number together.
        match numbered.parts.iter_mut().find(|known| known.tool == tool) {
            Some(known) => known.add(part),
            None => {
                let mut alone = ToolPart::of(tool);
                alone.add(part);
                numbered.parts.push(alone);
            }
        }
    }
    Ok(numbered)
}

/// What tools have of a flow; none where that is not known, or does not decode.
pub(super) fn read(conn: &Connection, flow: i64) -> rusqlite::Result<Option<ToolShares<i64>>> {
    let row: Option<Vec<u8>> = conn
        .prepare_cached("SELECT shares FROM tool_shares WHERE flow = ?1")?
        .query_row([flow], |row| row.get(0))
        .optional()?;
    Ok(row.and_then(|row| decode(&row).ok()))
}

fn encode(shares: &ToolShares<i64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + 12 * shares.parts.len());
    let ToolShares { output_bytes, request_bytes, new_bytes, parts } = shares;
    for value in [FORM, *output_bytes, *request_bytes, *new_bytes] {
        number::put(&mut out, value);
    }
    for part in parts {
        number::put(&mut out, part.tool.cast_unsigned());
        for value in [
            part.calls,
            part.call_bytes,
            part.searches,
            part.results,
            part.result_bytes,
            part.again_bytes,
            part.known_bytes,
        ] {
            number::put(&mut out, value);
        }
    }
    out
}

/// Reads what [`encode`] wrote.
fn decode(raw: &[u8]) -> Result<ToolShares<i64>, StoreError> {
    fn parse(mut raw: &[u8]) -> Option<ToolShares<i64>> {
        let raw = &mut raw;
        if number::take(raw)? != FORM {
            return None;
        }
        let mut shares = ToolShares {
            output_bytes: number::take(raw)?,
            request_bytes: number::take(raw)?,
            new_bytes: number::take(raw)?,
            parts: Vec::new(),
        };
        while !raw.is_empty() {
            shares.parts.push(ToolPart {
                tool: number::take(raw)?.cast_signed(),
                calls: number::take(raw)?,
                call_bytes: number::take(raw)?,
                searches: number::take(raw)?,
                results: number::take(raw)?,
                result_bytes: number::take(raw)?,
                again_bytes: number::take(raw)?,
                known_bytes: number::take(raw)?,
            });
        }
        Some(shares)
    }
    parse(raw).ok_or(StoreError::Decode { what: "shares of tools" })
}

/// By how much a transaction changes what tools cost.
#[derive(Debug, Default)]
pub(crate) struct ToolCostChange(HashMap<(Group, i64), ToolCostSums>);

impl ToolCostChange {
    /// What a flow costs, or which one it is, is told anew: what its tools cost follows.
    pub(crate) fn exchange(
        &mut self,
        conn: &Connection,
        n: i64,
        before: &Flow,
        after: &Flow,
    ) -> rusqlite::Result<()> {
        if let Some(shares) = read(conn, n)? {
            self.add(before, &shares, 1_u64.wrapping_neg());
            self.add(after, &shares, 1);
        }
        Ok(())
    }

    fn add(&mut self, flow: &Flow, shares: &ToolShares<i64>, times: u64) {
        ToolCostSums::each(flow, shares, |tool, sums| {
            self.0.entry((Group::of(flow), tool)).or_default().add(&sums, times);
        });
    }

    /// Writes the changes; the transaction is about to end.
    pub(crate) fn write(self, conn: &Connection) -> rusqlite::Result<()> {
        let mut days: HashMap<(Group, i64), ToolCostSums> = HashMap::new();
        for ((group, tool), change) in self.0 {
            if !change.is_empty() {
                put(conn, 0, (&group, tool), &change)?;
                days.entry((group.by_day(), tool)).or_default().add(&change, 1);
            }
        }
        for ((day, tool), change) in &days {
            if !change.is_empty() {
                put(conn, 1, (day, *tool), change)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_what_is_cut_is_not() {
        let part = ToolPart { calls: 1, call_bytes: 300, known_bytes: 1 << 40, ..ToolPart::of(7) };
        let other = ToolPart {
            results: 2,
            result_bytes: 5,
            again_bytes: 9,
            searches: 1,
            ..ToolPart::of(1)
        };
        let shares = ToolShares {
            output_bytes: 9_000,
            request_bytes: 8,
            new_bytes: 7,
            parts: vec![part, other],
        };
        let written = encode(&shares);
        assert_eq!(decode(&written).unwrap(), shares);
        assert!(decode(&written[..written.len() - 1]).is_err());
        assert!(decode(&[9]).is_err());
    }
}
