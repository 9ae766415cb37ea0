//! Tools and their calls as JSON.

use langley_engine::ReadInvocation;
use langley_model as model;
use langley_store::{KeptCall, Spread, ToolSums, ToolTally};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::flow::Cost;
use super::page::rfc3339;
use super::word::{ToolOutcome, ToolSource, ToolState};

/// The tools, and what their calls add up to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ToolPage {
    /// The tools, in the order that was asked for.
    pub items: Vec<Tool>,
    /// What all of them add up to.
    pub totals: ToolTotals,
    /// What those cost of which it is known; null where it is known of none.
    pub cost: Option<Cost>,
    /// Whether every ended flow is counted; false while some wait to be analysed.
    pub complete: bool,
    /// Always null: all tools are listed.
    pub next_cursor: Option<String>,
}

/// A tool.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tool {
    /// Its name.
    pub name: String,
    /// What its calls add up to.
    pub totals: ToolTotals,
    /// What it cost; null where that is not known.
    pub cost: Option<Cost>,
}

/// What calls add up to. Those that a resumed, forked or repeated conversation brings once more are not
/// counted again.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct ToolTotals {
    /// Calls.
    pub calls: u64,
    /// Came back, and nothing says that they failed.
    pub succeeded: u64,
    /// Came back as failed.
    pub failed: u64,
    /// Were not let run.
    pub denied: u64,
    /// Were ended by a person.
    pub cancelled: u64,
    /// Took too long.
    pub timed_out: u64,
    /// Got no result although the conversation went on, or ended.
    pub orphaned: u64,
    /// Broke off with their answer.
    pub lost: u64,
    /// Asked for what the same session had asked for before.
    pub repeated: u64,
    /// Have a violation.
    pub violated: u64,
    /// Failed, denied, cancelled or timed out, of those that came back; null where none has.
    pub failure_rate: Option<f64>,
    /// From complete arguments to the request that has the result; null where no call has both.
    pub duration: Option<ToolTimes>,
}

/// How a duration spreads.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct ToolTimes {
    /// Calls that it was measured of.
    pub calls: u64,
    /// The mean in milliseconds, exact.
    pub mean_ms: f64,
    /// The median in milliseconds.
    pub p50_ms: f64,
    /// What 95 of 100 calls do not exceed, in milliseconds.
    pub p95_ms: f64,
    /// How far a percentile may be from what was measured, in percent of it.
    pub percentile_error_percent: f64,
}

/// A page of calls, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvocationPage {
    /// The calls.
    pub items: Vec<Invocation>,
    /// Pass as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// A call of a tool.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invocation {
    /// Its id: its flow's, and which one of it.
    pub id: String,
    /// The tool; empty where nobody says.
    pub tool: String,
    /// The flow whose answer made the call; of a result without a recorded call, the one whose request has it.
    pub flow_id: String,
    /// When that flow began.
    pub flow_started_at: String,
    /// The session.
    pub session_id: Option<String>,
    /// The kind of agent.
    pub agent: Option<String>,
    /// Which one of the flow's calls, from 0; null for a result without a recorded call.
    pub position: Option<u32>,
    /// How far it got; null while its flow waits to be analysed.
    pub state: Option<ToolState>,
    /// What came of it; null while that is not known.
    pub outcome: Option<ToolOutcome>,
    /// Whether the provider runs the tool itself.
    pub server: bool,
    /// Whether it is another call once more.
    pub replayed: bool,
    /// Whether the session had asked for the same before.
    pub repeated: bool,
    /// Index of its block in the answer.
    pub block: Option<u32>,
    /// When its block began.
    pub proposed_at: Option<String>,
    /// When its arguments were complete.
    pub complete_at: Option<String>,
    /// When the request began that has the result first.
    pub returned_at: Option<String>,
    /// From complete arguments to the result.
    pub duration_ms: Option<f64>,
    /// Length of its arguments as JSON text.
    pub input_bytes: Option<u64>,
    /// How its arguments begin, as JSON text of 400 bytes at most; null where that was not asked for, or they are
    /// not kept.
    pub input_head: Option<String>,
    /// Length of its result as it was sent.
    pub result_bytes: Option<u64>,
    /// What was wrong about it.
    pub violations: Vec<Violation>,
}

/// Something that must not be.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Violation {
    /// Its code, V01 to V15.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub message: &'static str,
}

/// A call with its arguments, its result and its runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvocationDetail {
    /// The call.
    #[serde(flatten)]
    pub invocation: Invocation,
    /// The arguments; null when they are no valid JSON, or not kept.
    #[schema(value_type = serde_json::Value)]
    pub input: Option<Box<RawValue>>,
    /// The arguments as text, exactly as sent; null when they are not kept.
    pub input_raw: Option<String>,
    /// The result as it was sent; null when there is none, or it is not kept.
    #[schema(value_type = serde_json::Value)]
    pub result: Option<Box<RawValue>>,
    /// The flow whose request has the result first; null when there is none, or it is gone.
    pub result_flow_id: Option<String>,
    /// Runs of the call, as transcripts or the answer itself tell of them; empty where none does.
    pub executions: Vec<Execution>,
}

/// A run of a call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Execution {
    /// Who told of it.
    pub source: ToolSource,
    /// When it began.
    pub started_at: String,
    /// When it ended; null while it runs.
    pub ended_at: Option<String>,
    /// Whether the conversation went on while it ran.
    pub backgrounded: bool,
    /// What came of it.
    pub outcome: Option<ToolOutcome>,
    /// Whether it was put to the call by order and time, because no id says so.
    pub inferred: bool,
}

/// Tools as `GET /api/tools` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn tools_json(report: &langley_store::ToolReport) -> serde_json::Result<Value> {
    serde_json::to_value(ToolPage::from(report))
}

/// Calls as `GET /api/tools/{name}/invocations` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn invocations_json(page: &langley_store::Page<KeptCall>) -> serde_json::Result<Value> {
    serde_json::to_value(InvocationPage::from(page))
}

/// The id of a call in the API.
pub(crate) fn invocation_id(flow: model::FlowId, position: u32) -> String {
    format!("{flow}.{position}")
}

/// Reads [`invocation_id`].
pub(crate) fn parse_invocation_id(id: &str) -> Option<(model::FlowId, u32)> {
    let (flow, position) = id.rsplit_once('.')?;
    Some((flow.parse().ok()?, position.parse().ok()?))
}

impl From<&langley_store::ToolReport> for ToolPage {
    fn from(report: &langley_store::ToolReport) -> Self {
        let tool = |tool: &langley_store::ToolTotals| Tool {
            name: tool.name.clone(),
            totals: (&tool.sums).into(),
            cost: tool.cost.map(Into::into),
        };
        Self {
            items: report.tools.iter().map(tool).collect(),
            totals: (&report.totals).into(),
            cost: report.cost.map(Into::into),
            complete: !report.is_behind,
            next_cursor: None,
        }
    }
}

impl From<&ToolSums> for ToolTotals {
    fn from(sums: &ToolSums) -> Self {
        let of = |tally| sums.tally(tally);
        let [succeeded, failed] = [of(ToolTally::Succeeded), of(ToolTally::Failed)];
        let [denied, cancelled] = [of(ToolTally::Denied), of(ToolTally::Cancelled)];
        let timed_out = of(ToolTally::TimedOut);
        let not_well = failed + denied + cancelled + timed_out;
        let back = succeeded + not_well;
        Self {
            calls: of(ToolTally::Calls),
            succeeded,
            failed,
            denied,
            cancelled,
            timed_out,
            orphaned: of(ToolTally::Orphaned),
            lost: of(ToolTally::Lost),
            repeated: of(ToolTally::Repeated),
            violated: of(ToolTally::Violated),
            failure_rate: (back > 0).then(|| not_well as f64 / back as f64),
            duration: times(sums),
        }
    }
}

fn times(sums: &ToolSums) -> Option<ToolTimes> {
    let calls = sums.tally(ToolTally::Timed);
    let percentile = |percent| sums.durations().percentile(percent).map(|nanos| nanos as f64 / 1e6);
    (calls > 0).then_some(())?;
    Some(ToolTimes {
        calls,
        mean_ms: sums.tally(ToolTally::Duration) as f64 / calls as f64 / 1e3,
        p50_ms: percentile(50)?,
        p95_ms: percentile(95)?,
        percentile_error_percent: Spread::ERROR_PERCENT,
    })
}

impl From<&langley_store::Page<KeptCall>> for InvocationPage {
    fn from(page: &langley_store::Page<KeptCall>) -> Self {
        Self {
            items: page.items.iter().map(Into::into).collect(),
            next_cursor: page.next_cursor.clone(),
        }
    }
}

impl InvocationPage {
    /// With how the arguments of each call begin.
    pub(crate) fn with_heads(mut self, heads: Vec<Option<String>>) -> Self {
        for (call, head) in self.items.iter_mut().zip(heads) {
            call.input_head = head;
        }
        self
    }
}

impl From<&KeptCall> for Invocation {
    fn from(kept: &KeptCall) -> Self {
        let call = kept.call.as_ref();
        let is_stray = kept.position >= langley_store::STRAY;
        let at = |micros: Option<i64>| {
            micros.map(|micros| rfc3339(model::Micros(kept.started_at.0.saturating_add(micros))))
        };
        let violations = call.map(|call| call.violations.iter().map(Into::into).collect());
        Self {
            id: invocation_id(kept.flow, kept.position),
            tool: kept.name.clone(),
            flow_id: kept.flow.to_string(),
            flow_started_at: rfc3339(kept.started_at),
            session_id: kept.session.clone(),
            agent: kept.agent.clone(),
            position: (!is_stray).then_some(kept.position),
            state: call.map(|call| call.state.into()),
            outcome: call.and_then(|call| call.outcome).map(Into::into),
            server: call.is_some_and(|call| call.server),
            replayed: call.is_some_and(|call| call.replayed),
            repeated: call.is_some_and(|call| call.repeated),
            block: call.and_then(|call| call.block),
            proposed_at: at(call.and_then(|call| call.began_us)),
            complete_at: at(call.and_then(|call| call.complete_us)),
            returned_at: at(call.and_then(|call| call.result).map(|result| result.after_us)),
            duration_ms: call.and_then(model::ToolCall::duration_us).map(|us| us as f64 / 1e3),
            input_bytes: call.filter(|_| !is_stray).map(|call| call.input_bytes),
            input_head: None,
            result_bytes: call.and_then(|call| call.result).map(|result| result.bytes),
            violations: violations.unwrap_or_default(),
        }
    }
}

impl From<model::Violation> for Violation {
    fn from(violation: model::Violation) -> Self {
        Self { code: violation.code(), name: violation.as_str(), message: violation.sentence() }
    }
}

impl From<&ReadInvocation> for InvocationDetail {
    fn from(read: &ReadInvocation) -> Self {
        let kept = &read.invocation.call;
        let at = |micros: i64| rfc3339(model::Micros(kept.started_at.0.saturating_add(micros)));
        let json = |text: &str| RawValue::from_string(text.to_owned()).ok();
        let runs = read.invocation.executions.iter().map(|run| Execution {
            source: run.source.into(),
            started_at: at(run.began_us),
            ended_at: run.ended_us.map(at),
            backgrounded: run.backgrounded,
            outcome: run.outcome.map(Into::into),
            inferred: run.inferred,
        });
        Self {
            invocation: kept.into(),
            input: read.input.as_deref().and_then(json),
            input_raw: read.input.clone(),
            result: read.result.as_deref().and_then(json),
            result_flow_id: read.invocation.result_flow.map(|flow| flow.to_string()),
            executions: runs.collect(),
        }
    }
}
