//! Responses that transcripts tell of, priced anew: beside the flows, in steps of their own and with an audit row of
//! their own, because both may tell of the same response.

use std::fmt;

use langley_model::{MicroUsd, Micros, Redacted, ToldResponse};
use rusqlite::{Connection, params_from_iter};

use super::response::{COLUMNS, read};
use crate::error::StoreError;
use crate::filter::Condition;
use crate::reprice::{self, RepriceQuery, Repriced};
use crate::store::Store;
use crate::writer::Site;

/// Responses of one step: few enough that recording does not wait for it.
const ROWS: usize = 100;

/// What a response of an agent's costs, by the agent's name.
pub struct PriceTold(Box<Price>);

type Price = dyn FnMut(&str, &ToldResponse) -> Option<MicroUsd> + Send;

impl PriceTold {
    /// By this function.
    pub fn new(
        price: impl FnMut(&str, &ToldResponse) -> Option<MicroUsd> + Send + 'static,
    ) -> Self {
        Self(Box::new(price))
    }
}

impl fmt::Debug for PriceTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PriceTold")
    }
}

/// A response that costs something else now.
struct Change {
    id: i64,
    before: Option<MicroUsd>,
    after: Option<MicroUsd>,
}

impl Store {
    /// Prices the responses anew that transcripts tell of and `query` names; with `dry_run` it only tells what would
    /// come of it. Those of which is not known who served them are left as they are.
    ///
    /// # Errors
    /// The store is closed or cannot be written; what was done until then stays, and the audit tells it.
    pub fn reprice_told(
        &self,
        query: &Redacted<RepriceQuery>,
        book: &str,
        dry_run: bool,
        PriceTold(mut price): PriceTold,
    ) -> Result<Repriced, StoreError> {
        let (mut done, mut row, mut after) = (Repriced::default(), None, 0);
        loop {
            let responses = self.readers().read(|conn| Ok(next(conn, query, after)?))?;
            let is_over = responses.is_empty();
            if row.is_none() && !dry_run && !is_over {
                let (asked, book) = (query.clone(), book.to_owned());
                let insert =
                    move |site: &mut Site<'_>| reprice::insert(site.conn, &asked, &book, true);
                row = Some(self.job(insert)?);
            }
            let mut changes = Vec::new();
            for (id, agent, told) in responses {
                after = id;
                let (before, now) = (told.cost, price(&agent, &told));
                done.flows += 1;
                if before != now {
                    done.count(before, now);
                    changes.push(Change { id, before, after: now });
                }
            }
            let Some(row) = row else {
                if is_over {
                    return Ok(done);
                }
                continue;
            };
            self.job(move |site| {
                let change = site.change()?;
                write(&change, &changes)?;
                done.write(&change, row, is_over)?;
                change.commit()
            })?;
            if is_over {
                return Ok(done);
            }
        }
    }
}

/// The next responses, each with its number and its agent.
fn next(
    conn: &Connection,
    query: &RepriceQuery,
    after: i64,
) -> rusqlite::Result<Vec<(i64, String, ToldResponse)>> {
    let RepriceQuery { since, until, model } = query;
    let mut condition = Condition::default();
    condition.and("transcript_responses.id > ? AND provider IS NOT NULL", [after.into()]);
    if let Some(since) = since {
        condition.and("at >= ?", [since.0.into()]);
    }
    if let Some(Micros(until)) = until {
        condition.and("at < ?", [(*until).into()]);
    }
    if let Some(model) = model {
        condition.and("transcript_responses.model = ?", [model.clone().into()]);
    }
    let sql = format!(
        "SELECT {COLUMNS}, agent FROM transcript_responses
             JOIN conversations ON conversations.id = conversation
         {} ORDER BY transcript_responses.id LIMIT {ROWS}",
        condition.sql()
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(&condition.parameters), |row| {
        let kept = read(row)?;
        Ok((kept.id, row.get("agent")?, kept.told))
    })?;
    rows.collect()
}

/// Writes what they cost now, unless they were told otherwise meanwhile.
fn write(conn: &Connection, changes: &[Change]) -> rusqlite::Result<()> {
    let mut update = conn.prepare_cached(
        "UPDATE transcript_responses SET cost_micro_usd = ?3 WHERE id = ?1 AND cost_micro_usd IS ?2",
    )?;
    for Change { id, before, after } in changes {
        update.execute((id, before.map(|cost| cost.0), after.map(|cost| cost.0)))?;
    }
    Ok(())
}
