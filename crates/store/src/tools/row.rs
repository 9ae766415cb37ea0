//! A call's row.

use langley_model::{
    FlowId, Micros, ToolCall, ToolOutcome, ToolResult, ToolState, Violation, Violations,
};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::flow_row::signed;

/// The columns that the analysis writes, in order.
const TOLD: &str =
    "call, block, flags, input_bytes, input_hash, began_us, complete_us, state, came_to,
    result_us, result_hash, result_bytes, violations, billed_us";

const SERVER: i64 = 1;
const COMPLETE: i64 = 2;
const REPLAYED: i64 = 4;
const REPEATED: i64 = 8;

/// A call, with what its flow says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCall {
    /// The key of its flow: flows are in the order of their keys, which are about the microseconds at which
    /// they began.
    pub key: i64,
    /// Its flow.
    pub flow: FlowId,
    /// When its flow began.
    pub started_at: Micros,
    /// The session.
    pub session: Option<String>,
    /// The kind of agent.
    pub agent: Option<String>,
    /// Which one of the flow's calls.
    pub position: u32,
    /// The tool.
    pub name: String,
    /// What the analysis told; none while it has not.
    pub call: Option<ToolCall>,
}

/// `SELECT` of kept calls, up to the condition.
pub(super) fn select() -> String {
    select_from("tool_calls JOIN flows")
}

/// The same, by way of the flows: of those that are few.
pub(super) fn select_by_flows() -> String {
    select_from("flows CROSS JOIN tool_calls")
}

fn select_from(tables: &str) -> String {
    format!(
        "SELECT n, flow_id, started_at, session_id, agent,
             (SELECT name FROM traits WHERE id = flows.traits), position, tools.name, {TOLD}
         FROM {tables} ON n = flow JOIN tools ON tools.id = tool"
    )
}

/// A row of [`select`].
pub(super) fn kept(row: &Row<'_>) -> rusqlite::Result<KeptCall> {
    let traits: Option<String> = row.get(5)?;
    let agent = match traits.as_deref().and_then(crate::traits::Traits::parse) {
        Some(traits) => traits.agent().map(str::to_owned),
        None => row.get(4)?,
    };
    let name: String = row.get(7)?;
    Ok(KeptCall {
        key: row.get(0)?,
        flow: FlowId::from_bytes(row.get(1)?),
        started_at: Micros(row.get(2)?),
        session: row.get(3)?,
        agent,
        position: row.get(6)?,
        call: told(row, 8, &name)?,
        name,
    })
}

/// What the analysis told, from the column `first` on; none while it has not.
fn told(row: &Row<'_>, first: usize, name: &str) -> rusqlite::Result<Option<ToolCall>> {
    let Some(state) = row.get::<_, Option<u8>>(first + 7)?.and_then(ToolState::of_number) else {
        return Ok(None);
    };
    let number = |place: usize| row.get::<_, Option<i64>>(first + place);
    let unsigned = |place: usize| number(place).map(|it| it.unwrap_or(0).cast_unsigned());
    let flags = number(2)?.unwrap_or(0);
    let is = |flag: i64| flags & flag != 0;
    let result = match number(9)? {
        Some(after_us) => {
            let (hash, bytes) = (unsigned(10)?, unsigned(11)?);
            Some(ToolResult { after_us, hash, bytes, billed_us: number(13)? })
        }
        None => None,
    };
    Ok(Some(ToolCall {
        name: name.to_owned(),
        key: unsigned(0)?,
        block: row.get(first + 1)?,
        server: is(SERVER),
        complete: is(COMPLETE),
        replayed: is(REPLAYED),
        repeated: is(REPEATED),
        input_bytes: unsigned(3)?,
        input_hash: row.get::<_, Option<u32>>(first + 4)?.unwrap_or(0),
        began_us: number(5)?,
        complete_us: number(6)?,
        state,
        outcome: row.get::<_, Option<u8>>(first + 8)?.and_then(ToolOutcome::of_number),
        result,
        violations: Violations::of_bits(row.get::<_, Option<u16>>(first + 12)?.unwrap_or(0)),
    }))
}

/// The tool of a call, and what was told of it; none when there is no such row.
pub(super) fn read(
    conn: &Connection,
    flow: i64,
    position: u32,
) -> rusqlite::Result<Option<(i64, Option<ToolCall>)>> {
    conn.prepare_cached(&format!(
        "SELECT tool, {TOLD} FROM tool_calls WHERE flow = ?1 AND position = ?2"
    ))?
    .query_row((flow, position), |row| Ok((row.get(0)?, told(row, 1, "")?)))
    .optional()
}

/// Whether a call of the flow has this violation.
pub(super) fn has_violation(
    conn: &Connection,
    flow: i64,
    violation: Violation,
) -> rusqlite::Result<bool> {
    let mut bit = Violations::default();
    bit.insert(violation);
    conn.prepare_cached("SELECT 1 FROM tool_calls WHERE flow = ?1 AND violations & ?2")?
        .exists((flow, bit.bits()))
}

/// Writes a call over what was known of it.
pub(super) fn write(
    conn: &Connection,
    (flow, position, tool): (i64, u32, i64),
    call: &ToolCall,
) -> rusqlite::Result<()> {
    let flag = |is: bool, flag: i64| if is { flag } else { 0 };
    let flags = flag(call.server, SERVER)
        | flag(call.complete, COMPLETE)
        | flag(call.replayed, REPLAYED)
        | flag(call.repeated, REPEATED);
    let mut statement = conn.prepare_cached(&format!(
        "INSERT OR REPLACE INTO tool_calls (flow, position, tool, {TOLD})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
    ))?;
    statement.execute(rusqlite::params![
        flow,
        position,
        tool,
        signed(call.key),
        call.block,
        flags,
        signed(call.input_bytes),
        call.input_hash,
        call.began_us,
        call.complete_us,
        call.state.number(),
        call.outcome.map(ToolOutcome::number),
        call.result.map(|result| result.after_us),
        call.result.map(|result| signed(result.hash)),
        call.result.map(|result| signed(result.bytes)),
        call.violations.bits(),
        call.result.and_then(|result| result.billed_us),
    ])?;
    Ok(())
}
