//! Sums by hour and day of what has a name and a number beside a group of flows: tools, and projects.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::costs::{CostBy, CostKey, CostQuery, told};
use super::group::Group;
use super::query::{GroupBy, Span, UsageGroup, UsageQuery, asked_hours, local_day};
use super::sums::Sums;
use crate::filter::Condition;
use crate::hours::DAY_HOURS;

/// A table of them, keyed by span (0 an hour, 1 a day of UTC), time, number, host, provider, model and agent.
pub(super) struct NamedSums {
    pub(super) table: &'static str,
    /// The column with the number, and the table with its name.
    pub(super) column: &'static str,
    pub(super) names: &'static str,
    /// The columns behind the key.
    pub(super) columns: &'static str,
    pub(super) by: CostBy,
    /// What of a group is of use whatever is asked.
    pub(super) always: &'static [GroupBy],
}

/// A row of such a table.
pub(super) struct NamedRow<'r, 's> {
    /// Texts that nobody asked for are empty.
    pub(super) group: Group,
    /// What makes its group of what is asked.
    pub(super) keys: Vec<CostKey>,
    pub(super) row: &'r Row<'s>,
}

impl NamedRow<'_, '_> {
    /// The first column behind the key.
    pub(super) const FIRST: usize = 6;
}

impl NamedSums {
    /// Reads the rows that are asked for, of one `name` or of all: whole days, and the hours before and behind
    /// them.
    pub(super) fn read(
        &self,
        conn: &Connection,
        query: &CostQuery,
        name: Option<&str>,
        mut take: impl FnMut(NamedRow<'_, '_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let Span { from, to } = asked_hours(&query.usage);
        let by = |by| query.by.contains(&CostBy::Usage(by));
        let has_other_days = by(GroupBy::Day) && query.usage.offset_minutes != 0;
        // Far from any bound, so that days can be counted in hours.
        let (from, to) = (from.max(i64::MIN / 64), to.min(i64::MAX / 64));
        let first = from.saturating_add(DAY_HOURS - 1).div_euclid(DAY_HOURS);
        let last = to.div_euclid(DAY_HOURS);
        if first < last && !by(GroupBy::Hour) && !has_other_days {
            self.each(conn, query, (1, Span { from: first, to: last }), name, &mut take)?;
            self.each(conn, query, (0, Span { from, to: first * DAY_HOURS }), name, &mut take)?;
            self.each(conn, query, (0, Span { from: last * DAY_HOURS, to }), name, &mut take)
        } else {
            self.each(conn, query, (0, Span { from, to }), name, &mut take)
        }
    }

    /// Whether it is of use by what a row is told apart.
    fn is_wanted(&self, query: &CostQuery, by: GroupBy) -> bool {
        query.by.contains(&CostBy::Usage(by)) || self.always.contains(&by)
    }

    fn each(
        &self,
        conn: &Connection,
        query: &CostQuery,
        (kind, span): (i64, Span),
        name: Option<&str>,
        take: &mut impl FnMut(NamedRow<'_, '_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let Self { table, column, names, columns, by, .. } = self;
        let mut condition = Condition::default();
        let bounds: [Value; 3] = [kind.into(), span.from.into(), span.to.into()];
        condition.and("span = ? AND at >= ? AND at < ?", bounds);
        let UsageQuery { host, provider, model, agent, .. } = &query.usage;
        let provider = provider.map(|provider| provider.as_str().to_owned());
        for (column, text) in
            [("host", host), ("provider", &provider), ("model", model), ("agent", agent)]
        {
            if let Some(text) = text {
                condition.and(&format!("{column} = ?"), [text.clone().into()]);
            }
        }
        if let Some(name) = name {
            let is_it = format!("{column} = (SELECT id FROM {names} WHERE name = ?)");
            condition.and(&is_it, [name.to_owned().into()]);
        }
        // What nobody asks for is not read: of a year there are tens of thousands of rows.
        let text = |of, column| if self.is_wanted(query, of) { column } else { "''" };
        let texts = [
            text(GroupBy::Host, "host"),
            text(GroupBy::Provider, "provider"),
            text(GroupBy::Model, "model"),
            text(GroupBy::Agent, "agent"),
        ];
        let sql = format!(
            "SELECT {column}, at, {}, {columns} FROM {table}{}",
            texts.join(", "),
            condition.sql()
        );
        let mut named: HashMap<i64, String> = HashMap::new();
        let mut find = conn.prepare_cached(&format!("SELECT name FROM {names} WHERE id = ?1"))?;
        let usual = |by: &CostBy| match by {
            CostBy::Usage(by) => *by,
            // It is named below.
            _ => GroupBy::Host,
        };
        let usual: Vec<GroupBy> = query.by.iter().map(usual).collect();
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&condition.parameters))?;
        while let Some(row) = rows.next()? {
            let (number, at): (i64, i64) = (row.get(0)?, row.get(1)?);
            let name = match named.entry(number) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => free.insert(find.query_row([number], |row| row.get(0))?),
            };
            let group = Group {
                at: if kind == 0 { at } else { at.saturating_mul(DAY_HOURS) },
                host: row.get(2)?,
                provider: row.get(3)?,
                model: row.get(4)?,
                agent: row.get(5)?,
            };
            let mut keys = told(&usual, &labelled(&query.usage, group.clone()));
            put_name(&query.by, *by, &mut keys, name);
            take(NamedRow { group, keys, row })?;
        }
        Ok(())
    }
}

/// Puts a name in the place of `by` among the keys.
pub(super) fn put_name(all: &[CostBy], by: CostBy, keys: &mut [CostKey], name: &str) {
    for (asked, key) in all.iter().zip(keys) {
        if *asked == by {
            *key = CostKey::Name(Some(name.to_owned()));
        }
    }
}

/// A group of an hour as a group of the rollups.
fn labelled(usage: &UsageQuery, group: Group) -> UsageGroup {
    UsageGroup {
        hour: Some(group.hour()),
        day: Some(local_day(usage, &group)),
        host: Some(group.host),
        provider: Some(group.provider),
        model: Some(group.model),
        agent: Some(group.agent),
        sums: Sums::default(),
    }
}
