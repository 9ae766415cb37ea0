//! What flows add up to, asked: by day or hour, host, provider, model and agent, over any span of time.
//!
//! Read from the rollups alone. Whole days of UTC come from the daily rows, what is left at both ends from
//! the hourly ones. Days of another time zone are days of UTC from which some hours moved to their
//! neighbour, so that of the hourly rows only those are read.

use std::collections::{BTreeSet, HashMap};

use langley_model::{Micros, Provider};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::fill::{Filled, Scope};
use super::group::Group;
use super::sums::Sums;
use super::table::{Table, read_costs, read_group, read_sums};
use crate::error::StoreError;
use crate::filter::Condition;
use crate::hours::{DAY_HOURS, HOUR_US, hour_of};
use crate::store::Store;

/// Minutes of an hour.
const HOUR_MINUTES: i64 = 60;

/// By what flows are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The hour in which they began.
    Hour,
    /// The day in which they began.
    Day,
    /// The host.
    Host,
    /// The provider.
    Provider,
    /// The model.
    Model,
    /// The kind of agent.
    Agent,
}

impl GroupBy {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Hour, Self::Day, Self::Host, Self::Provider, Self::Model, Self::Agent];

    /// Its word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Host => "host",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Agent => "agent",
        }
    }

    /// What [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }
}

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// By what the flows are told apart; by nothing: one group.
    pub by: Vec<GroupBy>,
    /// Began in the hour of this time or later.
    pub since: Option<Micros>,
    /// Began before this time, or in the same hour.
    pub until: Option<Micros>,
    /// Minutes by which the local time is ahead of UTC, for days.
    pub offset_minutes: i32,
    /// Exactly this host.
    pub host: Option<String>,
    /// This provider.
    pub provider: Option<Provider>,
    /// Exactly this model.
    pub model: Option<String>,
    /// Exactly this kind of agent.
    pub agent: Option<String>,
    /// The most groups that are of use; none: all.
    pub groups_max: Option<usize>,
    /// Whether nothing is of use but how many flows there are, what they used and what it cost; all other sums are
    /// nothing then.
    pub costs_alone: bool,
}

/// Flows that are alike in what was asked for; what was not asked for is none, and an empty text is one that
/// is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageGroup {
    /// The beginning of the hour.
    pub hour: Option<Micros>,
    /// The day, counted from 1970-01-01, in the zone that was asked for.
    pub day: Option<i64>,
    /// The host.
    pub host: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The kind of agent.
    pub agent: Option<String>,
    /// What they add up to.
    pub sums: Sums,
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageReport {
    /// By time, then by text.
    pub groups: Vec<UsageGroup>,
    /// Of all groups.
    pub totals: Sums,
    /// The beginning of the first hour that was asked for.
    pub since: Option<Micros>,
    /// The end of the last hour that was asked for.
    pub until: Option<Micros>,
    /// Whether flows of an earlier version are still to be added.
    pub filling: bool,
    /// Whether there are more groups than are of use: then the rest of this is not whole.
    pub too_many: bool,
}

/// A label that flows are told apart by: the group's members that were asked for, and else nothing.
type Label = (Option<i64>, [Option<String>; 4]);

/// Hours or days from which on, and before which.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Store {
    /// What the flows add up to that `query` names.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn usage(&self, query: &UsageQuery) -> Result<UsageReport, StoreError> {
        self.readers().read(|conn| {
            let mut tally = Adding { query, labels: HashMap::new(), too_many: false };
            let asked = asked_hours(query);
            let there = span(conn)?;
            let hours = Span { from: asked.from.max(there.from), to: asked.to.min(there.to) };
            if hours.from < hours.to {
                tally.read(conn, hours)?;
            }
            let mut report = tally.finish();
            report.since = query.since.map(|_| Micros(asked.from.saturating_mul(HOUR_US)));
            report.until = query.until.map(|_| Micros(asked.to.saturating_mul(HOUR_US)));
            report.filling = Scope::Rollups.filled(conn)? != Filled::Wholly;
            Ok(report)
        })
    }
}

/// The hours that are asked for.
pub(super) fn asked_hours(query: &UsageQuery) -> Span {
    let last = |until: Micros| hour_of(until.0.saturating_sub(1)) + 1;
    Span {
        from: query.since.map_or(i64::MIN, |since| hour_of(since.0)),
        to: query.until.map_or(i64::MAX, last),
    }
}

/// The hours that there are.
fn span(conn: &Connection) -> rusqlite::Result<Span> {
    let edge = |order: &str| {
        let sql = format!(
            "SELECT ifnull((SELECT hour FROM rollups_hourly ORDER BY hour {order} LIMIT 1), 0)"
        );
        conn.prepare_cached(&sql)?.query_row((), |row| row.get::<_, i64>(0))
    };
    Ok(Span { from: edge("ASC")?, to: edge("DESC")? + 1 })
}

/// The day, in the zone that is asked for, in which a group of an hour lies.
pub(super) fn local_day(query: &UsageQuery, group: &Group) -> i64 {
    let minutes = group.at * HOUR_MINUTES + i64::from(query.offset_minutes);
    minutes.div_euclid(DAY_HOURS * HOUR_MINUTES)
}

struct Adding<'q> {
    query: &'q UsageQuery,
    labels: HashMap<Label, Sums>,
    too_many: bool,
}

impl Adding<'_> {
    fn read(&mut self, conn: &Connection, hours: Span) -> rusqlite::Result<()> {
        let by_hour = self.query.by.contains(&GroupBy::Hour);
        // Days of UTC that are asked for from their first hour to their last.
        let first = hours.from.div_euclid(DAY_HOURS) + i64::from(hours.from % DAY_HOURS != 0);
        let days = Span { from: first, to: hours.to.div_euclid(DAY_HOURS) };
        if by_hour || days.from >= days.to {
            return self.each(conn, Table::Hourly, hours, Self::add);
        }
        let (start, end) = (days.from * DAY_HOURS, days.to * DAY_HOURS);
        for edge in [Span { to: start, ..hours }, Span { from: end, ..hours }] {
            self.each(conn, Table::Hourly, edge, Self::add)?;
        }
        let mut there = BTreeSet::new();
        self.each(conn, Table::Daily, days, |adding, group, sums| {
            there.insert(group.at);
            adding.put(group.at, group, sums);
        })?;
        self.moved(conn, &there)
    }

    /// Moves the hours of whole days of UTC that are of another day here.
    fn moved(&mut self, conn: &Connection, days: &BTreeSet<i64>) -> rusqlite::Result<()> {
        if !self.query.by.contains(&GroupBy::Day) {
            return Ok(());
        }
        // Half an hour behind is an hour of the day before.
        let ahead = i64::from(self.query.offset_minutes).div_euclid(HOUR_MINUTES);
        let moved = if ahead < 0 { 0..-ahead } else { DAY_HOURS - ahead..DAY_HOURS };
        if moved.is_empty() {
            return Ok(());
        }
        // Day by day, so that of the hours between nothing is read.
        for &day in days {
            let start = day * DAY_HOURS;
            let span = Span { from: start + moved.start, to: start + moved.end };
            self.each(conn, Table::Hourly, span, |adding, group, sums| {
                let mut less = Sums::default();
                less.take_out_all(sums);
                adding.put(day, group, &less);
                adding.add(group, sums);
            })?;
        }
        Ok(())
    }

    /// Reads the rows of a table whose time lies within `span`.
    fn each(
        &mut self,
        conn: &Connection,
        table: Table,
        span: Span,
        mut take: impl FnMut(&mut Self, &Group, &Sums),
    ) -> rusqlite::Result<()> {
        if span.from >= span.to {
            return Ok(());
        }
        let Some(at) = table.key().first() else { return Ok(()) };
        let mut condition = Condition::default();
        let bounds: [Value; 2] = [span.from.into(), span.to.into()];
        condition.and(&format!("{at} >= ? AND {at} < ?"), bounds);
        let UsageQuery { host, provider, model, agent, .. } = self.query;
        let provider = provider.map(|provider| provider.as_str().to_owned());
        let texts = [("host", host), ("provider", &provider), ("model", model), ("agent", agent)];
        for (column, text) in texts {
            if let Some(text) = text {
                condition.and(&format!("{column} = ?"), [text.clone().into()]);
            }
        }
        let costs_alone = self.query.costs_alone;
        let select = if costs_alone { table.select_costs() } else { table.select() };
        let sql = format!("{select}{}", condition.sql());
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(&condition.parameters))?;
        while let Some(row) = rows.next()? {
            let group = read_group(row)?;
            let first = table.key().len();
            let sums =
                if costs_alone { read_costs(row, first)?.sums() } else { read_sums(row, first)? };
            take(self, &group, &sums);
            // Hours that move to another day may leave as many labels empty as there are groups.
            if self.query.groups_max.is_some_and(|max| self.labels.len() / 2 > max) {
                self.too_many = true;
                break;
            }
        }
        Ok(())
    }

    /// Adds a group of an hour.
    fn add(&mut self, group: &Group, sums: &Sums) {
        self.put(local_day(self.query, group), group, sums);
    }

    /// Adds a group that is of the day `day` here.
    fn put(&mut self, day: i64, group: &Group, sums: &Sums) {
        let by = |by| self.query.by.contains(&by);
        let time = if by(GroupBy::Hour) { Some(group.at) } else { by(GroupBy::Day).then_some(day) };
        let text = |which, text: &String| by(which).then(|| text.clone());
        let label = (
            time,
            [
                text(GroupBy::Host, &group.host),
                text(GroupBy::Provider, &group.provider),
                text(GroupBy::Model, &group.model),
                text(GroupBy::Agent, &group.agent),
            ],
        );
        self.labels.entry(label).or_default().merge(sums);
    }

    fn finish(self) -> UsageReport {
        let mut labels: Vec<(Label, Sums)> =
            self.labels.into_iter().filter(|(_, sums)| !sums.is_empty()).collect();
        labels.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let too_many = self.too_many || self.query.groups_max.is_some_and(|max| labels.len() > max);
        let mut report = UsageReport { too_many, ..UsageReport::default() };
        for ((time, [host, provider, model, agent]), sums) in labels {
            report.totals.merge(&sums);
            let by_hour = self.query.by.contains(&GroupBy::Hour);
            let minutes = time.unwrap_or(0) * HOUR_MINUTES + i64::from(self.query.offset_minutes);
            let day = if by_hour {
                // The local day of the hour, where both are asked for.
                let wanted = self.query.by.contains(&GroupBy::Day);
                wanted.then(|| minutes.div_euclid(DAY_HOURS * HOUR_MINUTES))
            } else {
                time
            };
            let hour = time.filter(|_| by_hour).map(|hour| Micros(hour.saturating_mul(HOUR_US)));
            report.groups.push(UsageGroup { hour, day, host, provider, model, agent, sums });
        }
        report
    }
}
