//! Costs over any span of time: by group, in blocks of five hours; and pricing what is stored anew.

use std::sync::Arc;
use std::thread::available_parallelism;

use axum::Json;
use axum::extract::State;
use langley_engine::{
    TRANSCRIPT_BY_MAX, TranscriptBy, TranscriptQuery, blocks as blocks_of, transcript_blocks,
    transcript_costs,
};
use langley_model::{Micros, Provider};
use langley_store::{CostBy, CostQuery, GroupBy, RepriceQuery, UsageQuery};

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::params::{HasBody, Params, each_once};
use crate::usage::narrowed;
use crate::wire::{BlockPage, CostPage, RepriceDone, RepricePage};

/// Groups that are listed unless more are asked for, and most.
const GROUPS: usize = 1_000;
const GROUPS_MAX: usize = 10_000;

/// Runs of pricing anew that are told.
const RUNS: usize = 100;

/// The grouping that is of no group, but of each cost.
const CLASS: &str = "class";

/// Tells what the flows cost, in groups.
///
/// By time, host, provider, model and agent it is told from sums by the hour, which deleting flows does not
/// change; by session, task and subagent, and of one session, of the flows that are kept, where the span of
/// time is exact. A list by session, task or subagent alone leaves out what has none. By tool it tells what tools
/// have of the flows, by sums as well: see docs/pricing.md.
#[utoipa::path(
    get, path = "/api/analytics/cost", tag = "flows", operation_id = "cost",
    params(
        ("group_by" = Option<String>, Query, description = "Any of hour, day, host, provider, model, agent, session, task, subagent, project, tool, with commas between; or class, where what providers told as a whole is `undivided`; nothing makes one group of all"),
        ("by" = Option<String>, Query, description = "Another name of `group_by`"),
        crate::openapi::SumsQuery,
        ("from" = Option<String>, Query, description = "What it is told from: record, the flows that passed through Langley (the default); or transcripts, the files that agents keep of their sessions, as they are now: each response once, also of sessions that never passed here, with neither host, task nor tool"),
        ("session" = Option<String>, Query, description = "This session"),
        ("project" = Option<String>, Query, description = "Exactly this project; from transcripts a folder, with those below it, or the last name of one"),
        ("limit" = Option<u32>, Query, description = "Groups that are listed, 1 to 10,000; 1,000 by default"),
    ),
    responses(
        (status = 200, body = CostPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn cost(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    let params = params.only(&[
        "group_by", "by", "since", "until", "tz", "host", "provider", "model", "agent", "session",
        "project", "limit", "from",
    ])?;
    if is_of_transcripts(&params)? {
        return told(&doors, &params).await;
    }
    let words = GroupBy::ALL.map(GroupBy::as_str).join(", ");
    let accepted = format!(
        "any of {words}, session, task, subagent, project, tool, each once; or class alone"
    );
    let by = by(&params, accepted, groups)?;
    let (usage, tz) = narrowed(&params)?;
    let query = CostQuery {
        by: by.clone().unwrap_or_default(),
        usage,
        session: params.owned("session")?,
        project: params.owned("project")?,
        groups_max: params.limit(GROUPS, GROUPS_MAX)?,
    };
    let shown = doors.show(move |store| {
        let report = store.costs(&query)?;
        Ok(Some(CostPage::of(&query, &report, by.is_none(), &tz)))
    });
    shown.await?.ok_or_else(|| ApiError::internal("costs answered nothing"))
}

/// Tells the use in blocks of five hours, as plans of Claude count it: those of which a part lies within the
/// asked span, each of them whole.
#[utoipa::path(
    get, path = "/api/analytics/blocks", tag = "flows", operation_id = "blocks",
    params(
        ("since" = Option<String>, Query, description = "Began in the hour of this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d; 7d by default"),
        ("until" = Option<String>, Query, description = "Began before this time, or in the same hour"),
        ("provider" = Option<String>, Query, description = "Who served it; anthropic by default"),
        ("model" = Option<String>, Query, description = "Exactly this model"),
        ("agent" = Option<String>, Query, description = "Exactly this kind of agent"),
        ("from" = Option<String>, Query, description = "What it is told from: record, the flows that passed through Langley (the default); or transcripts, the files that agents keep of their sessions, as they are now"),
    ),
    responses(
        (status = 200, body = BlockPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn blocks(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Written, ApiError> {
    /// A week.
    const SPAN_US: i64 = 7 * 24 * 3_600_000_000;
    let params = params.only(&["since", "until", "provider", "model", "agent", "from"])?;
    let (mut query, _) = narrowed(&params)?;
    let now = Micros::now();
    query.since = query.since.or(Some(Micros(now.0.saturating_sub(SPAN_US))));
    query.provider = query.provider.or(Some(Provider::Anthropic));
    if is_of_transcripts(&params)? {
        let query = of_told(query);
        let shown = doors
            .show_told(move |scanned| BlockPage::from(&transcript_blocks(scanned, &query, now)));
        return shown.await?.ok_or_else(no_transcripts);
    }
    let shown = doors.show(move |store| Ok(Some(BlockPage::from(&blocks_of(store, &query, now)?))));
    shown.await?.ok_or_else(|| ApiError::internal("blocks answered nothing"))
}

/// Prices stored flows anew, and the responses that transcripts tell of, by the prices that are in force. Answers
/// when it is through.
///
/// Hours whose flows are gone keep their sums. What a provider itself said of a cost stays. It reads no body, and refuses
/// one.
#[utoipa::path(
    post, path = "/api/cost/reprice", tag = "system", operation_id = "reprice",
    params(
        ("since" = Option<String>, Query, description = "What began at this time or later"),
        ("until" = Option<String>, Query, description = "What began before this time"),
        ("model" = Option<String>, Query, description = "What is of exactly this model"),
        ("dry_run" = Option<String>, Query, description = "`true`: change nothing, tell what would come of it"),
    ),
    responses(
        (status = 200, body = RepriceDone),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
pub(crate) async fn reprice(
    State(doors): State<Doors>,
    params: Params,
    HasBody(has_body): HasBody,
) -> Result<Json<RepriceDone>, ApiError> {
    let accepted = ["since", "until", "model", "dry_run"];
    let params = params.only(&accepted)?;
    // Whoever says `dry_run` there would change what is stored.
    if has_body {
        return Err(ApiError::unexpected_body(&accepted));
    }
    let (since, until) = params.span()?;
    let query = doors.redactor().seal(RepriceQuery { since, until, model: params.owned("model")? });
    let dry_run = params.parsed("dry_run", "true or false", |word| word.parse().ok())?;
    let dry_run = dry_run.unwrap_or(false);
    let book = Arc::clone(doors.prices());
    let version = book.version();
    let done =
        doors.upkeep(move |store| langley_engine::reprice(store, &query, &book, dry_run)).await;
    // One that broke off has changed what it came to.
    let is_changed = done.as_ref().map_or(true, |done| done.flows.changed + done.told.changed > 0);
    if is_changed && !dry_run {
        doors.load_anew();
    }
    let done = done?;
    Ok(Json(RepriceDone::of(&version, &done, dry_run)))
}

/// Lists the runs in which stored flows were priced anew.
#[utoipa::path(
    get, path = "/api/cost/reprices", tag = "system", operation_id = "reprices",
    responses(
        (status = 200, body = RepricePage),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn reprices(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Written, ApiError> {
    params.only(&[])?;
    let shown = doors.show(|store| Ok(Some(RepricePage::from(&*store.reprices(RUNS)?))));
    shown.await?.ok_or_else(|| ApiError::internal("a listing answered nothing"))
}

/// What agents' own files tell.
async fn told(doors: &Doors, params: &Params) -> Result<Written, ApiError> {
    let words = TranscriptBy::ALL.map(TranscriptBy::as_str).join(", ");
    let accepted = format!(
        "up to {TRANSCRIPT_BY_MAX} of {words}, each once; or class alone: transcripts tell no more"
    );
    let by = by(params, accepted, told_groups)?;
    if let Some(host) = params.owned("host")? {
        let accepted = "nothing with from=transcripts: agents do not write down the host";
        return Err(ApiError::bad_parameter("host", &host, accepted));
    }
    let (usage, tz) = narrowed(params)?;
    let by_class = by.is_none();
    let query = TranscriptQuery {
        by: by.unwrap_or_default(),
        session: params.owned("session")?,
        project: params.owned("project")?,
        groups_max: params.limit(GROUPS, GROUPS_MAX)?,
        ..of_told(usage)
    };
    let book = Arc::clone(doors.prices());
    let shown = doors.show_told(move |scanned| {
        let threads = available_parallelism().map_or(1, usize::from);
        let report = transcript_costs(scanned, &query, Some(&book), threads);
        CostPage::of_transcripts((&query.by, &report), by_class, &tz, scanned)
    });
    shown.await?.ok_or_else(no_transcripts)
}

/// The same narrowing of what transcripts tell.
fn of_told(usage: UsageQuery) -> TranscriptQuery {
    TranscriptQuery {
        since: usage.since,
        until: usage.until,
        offset_minutes: usage.offset_minutes,
        provider: usage.provider,
        model: usage.model,
        agent: usage.agent,
        ..TranscriptQuery::default()
    }
}

/// Whether it is asked what transcripts tell.
fn is_of_transcripts(params: &Params) -> Result<bool, ApiError> {
    let known = |word: &str| match word {
        "record" => Some(false),
        "transcripts" => Some(true),
        _ => None,
    };
    Ok(params.parsed("from", "record or transcripts", known)?.unwrap_or(false))
}

fn no_transcripts() -> ApiError {
    let accepted = "record: agents' files are not read here, because made-up sessions are shown, or `transcripts.enabled` is false";
    ApiError::bad_parameter("from", "transcripts", accepted)
}

/// By what is told, by either name of the parameter; none for the classes.
fn by<By>(
    params: &Params,
    accepted: String,
    groups: impl Fn(&str) -> Option<Option<Vec<By>>>,
) -> Result<Option<Vec<By>>, ApiError> {
    let by = match params.parsed("group_by", accepted.clone(), &groups)? {
        None => params.parsed("by", accepted, groups)?,
        by => by,
    };
    Ok(by.unwrap_or(Some(Vec::new())))
}

/// Groups of what transcripts tell; none for the classes.
fn told_groups(text: &str) -> Option<Option<Vec<TranscriptBy>>> {
    if text == CLASS {
        return Some(None);
    }
    each_once(text, TranscriptBy::parse).filter(|by| by.len() <= TRANSCRIPT_BY_MAX).map(Some)
}

/// Groups with commas between; none for the classes.
fn groups(text: &str) -> Option<Option<Vec<CostBy>>> {
    if text == CLASS { Some(None) } else { each_once(text, CostBy::parse).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_each_once_and_classes_alone() {
        assert_eq!(groups("class"), Some(None));
        let both = vec![CostBy::Usage(GroupBy::Day), CostBy::Session];
        assert_eq!(groups("day, session"), Some(Some(both)));
        for text in ["class,day", "day,day", "week", "", ","] {
            assert_eq!(groups(text), None, "{text}");
        }
    }
}
