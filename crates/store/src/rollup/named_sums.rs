//! Sums by hour and day of what has a name and a number beside a group of flows: tools, and projects.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::costs::{CostBy, CostKey, CostQuery, told};
use super::group::{DAY_HOURS, Group};
use super::query::{GroupBy, Span, UsageGroup, UsageQuery, asked_hours, local_day};
use super::sums::Sums;
use crate::filter::Condition;

/// A table of them, keyed by span (0 an hour, 1 a day of UTC), time, number, host, provider, model and agent.
pub(super) struct NamedSums {
    pub(super) table: &'static str,
    /// The column with the number, and the table with its name.
    pub(super) column: &'static str,
    pub(super) names: &'static str,
    /// The columns behind the key.
    pub(super) columns: &'static str,
    pub(super) by: CostBy,
}

/// A row of such a table.
pub(super) struct NamedRow<'r, 's> {
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

    fn each(
        &self,
        conn: &Connection,
        query: &CostQuery,
        (kind, span): (i64, Span),
        name: Option<&str>,
        take: &mut impl FnMut(NamedRow<'_, '_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let Self { table, column, names, columns, by } = self;
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
        let sql = format!(
            "SELECT (SELECT name FROM {names} WHERE id = {column}), at, host, provider, model, agent, {columns}
             FROM {table}{}",
            condition.sql()
        );
        let usual = |by: &CostBy| match by {
            CostBy::Usage(by) => *by,
            // It is named below.
            _ => GroupBy::Host,
        };
        let usual: Vec<GroupBy> = query.by.iter().map(usual).collect();
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&condition.parameters))?;
        while let Some(row) = rows.next()? {
            let (name, at): (String, i64) = (row.get(0)?, row.get(1)?);
            let group = Group {
                at: if kind == 0 { at } else { at.saturating_mul(DAY_HOURS) },
                host: row.get(2)?,
                provider: row.get(3)?,
                model: row.get(4)?,
                agent: row.get(5)?,
            };
            let mut keys = told(&usual, &labelled(&query.usage, group.clone()));
            put_name(&query.by, *by, &mut keys, &name);
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
