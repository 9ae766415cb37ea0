//! Pricing stored flows anew: in small steps between two batches, each with its sums and with what it changed
//! in the audit row, so that one that breaks off has done and told the same.

use std::sync::Arc;

use langley_model::{Flow, MicroUsd, Micros, Redacted, Redactor, Revision, Scrub};
use rusqlite::{Connection, Row};

use crate::damage::{Keyed, decoded_flow};
use crate::error::StoreError;
use crate::filter::{Condition, FlowFilter, Order};
use crate::findings::{self, note_day};
use crate::flow_row::{Binder, FlowSql};
use crate::hours::DAY_US;
use crate::rollup::{Gathered, Held, ToolCostChange};
use crate::store::Store;
use crate::writer::{Budget, Site};

/// Flows of one step.
const ROWS: usize = 200;

/// Which flows are priced anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepriceQuery {
    /// Began at this time or later.
    pub since: Option<Micros>,
    /// Began before this time.
    pub until: Option<Micros>,
    /// Exactly this model: the one that answered, or the one asked for while none has.
    pub model: Option<String>,
}

impl Scrub for RepriceQuery {
    fn scrub(&mut self, redactor: &Redactor) {
        self.model.scrub(redactor);
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repriced {
    /// Ended flows that were looked at; or responses that transcripts tell of.
    pub flows: u64,
    /// Those whose cost, or the terms of it, changed.
    pub changed: u64,
    /// Of these, that had no cost before.
    pub priced: u64,
    /// Of these, that have none any more.
    pub unpriced: u64,
    /// What those that changed cost before.
    pub before: MicroUsd,
    /// What they cost now.
    pub after: MicroUsd,
}

/// A row of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepriceRow {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub at: Micros,
    /// What was asked for.
    pub query: RepriceQuery,
    /// The version of the price book.
    pub book: String,
    /// What came of it, so far.
    pub repriced: Repriced,
    /// Whether it came to its end.
    pub finished: bool,
    /// Whether it was of responses that transcripts tell of, and not of flows.
    pub is_of_transcripts: bool,
}

/// Prices a flow: sets its cost, source and terms.
pub type Reprice = Box<dyn FnMut(&mut Flow) + Send>;

/// Where a run stands.
struct Run {
    query: RepriceQuery,
    price: Reprice,
    sql: Arc<FlowSql>,
    /// The audit row; none for a trial.
    row: Option<i64>,
    after: i64,
    repriced: Repriced,
    is_over: bool,
}

impl Store {
    /// Prices the ended flows anew that `query` names, with their sums by hour, day and session; with
    /// `dry_run` it only tells what would come of it. Hours whose flows are gone keep their sums. What the
    /// provider itself said of a cost is up to `price` to leave. Flows that show findings wait to be analysed
    /// once more, as does the last flow of each day on which one costs another sum, and that a model has no price is no finding any more where each of its flows has a cost.
    ///
    /// # Errors
    /// The store is closed or cannot be written; what was done until then stays, and the audit tells it.
    pub fn reprice(
        &self,
        query: &Redacted<RepriceQuery>,
        book: &str,
        dry_run: bool,
        price: Reprice,
    ) -> Result<Repriced, StoreError> {
        self.flush()?;
        let (asked, book) = (query.clone(), book.to_owned());
        let row = if dry_run {
            None
        } else {
            Some(self.job(move |site| insert(site.conn, &asked, &book, false))?)
        };
        let mut run = Run {
            query: RepriceQuery::clone(query),
            price,
            sql: Arc::new(FlowSql::new()),
            row,
            after: i64::MIN,
            repriced: Repriced::default(),
            is_over: false,
        };
        while !run.is_over {
            let keys = self.readers().read(|conn| Ok(run.next(conn)?))?;
            // A step that fails takes nothing of the run with it.
            let mut held = Some(run);
            self.of_sound(&keys, |sound| {
                let Some(mut run) = held.take() else { return Ok(()) };
                let last = keys.last().copied();
                let (run, done) = self.job(move |site| {
                    let before = (run.after, run.repriced);
                    let done = run.step(site, &sound, last);
                    if done.is_err() {
                        site.forget_names();
                        (run.after, run.repriced) = before;
                    }
                    let done = done.map_err(|error| StoreError::of(error, site.path));
                    Ok((run, done))
                })?;
                held = Some(run);
                done
            })?;
            run = held.ok_or(StoreError::Closed)?;
        }
        if run.row.is_some() {
            self.settle_repriced()?;
        }
        Ok(run.repriced)
    }

    /// The newest runs, the newest first.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn reprices(&self, limit: usize) -> Result<Vec<RepriceRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT id, at, since, until, model, book, flows, changed, priced, unpriced, before,
                     after, finished, transcripts FROM reprices ORDER BY id DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([limit], row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Begins a row of the audit.
pub(crate) fn insert(
    conn: &Connection,
    query: &RepriceQuery,
    book: &str,
    is_of_transcripts: bool,
) -> rusqlite::Result<i64> {
    conn.query_row(
        "INSERT INTO reprices (at, since, until, model, book, flows, changed, priced, unpriced, before,
             after, finished, transcripts)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 0, 0, 0, ?6) RETURNING id",
        (
            Micros::now().0,
            query.since.map(|at| at.0),
            query.until.map(|at| at.0),
            &query.model,
            book,
            is_of_transcripts,
        ),
        |row| row.get(0),
    )
}

fn row(row: &Row<'_>) -> rusqlite::Result<RepriceRow> {
    let count = |place| Ok::<_, rusqlite::Error>(row.get::<_, i64>(place)?.cast_unsigned());
    Ok(RepriceRow {
        id: row.get(0)?,
        at: Micros(row.get(1)?),
        query: RepriceQuery {
            since: row.get::<_, Option<i64>>(2)?.map(Micros),
            until: row.get::<_, Option<i64>>(3)?.map(Micros),
            model: row.get(4)?,
        },
        book: row.get(5)?,
        repriced: Repriced {
            flows: count(6)?,
            changed: count(7)?,
            priced: count(8)?,
            unpriced: count(9)?,
            before: MicroUsd(row.get(10)?),
            after: MicroUsd(row.get(11)?),
        },
        finished: row.get(12)?,
        is_of_transcripts: row.get(13)?,
    })
}

impl Repriced {
    /// Counts one that was priced anew, and changed.
    pub(crate) fn count(&mut self, before: Option<MicroUsd>, after: Option<MicroUsd>) {
        let sum = |sum: &mut MicroUsd, cost: Option<MicroUsd>| {
            sum.0 = sum.0.saturating_add(cost.map_or(0, |cost| cost.0));
        };
        self.changed += 1;
        self.priced += u64::from(before.is_none() && after.is_some());
        self.unpriced += u64::from(before.is_some() && after.is_none());
        sum(&mut self.before, before);
        sum(&mut self.after, after);
    }

    /// Tells a row of the audit what came of it so far.
    pub(crate) fn write(&self, conn: &Connection, row: i64, is_over: bool) -> rusqlite::Result<()> {
        let Self { flows, changed, priced, unpriced, before, after } = *self;
        let [flows, changed, priced, unpriced] =
            [flows, changed, priced, unpriced].map(u64::cast_signed);
        conn.prepare_cached(
            "UPDATE reprices SET flows = ?2, changed = ?3, priced = ?4, unpriced = ?5,
                 before = ?6, after = ?7, finished = ?8 WHERE id = ?1",
        )?
        .execute((row, flows, changed, priced, unpriced, before.0, after.0, is_over))?;
        Ok(())
    }
}

impl Run {
    /// Prices some flows, all up to `last` if the budget lets; at the end there is none.
    fn step(
        &mut self,
        site: &mut Site<'_>,
        keys: &[i64],
        last: Option<i64>,
    ) -> rusqlite::Result<()> {
        let mut budget = Budget::new(u32::MAX);
        let (mut gathered, mut tools) = (Gathered::default(), ToolCostChange::default());
        let change = site.change()?;
        let held = Held::read(&change)?;
        self.is_over = last.is_none();
        let mut reached = last;
        for n in keys.iter().copied() {
            let Some(flow) = decoded_flow(&change, n)? else { continue };
            let (revision, before) = (flow.revision(), flow.into_inner());
            if self.is_asked(&before) {
                self.repriced.flows += 1;
                let mut after = before.clone();
                (self.price)(&mut after);
                if self.tell(&before, &after) && self.row.is_some() {
                    self.write(&change, site, (n, revision), &after)?;
                    findings::priced_anew(&change, n, after.cost)?;
                    if after.cost != before.cost {
                        let day = after.started_at.0.div_euclid(DAY_US);
                        note_day(&change, day)?;
                    }
                    gathered.exchange(n, (&before, revision), held, &after);
                    tools.exchange(&change, n, &before, &after)?;
                }
            }
            if !budget.spend(1) {
                reached = Some(n);
                break;
            }
        }
        self.after = reached.unwrap_or(self.after);
        let Some(row) = self.row else { return Ok(()) };
        gathered.write(&change)?;
        tools.write(&change)?;
        self.repriced.write(&change, row, self.is_over)?;
        change.commit()
    }

    /// The keys of the next flows, within the span of time.
    fn next(&self, conn: &Connection) -> rusqlite::Result<Vec<i64>> {
        let RepriceQuery { since, until, .. } = self.query;
        let mut behind = Condition::of_keys(&FlowFilter { since, until, ..FlowFilter::default() });
        behind.and("n > ?", [self.after.into()]);
        Keyed::Flows.keys(conn, &behind, Order::OldestFirst, ROWS)
    }

    fn is_asked(&self, flow: &Flow) -> bool {
        let RepriceQuery { since, until, model } = &self.query;
        !flow.is_open()
            && since.is_none_or(|since| flow.started_at >= since)
            && until.is_none_or(|until| flow.started_at < until)
            && model.as_deref().is_none_or(|model| flow.known_model() == Some(model))
    }

    /// Counts a flow that was priced anew; whether that changed anything.
    fn tell(&mut self, before: &Flow, after: &Flow) -> bool {
        let priced =
            |flow: &Flow| (flow.cost, flow.cost_source.clone(), flow.terms.clone(), flow.estimate);
        if priced(before) == priced(after) {
            return false;
        }
        self.repriced.count(before.cost, after.cost);
        true
    }

    fn write(
        &self,
        conn: &Connection,
        site: &mut Site<'_>,
        (n, revision): (i64, Revision),
        flow: &Flow,
    ) -> rusqlite::Result<()> {
        let traits = site.traits_of(conn, flow)?;
        let mut statement = conn.prepare_cached(&self.sql.progress)?;
        let mut binder = Binder::new(&mut statement);
        binder.key(n, revision);
        binder.plain(flow, traits);
        binder.execute()?;
        Ok(())
    }
}
