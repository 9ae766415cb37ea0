//! What flows cost, asked: by time, model and the like from the rollups, by session, task or subagent alone from
//! the sums of those, and by what none is kept of from the flows themselves.

use std::collections::HashMap;
use std::ops::ControlFlow;

use langley_model::{Flow, Micros, Provider};
use rusqlite::Connection;

use super::measure::Tally;
use super::query::{GroupBy, UsageGroup, UsageQuery};
use super::sums::Sums;
use super::tool_sums::ToolCostSums;
use crate::damage::{Fault, Keyed, one_by_one, told_apart};
use crate::error::StoreError;
use crate::filter::{Condition, FlowFilter, Order};
use crate::flow_row::{FlowSql, read};
use crate::hours::{DAY_HOURS, HOUR_US, hour_of};
use crate::store::Store;

/// Microseconds of a minute.
const MINUTE_US: i64 = 60_000_000;

/// By what costs are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostBy {
    /// By what the rollups know.
    Usage(GroupBy),
    /// The session; where that is all, flows without one are left out.
    Session,
    /// The task; where that is all, flows without one are left out.
    Task,
    /// The subagent, within its session; where that is all, flows without a session are left out.
    Subagent,
    /// The project.
    Project,
    /// The tool: of each flow what tools have of it.
    Tool,
}

impl CostBy {
    /// Its word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usage(by) => by.as_str(),
            Self::Session => "session",
            Self::Task => "task",
            Self::Subagent => "subagent",
            Self::Project => "project",
            Self::Tool => "tool",
        }
    }

    /// What [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "session" => Some(Self::Session),
            "task" => Some(Self::Task),
            "subagent" => Some(Self::Subagent),
            "project" => Some(Self::Project),
            "tool" => Some(Self::Tool),
            word => GroupBy::parse(word).map(Self::Usage),
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostQuery {
    /// By what costs are told apart; by nothing: one group.
    pub by: Vec<CostBy>,
    /// The span of time, and which flows; its `by` is not looked at.
    pub usage: UsageQuery,
    /// Of this session.
    pub session: Option<String>,
    /// Of this project.
    pub project: Option<String>,
    /// The most groups that are listed.
    pub groups_max: usize,
}

/// One of the things that make a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostKey {
    /// The beginning of an hour.
    Hour(Micros),
    /// A day, counted from 1970-01-01, in the zone that was asked for.
    Day(i64),
    /// A name; none where it is not known.
    Name(Option<String>),
}

/// Flows that are alike in what was asked for, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostGroup {
    /// What they are alike in.
    pub keys: Vec<CostKey>,
    /// The session of a subagent.
    pub session: Option<String>,
    /// What they add up to. Of a tool only how many flows it has a part of, and what that costs.
    pub sums: Sums,
    /// Of a tool, what that costs it.
    pub tool: Option<ToolCostSums>,
}

/// A model of which flows have usage and no cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnpricedModel {
    /// The provider; empty where it is not known.
    pub provider: String,
    /// The model; empty where it is not known.
    pub model: String,
    /// How many these are; where costs are told by session, task or subagent over all time, those too that are
    /// gone.
    pub flows: u64,
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostReport {
    /// By time where that was asked for first, else the dearest first.
    pub groups: Vec<CostGroup>,
    /// Whether there are more groups than are listed.
    pub more: bool,
    /// Of all groups, listed or not; as in the groups, what is no use and no cost may be left out.
    pub totals: Sums,
    /// What all tools cost together, where costs are told by tool; all flows are the totals then.
    pub tools: Option<ToolCostSums>,
    /// Models that are not priced, or not always.
    pub unpriced: Vec<UnpricedModel>,
    /// Whether flows of an earlier version are still to be added.
    pub filling: bool,
    /// Whether it is told from the flows that are kept, and not from sums that outlive them.
    pub from_flows: bool,
}

impl CostReport {
    /// Leaves `groups_max` groups: the newest, in the order of time, or the dearest, these first.
    pub fn put_in_order(&mut self, is_by_time: bool, groups_max: usize) {
        let cost = |group: &CostGroup| group.sums.figure(super::Measure::Cost).sum;
        let order = |one: &CostGroup, other: &CostGroup| {
            let dearer =
                if is_by_time { std::cmp::Ordering::Equal } else { cost(other).cmp(&cost(one)) };
            dearer.then_with(|| (&one.keys, &one.session).cmp(&(&other.keys, &other.session)))
        };
        self.more = self.groups.len() > groups_max;
        if self.more {
            // Of tens of thousands a few are told: the others need no order.
            let left = self.groups.len() - groups_max;
            let border = if is_by_time { left } else { groups_max };
            if border < self.groups.len() {
                self.groups.select_nth_unstable_by(border, order);
            }
            if is_by_time {
                self.groups.drain(..left);
            } else {
                self.groups.truncate(groups_max);
            }
        }
        self.groups.sort_by(order);
        self.unpriced.sort_by(|one, other| {
            (&one.provider, &one.model).cmp(&(&other.provider, &other.model))
        });
    }
}

impl Store {
    /// What the flows cost that `query` names.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn costs(&self, query: &CostQuery) -> Result<CostReport, StoreError> {
        let mut report = self.costs_of(query)?;
        let is_by_time =
            matches!(query.by.first(), Some(CostBy::Usage(GroupBy::Hour | GroupBy::Day)));
        report.put_in_order(is_by_time, query.groups_max);
        Ok(report)
    }

    fn costs_of(&self, query: &CostQuery) -> Result<CostReport, StoreError> {
        if query.by.contains(&CostBy::Tool) {
            return self.costs_of_tools(query);
        }
        let is_summed = |by: &CostBy| matches!(by, CostBy::Usage(_) | CostBy::Project);
        let is_of_projects = query.project.is_some() || query.by.contains(&CostBy::Project);
        if is_of_projects && query.session.is_none() && query.by.iter().all(is_summed) {
            return self.costs_of_projects(query);
        }
        let of_usage = |by: &CostBy| match by {
            CostBy::Usage(by) => Some(*by),
            _ => None,
        };
        let by: Option<Vec<GroupBy>> = query.by.iter().map(of_usage).collect();
        match by {
            Some(by) if query.session.is_none() && !is_of_projects => {
                self.costs_of_rollups(query, &by)
            }
            // Where the sums cannot be read, the flows say it.
            _ => match told_apart(self.costs_of_belongings(query))?.flatten() {
                Some(report) => Ok(report),
                None => self.costs_of_flows(query),
            },
        }
    }

    pub(super) fn costs_of_rollups(
        &self,
        query: &CostQuery,
        by: &[GroupBy],
    ) -> Result<CostReport, StoreError> {
        // Read once, told apart by model as well, which the list of those without a price needs.
        let mut all = by.to_vec();
        let more = [GroupBy::Provider, GroupBy::Model].into_iter().filter(|it| !by.contains(it));
        all.extend(more);
        let asked =
            UsageQuery { by: all, groups_max: None, costs_alone: true, ..query.usage.clone() };
        let report = self.usage(&asked)?;
        let mut groups: HashMap<Vec<CostKey>, Sums> = HashMap::new();
        let mut unpriced = Unpriced::default();
        for group in &report.groups {
            groups.entry(told(by, group)).or_default().merge(&group.sums);
            let (provider, model) = (group.provider.as_deref(), group.model.as_deref());
            unpriced.add((provider, model), group.sums.tally(Tally::Unpriced));
        }
        let group = |(keys, sums)| CostGroup { keys, session: None, sums, tool: None };
        Ok(CostReport {
            groups: groups.into_iter().map(group).collect(),
            totals: report.totals,
            unpriced: unpriced.models(),
            filling: report.filling,
            ..CostReport::default()
        })
    }

    pub(super) fn costs_of_flows(&self, query: &CostQuery) -> Result<CostReport, StoreError> {
        self.read_sound(|conn, damaged| {
            let told = of_asked(conn, query, damaged, |told: &mut Told, _, flow| {
                told.add(query, flow);
                Ok(())
            })?;
            Ok(told.report())
        })
    }
}

/// What flows cost, told from them.
#[derive(Default)]
struct Told {
    groups: HashMap<(Vec<CostKey>, Option<String>), Sums>,
    unpriced: Unpriced,
    totals: Sums,
}

impl Told {
    fn add(&mut self, query: &CostQuery, flow: &Flow) {
        self.totals.add(flow);
        self.groups.entry(keys(query, flow)).or_default().add(flow);
        let model = (flow.provider.map(Provider::as_str), flow.known_model());
        self.unpriced.add(model, Tally::Unpriced.of(flow));
    }

    fn report(self) -> CostReport {
        let Self { groups, unpriced, totals } = self;
        let group = |((keys, session), sums)| CostGroup { keys, session, sums, tool: None };
        CostReport {
            groups: groups.into_iter().map(group).collect(),
            unpriced: unpriced.models(),
            totals,
            from_flows: true,
            ..CostReport::default()
        }
    }
}

/// Flows with usage and no cost, counted by provider and model.
#[derive(Default)]
pub(super) struct Unpriced(HashMap<(String, String), u64>);

impl Unpriced {
    /// Counts flows of a provider's model.
    pub(super) fn add(&mut self, (provider, model): (Option<&str>, Option<&str>), flows: u64) {
        if flows > 0 {
            let name = |text: Option<&str>| text.unwrap_or_default().to_owned();
            *self.0.entry((name(provider), name(model))).or_default() += flows;
        }
    }

    /// The models that have some.
    pub(super) fn models(self) -> Vec<UnpricedModel> {
        let model = |((provider, model), flows)| UnpricedModel { provider, model, flows };
        self.0.into_iter().map(model).collect()
    }
}

/// What makes a group of the rollups, in the order that was asked for.
pub(super) fn told(by: &[GroupBy], group: &UsageGroup) -> Vec<CostKey> {
    let name = |text: &Option<String>| CostKey::Name(text.clone().filter(|it| !it.is_empty()));
    let keys = by.iter().map(|by| match by {
        GroupBy::Hour => CostKey::Hour(group.hour.unwrap_or_default()),
        GroupBy::Day => CostKey::Day(group.day.unwrap_or_default()),
        GroupBy::Host => name(&group.host),
        GroupBy::Provider => name(&group.provider),
        GroupBy::Model => name(&group.model),
        GroupBy::Agent => name(&group.agent),
    });
    keys.collect()
}

/// What makes a flow's group, and the session of a subagent; in the place of a tool nothing.
pub(super) fn keys(query: &CostQuery, flow: &Flow) -> (Vec<CostKey>, Option<String>) {
    let name = |text: Option<&str>| CostKey::Name(text.map(str::to_owned));
    let id = |it: &Option<langley_model::Attributed>| name(it.as_ref().map(|it| it.id.as_str()));
    let ahead = i64::from(query.usage.offset_minutes) * MINUTE_US;
    let one = |by: &CostBy| match by {
        CostBy::Session => id(&flow.session),
        CostBy::Task => id(&flow.task),
        CostBy::Subagent => name(flow.subagent()),
        CostBy::Project => id(&flow.project),
        CostBy::Tool => name(None),
        CostBy::Usage(GroupBy::Hour) => {
            CostKey::Hour(Micros(hour_of(flow.started_at.0).saturating_mul(HOUR_US)))
        }
        CostBy::Usage(GroupBy::Day) => {
            // As the rollups have it: by the beginning of the hour.
            let hour = hour_of(flow.started_at.0).saturating_mul(HOUR_US);
            CostKey::Day(hour.saturating_add(ahead).div_euclid(DAY_HOURS * HOUR_US))
        }
        CostBy::Usage(GroupBy::Host) => name(Some(&flow.host)),
        CostBy::Usage(GroupBy::Provider) => name(flow.provider.map(Provider::as_str)),
        CostBy::Usage(GroupBy::Model) => name(flow.known_model()),
        CostBy::Usage(GroupBy::Agent) => name(flow.agent.as_deref()),
    };
    let is_sub = query.by.contains(&CostBy::Subagent);
    let session = flow.session.as_ref().filter(|_| is_sub).map(|it| it.id.clone());
    (query.by.iter().map(one).collect(), session)
}

/// The flows that are asked for, as far as a filter tells them.
pub(super) fn filter_of(query: &CostQuery) -> FlowFilter {
    let UsageQuery { since, until, host, provider, model, .. } = query.usage.clone();
    let (session, project) = (query.session.clone(), query.project.clone());
    FlowFilter { since, until, host, provider, model, session, project, ..FlowFilter::default() }
}

/// Whether one of these is asked for.
pub(super) fn is_asked(query: &CostQuery, flow: &Flow) -> bool {
    let is_listed = match *query.by {
        [CostBy::Session | CostBy::Subagent] => flow.session.is_some(),
        [CostBy::Task] => flow.task.is_some(),
        _ => true,
    };
    let agent = &query.usage.agent;
    is_listed && (agent.is_none() || *agent == flow.agent) && !flow.is_own_check()
}

/// Adds up the flows that are asked for, each with its key: in one walk, and one by one where that meets damage.
pub(super) fn of_asked<T: Default>(
    conn: &Connection,
    query: &CostQuery,
    damaged: &mut Vec<i64>,
    add: impl FnMut(&mut T, i64, &Flow) -> rusqlite::Result<()>,
) -> rusqlite::Result<T> {
    of_belonging(conn, query, None, damaged, add)
}

/// The same of those whose column has the name.
pub(super) fn of_belonging<T: Default>(
    conn: &Connection,
    query: &CostQuery,
    of: Option<(&str, &str)>,
    damaged: &mut Vec<i64>,
    mut add: impl FnMut(&mut T, i64, &Flow) -> rusqlite::Result<()>,
) -> rusqlite::Result<T> {
    let filter = filter_of(query);
    let mut condition = Condition::of(&filter);
    let mut of_keys = Condition::of_keys(&filter);
    if let Some((column, name)) = of {
        for condition in [&mut condition, &mut of_keys] {
            condition.and(&format!("{column} = ?"), [name.to_owned().into()]);
        }
    }
    let select = FlowSql::select();
    let mut walk = || {
        let mut told = T::default();
        let mut statement = conn.prepare_cached(&format!("{select}{}", condition.sql()))?;
        let mut rows = statement.query(rusqlite::params_from_iter(&condition.parameters))?;
        while let Some(row) = rows.next()? {
            let (n, flow) = read(row)?;
            if is_asked(query, &flow) {
                add(&mut told, n, &flow)?;
            }
        }
        Ok(told)
    };
    match walk() {
        Err(error) if rusqlite::Error::is_of_one_place(&error) => {}
        told => return told,
    }
    // From the beginning: what was added until then is of no use.
    let (mut told, mut failed) = (T::default(), Ok(()));
    let keys = Keyed::Flows.keys(conn, &of_keys, Order::OldestFirst, usize::MAX)?;
    one_by_one(conn, keys, (select, &condition), read, damaged, |n, (_, flow)| {
        if is_asked(query, &flow) {
            failed = add(&mut told, n, &flow);
        }
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed.map(|()| told)
}
