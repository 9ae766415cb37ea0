//! How many flows a filter names: by sums where there are some, else counted one by one.

use rusqlite::params_from_iter;

use crate::damage::{Fault, Keyed, sound_among};
use crate::error::StoreError;
use crate::filter::{Condition, FlowFilter, Order};
use crate::search::{Purpose, READINGS};
use crate::store::Store;

/// How far flows are counted that no sum knows, and how far by words.
const COUNTED: usize = 10_000;
const COUNTED_BY_WORDS: usize = 1_000;

/// How many flows a filter names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCount {
    /// So many.
    pub flows: u64,
    /// Whether there are more, or may be.
    pub more: bool,
}

/// What is counted.
struct Counting {
    /// The sum, or the rows that are counted.
    select: &'static str,
    is_sum: bool,
    condition: Condition,
    /// What of it keys tell by themselves, where flows are counted.
    of_keys: Option<Condition>,
}

impl Counting {
    fn of(filter: &FlowFilter) -> Self {
        if let Some(condition) = Condition::of_groups(filter) {
            // A few rows know all, as long as no session and no status is asked for.
            let select = if filter.session.is_none() && filter.status.is_none() {
                "SELECT ifnull(sum(flows), 0) FROM flow_kinds"
            } else {
                "SELECT ifnull(sum(flows), 0) FROM flow_groups"
            };
            return Self { select, is_sum: true, condition, of_keys: None };
        }
        match Condition::of_tool(filter) {
            Some(condition) => {
                let select = "SELECT DISTINCT flow FROM tool_calls";
                Self { select, is_sum: false, condition, of_keys: None }
            }
            None => {
                let (select, condition) = ("SELECT 1 FROM flows", Condition::of(filter));
                let of_keys = Some(Condition::of_keys(filter));
                Self { select, is_sum: false, condition, of_keys }
            }
        }
    }

    /// The query; what is no sum is counted up to `most`.
    fn sql(&self, most: i64) -> String {
        let sql = format!("{}{}", self.select, self.condition.sql());
        if self.is_sum { sql } else { format!("SELECT count(*) FROM ({sql} LIMIT {most})") }
    }
}

impl Store {
    /// How many flows `filter` names that can be read, however long it takes to find them all; [`Self::count_some`] ends
    /// sooner.
    ///
    /// # Errors
    /// A failure of the file; words in quotes where nobody reads texts back.
    pub fn count_flows(&self, filter: &FlowFilter) -> Result<u64, StoreError> {
        match self.worded(filter, Purpose::Show, Order::NewestFirst)? {
            Some(worded) => {
                let found = worded.keys(self, None, usize::MAX, usize::MAX)?;
                self.note_read([], &found.damaged);
                Ok(found.keys.len() as u64)
            }
            None => self.count(&Counting::of(filter), -1),
        }
    }

    /// How many flows `filter` names: all of them where sums are kept; else up to 10,000, by words up to
    /// 1,000, and fewer where texts have to be read for it.
    ///
    /// # Errors
    /// A failure of the file; words in quotes where nobody reads texts back.
    pub fn count_some(&self, filter: &FlowFilter) -> Result<FlowCount, StoreError> {
        if let Some(worded) = self.worded(filter, Purpose::Show, Order::NewestFirst)? {
            let found = worded.keys(self, None, COUNTED_BY_WORDS, READINGS)?;
            self.note_read([], &found.damaged);
            return Ok(FlowCount { flows: found.keys.len() as u64, more: found.rest.is_some() });
        }
        let counting = Counting::of(filter);
        let (flows, most) = (self.count(&counting, COUNTED as i64 + 1)?, COUNTED as u64);
        let more = !counting.is_sum && flows > most;
        Ok(FlowCount { flows: if more { most } else { flows }, more })
    }

    fn count(&self, counting: &Counting, most: i64) -> Result<u64, StoreError> {
        self.read_sound(|conn, damaged| {
            let mut statement = conn.prepare_cached(&counting.sql(most))?;
            let parameters = params_from_iter(&counting.condition.parameters);
            let counted = statement.query_row(parameters, |row| row.get::<_, i64>(0));
            match (&counting.of_keys, counted) {
                (Some(of_keys), Err(error)) if error.is_of_one_place() => {
                    let keys = Keyed::Flows.keys(conn, of_keys, Order::NewestFirst, usize::MAX)?;
                    let most = usize::try_from(most).unwrap_or(usize::MAX);
                    let found = sound_among(conn, keys, &counting.condition, most, damaged)?;
                    Ok(found.len() as u64)
                }
                (_, counted) => Ok(counted?.cast_unsigned()),
            }
        })
    }
}
