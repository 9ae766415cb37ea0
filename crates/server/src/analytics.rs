//! Analytics: tokens and what came of them, the cache, what a context is made of, and turns.

use std::sync::Arc;

use axum::extract::State;
use langley_engine::{self as engine, Composed, WorkBy, WorkQuery};
use langley_model::{FindingKind, FlowId, Micros};
use langley_store::{Store, StoreError, UsageQuery};

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::usage;
use crate::wire::{
    CacheBreaks, CachePage, Context, Efficiency, EfficiencyGroupPage, SessionEfficiency, TokenPage,
    TurnGroupPage, TurnPage, Turns,
};

/// Groups of sessions that are told unless more are asked for, and most.
const GROUPS: usize = 100;
const GROUPS_MAX: usize = 1_000;

/// So far back it is looked where no beginning is named: a week.
const SPAN_US: i64 = 7 * 24 * 3_600_000_000;

/// Tells tokens by group, in one sense for all providers, with the share that the cache had and the output
/// for each token of input.
#[utoipa::path(
    get, path = "/api/analytics/tokens", tag = "flows", operation_id = "analytics_tokens",
    params(
        ("group_by" = Option<String>, Query, description = "Any of hour, day, host, provider, model, agent, with commas between; nothing makes one group of all"),
        crate::openapi::SumsQuery,
    ),
    responses(
        (status = 200, body = TokenPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn tokens(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Written, ApiError> {
    let asked = Asked::of(params)?;
    let shown = doors.show(move |store| Ok(Some(asked.page(store)?)));
    shown.await?.ok_or_else(|| ApiError::internal("sums answered nothing"))
}

/// Tells what the cache had of the input, by group, and what its breaks cost, by cause.
#[utoipa::path(
    get, path = "/api/analytics/cache", tag = "flows", operation_id = "analytics_cache",
    params(
        ("group_by" = Option<String>, Query, description = "As at /api/analytics/tokens"),
        ("since" = Option<String>, Query, description = "As at /api/analytics/tokens; breaks by requests that began at this time or later"),
        ("until" = Option<String>, Query, description = "As at /api/analytics/tokens; breaks by requests that began before this time"),
        ("tz" = Option<String>, Query, description = "Zone of the days, as +02:00 or -03:30; UTC by default"),
        ("host" = Option<String>, Query, description = "Exactly this host; breaks are told of all"),
        ("provider" = Option<String>, Query, description = "Who served it; breaks are told of all"),
        ("model" = Option<String>, Query, description = "Exactly this model; breaks are told of all"),
        ("agent" = Option<String>, Query, description = "Exactly this kind of agent; breaks are told of all"),
    ),
    responses(
        (status = 200, body = CachePage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn cache(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    let asked = Asked::of(params)?;
    let shown = doors.show(move |store| {
        let page = asked.page(store)?;
        let span = (asked.query.since, asked.query.until);
        let mut breaks = CacheBreaks::default();
        store.finding_shares(FindingKind::CacheBreak, span, |share| breaks.add(&share))?;
        Ok(Some(CachePage::of(page, breaks)))
    });
    shown.await?.ok_or_else(|| ApiError::internal("sums answered nothing"))
}

/// Tells what a session used, and how its context grew. Without a session: what sessions used over a span of time,
/// the share that the cache had, the output for each token of input, and how prompts grew from turn to turn.
#[utoipa::path(
    get, path = "/api/analytics/efficiency", tag = "flows", operation_id = "analytics_efficiency",
    params(
        ("session" = Option<String>, Query, description = "The session, alone; or else the others"),
        crate::openapi::WorkParams,
    ),
    responses(
        (status = 200, body = Efficiency),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn efficiency(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Written, ApiError> {
    let whose = Sessions::of(params)?;
    let asked = whose.clone();
    let shown = doors.show(move |store| match &asked {
        Sessions::One(session) => {
            let found = engine::token_use_of_session(store, session)?;
            let of = |found| Efficiency::OfSession(SessionEfficiency::of(session, &found));
            Ok(found.map(of))
        }
        Sessions::All(query) => {
            let page = EfficiencyGroupPage::of(query, &engine::work(store, query)?);
            Ok(Some(Efficiency::OverTime(page)))
        }
    });
    shown.await?.ok_or_else(|| whose.unknown())
}

/// Tells the turns of a session: from what a person asked to the answer that calls no tool any more. Without a
/// session: what the turns of sessions add up to over a span of time.
#[utoipa::path(
    get, path = "/api/analytics/turns", tag = "flows", operation_id = "analytics_turns",
    params(
        ("session" = Option<String>, Query, description = "The session, alone; or else the others"),
        crate::openapi::WorkParams,
    ),
    responses(
        (status = 200, body = Turns),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn turns(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    let whose = Sessions::of(params)?;
    let asked = whose.clone();
    let shown = doors.show(move |store| match &asked {
        Sessions::One(session) => {
            let found = engine::session_turns(store, session)?;
            Ok(found.map(|found| Turns::OfSession(TurnPage::of(session, &found))))
        }
        Sessions::All(query) => {
            let page = TurnGroupPage::of(query, &engine::work(store, query)?);
            Ok(Some(Turns::OverTime(page)))
        }
    });
    shown.await?.ok_or_else(|| whose.unknown())
}

/// Tells what a request is made of: that of a flow, or the longest of a session's newest fifty.
#[utoipa::path(
    get, path = "/api/analytics/context", tag = "flows", operation_id = "analytics_context",
    params(
        ("flow" = Option<String>, Query, description = "The flow; or else session"),
        ("session" = Option<String>, Query, description = "The session; or else flow"),
    ),
    responses(
        (status = 200, body = Context),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn context(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Written, ApiError> {
    let params = params.only(&["flow", "session"])?;
    let flow: Option<FlowId> =
        params.parsed("flow", "the id of a flow", |value| value.parse().ok())?;
    let session = params.owned("session")?;
    let what = match (flow, session) {
        (Some(flow), None) => Whose::Flow(flow),
        (None, Some(session)) => Whose::Session(session),
        (Some(_), Some(session)) => {
            return Err(ApiError::bad_parameter("session", &session, "flow or session, not both"));
        }
        (None, None) => {
            return Err(ApiError::missing_parameter("flow", "Name a flow, or a session."));
        }
    };
    let asked = what.clone();
    let book = Arc::clone(doors.prices());
    let composed = doors.read(move |store| match &asked {
        Whose::Flow(id) => engine::composition(store, &book, *id),
        Whose::Session(session) => engine::composition_of_session(store, &book, session),
    });
    match (composed.await?, what) {
        (Composed::Is(found), _) => {
            let shown = doors.show(move |_| Ok(Some(Context::from(&*found))));
            shown.await?.ok_or_else(|| ApiError::internal("a context answered nothing"))
        }
        (Composed::Unknown, Whose::Flow(id)) => Err(ApiError::no_such_flow(id)),
        (Composed::Unknown, Whose::Session(session)) => Err(ApiError::no_such_session(&session)),
        (Composed::NoRequest, Whose::Flow(id)) => Err(ApiError::no_request(id)),
        (Composed::NoRequest, Whose::Session(session)) => {
            Err(ApiError::no_request(format_args!("of session {session}")))
        }
    }
}

/// Whose context is asked for.
#[derive(Clone)]
enum Whose {
    Flow(FlowId),
    Session(String),
}

/// What is asked of the sums.
struct Asked {
    query: UsageQuery,
    zone: String,
}

impl Asked {
    fn of(params: Params) -> Result<Self, ApiError> {
        let (query, zone) = usage::query(params)?;
        // More groups than that are no use to anybody; they are refused where costs are asked for.
        Ok(Self { query: UsageQuery { groups_max: None, ..query }, zone })
    }

    fn page(&self, store: &Store) -> Result<TokenPage, StoreError> {
        let (report, groups) = engine::token_use(store, &self.query)?;
        let by = self.query.by.iter().map(|by| by.as_str().to_owned()).collect();
        Ok(TokenPage::of(&report, &groups, by, self.zone.clone()))
    }
}

/// Whose work is asked for.
#[derive(Clone)]
enum Sessions {
    One(String),
    All(WorkQuery),
}

impl Sessions {
    fn of(params: Params) -> Result<Self, ApiError> {
        let params = params.only(&["session", "group_by", "since", "until", "limit"])?;
        let words = WorkBy::ALL.map(WorkBy::as_str).join(" or ");
        if let Some(session) = params.owned("session")? {
            let beside = ["group_by", "since", "until", "limit"];
            let beside = beside.iter().find_map(|name| Some((name, params.text(name)?)));
            return match beside {
                None => Ok(Self::One(session)),
                Some((name, value)) => {
                    Err(ApiError::bad_parameter(name, value, "nothing beside a session"))
                }
            };
        }
        let earliest = Micros(Micros::now().0.saturating_sub(SPAN_US));
        let (since, until) = params.span()?;
        Ok(Self::All(WorkQuery {
            by: params.parsed("group_by", words, WorkBy::parse)?.unwrap_or(WorkBy::Session),
            since: Some(since.unwrap_or(earliest)),
            until,
            groups_max: params.limit(GROUPS, GROUPS_MAX)?,
        }))
    }

    /// What is answered where there is nothing.
    fn unknown(&self) -> ApiError {
        match self {
            Self::One(session) => ApiError::no_such_session(session),
            Self::All(_) => ApiError::internal("a span of time answered nothing"),
        }
    }
}
