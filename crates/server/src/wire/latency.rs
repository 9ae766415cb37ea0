//! How long flows took, as JSON.

use langley_store::{Measure, Spread, Sums, Tally, UsageReport};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::rfc3339;
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
    /// From head to end.
    pub duration: Option<Percentiles>,
    /// To the answer's first byte.
    pub ttfb: Option<Percentiles>,
    /// To the first token.
    pub ttft: Option<Percentiles>,
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
            duration: Percentiles::of(sums, Measure::Duration),
            ttfb: Percentiles::of(sums, Measure::Ttfb),
            ttft: Percentiles::of(sums, Measure::Ttft),
        }
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
