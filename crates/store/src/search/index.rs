//! Rows of the index: which flows wait for one, and how one is written.

use langley_model::{FlowId, Redacted, Revision, SearchText};
use rusqlite::{Connection, OptionalExtension};

use super::mark::Marked;
use super::slot;
use super::words::words;
use crate::damage::Keyed;
use crate::error::StoreError;
use crate::filter::{Condition, Order, STATED};
use crate::flow_row::Bytes;
use crate::store::Store;
use crate::totals::total;
use crate::waiting::{NOTED, Waiting};
use crate::writer::Budget;

/// How much of the index is put in order with each batch, in pages.
const MERGE_PAGES: i64 = 16;

/// Times that is done at once after flows were removed.
const MERGES: u32 = 64;

/// Most bytes of a flow's text that are indexed: its row is written in one transaction.
const TEXT_MAX: usize = 1 << 20;

/// Up to which key, not included, flows of an earlier version are still to be noted.
pub(super) const BACKLOG: &str = "search_backlog";

/// An ended flow that the index does not know, or knows as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unindexed {
    /// The flow.
    pub flow: FlowId,
    /// The state of it that is to be read.
    pub revision: Revision,
    /// Whether its session has no earlier flow, so that its whole conversation is new.
    pub whole: bool,
}

/// The text of a flow, for the index.
#[derive(Clone, Debug)]
pub struct IndexEntry {
    /// The state of the flow that was read, or an older one.
    pub revision: Revision,
    /// What is new in it.
    pub text: Redacted<SearchText>,
}

/// How far the index is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexState {
    /// Ended flows that it does not know yet; of more than a thousand of an earlier version, at least.
    pub waiting: u64,
    /// Times a flow was given up because its text could not be read, as long as the file is there.
    pub given_up: u64,
}

/// A row of the index.
struct Row {
    flow: FlowId,
    revision: Revision,
    whole: bool,
    words: Marked,
}

/// What is read of a flow for its row of the index.
struct Facts {
    key: i64,
    revision: i64,
    texts: Vec<String>,
}

impl Store {
    /// Ended flows that the index does not know yet, newest first.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn unindexed(&self, limit: usize) -> Result<Vec<Unindexed>, StoreError> {
        let sql = "SELECT flow_id, revision, session_id IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM flows AS earlier
                 WHERE earlier.session_id = flows.session_id AND earlier.n < flows.n)
             FROM flows WHERE n = ?1";
        self.waiting(Waiting::Index, sql, limit, |row| {
            Ok(Unindexed {
                flow: FlowId::from_bytes(row.get(0)?),
                revision: Revision(row.get::<_, i64>(1)?.cast_unsigned()),
                whole: row.get(2)?,
            })
        })
    }

    /// How far the index is behind.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn index_state(&self) -> Result<IndexState, StoreError> {
        self.readers().read(|conn| {
            let earlier = total(conn, BACKLOG)?.map(|before| {
                let mut earlier = Condition::default();
                earlier.and("n < ?", [before.into()]);
                earlier
            });
            let [waiting, given_up] = Waiting::Index.count(conn, earlier)?;
            Ok(IndexState { waiting, given_up })
        })
    }

    /// Notes some flows that ended before there was an index, newest first; whether there may be more.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn note_backlog(&self) -> Result<bool, StoreError> {
        let found = self.readers().read(|conn| {
            let Some(before) = total(conn, BACKLOG)? else { return Ok(None) };
            let keys = Keyed::Flows.keys_after(conn, before, Order::NewestFirst, NOTED)?;
            Ok(Some((Waiting::Index.among(conn, &keys)?, keys.last().copied())))
        })?;
        let Some((waiting, first)) = found else { return Ok(false) };
        self.job(move |site| {
            let change = site.change()?;
            Waiting::Index.note_earlier(&change, &waiting)?;
            match first {
                Some(first) => change
                    .execute("UPDATE totals SET value = ?2 WHERE name = ?1", (BACKLOG, first))?,
                None => change.execute("DELETE FROM totals WHERE name = ?1", [BACKLOG])?,
            };
            change.commit()
        })?;
        Ok(first.is_some())
    }

    /// Indexes texts, in transactions so short that recording does not wait for them; returns when they
    /// are committed. A flow that changed since its text was read goes on waiting.
    ///
    /// # Errors
    /// The store is closed or cannot be written; what was written until then stays.
    pub fn index(&self, entries: Vec<IndexEntry>) -> Result<(), StoreError> {
        // Words are folded here, on the thread of whoever asks.
        let mut rows: Vec<Row> = entries.iter().rev().map(Row::of).collect();
        drop(entries);
        while !rows.is_empty() {
            let mut left = std::mem::take(&mut rows);
            rows = self.job(move |site| {
                let mut budget = Budget::new(u32::MAX);
                let change = site.change()?;
                while let Some(row) = left.pop() {
                    row.write(&change)?;
                    if !budget.spend(1) {
                        break;
                    }
                }
                change.commit()?;
                Ok(left)
            })?;
        }
        self.job(|site| {
            site.conn
                .prepare_cached("INSERT INTO search (search, rank) VALUES ('merge', ?1)")?
                .execute([MERGE_PAGES])?;
            Ok(())
        })
    }

    /// Puts the index in order after flows were removed, so that their words are not kept in it until enough others
    /// have come: in small steps, and not more than so many.
    pub(crate) fn merge_index(&self) -> Result<(), StoreError> {
        for step in 0..MERGES {
            // The first one says that all of it is to become one, the others go on with that.
            let pages = if step == 0 { -MERGE_PAGES } else { MERGE_PAGES };
            let changes = self.job(move |site| {
                let before = site.conn.total_changes();
                site.conn
                    .prepare_cached("INSERT INTO search (search, rank) VALUES ('merge', ?1)")?
                    .execute([pages])?;
                Ok(site.conn.total_changes() - before)
            })?;
            // One is the command's own (<https://www.sqlite.org/fts5.html#the_merge_command>).
            if changes < 2 {
                break;
            }
        }
        Ok(())
    }

    /// Gives a flow up whose text cannot be read: it does not wait any longer, and is counted.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn leave_unindexed(&self, flow: FlowId) -> Result<(), StoreError> {
        self.leave(Waiting::Index, flow)
    }
}

impl Row {
    /// Folds the words of a text; of one that is too long, those of its end, where the answer stands.
    fn of(entry: &IndexEntry) -> Self {
        let text = &*entry.text;
        let mut room = TEXT_MAX;
        let fits = |passage: &&langley_model::Passage| {
            let fitted = room > 0;
            room = room.saturating_sub(passage.text.len());
            fitted
        };
        let count = text.passages.iter().rev().take_while(fits).count();
        let kept = &text.passages[text.passages.len() - count..];
        let mut marked = Marked::default();
        for passage in kept {
            words(&passage.text).for_each(|word| marked.put(passage.place, &word.folded));
        }
        Self { flow: text.flow, revision: entry.revision, whole: text.whole, words: marked }
    }

    /// Writes it in place of what was known; nothing when the flow is gone.
    fn write(&self, change: &Connection) -> rusqlite::Result<()> {
        let Some(facts) = Facts::read(change, self.flow)? else { return Ok(()) };
        let known: Option<i64> = change
            .prepare_cached("SELECT slot FROM search_flows WHERE flow = ?1")?
            .query_row([facts.key], |row| row.get(0))
            .optional()?;
        if let Some(slot) = known {
            change.prepare_cached("DELETE FROM search WHERE rowid = ?1")?.execute([slot])?;
            change.prepare_cached("DELETE FROM search_flows WHERE slot = ?1")?.execute([slot])?;
        }
        if facts.revision.cast_unsigned() == self.revision.0 {
            change
                .prepare_cached("DELETE FROM search_waiting WHERE flow = ?1")?
                .execute([facts.key])?;
        }
        let stated = facts.words_beyond(&self.words);
        if stated.is_empty() && self.words.is_empty() {
            return Ok(());
        }
        let slot = match known {
            Some(slot) => slot,
            None => slot::take(change, facts.key)?,
        };
        change
            .prepare_cached("INSERT INTO search_flows (slot, flow, whole) VALUES (?1, ?2, ?3)")?
            .execute((slot, facts.key, self.whole))?;
        change
            .prepare_cached("INSERT INTO search (rowid, words) VALUES (?1, ?2 || ?3)")?
            .execute((slot, self.words.as_str(), stated.as_str()))?;
        Ok(())
    }
}

impl Facts {
    /// None when the flow is gone.
    fn read(conn: &Connection, flow: FlowId) -> rusqlite::Result<Option<Self>> {
        let sql =
            format!("SELECT n, revision, {} FROM flows WHERE flow_id = ?1", STATED.join(", "));
        let facts = conn.prepare_cached(&sql)?.query_row([Bytes(flow.as_bytes())], |row| {
            let texts = (0..STATED.len())
                .filter_map(|position| row.get::<_, Option<String>>(2 + position).transpose())
                .collect::<rusqlite::Result<_>>()?;
            Ok(Self { key: row.get(0)?, revision: row.get(1)?, texts })
        });
        facts.optional()
    }

    /// Its words that are not among `said`: whoever asks for facts asks for texts as well.
    fn words_beyond(&self, said: &Marked) -> Marked {
        let mut stated = Marked::default();
        let mut words = self.texts.iter().flat_map(|text| words(text)).peekable();
        if words.peek().is_some() {
            let known = said.bare();
            for word in words.filter(|word| !known.contains(word.folded.as_str())) {
                stated.put_stated(&word.folded);
            }
        }
        stated
    }
}
