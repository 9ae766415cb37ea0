//! Usage over any span of time, told from the rollups: tokens, costs, outcomes and times.

use axum::extract::State;
use langley_model::Provider;
use langley_store::{GroupBy, UsageQuery, UsageReport};
use serde::Serialize;

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::params::{Params, each_once};
use crate::wire::{LatencyPage, UsagePage, rfc3339};

/// Most groups of one answer.
const GROUPS_MAX: usize = 10_000;

/// Minutes of an hour.
const HOUR: i32 = 60;

/// Tells what the flows add up to, in groups.
///
/// Deleting flows, by age or on demand, does not change it.
#[utoipa::path(
    get, path = "/api/usage", tag = "flows", operation_id = "usage",
    params(
        ("group_by" = Option<String>, Query, description = "Any of hour, day, host, provider, model, agent, with commas between; nothing makes one group of all"),
        crate::openapi::SumsQuery,
    ),
    responses(
        (status = 200, body = UsagePage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn usage(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    tell(&doors, params, &[], |report, group_by, tz| UsagePage {
        group_by,
        since: report.since.map(rfc3339),
        until: report.until.map(rfc3339),
        tz,
        complete: !report.filling,
        items: report.groups.iter().map(Into::into).collect(),
        totals: (&report.totals).into(),
        next_cursor: None,
    })
    .await
}

/// Tells how long flows took, in groups: percentiles of the times of connecting, of the TLS handshake, to the first
/// byte, to the first token, to the last and to the end, of the longest pause and of the tokens for a second.
///
/// Deleting flows, by age or on demand, does not change it.
#[utoipa::path(
    get, path = "/api/analytics/latency", tag = "flows", operation_id = "latency",
    params(
        ("group_by" = Option<String>, Query, description = "Any of hour, day, host, provider, model, agent, with commas between; model by default"),
        crate::openapi::SumsQuery,
    ),
    responses(
        (status = 200, body = LatencyPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn latency(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Written, ApiError> {
    tell(&doors, params, &[GroupBy::Model], LatencyPage::of).await
}

/// Tells what `page` makes of the groups that are asked for, those of `by` where none are named.
async fn tell<P: Serialize>(
    doors: &Doors,
    params: Params,
    by: &[GroupBy],
    page: impl FnOnce(&UsageReport, Vec<String>, String) -> P + Send + 'static,
) -> Result<Written, ApiError> {
    let (mut query, zone) = query(params)?;
    if query.by.is_empty() {
        query.by = by.to_vec();
    }
    let asked: Vec<String> = query.by.iter().map(|by| by.as_str().to_owned()).collect();
    let words = asked.join(",");
    let shown = doors.show(move |store| {
        let report = store.usage(&query)?;
        Ok((!report.too_many).then(|| page(&report, asked, zone)))
    });
    let accepted = format!(
        "what makes at most {GROUPS_MAX} groups: name fewer, or narrow the time with since and until"
    );
    shown.await?.ok_or_else(|| ApiError::bad_parameter("group_by", &words, accepted))
}

/// What is asked, and the zone in words.
pub(crate) fn query(params: Params) -> Result<(UsageQuery, String), ApiError> {
    let params =
        params.only(&["group_by", "since", "until", "tz", "host", "provider", "model", "agent"])?;
    let words = GroupBy::ALL.map(GroupBy::as_str).join(", ");
    let by = params.parsed("group_by", format!("any of {words}, each once"), groups)?;
    let (query, zone) = narrowed(&params)?;
    Ok((UsageQuery { groups_max: Some(GROUPS_MAX), by: by.unwrap_or_default(), ..query }, zone))
}

/// What narrows the flows that are added up, and the zone in words.
pub(crate) fn narrowed(params: &Params) -> Result<(UsageQuery, String), ApiError> {
    let (offset_minutes, zone) = zone(params)?;
    let providers = Provider::ALL.map(Provider::as_str).join(", ");
    let (since, until) = params.span()?;
    let query = UsageQuery {
        since,
        until,
        offset_minutes,
        host: params.owned("host")?,
        provider: params.parsed("provider", providers, Provider::parse)?,
        model: params.owned("model")?,
        agent: params.owned("agent")?,
        ..UsageQuery::default()
    };
    Ok((query, zone))
}

/// The zone of the days: its minutes ahead of UTC, and the same in words.
fn zone(params: &Params) -> Result<(i32, String), ApiError> {
    let accepted = "a distance from UTC as +02:00 or -03:30";
    let offset_minutes = params.parsed("tz", accepted, offset)?.unwrap_or(0);
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset_minutes.abs() / HOUR, offset_minutes.abs() % HOUR);
    Ok((offset_minutes, format!("{sign}{hours:02}:{minutes:02}")))
}

/// Groups with commas between.
fn groups(text: &str) -> Option<Vec<GroupBy>> {
    each_once(text, GroupBy::parse)
}

/// Minutes ahead of UTC: `+02:00`, `-0330`, `Z`. A plus sign that was not encoded comes as a blank.
fn offset(text: &str) -> Option<i32> {
    if matches!(text, "Z" | "z" | "UTC") {
        return Some(0);
    }
    let ahead = text.strip_prefix(['+', ' ']);
    let digits = ahead.or_else(|| text.strip_prefix('-'))?.replace(':', "");
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at(2);
    let minutes: i32 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
    let distance = hours.parse::<i32>().ok()? * HOUR + minutes;
    let is_one = minutes < HOUR && distance <= 14 * HOUR;
    is_one.then_some(if ahead.is_some() { distance } else { -distance })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_its_distance_from_utc() {
        for (text, minutes) in
            [("Z", 0), ("+02:00", 120), (" 0530", 330), ("-03:30", -210), ("+14", 840)]
        {
            assert_eq!(offset(text), Some(minutes), "{text}");
        }
        for text in ["", "2", "02:00", "+2", "+02:60", "+14:01", "Europe/Berlin", "+-1", "-é0"] {
            assert_eq!(offset(text), None, "{text}");
        }
    }

    #[test]
    fn groups_are_named_each_once() {
        assert_eq!(groups("day, model"), Some(vec![GroupBy::Day, GroupBy::Model]));
        for text in ["day,day", "week", "day,", ","] {
            assert_eq!(groups(text), None, "{text}");
        }
    }
}
