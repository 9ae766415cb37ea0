//! Calls, asked for: by flow, by key, by tool, and those that wait for a result.

use langley_model::{FlowId, Micros, Stored, ToolCall, ToolExecution};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::keep::executions;
use super::row::{KeptCall, kept, select, select_by_flows};
use crate::cursor;
use crate::damage::sound;
use crate::error::StoreError;
use crate::filter::Condition;
use crate::flow_row::signed;
use crate::query::{Page, found_key, page_limit};
use crate::store::Store;

/// Calls of one key that are looked at, the newest ones.
const ALIKE: i64 = 32;

/// How long a session may be silent before no result is expected any more, in microseconds.
const SILENCE_US: i64 = 30 * 60 * 1_000_000;

/// Which calls of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvocationQuery {
    /// Exactly this tool.
    pub tool: String,
    /// Of this session.
    pub session: Option<String>,
    /// Of flows that began at this time or later.
    pub since: Option<Micros>,
    /// Of flows that began before this time.
    pub until: Option<Micros>,
}

/// A call with all that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The call.
    pub call: KeptCall,
    /// Its runs, in order.
    pub executions: Vec<ToolExecution>,
    /// The flow whose request has the result first; of a tool that the provider runs the flow whose answer has
    /// it. None when that flow is gone.
    pub result_flow: Option<FlowId>,
}

impl Store {
    /// The tool calls of an answer, in order; none when the flow is unknown.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn tool_calls(&self, id: FlowId) -> Result<Option<Stored<Vec<KeptCall>>>, StoreError> {
        self.readers().read(|conn| {
            let Some((n, revision)) = found_key(conn, id)? else { return Ok(None) };
            let sql = format!("{} WHERE flow = ?1 ORDER BY position", select());
            let mut statement = conn.prepare_cached(&sql)?;
            let calls = statement.query_map([n], kept)?.collect::<Result<_, _>>()?;
            Ok(Some(Stored::read_back(calls, revision)))
        })
    }

    /// Analysed calls with this key, the newest first; at most 32.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn calls_alike(&self, call: u64) -> Result<Vec<KeptCall>, StoreError> {
        self.readers().read(|conn| {
            let sql = format!("{} WHERE call = ?1 ORDER BY flow DESC LIMIT {ALIKE}", select());
            let mut statement = conn.prepare_cached(&sql)?;
            let calls = statement.query_map([signed(call)], kept)?;
            Ok(calls.collect::<Result<_, _>>()?)
        })
    }

    /// Analysed calls of a session, as pairs of tool and digest of the arguments, the newest first: of its last
    /// `most` flows before `key`, and as many calls at most.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn inputs_of_session(
        &self,
        session: &str,
        before: i64,
        most: usize,
    ) -> Result<Vec<(String, u32)>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT tools.name, input_hash
                 FROM (SELECT n FROM flows WHERE session_id = ?1 AND n < ?2
                       ORDER BY n DESC LIMIT ?3) AS last
                     CROSS JOIN tool_calls ON flow = last.n JOIN tools ON tools.id = tool
                 WHERE input_hash IS NOT NULL LIMIT ?3",
            )?;
            let rows = statement
                .query_map((session, before, most), |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Calls without a result whose session has been silent for half an hour at `now`, the oldest first, at
    /// most `limit`.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn overdue_calls(&self, now: Micros, limit: usize) -> Result<Vec<KeptCall>, StoreError> {
        let before = now.0.saturating_sub(SILENCE_US);
        let of = |and: &str| {
            format!(
                "{} WHERE state < 12 AND flow < ?1 AND ifnull(ended_at, started_at) < ?1
                     AND NOT EXISTS (SELECT 1 FROM flows AS later
                         WHERE later.session_id = flows.session_id AND later.n >= ?1)
                     {and} ORDER BY flow LIMIT ?2",
                select()
            )
        };
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let walked = self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(&of(""))?;
            let calls = statement.query_map((before, most), kept)?;
            Ok(calls.collect::<Result<_, _>>()?)
        });
        match walked {
            Err(error) if error.is_of_one_place() => {}
            calls => return calls,
        }
        // Which calls these are is known by an index of their own; their flows are asked one by one.
        self.readers().read(|conn| {
            let open =
                "SELECT DISTINCT flow FROM tool_calls WHERE state < 12 AND flow < ?1 ORDER BY flow";
            let (mut open, mut of) = (conn.prepare(open)?, conn.prepare(&of("AND flow = ?3"))?);
            let (mut flows, mut calls) = (open.query([before])?, Vec::new());
            while calls.len() < limit
                && let Some(row) = flows.next()?
            {
                let flow: i64 = row.get(0)?;
                let here: rusqlite::Result<Vec<KeptCall>> =
                    of.query_map((before, most, flow), kept).and_then(Iterator::collect);
                calls.extend(sound(("the flow of a call", flow), here)?.into_iter().flatten());
            }
            calls.truncate(limit);
            Ok(calls)
        })
    }

    /// Calls of a tool, newest first: at most `limit` (1 to 500), after `cursor`.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file.
    pub fn invocations(
        &self,
        query: &InvocationQuery,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<KeptCall>, StoreError> {
        let (limit, asked) = page_limit(limit);
        let mut condition = Condition::default();
        let tool = Value::Text(query.tool.clone());
        condition.and("tool = (SELECT id FROM tools WHERE name = ?)", [tool]);
        if let Some(session) = &query.session {
            condition.and("flows.session_id = ?", [session.clone().into()]);
        }
        // A session has fewer flows than a tool has calls, as a rule by far.
        let (select, key) = match &query.session {
            Some(_) => (select_by_flows(), "n"),
            None => (select(), "flow"),
        };
        if let Some(since) = query.since {
            let sql = format!("{key} >= ? AND started_at >= ?");
            condition.and(&sql, [since.0.into(), since.0.into()]);
        }
        if let Some(until) = query.until {
            condition.and("started_at < ?", [until.0.into()]);
        }
        if let Some((flow, position)) = cursor.map(place).transpose()? {
            let sql = format!("({key} < ? OR ({key} = ? AND position < ?))");
            condition.and(&sql, [flow.into(), flow.into(), i64::from(position).into()]);
            condition.and(&format!("{key} <= ?"), [flow.into()]);
        }
        self.readers().read(|conn| {
            let condition_sql = condition.sql();
            let sql =
                format!("{select}{condition_sql} ORDER BY {key} DESC, position DESC LIMIT {asked}");
            let mut statement = conn.prepare_cached(&sql)?;
            let calls = statement.query_map(params_from_iter(&condition.parameters), kept)?;
            let mut items: Vec<KeptCall> = calls.collect::<Result<_, _>>()?;
            let is_more = items.len() > limit;
            items.truncate(limit);
            let last = items.last().filter(|_| is_more);
            let next_cursor = last.map(|call| cursor_of(call.key, call.position));
            Ok(Page { items, next_cursor, damaged: 0 })
        })
    }

    /// One call; none when there is no such flow, or no such call in it.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn invocation(
        &self,
        id: FlowId,
        position: u32,
    ) -> Result<Option<Stored<Invocation>>, StoreError> {
        self.readers().read(|conn| {
            let Some((n, revision)) = found_key(conn, id)? else { return Ok(None) };
            let sql = format!("{} WHERE flow = ?1 AND position = ?2", select());
            let call = conn.prepare_cached(&sql)?.query_row((n, position), kept).optional()?;
            let Some(call) = call else { return Ok(None) };
            let result_flow = match &call.call {
                Some(ToolCall { result: Some(result), server, .. }) => {
                    let at = n.saturating_add(result.after_us);
                    // Within its own answer that is a moment, and no flow's key.
                    let is_own = *server && !has_ended_before(conn, n, at)?;
                    if is_own { Some(id) } else { flow_at(conn, at)? }
                }
                _ => None,
            };
            let executions = executions(conn, n, position)?;
            Ok(Some(Stored::read_back(Invocation { call, executions, result_flow }, revision)))
        })
    }
}

/// Whether a flow ended before this time.
fn has_ended_before(conn: &Connection, flow: i64, at: i64) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM flows WHERE n = ?1 AND ended_at < ?2")?.exists((flow, at))
}

/// The flow with this key.
fn flow_at(conn: &Connection, key: i64) -> rusqlite::Result<Option<FlowId>> {
    let mut statement = conn.prepare_cached("SELECT flow_id FROM flows WHERE n = ?1")?;
    let id = statement.query_row([key], |row| row.get(0)).optional()?;
    Ok(id.map(FlowId::from_bytes))
}

/// The opaque text of a position in a listing of calls.
pub(crate) fn cursor_of(flow: i64, position: u32) -> String {
    cursor::text(&[&flow.to_be_bytes()[..], &position.to_be_bytes()].concat())
}

/// The position that [`cursor_of`] wrote.
fn place(cursor: &str) -> Result<(i64, u32), StoreError> {
    let bytes = cursor::bytes(cursor)?;
    let (flow, position) = bytes.split_at_checked(8).ok_or(StoreError::Cursor)?;
    let flow = flow.try_into().map_err(|_| StoreError::Cursor)?;
    let position = position.try_into().map_err(|_| StoreError::Cursor)?;
    Ok((i64::from_be_bytes(flow), u32::from_be_bytes(position)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_only_accepted_as_it_was_given() {
        let at = (1_800_000_000_000_000, 7);
        assert_eq!(place(&cursor_of(at.0, at.1)).unwrap(), at);
        for wrong in ["", "x", "AAAA", "AAAAAAAAAAA", "!!!!!!!!!!!"] {
            assert!(matches!(place(wrong), Err(StoreError::Cursor)), "{wrong}");
        }
    }
}
