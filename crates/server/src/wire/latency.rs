//! How long flows took, as JSON.

use std::time::Duration;

use langley_store::{Measure, Spread, Sums, Tally, UsageReport};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::page::{per_second, rfc3339};
use super::usage::GroupLabel;

/// How long flows took, in groups.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatencyPage {
    /// By what the groups are told apart.
    pub group_by: Vec<String>,
    /// Beginning of the first whole hour that was asked for; null for all.
    pub since: Option<String>,
    /// End of the last whole hour that was asked for; null for all.
    pub until: Option<String>,
    /// The zone of the days, as its distance from UTC.
    pub tz: String,
    /// Whether every flow is part of the sums; false while those of an earlier version are being added.
    pub complete: bool,
    /// How far a percentile may be from what was measured, in percent of it.
    pub percentile_error_percent: f64,
    /// By time, then by text.
    pub items: Vec<LatencyItem>,
    /// Of all items together.
    pub totals: Spans,
    /// Always null: the list is whole.
    pub next_cursor: Option<String>,
}

/// How long flows took that are alike in what was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatencyItem {
    /// In what they are alike.
    #[serde(flatten)]
    pub label: GroupLabel,
    /// How long they took.
    #[serde(flatten)]
    pub spans: Spans,
}

/// How long flows took; null where no flow has the figure.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Spans {
    /// Flows.
    pub flows: u64,
    /// Those of them that repeat a failed attempt; null where of none it is known whether it does.
    pub retries: Option<u64>,
    /// Those of them of which that is known: it is not of flows that an earlier version summed and that are gone.
    pub retries_flows: u64,
    /// Name resolution and TCP connect; of flows that began a connection.
    pub connect: Option<Percentiles>,
    /// The TLS handshake with the provider; of flows that began a connection with one.
    pub tls: Option<Percentiles>,
    /// From head to end.
    pub duration: Option<Percentiles>,
    /// To the answer's first byte.
    pub ttfb: Option<Percentiles>,
    /// To the first token.
    pub ttft: Option<Percentiles>,
    /// To the last token of a streamed answer.
    pub ttlt: Option<Percentiles>,
    /// The longest pause between two events of an answer, or from its last one to its end.
    pub longest_stall: Option<Percentiles>,
    /// Output tokens for a second, from the first to the last.
    pub tokens_per_second: Option<Speeds>,
}

/// How a span of time spreads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Percentiles {
    /// Flows that it was measured of.
    pub flows: u64,
    /// The median in milliseconds.
    pub p50_ms: f64,
    /// What 90 of 100 flows do not exceed, in milliseconds.
    pub p90_ms: f64,
    /// What 95 of 100 flows do not exceed, in milliseconds.
    pub p95_ms: f64,
    /// What 99 of 100 flows do not exceed, in milliseconds.
    pub p99_ms: f64,
}

/// How speeds spread.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Speeds {
    /// Flows that it was measured of.
    pub flows: u64,
    /// The median.
    pub p50: f64,
    /// What 90 of 100 flows reach.
    pub p10: f64,
    /// What 95 of 100 flows reach.
    pub p5: f64,
    /// What 99 of 100 flows reach.
    pub p1: f64,
}

/// Times as `GET /api/analytics/latency` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn latency_json(
    report: &UsageReport,
    group_by: Vec<String>,
    tz: &str,
) -> serde_json::Result<Value> {
    serde_json::to_value(LatencyPage::of(report, group_by, tz.to_owned()))
}

impl LatencyPage {
    /// What a report says of times.
    pub(crate) fn of(report: &UsageReport, group_by: Vec<String>, tz: String) -> Self {
        let item = |group: &langley_store::UsageGroup| LatencyItem {
            label: group.into(),
            spans: (&group.sums).into(),
        };
        Self {
            group_by,
            since: report.since.map(rfc3339),
            until: report.until.map(rfc3339),
            tz,
            complete: !report.filling,
            percentile_error_percent: Spread::ERROR_PERCENT,
            items: report.groups.iter().map(item).collect(),
            totals: (&report.totals).into(),
            next_cursor: None,
        }
    }
}

impl From<&Sums> for Spans {
    fn from(sums: &Sums) -> Self {
        Self {
            flows: sums.tally(Tally::Flows),
            retries: sums.figure(Measure::Retries).known(),
            retries_flows: sums.figure(Measure::Retries).flows,
            connect: Percentiles::of(sums, Measure::Connect),
            tls: Percentiles::of(sums, Measure::Tls),
            duration: Percentiles::of(sums, Measure::Duration),
            ttfb: Percentiles::of(sums, Measure::Ttfb),
            ttft: Percentiles::of(sums, Measure::Ttft),
            ttlt: Percentiles::of(sums, Measure::Ttlt),
            longest_stall: Percentiles::of(sums, Measure::Stall),
            tokens_per_second: Speeds::of(sums),
        }
    }
}

impl Speeds {
    fn of(sums: &Sums) -> Option<Self> {
        let spread = sums.spread(Measure::TokenTime)?;
        // Who takes longest for a token is the slowest.
        let told = |percent| per_second(Duration::from_nanos(spread.percentile(percent)?));
        Some(Self {
            flows: sums.figure(Measure::TokenTime).flows,
            p50: told(50)?,
            p10: told(90)?,
            p5: told(95)?,
            p1: told(99)?,
        })
    }
}

impl Percentiles {
    fn of(sums: &Sums, measure: Measure) -> Option<Self> {
        let spread = sums.spread(measure)?;
        // Microseconds: what is below is noise.
        let told = |percent| Some((spread.percentile(percent)? / 1_000) as f64 / 1_000.0);
        Some(Self {
            flows: sums.figure(measure).flows,
            p50_ms: told(50)?,
            p90_ms: told(90)?,
            p95_ms: told(95)?,
            p99_ms: told(99)?,
        })
    }
}
