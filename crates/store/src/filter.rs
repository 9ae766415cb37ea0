//! Which flows: the filter of every listing, and the SQL it stands for.

use std::fmt::Write;

use langley_model::{ConnectionId, Flow, MicroUsd, Micros, Outcome, Provider};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::projects;

/// Which flows; every member that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowFilter {
    /// Exactly this host.
    pub host: Option<String>,
    /// This provider.
    pub provider: Option<Provider>,
    /// Exactly this model: the one that answered, or the one asked for while none has.
    pub model: Option<String>,
    /// This status or class of statuses.
    pub status: Option<StatusFilter>,
    /// This session.
    pub session: Option<String>,
    /// Of a session that is starred.
    pub starred: bool,
    /// This task.
    pub task: Option<String>,
    /// This project.
    pub project: Option<String>,
    /// A call of this tool is among the answer's; the case of ASCII letters does not matter.
    pub tool: Option<String>,
    /// On this connection.
    pub connection: Option<ConnectionId>,
    /// Ended so, or still open.
    pub outcome: Option<OutcomeFilter>,
    /// Words, as [`crate::SearchQuery`] reads them, that were new in the flow or stand in its path, preview
    /// or error; or a part of its host or model, and in the newest two thousand flows of any of these facts
    /// (case matters only beyond ASCII).
    pub q: Option<String>,
    /// Started at this time or later.
    pub since: Option<Micros>,
    /// Started before this time.
    pub until: Option<Micros>,
    /// Costs at least this; flows of unknown cost are left out.
    pub min_cost: Option<MicroUsd>,
}

/// A status, or a class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// Exactly this one.
    Exact(u16),
    /// The hundred that begins with this digit.
    Class(u8),
}

impl StatusFilter {
    /// Reads `404` or `4xx`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if let Some(digit) = word.strip_suffix("xx").or_else(|| word.strip_suffix("XX")) {
            return digit.parse().ok().filter(|digit| (1..=9).contains(digit)).map(Self::Class);
        }
        word.parse().ok().filter(|status| (100..1000).contains(status)).map(Self::Exact)
    }
}

/// An outcome, or none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeFilter {
    /// Not ended yet.
    Open,
    /// Ended so.
    Ended(Outcome),
}

impl OutcomeFilter {
    /// Reads `open` or an outcome's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if word == "open" { Some(Self::Open) } else { Outcome::parse(word).map(Self::Ended) }
    }
}

/// Rows move to a later key when theirs is taken; no further than this many microseconds.
pub(crate) const KEY_SLACK_US: i64 = 60_000_000;

/// The flows in the indexes by status and by outcome.
const RARE_STATUS: &str = "status IS NOT 200";
const RARE_OUTCOME: &str = "outcome IS NOT 'completed'";

/// Of `tool_calls`: an answer's call of the tool with this name, whatever its case. The names are few.
const OF_TOOL: &str =
    "tool IN (SELECT id FROM tools WHERE name = ? COLLATE NOCASE) AND position < 65536";

/// Flows that are gathered from an index and put in order. More than these stand so close together that a
/// page of them is found sooner by walking.
pub(crate) const FEW: i64 = 5_000;

/// How many flows `sql`, which reads one index, finds, counted up to `most`.
pub(crate) fn how_many(
    conn: &Connection,
    sql: &str,
    parameters: &[Value],
    most: i64,
) -> rusqlite::Result<i64> {
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {sql} LIMIT {most})");
    let mut statement = conn.prepare_cached(&sql)?;
    statement.query_row(rusqlite::params_from_iter(parameters), |row| row.get(0))
}

/// Whether `sql`, which reads one index, finds more than a [`FEW`].
fn is_common(conn: &Connection, sql: &str, parameters: &[Value]) -> rusqlite::Result<bool> {
    Ok(how_many(conn, sql, parameters, FEW + 1)? > FEW)
}

/// What of a filter so many flows have that a walk from the newest on finds a page of them soon.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Common {
    tool: bool,
    cost: bool,
}

impl Common {
    #[cfg(test)]
    pub(crate) const fn assumed(tool: bool, cost: bool) -> Self {
        Self { tool, cost }
    }

    /// Looks a few entries of the indexes up.
    pub(crate) fn of(conn: &Connection, filter: &FlowFilter) -> rusqlite::Result<Self> {
        let tool = match &filter.tool {
            Some(tool) => {
                let calls = format!("tool_calls WHERE {OF_TOOL}");
                is_common(conn, &calls, &[tool.clone().into()])?
            }
            None => false,
        };
        let cost = match filter.min_cost {
            Some(cost) => is_common(conn, "flows WHERE cost_micro_usd >= ?", &[cost.0.into()])?,
            None => false,
        };
        Ok(Self { tool, cost })
    }
}

/// A condition in SQL with its parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    sql: String,
    pub(crate) parameters: Vec<Value>,
}

impl Condition {
    /// The condition of `filter` without its words, by whatever index knows it.
    pub(crate) fn of(filter: &FlowFilter) -> Self {
        Self::among(filter, Common::default())
    }

    /// The condition of `filter`; what is common is found by walking from the newest flow on.
    pub(crate) fn among(filter: &FlowFilter, common: Common) -> Self {
        let mut it = Self::default();
        if let Some(host) = &filter.host {
            it.and("host = ?", [host.clone().into()]);
        }
        if let Some(provider) = filter.provider {
            it.and("provider = ?", [provider.as_str().to_owned().into()]);
        }
        if let Some(model) = &filter.model {
            it.and("ifnull(model, model_requested) = ?", [model.clone().into()]);
        }
        match filter.status {
            Some(StatusFilter::Exact(status)) => {
                it.and("status = ?", [i64::from(status).into()]);
                it.and_rare(status != 200, RARE_STATUS);
            }
            Some(StatusFilter::Class(class)) => {
                it.and("status / 100 = ?", [i64::from(class).into()]);
                it.and_rare(class != 2, RARE_STATUS);
            }
            None => {}
        }
        if let Some(session) = &filter.session {
            it.and("session_id = ?", [session.clone().into()]);
        }
        if let Some(task) = &filter.task {
            it.and("task_id = ?", [task.clone().into()]);
        }
        if let Some(project) = &filter.project {
            it.and(projects::IS, [project.clone().into()]);
        }
        if let Some(tool) = &filter.tool {
            let sql = if common.tool {
                format!("EXISTS (SELECT 1 FROM tool_calls WHERE flow = n AND {OF_TOOL})")
            } else {
                format!("n IN (SELECT flow FROM tool_calls WHERE {OF_TOOL})")
            };
            it.and(&sql, [tool.clone().into()]);
        }
        if filter.starred {
            it.and("session_id IN (SELECT session_id FROM stars)", []);
        }
        if let Some(connection) = filter.connection {
            let id = Value::Blob(connection.as_bytes().to_vec());
            it.and(
                "substr(connection_id, 13) = substr(?, 13) AND connection_id = ?",
                [id.clone(), id],
            );
        }
        match filter.outcome {
            Some(OutcomeFilter::Open) => {
                it.and("outcome IS NULL", []);
                it.and_rare(true, RARE_OUTCOME);
            }
            Some(OutcomeFilter::Ended(outcome)) => {
                it.and("outcome = ?", [outcome.as_str().to_owned().into()]);
                it.and_rare(outcome != Outcome::Completed, RARE_OUTCOME);
            }
            None => {}
        }
        if let Some(since) = filter.since {
            it.and("n >= ? AND started_at >= ?", [since.0.into(), since.0.into()]);
        }
        if let Some(until) = filter.until {
            let slack = until.0.saturating_add(KEY_SLACK_US);
            it.and("n < ? AND started_at < ?", [slack.into(), until.0.into()]);
        }
        if let Some(cost) = filter.min_cost {
            // The sign keeps the index away, by which the flows would have to be sorted.
            let sql = if common.cost {
                "+cost_micro_usd >= ?"
            } else {
                "n IN (SELECT n FROM flows WHERE cost_micro_usd >= ?)"
            };
            it.and(sql, [cost.0.into()]);
        }
        it
    }

    /// What of `filter` the keys tell by themselves: about when their flows began.
    pub(crate) fn of_keys(filter: &FlowFilter) -> Self {
        let mut it = Self::default();
        if let Some(since) = filter.since {
            it.and("n >= ?", [since.0.into()]);
        }
        if let Some(until) = filter.until {
            it.and("n < ?", [until.0.saturating_add(KEY_SLACK_US).into()]);
        }
        it
    }

    /// The same condition on `flow_groups`, of the listings that groups are enough for.
    pub(crate) fn of_groups(filter: &FlowFilter) -> Option<Self> {
        let FlowFilter { host, provider, model, status, session, outcome, .. } = filter.clone();
        let grouped = FlowFilter {
            host: host.clone(),
            provider,
            model: model.clone(),
            status,
            session: session.clone(),
            outcome,
            ..FlowFilter::default()
        };
        let texts = [("host", host), ("model", model), ("session_id", session)];
        // There the empty text stands for none.
        if grouped != *filter || texts.iter().any(|(_, text)| text.as_deref() == Some("")) {
            return None;
        }
        let mut it = Self::default();
        for (column, text) in texts {
            if let Some(text) = text {
                it.and(&format!("{column} = ?"), [text.into()]);
            }
        }
        if let Some(provider) = provider {
            it.and("provider = ?", [provider.as_str().to_owned().into()]);
        }
        if let Some(outcome) = outcome {
            let word = match outcome {
                OutcomeFilter::Open => "",
                OutcomeFilter::Ended(outcome) => outcome.as_str(),
            };
            it.and("outcome = ?", [word.to_owned().into()]);
        }
        if let Some(status) = status {
            let (first, last) = match status {
                StatusFilter::Exact(status) => (i64::from(status), i64::from(status)),
                StatusFilter::Class(class) => (i64::from(class) * 100, i64::from(class) * 100 + 99),
            };
            it.and("status BETWEEN ? AND ?", [first.into(), last.into()]);
        }
        Some(it)
    }

    /// The condition on `tool_calls` of a filter that names nothing but a tool.
    pub(crate) fn of_tool(filter: &FlowFilter) -> Option<Self> {
        let tool = filter.tool.clone()?;
        let only = FlowFilter { tool: Some(tool.clone()), ..FlowFilter::default() };
        let mut it = Self::default();
        it.and(OF_TOOL, [tool.into()]);
        (only == *filter).then_some(it)
    }

    /// Adds a condition that must hold as well.
    pub(crate) fn and(&mut self, sql: &str, parameters: impl IntoIterator<Item = Value>) {
        let _ = write!(self.sql, "{}{sql}", if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.parameters.extend(parameters);
    }

    /// Adds all of another.
    pub(crate) fn and_all(&mut self, other: &Self) {
        if let Some(sql) = other.sql.strip_prefix(" WHERE ") {
            self.and(sql, other.parameters.iter().cloned());
        }
    }

    /// Repeats the condition of a partial index where it holds anyway: SQLite uses the index only for a
    /// query that states it (<https://www.sqlite.org/partialindex.html>).
    fn and_rare(&mut self, holds: bool, sql: &str) {
        if holds {
            self.and(sql, []);
        }
    }

    /// ` WHERE …`, or nothing.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }
}

/// Which way a listing goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    NewestFirst,
    OldestFirst,
}

impl Order {
    /// Puts keys into this order.
    pub(crate) fn sort(self, keys: &mut [i64]) {
        match self {
            Self::NewestFirst => keys.sort_unstable_by(|one, other| other.cmp(one)),
            Self::OldestFirst => keys.sort_unstable(),
        }
    }

    /// Whether `key` comes no later than `end`.
    pub(crate) const fn is_up_to(self, key: i64, end: i64) -> bool {
        match self {
            Self::NewestFirst => key >= end,
            Self::OldestFirst => key <= end,
        }
    }

    /// How what comes no later than a position compares with it.
    pub(crate) const fn up_to(self) -> &'static str {
        match self {
            Self::NewestFirst => ">=",
            Self::OldestFirst => "<=",
        }
    }

    /// How what comes after a position compares with it, and the word for the order.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NewestFirst => ("<", "DESC"),
            Self::OldestFirst => (">", "ASC"),
        }
    }
}

/// A stretch of a listing: a query for the keys (`n`) of at most `limit` flows for which `condition` holds,
/// after `position`, in order.
pub(crate) fn stretch(
    mut condition: Condition,
    position: Option<i64>,
    order: Order,
    limit: i64,
) -> (String, Vec<Value>) {
    let (beyond, order) = order.words();
    if let Some(position) = position {
        condition.and(&format!("n {beyond} ?"), [position.into()]);
    }
    let sql = format!("SELECT n FROM flows{} ORDER BY n {order} LIMIT {limit}", condition.sql());
    (sql, condition.parameters)
}

/// The facts of a flow whose words the index has.
pub(crate) const STATED: [&str; 5] = ["path", "preview", "error_kind", "error_message", "reason"];

/// The same of a flow that was read.
pub(crate) fn stated_of(flow: &Flow) -> impl Iterator<Item = &str> {
    let texts = [&flow.preview, &flow.error_kind, &flow.error_message, &flow.reason];
    std::iter::once(flow.path.as_str()).chain(texts.into_iter().filter_map(|text| text.as_deref()))
}

impl Condition {
    /// A fact of the flow has `q` in it.
    pub(crate) fn and_states(&mut self, q: &str) {
        let columns = STATED.into_iter().chain(["host", "model", "model_requested"]);
        let any: Vec<_> = columns.map(|column| format!("{column} LIKE ? ESCAPE '\\'")).collect();
        let pattern = like(q);
        self.and(&format!("({})", any.join(" OR ")), any.iter().map(|_| pattern.clone().into()));
    }
}

/// A pattern that finds `text` anywhere.
pub(crate) fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_number_or_a_class() {
        assert_eq!(StatusFilter::parse("404"), Some(StatusFilter::Exact(404)));
        assert_eq!(StatusFilter::parse("5xx"), Some(StatusFilter::Class(5)));
        assert_eq!(StatusFilter::parse("xx"), None);
        assert_eq!(StatusFilter::parse("7"), None);
    }

    #[test]
    fn an_outcome_may_be_open() {
        assert_eq!(OutcomeFilter::parse("open"), Some(OutcomeFilter::Open));
        assert_eq!(OutcomeFilter::parse("lost"), Some(OutcomeFilter::Ended(Outcome::Lost)));
        assert_eq!(OutcomeFilter::parse("OPEN"), None);
    }

    #[test]
    fn a_tool_is_found_by_its_index_whatever_its_case() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../migrations/0001_first.sql")).unwrap();
        conn.execute_batch(include_str!("../migrations/0017_tools.sql")).unwrap();
        let filter = FlowFilter { tool: Some(String::from("bash")), ..FlowFilter::default() };
        let condition = Condition::of(&filter);
        let sql = format!("EXPLAIN QUERY PLAN SELECT n FROM flows{}", condition.sql());
        let mut statement = conn.prepare(&sql).unwrap();
        let parameters = rusqlite::params_from_iter(&condition.parameters);
        let plan: Vec<String> = statement
            .query_map(parameters, |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let plan = plan.join("; ");
        assert!(plan.contains("tool_calls_by_tool (tool=?)"), "{plan}");
        assert!(!plan.contains("SCAN tool_calls") && !plan.contains("SCAN flows"), "{plan}");
    }

    #[test]
    fn wildcards_in_a_search_are_letters() {
        assert_eq!(like(r"50%_\"), r"%50\%\_\\%");
    }
}
