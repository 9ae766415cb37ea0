//! `langley conversations`: sessions as agents' own files tell them, and the lines of one.

use jiff::Timestamp;
use langley_engine::{ConversationThread, ThreadQuery, ThreadShapes, conversation_thread};
use langley_model::{Micros, is_obeyed};
use langley_store::{Conversation, ConversationFilter, Store, StoreError};
use serde_json::Value;

use super::flows::{local_time, parse_since};
use super::session_id;
use super::transcripts::agent;
use crate::alone::alone;
use crate::api::{Api, segment};
use crate::cli::{ConversationsArgs, GlobalArgs};
use crate::config::{self, Environment};
use crate::detach;
use crate::dollars::dollars;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::reading;
use crate::runtime;
use crate::table::Table;
use crate::token::Token;
use crate::wire::redactor;

/// Characters of a text that a row has room for.
const TEXT: usize = 80;

/// Lists conversations, or the lines of one.
///
/// # Errors
/// No database yet, or it cannot be read; a time that is not understood; no such conversation.
pub(crate) fn conversations(global: &GlobalArgs, args: &ConversationsArgs) -> Result<()> {
    let home = Home::named(global)?;
    match &args.id {
        Some(id) if args.delete => delete(global, args, id),
        Some(id) => {
            let known = reading::read(&home, "conversation", |store| session_id::kept(store, id))?;
            one((global, &home), args, &session_id::whole(id, known)?)
        }
        None => list(&home, args),
    }
}

fn list(home: &Home, args: &ConversationsArgs) -> Result<()> {
    let since =
        args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
    let filter = ConversationFilter {
        agent: args.agent.as_deref().map(agent).transpose()?.map(|it| it.agent().to_owned()),
        project: args.project.clone(),
        model: args.model.clone(),
        q: args.search.clone(),
        since,
        until: None,
    };
    let page = reading::read(home, "conversations", |store| {
        store.conversations(&filter, args.cursor.as_deref(), args.limit as usize)
    })?;
    if args.json {
        return reading::tell("conversations", langley_server::conversations_json(&page));
    }
    if page.items.is_empty() {
        println!("no conversations; `langley import` brings in what agents wrote");
    } else {
        print!("{}", table(&page.items));
    }
    reading::tell_missing(page.next_cursor.is_some(), false);
    Ok(())
}

/// Through the running server, which alone may write; without one, here.
fn delete(global: &GlobalArgs, args: &ConversationsArgs, id: &str) -> Result<()> {
    let home = Home::meant(global)?;
    let failed = || AppError::failed(format!("the conversation {id} was not deleted"));
    if !home.database().exists() {
        return Err(failed().said_by(&StoreError::Missing { path: home.database() }));
    }
    // Where this cannot be read, the deletion tells what is the matter.
    let known = Store::open_read_only(home.database())
        .and_then(|store| Ok((store.conversation(id)?, store.conversation_deleted_at(id)?)));
    if let Ok((None, Some(at))) = known {
        return Err(deleted(id, at));
    }
    let runtime = runtime::small()?;
    let deleted = match runtime.block_on(detach::healthy(&home)) {
        Some(server) => {
            let api = Api::new(server.api, Token::read(&home)?);
            let path = format!("/api/conversations/{}", segment(id));
            let deleted = runtime.block_on(api.await_delete(&path));
            deleted
                .map_err(|error| error.told(&format!("the conversation {id} was not deleted")))?
        }
        None => {
            let delete = |store: &Store| store.delete_conversation(id, Micros::now());
            let deleted = alone(global, &home, failed, delete)?.ok_or_else(|| unknown(id))?;
            langley_server::deleted_conversation_json(deleted)
                .map_err(|error| AppError::failed("what was done cannot be told").because(&error))?
        }
    };
    if args.json {
        println!("{deleted:#}");
    } else {
        println!("{}", what_is_left(id, &deleted));
    }
    Ok(())
}

/// What was deleted, and what remains.
fn what_is_left(id: &str, deleted: &Value) -> String {
    let count = |name: &str| deleted[name].as_u64().unwrap_or(0);
    let mut text = format!(
        "{} lines and {} responses are gone; flows of the session stay (`DELETE /api/flows?session={id}`)",
        count("lines"),
        count("responses"),
    );
    for file in deleted["files"].as_array().into_iter().flatten() {
        text.push_str(&format!("\nits agent's file stays: {}", file.as_str().unwrap_or("?")));
    }
    text.push_str(
        "\nwhat files tell of it is not brought in again, except by `langley import --again`",
    );
    if count("damaged") > 0 {
        text.push_str(&format!(
            "\n{} damaged blocks have lines of others too: what can be read of them is still there",
            count("damaged")
        ));
    }
    text
}

fn unknown(id: &str) -> AppError {
    AppError::failed(format!("no transcript tells of a session {id}")).next(
        "langley conversations lists those that are known; langley import brings in what is new",
    )
}

/// What is said of a conversation that somebody deleted.
pub(super) fn deleted(id: &str, at: Micros) -> AppError {
    AppError::failed(format!("the conversation {id} was deleted, {}", local_time(at)))
        .next("langley import --again brings it in again, where its files are still there")
}

/// Refuses the number of a lane or branch that a conversation does not have.
fn there(
    id: &str,
    (what, asked): (&str, Option<u32>),
    known: impl Iterator<Item = u32>,
) -> Result<()> {
    let known: Vec<u32> = known.collect();
    let Some(asked) = asked.filter(|asked| !known.contains(asked)) else { return Ok(()) };
    let last = known.into_iter().max().unwrap_or(0);
    Err(AppError::failed(format!("the conversation {id} has no {what} {asked}"))
        .why(format!("the last is {what} {last}"))
        .next(format!("langley conversations {id} tells the {what} of each line")))
}

fn one((global, home): (&GlobalArgs, &Home), args: &ConversationsArgs, id: &str) -> Result<()> {
    let query = ThreadQuery {
        branch: args.branch,
        lane: args.lane,
        with_notes: args.notes,
        with_content: args.content,
        newest_first: args.newest,
        after: args.cursor.as_deref().map(after).transpose()?,
        limit: args.limit as usize,
    };
    let shapes = ThreadShapes::default();
    let (thread, deleted_at) = reading::read(home, "conversation", |store| {
        Ok((conversation_thread(store, &shapes, id, &query)?, store.conversation_deleted_at(id)?))
    })?;
    let mut thread = thread.ok_or_else(|| match deleted_at {
        Some(at) => deleted(id, at),
        None => unknown(id),
    })?;
    let lanes = thread.lanes.iter().map(|lane| lane.number);
    let branches = thread.branches.iter().map(|branch| branch.number);
    there(id, ("lane", args.lane), lanes)?;
    there(id, ("branch", args.branch), branches)?;
    if args.json {
        let config = config::load_leniently(global, &Environment::of_process())?.told().config;
        thread.read_notes(&shapes, &redactor(&config)?);
        return reading::tell("conversation", langley_server::conversation_json(&thread));
    }
    print!("{}", lines(&thread));
    if let Some(next) = thread.next {
        println!("… more lines exist: --cursor {}", langley_store::cursor(next.into()));
    }
    Ok(())
}

fn after(cursor: &str) -> Result<(i64, i64)> {
    langley_store::position::<2>(cursor).map(Into::into).map_err(|_| {
        AppError::wrong_use(format!("`{cursor}` is no place in a conversation"))
            .next("--cursor takes what the last line of the page before says")
    })
}

fn table(conversations: &[Conversation]) -> String {
    let mut table = Table::new([
        "LAST",
        "SESSION",
        "AGENT",
        "PROJECT",
        "MESSAGES",
        "COST",
        "MODEL",
        "FIRST PROMPT",
    ]);
    let unknown = || "-".to_owned();
    for it in conversations {
        table.row([
            local_time(it.last_at),
            it.session.clone(),
            it.agent.clone(),
            it.project.clone().unwrap_or_else(unknown),
            (it.prompts + it.responses).to_string(),
            it.cost.map_or_else(unknown, |cost| dollars(cost.0)),
            it.model.clone().unwrap_or_else(unknown),
            it.prompt.as_deref().map_or_else(unknown, row_text),
        ]);
    }
    table.to_string()
}

fn lines(thread: &ConversationThread) -> String {
    let number = |it: Option<u32>| it.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let mut table = Table::new(["AT", "LANE", "BRANCH", "ROLE", "TOOLS", "TEXT"]);
    for shown in &thread.lines {
        let facts = &shown.line.facts;
        table.row([
            facts.at.map_or_else(|| "-".to_owned(), local_time),
            number(shown.lane),
            number(shown.branch),
            facts.role.as_str().to_owned(),
            facts.tools.clone().unwrap_or_default(),
            facts.text.as_deref().map_or_else(|| facts.kind.clone(), row_text),
        ]);
    }
    table.to_string()
}

/// A text on one line, without what a terminal would obey.
fn row_text(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().filter(|c| !is_obeyed(*c)).take(TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_a_row_is_one_line_that_no_terminal_obeys() {
        assert_eq!(row_text("a\n\n  b\u{1b}[31m\u{202e}c"), "a b[31mc");
        assert_eq!(row_text(&"x".repeat(200)).len(), TEXT);
    }
}
