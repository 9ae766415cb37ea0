//! Lists as JSON: items, and where the next page starts.

use std::time::Duration;

use langley_model as model;
use langley_model::Micros;
use serde::Serialize;
use utoipa::ToSchema;

use super::conversation::DeletedConversation;
use super::flow::Flow;
use super::word::{DropReason, TunnelReason};

/// A page of flows, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FlowPage {
    /// The flows: at most `limit`. With `q`, and where flows are damaged, a page may hold fewer, and none,
    /// while `next_cursor` is there: it ends after some texts are read, or some flows.
    pub items: Vec<Flow>,
    /// Pass as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
    /// Flows in this stretch of the list whose rows are damaged, and left out; those that were asked for and
    /// others.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    pub damaged: u64,
}

/// How many match.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Count {
    /// The number.
    pub count: u64,
    /// Whether there are more, or may be: not all are counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub more: bool,
}

/// How many were deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deleted {
    /// The number of flows.
    pub deleted: u64,
    /// Flows of whose words the index did not know yet, where the deletion asked for words: some that have
    /// them may be among these, and stay.
    #[serde(skip_serializing_if = "is_zero")]
    pub unindexed: u64,
    /// What was deleted of the session's conversation, where `conversation` asked for it and there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<DeletedConversation>,
}

pub(super) const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The newest tunnels.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TunnelPage {
    /// The tunnels, newest first.
    pub items: Vec<Tunnel>,
    /// Always null: older tunnels are not listed.
    pub next_cursor: Option<String>,
}

/// A connection that was passed on unread, or ended before it carried a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tunnel {
    /// The connection.
    pub connection_id: String,
    /// Host asked for.
    pub host: String,
    /// Port asked for.
    pub port: u16,
    /// When the CONNECT came.
    pub started_at: String,
    /// When it ended; null while open.
    pub ended_at: Option<String>,
    /// Bytes from the agent.
    pub bytes_up: u64,
    /// Bytes to the agent.
    pub bytes_down: u64,
    /// Why it was not read.
    pub why: TunnelReason,
    /// The same in a sentence, where something failed.
    pub reason: Option<String>,
}

/// The newest drops.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DropPage {
    /// The drops, newest first.
    pub items: Vec<Dropped>,
    /// Pass as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// Something that was captured and then lost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Dropped {
    /// When.
    pub at: String,
    /// The flow, when one is known.
    pub flow_id: Option<String>,
    /// Why.
    pub reason: DropReason,
    /// How many events, chunks or flows.
    pub count: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl From<&model::Tunnel> for Tunnel {
    fn from(tunnel: &model::Tunnel) -> Self {
        Self {
            connection_id: tunnel.connection.to_string(),
            host: tunnel.host.clone(),
            port: tunnel.port,
            started_at: rfc3339(tunnel.started_at),
            ended_at: tunnel.ended_at.map(rfc3339),
            bytes_up: tunnel.bytes_up,
            bytes_down: tunnel.bytes_down,
            why: tunnel.why.into(),
            reason: tunnel.reason.clone(),
        }
    }
}

impl From<&model::Drop> for Dropped {
    fn from(dropped: &model::Drop) -> Self {
        Self {
            at: rfc3339(dropped.at),
            flow_id: dropped.flow.map(|flow| flow.to_string()),
            reason: dropped.reason.into(),
            count: dropped.count,
            bytes: dropped.bytes,
        }
    }
}

/// RFC 3339 in UTC with microseconds; the epoch for a time outside the calendar.
pub(crate) fn rfc3339(time: Micros) -> String {
    format!(
        "{:.6}",
        jiff::Timestamp::from_microsecond(time.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    )
}

/// Milliseconds with a microsecond's precision.
pub(crate) fn milliseconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

/// So many of what takes so long each are done in a second, to a tenth; none where they take no time.
pub fn per_second(each: Duration) -> Option<f64> {
    (!each.is_zero()).then(|| (10.0 / each.as_secs_f64()).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_decimals_and_end_in_z() {
        assert_eq!(rfc3339(Micros(1_500_000)), "1970-01-01T00:00:01.500000Z");
        assert_eq!(rfc3339(Micros(0)), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn what_is_done_in_a_second_is_told_to_a_tenth() {
        assert_eq!(per_second(Duration::from_micros(13_333)), Some(75.0));
        assert_eq!(per_second(Duration::from_millis(1_600)), Some(0.6));
        assert_eq!(per_second(Duration::ZERO), None);
    }

    #[test]
    fn milliseconds_are_fractional_and_not_noisy() {
        assert!((milliseconds(Duration::from_micros(1_234)) - 1.234).abs() < f64::EPSILON);
    }
}
