//! Findings of flows that are priced anew.

use langley_model::{FindingKind, FlowId, MicroUsd};
use rusqlite::{Connection, OptionalExtension};

use super::keep::add;
use crate::damage::sound;
use crate::error::StoreError;
use crate::flow_row::{Bytes, HAS_USAGE};
use crate::hours::DAY_US;
use crate::store::Store;
use crate::waiting::Waiting;

/// Kinds that cost what the flow costs that shows them. One that was dear may not be found any more at a lower
/// price, so these are not left to the analysis.
const AS_THEIR_FLOW: [FindingKind; 2] = [FindingKind::ExpensiveRequest, FindingKind::RequestLoop];

/// Brings the findings up to date that a flow shows which costs this now: those that cost as much at once, the
/// others, and what each says, when the flow is analysed once more.
pub(crate) fn priced_anew(
    conn: &Connection,
    flow: i64,
    cost: Option<MicroUsd>,
) -> rusqlite::Result<()> {
    let mut shown = conn.prepare_cached(
        "SELECT id, kind FROM finding_flows JOIN findings ON id = finding WHERE flow = ?1 AND shows",
    )?;
    let shown = shown.query_map([flow], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let shown: Vec<(i64, String)> = shown.collect::<Result<_, _>>()?;
    for (id, kind) in &shown {
        if AS_THEIR_FLOW.iter().any(|it| it.as_str() == kind) {
            add(conn, *id, flow, cost.map(|cost| cost.0))?;
        }
    }
    if shown.is_empty() { Ok(()) } else { Waiting::Analysis.note(conn, &[flow]) }
}

/// Notes a day of UTC on which something costs another sum than before.
pub(crate) fn note_day(conn: &Connection, day: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO repriced_days (day) VALUES (?1)")?
        .execute([day])
        .map(drop)
}

impl Store {
    /// Whether a finding is kept that this flow shows: then it was looked at before.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn shows_finding(&self, flow: FlowId) -> Result<bool, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT 1 FROM finding_flows JOIN flows ON n = flow WHERE flow_id = ?1 AND shows",
            )?;
            Ok(statement.exists([Bytes(flow.as_bytes())])?)
        })
    }

    /// Brings days beyond their budget up to date: one that is not any more is no finding, and what the others cost
    /// is told when the flow is analysed once more that shows it.
    pub(crate) fn settle_days(&self) -> Result<(), StoreError> {
        self.job(|site| {
            let change = site.change()?;
            // A subject is the day of UTC, and its bound the baseline; what is damaged says of no day, and stays.
            change.execute(
                "DELETE FROM findings WHERE kind = ?1 AND json_valid(words)
                     AND json_extract(iif(json_valid(words), words, '{}'), '$.baseline[1]') >=
                         (SELECT ifnull(sum(cost), 0) FROM rollups_daily WHERE day = CAST(
                              json_extract(iif(json_valid(words), words, '{}'), '$.subject')
                              AS INTEGER))",
                [FindingKind::DailyBudget.as_str()],
            )?;
            let shown: Vec<i64> = change
                .prepare_cached(
                    "SELECT flow FROM finding_flows JOIN findings ON id = finding
                     WHERE kind = ?1 AND shows",
                )?
                .query_map([FindingKind::DailyBudget.as_str()], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Waiting::Analysis.note(&change, &shown)?;
            change.commit()
        })
    }

    /// Brings findings up to date that go by what others cost too, once flows were priced anew; also where that broke
    /// off in an earlier process.
    pub(crate) fn settle_repriced(&self) -> Result<(), StoreError> {
        let days = self.readers().read(|conn| {
            let mut days = conn.prepare_cached("SELECT day FROM repriced_days ORDER BY day")?;
            let days = days.query_map((), |row| row.get(0))?;
            Ok(days.collect::<Result<Vec<i64>, _>>()?)
        })?;
        self.settle_unpriced()?;
        self.settle_days()?;
        self.look_again_at(days)
    }

    /// Whether pricing anew broke off before [`Self::settle_repriced`].
    pub(crate) fn has_repriced_days(&self) -> Result<bool, StoreError> {
        self.readers().read(|conn| Ok(conn.prepare("SELECT 1 FROM repriced_days")?.exists(())?))
    }

    /// Has the last flow with a cost of each of these days (of UTC) analysed once more: the day may be beyond its
    /// budget now, or not any more.
    fn look_again_at(&self, days: Vec<i64>) -> Result<(), StoreError> {
        if days.is_empty() {
            return Ok(());
        }
        let last: Vec<i64> = self.readers().read(|conn| {
            // A key is about when a flow began.
            let mut last = conn.prepare_cached(
                "SELECT n FROM flows WHERE n >= ?1 AND n < ?2 AND cost_micro_usd IS NOT NULL
                     AND provider IS NOT NULL ORDER BY n DESC LIMIT 1",
            )?;
            let mut flows = Vec::with_capacity(days.len());
            for day in days.iter().copied() {
                let (from, to) = (day.saturating_mul(DAY_US), (day + 1).saturating_mul(DAY_US));
                let flow = last.query_row((from, to), |row| row.get::<_, i64>(0)).optional();
                flows.extend(sound(("the last flow of a day", day), flow)?.flatten());
            }
            Ok(flows)
        })?;
        self.job(move |site| {
            let change = site.change()?;
            Waiting::Analysis.note_earlier(&change, &last)?;
            for day in days {
                change
                    .prepare_cached("DELETE FROM repriced_days WHERE day = ?1")?
                    .execute([day])?;
            }
            change.commit()
        })
    }

    /// Takes back that a model has no price, where no flow of it lacks a cost any more.
    pub(crate) fn settle_unpriced(&self) -> Result<(), StoreError> {
        // Looked for by a reader: a model may have more flows than the writer may be kept busy with.
        let settled: Vec<i64> = self.readers().read(|conn| {
            // What is damaged says of no model, and stays.
            let mut settled = conn.prepare(&format!(
                "SELECT id FROM findings WHERE kind = ?1 AND json_valid(words) AND NOT EXISTS (
                     SELECT 1 FROM flows
                     WHERE ifnull(model, model_requested)
                             = json_extract(iif(json_valid(words), words, '{{}}'), '$.subject')
                         AND outcome IS NOT NULL AND cost_micro_usd IS NULL AND {HAS_USAGE})"
            ))?;
            let rows =
                settled.query_map([FindingKind::UnpricedModel.as_str()], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        if settled.is_empty() {
            return Ok(());
        }
        self.job(move |site| {
            let change = site.change()?;
            for id in &settled {
                // Its evidence goes with it.
                change.execute("DELETE FROM findings WHERE id = ?1", [id])?;
            }
            change.commit()
        })
    }
}
