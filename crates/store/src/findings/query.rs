//! Findings, asked for: by what they cost, the dearest first.

use langley_model::{
    Finding, FindingKind, FindingState, Flow, FlowId, KeptFinding, MicroUsd, Micros, Revision,
    Severity, Stored,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::words::Words;
use crate::cursor::{self, position};
use crate::damage::{sound, sound_flow, sound_flows};
use crate::error::StoreError;
use crate::filter::{Condition, Order};
use crate::flow_row::Bytes;
use crate::query::{found_key, page_limit};
use crate::readers::ReadError;
use crate::store::Store;

/// Flows of the evidence that are named.
const NAMED: i64 = 50;

/// Which findings; every member that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// In one of these states; in any where there is none.
    pub states: Vec<FindingState>,
    /// Of this kind.
    pub kind: Option<FindingKind>,
    /// Of this session.
    pub session: Option<String>,
    /// Shown by a flow that began at this time or later.
    pub since: Option<Micros>,
    /// Shown first by a flow that began before this time.
    pub until: Option<Micros>,
}

/// Whether a finding is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    Not,
    /// Other flows show it.
    ShownByOthers,
    /// The flow that it was found in is among those that show it.
    ShownByIt,
}

/// Some findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingPage {
    /// The dearest first; of those that cost nothing or nobody knows what, the worst, and then the latest.
    pub items: Vec<KeptFinding>,
    /// Continues after the last one; none at the end.
    pub next_cursor: Option<String>,
    /// How many there are.
    pub total: u64,
    /// How many there are of each kind, whichever the filter asks for: the dearest kind first.
    pub kinds: Vec<KindSum>,
}

/// The findings of a kind together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindSum {
    /// The kind.
    pub kind: FindingKind,
    /// How many there are.
    pub findings: u64,
    /// What those cost together whose cost is known; none where none is.
    pub cost: Option<MicroUsd>,
}

/// Flows of a session before another one.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierFlows {
    /// The last of them, the oldest first.
    pub flows: Vec<Stored<Flow>>,
    /// Whether no other flow that began earlier was analysed.
    pub is_all: bool,
}

const COLUMNS: &str =
    "id, kind, state, severity, session_id, agent_id, first_at, last_at, times, micro_usd, words";

/// The order of findings, the first last.
const RANK: &str = "(ifnull(micro_usd, -1), severity, last_at, id)";

impl Store {
    /// Findings that `filter` names: at most `limit` (1 to 500), after `cursor`.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file.
    pub fn findings(
        &self,
        filter: &FindingFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<FindingPage, StoreError> {
        let (limit, asked) = page_limit(limit);
        let of_any_kind = condition(&FindingFilter { kind: None, ..filter.clone() });
        let (condition, parameters) = condition(filter);
        let after = cursor.map(position::<4>).transpose()?;
        self.readers().read(|conn| {
            let kinds = kinds(conn, &of_any_kind)?;
            let is_asked = |sum: &&KindSum| filter.kind.is_none_or(|kind| kind == sum.kind);
            let total = kinds.iter().filter(is_asked).map(|sum| sum.findings).sum();
            let mut items = Vec::new();
            let mut after = after.map(|after| after.map(Value::Integer));
            loop {
                let (mut sql, mut parameters) =
                    (format!("SELECT {COLUMNS} FROM findings WHERE {condition}"), parameters.clone());
                if let Some(after) = after.take() {
                    sql.push_str(&format!(" AND {RANK} < (?, ?, ?, ?)"));
                    parameters.extend(after);
                }
                sql.push_str(
                    " ORDER BY ifnull(micro_usd, -1) DESC, severity DESC, last_at DESC, id DESC LIMIT ?",
                );
                parameters.push(Value::Integer(asked));
                let mut statement = conn.prepare_cached(&sql)?;
                let mut rows = statement.query(params_from_iter(&parameters))?;
                let mut read = 0;
                while let Some(row) = rows.next()? {
                    read += 1;
                    items.extend(sound(("a finding", row.get(0)?), kept(conn, row))?);
                    after = Some(rank(row)?);
                }
                // What was left out makes room for what comes behind it.
                if read < asked || items.len() > limit {
                    break;
                }
            }
            let is_more = items.len() > limit;
            items.truncate(limit);
            let next_cursor = items.last().filter(|_| is_more).map(cursor_at);
            Ok(FindingPage { items, next_cursor, total, kinds })
        })
    }

    /// Whether this finding, as its key names it, is kept already, and whether its flow is among what shows it.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn kept_finding(&self, finding: &Finding) -> Result<Kept, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM finding_flows JOIN flows ON n = flow
                                WHERE finding = id AND shows AND flow_id = ?2)
                 FROM findings WHERE key = ?1",
            )?;
            let id = Bytes(finding.flow.as_bytes());
            let shown = statement.query_row((finding.key(), id), |row| row.get(0)).optional()?;
            Ok(match shown {
                None => Kept::Not,
                Some(false) => Kept::ShownByOthers,
                Some(true) => Kept::ShownByIt,
            })
        })
    }

    /// The last flows of the same session that ended before this one began.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn ended_before(&self, flow: &Flow, most: usize) -> Result<EarlierFlows, StoreError> {
        let Some(session) = &flow.session else {
            return Ok(EarlierFlows { flows: Vec::new(), is_all: true });
        };
        let (mut of, mut and) = (Condition::default(), Condition::default());
        of.and("session_id = ? AND n < ?", [session.id.clone().into(), flow.started_at.0.into()]);
        and.and("ended_at <= ?", [flow.started_at.0.into()]);
        self.read_sound(|conn, damaged| {
            let last = (Order::NewestFirst, most);
            let flows = sound_flows(conn, &of, &and, last, damaged)?;
            let mut flows: Vec<_> = flows.into_iter().map(|(_, flow)| flow).collect();
            flows.reverse();
            let mut others = conn.prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM flows
                 WHERE session_id = ?1 AND n < ?2 AND outcome IS NOT NULL
                     AND n NOT IN (SELECT flow FROM analysis_waiting) LIMIT ?3)",
            )?;
            let most = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
            let others = others
                .query_row((&session.id, flow.started_at.0, most), |row| row.get::<_, i64>(0));
            let others = sound(("a flow before", flow.started_at.0), others)?;
            let is_all = others.is_some_and(|others| others <= flows.len() as i64);
            Ok(EarlierFlows { is_all, flows })
        })
    }

    /// A flow by its key, where it is there and can be read.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn flow_of_key(&self, key: i64) -> Result<Option<Stored<Flow>>, StoreError> {
        self.read_sound(|conn, damaged| Ok(sound_flow(conn, key, damaged)?))
    }

    /// A number for the content of a flow's request: requests with the same number are the same to the
    /// byte. None where it was not kept.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn request_number(&self, flow: FlowId) -> Result<Option<i64>, StoreError> {
        self.readers().read(|conn| {
            let Some((n, _)) = found_key(conn, flow)? else { return Ok(None) };
            let number: Option<Option<i64>> = conn
                .prepare_cached("SELECT request_body FROM flows WHERE n = ?1")?
                .query_row([n], |row| row.get(0))
                .optional()?;
            Ok(number.flatten())
        })
    }

    /// A finding by its number.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn finding(&self, id: i64) -> Result<Option<Stored<KeptFinding>>, StoreError> {
        self.readers().read(|conn| {
            // Findings have no revision of their own: what was committed when it was read.
            let revision: Option<i64> = conn
                .prepare_cached("SELECT value FROM totals WHERE name = 'revision'")?
                .query_row((), |row| row.get(0))
                .optional()?;
            let revision = Revision(revision.unwrap_or(0).cast_unsigned());
            let mut statement =
                conn.prepare_cached(&format!("SELECT {COLUMNS} FROM findings WHERE id = ?1"))?;
            let mut rows = statement.query([id])?;
            let found = rows.next()?.map(|row| kept(conn, row)).transpose()?;
            Ok(found.map(|found| Stored::read_back(found, revision)))
        })
    }
}

/// The filter as SQL, with its parameters.
fn condition(filter: &FindingFilter) -> (String, Vec<Value>) {
    let mut condition = vec![String::from("TRUE")];
    let mut parameters: Vec<Value> = Vec::new();
    let mut and = |sql: &str, value: Value| {
        condition.push(sql.to_owned());
        parameters.push(value);
    };
    if let Some(kind) = filter.kind {
        and("kind = ?", Value::Text(kind.as_str().to_owned()));
    }
    if let Some(session) = &filter.session {
        and("session_id = ?", Value::Text(session.clone()));
    }
    if let Some(since) = filter.since {
        and("last_at >= ?", Value::Integer(since.0));
    }
    if let Some(until) = filter.until {
        and("first_at < ?", Value::Integer(until.0));
    }
    if !filter.states.is_empty() {
        let words: Vec<String> =
            filter.states.iter().map(|state| format!("'{}'", state.as_str())).collect();
        condition.push(format!("state IN ({})", words.join(", ")));
    }
    (condition.join(" AND "), parameters)
}

/// The findings that a condition names, by their kinds.
fn kinds(
    conn: &Connection,
    (condition, parameters): &(String, Vec<Value>),
) -> rusqlite::Result<Vec<KindSum>> {
    // `sum` would fail where it overflows.
    let mut statement = conn.prepare_cached(&format!(
        "SELECT kind, count(*),
             CASE WHEN count(micro_usd) > 0 THEN CAST(total(micro_usd) AS INTEGER) END AS cost
         FROM findings WHERE {condition}
         GROUP BY kind ORDER BY ifnull(cost, -1) DESC, count(*) DESC, kind"
    ))?;
    let mut rows = statement.query(params_from_iter(parameters))?;
    let mut kinds = Vec::new();
    while let Some(row) = rows.next()? {
        // What is no kind, or is damaged, cannot be shown either.
        let kind = row.get_ref(0)?.as_str().ok().and_then(FindingKind::parse);
        let Some(kind) = kind else { continue };
        let findings = row.get::<_, i64>(1)?.cast_unsigned();
        kinds.push(KindSum { kind, findings, cost: row.get::<_, Option<i64>>(2)?.map(MicroUsd) });
    }
    Ok(kinds)
}

/// Where a row stands in the listing, as [`RANK`] says it, whatever is in it.
fn rank(row: &Row<'_>) -> rusqlite::Result<[Value; 4]> {
    let cost = match row.get(9)? {
        Value::Null => Value::Integer(-1),
        cost => cost,
    };
    Ok([cost, row.get(3)?, row.get(7)?, row.get(0)?])
}

fn kept(conn: &Connection, row: &Row<'_>) -> Result<KeptFinding, ReadError> {
    let wrong = || ReadError::Store(StoreError::Decode { what: "finding" });
    let id: i64 = row.get(0)?;
    let kind = FindingKind::parse(&row.get::<_, String>(1)?).ok_or_else(wrong)?;
    let state = FindingState::parse(&row.get::<_, String>(2)?).ok_or_else(wrong)?;
    let severity = usize::try_from(row.get::<_, i64>(3)?).ok().and_then(|at| Severity::ALL.get(at));
    let cost = row.get::<_, Option<i64>>(9)?.map(MicroUsd);
    let flows = flows(conn, id)?;
    let mut finding = Finding {
        kind,
        subject: String::new(),
        severity: *severity.ok_or_else(wrong)?,
        session: row.get(4)?,
        agent_id: row.get(5)?,
        title: String::new(),
        what: String::new(),
        why: None,
        next: String::new(),
        numbers: Vec::new(),
        baseline: None,
        flow: flows.first().copied().ok_or_else(wrong)?,
        beside: flows[1..].to_vec(),
        cost,
    };
    Words::decode(&row.get::<_, String>(10)?, &mut finding).map_err(ReadError::Store)?;
    Ok(KeptFinding {
        id,
        state,
        first_at: Micros(row.get(6)?),
        last_at: Micros(row.get(7)?),
        times: row.get::<_, i64>(8)?.cast_unsigned(),
        cost,
        flows,
        finding,
    })
}

/// The newest flows of the evidence, those that show the finding before those that only belong to it.
fn flows(conn: &Connection, finding: i64) -> rusqlite::Result<Vec<FlowId>> {
    let mut statement = conn.prepare_cached(
        "SELECT flow_id FROM finding_flows JOIN flows ON n = flow
         WHERE finding = ?1 ORDER BY shows DESC, flow DESC LIMIT ?2",
    )?;
    let rows = statement.query_map((finding, NAMED), |row| Ok(FlowId::from_bytes(row.get(0)?)))?;
    rows.collect()
}

/// The position of a finding in the listing.
fn cursor_at(kept: &KeptFinding) -> String {
    let cost = kept.cost.map_or(-1, |cost| cost.0);
    cursor::cursor([cost, kept.finding.severity as i64, kept.last_at.0, kept.id])
}
