//! `langley conversations`: sessions as agents' own files tell them, and the lines of one.

use std::collections::HashMap;

use jiff::Timestamp;
use langley_engine::{ConversationThread, ThreadQuery, ThreadShapes, conversation_thread};
use langley_model::{LineFacts, Micros, is_obeyed};
use langley_protocol::transcript::{Item, TranscriptFormat, UsageReader};
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
            let known =
                reading::read(&home, "conversation", |store| session_id::kept(store, id, false))?;
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
    if let Some(next) = &page.next_cursor {
        println!("… older ones exist: --cursor {next}, --limit, --since");
    }
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
    let (thread, called, deleted_at) = reading::read(home, "conversation", |store| {
        let thread = conversation_thread(store, &shapes, id, &query)?;
        let called = match &thread {
            Some(thread) if !args.json => called(store, thread)?,
            _ => HashMap::new(),
        };
        Ok((thread, called, store.conversation_deleted_at(id)?))
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
    print!("{}", lines(&thread, &called));
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

/// What the lines say that have no text and call tools, by their numbers.
fn called(
    store: &Store,
    thread: &ConversationThread,
) -> std::result::Result<HashMap<i64, String>, StoreError> {
    let Some(format) = TranscriptFormat::of_agent(&thread.conversation.agent) else {
        return Ok(HashMap::new());
    };
    let is_call = |facts: &LineFacts| facts.text.is_none() && facts.tools.is_some();
    let calls = thread.lines.iter().filter(|shown| is_call(&shown.line.facts));
    let ids: Vec<i64> = calls.map(|shown| shown.line.id).collect();
    let reader = UsageReader::new(format);
    let kept = store.kept_lines(&ids, true)?.lines.into_iter();
    let words = kept.filter_map(|line| {
        let content = String::from_utf8(line.content?).ok()?;
        let (_, items) = reader.items(&content);
        let inputs = items.iter().filter_map(|item| match item {
            Item::Call { input, .. } => Some(call_words(input)),
            _ => None,
        });
        let words: Vec<String> = inputs.collect();
        (!words.is_empty()).then(|| (line.id, words.join("; ")))
    });
    Ok(words.collect())
}

/// What a call is about: its command, path or question; else its arguments as they stand.
fn call_words(input: &str) -> String {
    const TELLING: [&str; 12] = [
        "command",
        "cmd",
        "file_path",
        "notebook_path",
        "path",
        "pattern",
        "query",
        "url",
        "description",
        "prompt",
        "subject",
        "plan",
    ];
    let read = serde_json::from_str(input);
    let told = match &read {
        Ok(Value::Object(arguments)) => {
            TELLING.iter().find_map(|name| arguments.get(*name)).map(|value| match value {
                Value::String(text) => text.clone(),
                Value::Array(words) if words.iter().all(Value::is_string) => {
                    words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
                }
                other => other.to_string(),
            })
        }
        Ok(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    told.unwrap_or_else(|| input.to_owned())
}

fn lines(thread: &ConversationThread, called: &HashMap<i64, String>) -> String {
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
            match facts.text.as_ref().or_else(|| called.get(&shown.line.id)) {
                Some(text) => row_text(text),
                None => facts.subkind.clone().unwrap_or_else(|| facts.kind.clone()),
            },
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
    fn a_call_is_told_by_what_it_is_about() {
        assert_eq!(call_words(r#"{"description":"look","command":"ls -l"}"#), "ls -l");
        assert_eq!(call_words(r#"{"command":["bash","-lc","ls"],"workdir":"/"}"#), "bash -lc ls");
        assert_eq!(call_words(r#""*** Begin Patch""#), "*** Begin Patch");
        assert_eq!(call_words(r#"{"title":"T"}"#), r#"{"title":"T"}"#);
    }

    #[test]
    fn a_text_in_a_row_is_one_line_that_no_terminal_obeys() {
        assert_eq!(row_text("a\n\n  b\u{1b}[31m\u{202e}c"), "a b[31mc");
        assert_eq!(row_text(&"x".repeat(200)).len(), TEXT);
    }
}
