//! Flows that lack what a transcript tells of the same response, and flows changed by what was joined.

use langley_model::{Flow, ToldResponse};

use super::response::{COLUMNS, read};
use crate::amend::Amendment;
use crate::damage::told_apart;
use crate::error::StoreError;
use crate::store::Store;
use crate::totals::total;
use crate::writer::{Budget, Site};

/// Up to which response all was joined, and how often one of them has changed or gone.
const READ: &str = "transcript_responses_joined";
const CHANGES: &str = "transcript_responses_changes";

/// Flows that are changed in one transaction.
const AT_ONCE: u32 = 32;

/// A flow that lacks something, and what a transcript tells of its response.
#[derive(Clone, Debug)]
pub struct ToldFlow {
    /// The flow's key.
    pub key: i64,
    /// What is told.
    pub told: ToldResponse,
}

/// Up to which response was looked.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    last: i64,
    /// How often one had changed or gone by then.
    changes: Option<i64>,
}

/// Changes a flow by what a transcript tells of it.
pub type Amend = fn(&mut Flow, &ToldResponse);

impl Store {
    /// What transcripts tell of the response with this id; none where they tell nothing of it.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn told_of(&self, message_id: &str) -> Result<Option<ToldResponse>, StoreError> {
        self.readers().read(|conn| {
            let sql = format!(
                "SELECT {COLUMNS} FROM transcript_responses JOIN conversations ON conversations.id = conversation
                 WHERE message_id = ?1 ORDER BY output_tokens DESC LIMIT 1"
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let mut rows = statement.query([message_id])?;
            let row = rows.next()?;
            Ok(row.map(read).transpose()?.map(|kept| kept.told))
        })
    }

    /// Flows that lack usage or a session of which responses tell that were not looked at yet: of at most `limit`
    /// responses, and how far that was, which [`Self::join_told`] takes as done. Flows that cannot be read are left
    /// out.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn told_lately(&self, limit: usize) -> Result<(Vec<ToldFlow>, Option<Looked>), StoreError> {
        self.readers().read(|conn| {
            let (after, changes) = (total(conn, READ)?.unwrap_or(0), total(conn, CHANGES)?);
            let sql = format!(
                "SELECT {COLUMNS} FROM transcript_responses JOIN conversations ON conversations.id = conversation
                 WHERE transcript_responses.id > ?1 ORDER BY transcript_responses.id LIMIT ?2"
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let fresh = statement.query_map((after, limit), read)?;
            // The condition is that of the index.
            let mut lacking = conn.prepare_cached(
                "SELECT n FROM flows WHERE message_id = ?1 AND message_id IS NOT NULL
                     AND (input_tokens IS NULL OR output_tokens IS NULL OR session_id IS NULL
                         OR substr(session_id, 1, 9) = 'inferred-')",
            )?;
            let (mut found, mut last) = (Vec::new(), None);
            for kept in fresh {
                let kept = kept?;
                last = Some(Looked { last: kept.id, changes });
                let keys = lacking.query_map([&kept.told.message_id], |row| row.get(0))?;
                let keys = told_apart(keys.collect::<Result<Vec<i64>, _>>())?.unwrap_or_default();
                found.extend(keys.into_iter().map(|key| ToldFlow { key, told: kept.told.clone() }));
            }
            Ok((found, last))
        })
    }

    /// Has `amend` change flows by what is told of them, with all sums, a new revision each, and a star where their
    /// session has one, and notes that the responses looked at
    /// are done with, unless one of them has changed since; how many flows changed. It is done in transactions so short
    /// that recording does not wait for them.
    ///
    /// # Errors
    /// The store is closed or cannot be written; what was changed until then stays so.
    pub fn join_told(
        &self,
        told: &[ToldFlow],
        looked: Option<Looked>,
        amend: Amend,
    ) -> Result<u64, StoreError> {
        let keys: Vec<i64> = told.iter().map(|told| told.key).collect();
        let mut joined = 0;
        self.of_sound(&keys, |sound| {
            let mut left: Vec<ToldFlow> =
                told.iter().rev().filter(|told| sound.contains(&told.key)).cloned().collect();
            loop {
                let done = self.job(move |site| {
                    let done = join(site, &mut left, looked, amend);
                    if done.is_err() {
                        site.forget_names();
                    }
                    done.map(|changed| (changed, left))
                })?;
                joined += done.0;
                left = done.1;
                if left.is_empty() {
                    return Ok(joined);
                }
            }
        })
    }
}

/// Changes flows that can be read from the end of the list, as many as the budget lets; how many changed.
fn join(
    site: &mut Site<'_>,
    told: &mut Vec<ToldFlow>,
    looked: Option<Looked>,
    amend: Amend,
) -> rusqlite::Result<u64> {
    let mut budget = Budget::new(AT_ONCE);
    let change = site.change()?;
    let mut amendment = Amendment::begin(&change)?;
    while let Some(ToldFlow { key, told }) = told.pop() {
        amendment.amend(site, key, |flow| amend(flow, &told))?;
        if !budget.spend(1) {
            break;
        }
    }
    let changes = amendment.write()?;
    if let Some(Looked { last, changes: before }) = looked
        && told.is_empty()
        // Else one has changed or gone since.
        && total(&change, CHANGES)? == before
    {
        change
            .prepare_cached("INSERT OR REPLACE INTO totals (name, value) VALUES (?1, ?2)")?
            .execute((READ, last))?;
    }
    change.commit()?;
    site.announce(&changes);
    Ok(changes.len() as u64)
}
