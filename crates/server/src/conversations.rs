//! Conversations, as agents' own files tell them: listed, and one by its session.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use langley_engine::{ThreadQuery, conversation_thread};
use langley_model::Micros;
use langley_store::{ConversationFilter, position};

use crate::doors::{Doors, Written};
use crate::error::{ApiError, ErrorBody};
use crate::flows::PAGE_MAX;
use crate::params::Params;
use crate::wire::{ConversationDetail, ConversationPage, DeletedConversation};

const PAGE: usize = 50;
const LINES: usize = 200;
/// Whole lines may be long.
const WHOLE_LINES_MAX: usize = 100;

/// Lists conversations, the one with the newest line first.
#[utoipa::path(
    get, path = "/api/conversations", tag = "flows", operation_id = "list_conversations",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("agent" = Option<String>, Query, description = "Of this agent: claude-code, codex or gemini-cli"),
        ("project" = Option<String>, Query, description = "Begun in this folder, or in one that is called so"),
        ("model" = Option<String>, Query, description = "With a response of exactly this model"),
        ("q" = Option<String>, Query, description = "A part of the first prompt"),
        ("since" = Option<String>, Query, description = "With a line at this time or later: RFC 3339, a date, or an age as 15m, 24h, 7d"),
        ("until" = Option<String>, Query, description = "Begun before this time"),
    ),
    responses(
        (status = 200, body = ConversationPage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn list(State(doors): State<Doors>, params: Params) -> Result<Written, ApiError> {
    let names = ["limit", "cursor", "agent", "project", "model", "q", "since", "until"];
    let params = params.only(&names)?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let cursor = params.owned("cursor")?;
    let (since, until) = params.span()?;
    let filter = ConversationFilter {
        agent: params.owned("agent")?,
        project: params.owned("project")?,
        model: params.owned("model")?,
        q: params.owned("q")?,
        since,
        until,
    };
    let shown = doors.show(move |store| {
        let page = store.conversations(&filter, cursor.as_deref(), limit)?;
        Ok(Some(ConversationPage::from(&page)))
    });
    shown.await?.ok_or_else(|| ApiError::internal("a listing answered nothing"))
}

/// Shows a conversation: its lanes, its branches, and a page of its lines in the order of time, or the newest first.
#[utoipa::path(
    get, path = "/api/conversations/{id}", tag = "flows", operation_id = "conversation",
    params(
        ("id" = String, Path, description = "The session's id"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 200 by default; with `content` at most 100"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("branch" = Option<u32>, Query, description = "Lines of this branch alone, by its number"),
        ("lane" = Option<u32>, Query, description = "Lines of this lane alone, by its number"),
        ("order" = Option<String>, Query, description = "`oldest`, as without it, or `newest`: the line that comes first"),
        ("notes" = Option<bool>, Query, description = "`true`: also what the agent noted for itself"),
        ("content" = Option<bool>, Query, description = "`true`: with each line as the agent wrote it, redacted"),
    ),
    responses(
        (status = 200, body = ConversationDetail),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn one(
    State(doors): State<Doors>,
    Path(session): Path<String>,
    params: Params,
) -> Result<Written, ApiError> {
    let names = ["limit", "cursor", "branch", "lane", "order", "notes", "content"];
    let params = params.only(&names)?;
    let number = |name| params.parsed(name, "a number", |word: &str| word.parse().ok());
    let switch = |name| {
        let read = params.parsed(name, "true or false", |word: &str| word.parse().ok());
        read.map(|on: Option<bool>| on.unwrap_or(false))
    };
    let order = params.parsed("order", "oldest or newest", |word: &str| match word {
        "oldest" => Some(false),
        "newest" => Some(true),
        _ => None,
    })?;
    let with_content = switch("content")?;
    let (usual, most) =
        if with_content { (WHOLE_LINES_MAX, WHOLE_LINES_MAX) } else { (LINES, PAGE_MAX) };
    let after = params.owned("cursor")?.as_deref().map(position::<2>).transpose()?;
    let query = ThreadQuery {
        branch: number("branch")?,
        lane: number("lane")?,
        with_notes: switch("notes")?,
        with_content,
        newest_first: order.unwrap_or(false),
        after: after.map(Into::into),
        limit: params.limit(usual, PAGE_MAX)?.min(most),
    };
    let (id, shapes) = (session.clone(), Arc::clone(doors.thread_shapes()));
    let redactor = Arc::clone(doors.redactor());
    let shown = doors.show(move |store| {
        let mut thread = conversation_thread(store, &shapes, &id, &query)?;
        if let Some(thread) = &mut thread {
            thread.read_notes(&shapes, &redactor);
        }
        Ok(thread.map(|thread| ConversationDetail::from(&thread)))
    });
    shown.await?.ok_or_else(|| ApiError::no_such_conversation(&session))
}

/// Deletes the conversation of a session: its lines, and what they told of responses. It is not brought in again, though
/// its agent's files may still tell of it (`POST /api/import` with `again` does); that it was deleted, and where the
/// files lie, is remembered. Flows of the session stay (`DELETE /api/flows?session=` deletes those).
#[utoipa::path(
    delete, path = "/api/conversations/{id}", tag = "flows", operation_id = "delete_conversation",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = 200, body = DeletedConversation),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
pub(crate) async fn delete(
    State(doors): State<Doors>,
    Path(session): Path<String>,
    params: Params,
) -> Result<Json<DeletedConversation>, ApiError> {
    params.only(&[])?;
    let id = session.clone();
    let deleted = doors.change(move |store| store.delete_conversation(&id, Micros::now())).await?;
    let deleted = deleted.ok_or_else(|| ApiError::no_such_conversation(&session))?;
    Ok(Json(deleted.into()))
}
