//! `langley conversations`: sessions as agents' own files tell them, and the lines of one.

use jiff::Timestamp;
use langley_engine::{ConversationThread, ThreadQuery, conversation_thread};
use langley_model::is_obeyed;
use langley_store::{Conversation, ConversationFilter};

use super::flows::{local_time, parse_since};
use crate::cli::{ConversationsArgs, GlobalArgs};
use crate::dollars::dollars;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::reading;
use crate::table::Table;

/// Characters of a text that a row has room for.
const TEXT: usize = 80;

/// Lists conversations, or the lines of one.
///
/// # Errors
/// No database yet, or it cannot be read; a time that is not understood; no such conversation.
pub(crate) fn conversations(global: &GlobalArgs, args: &ConversationsArgs) -> Result<()> {
    let home = Home::named(global)?;
    match &args.id {
        Some(id) => one(&home, args, id),
        None => list(&home, args),
    }
}

fn list(home: &Home, args: &ConversationsArgs) -> Result<()> {
    let since =
        args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
    let filter = ConversationFilter {
        agent: args.agent.clone(),
        project: args.project.clone(),
        model: args.model.clone(),
        q: args.search.clone(),
        since,
        until: None,
    };
    let page = reading::read(home, "conversations", |store| {
        store.conversations(&filter, None, args.limit as usize)
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

fn one(home: &Home, args: &ConversationsArgs, id: &str) -> Result<()> {
    let query = ThreadQuery {
        branch: args.branch,
        lane: args.lane,
        with_notes: args.notes,
        with_content: args.content,
        after: None,
        limit: args.limit as usize,
    };
    let thread =
        reading::read(home, "conversation", |store| conversation_thread(store, id, &query))?;
    let thread = thread.ok_or_else(|| {
        AppError::failed(format!("no transcript tells of a session {id}"))
            .next("langley conversations lists those that are known; langley import brings in what is new")
    })?;
    if args.json {
        return reading::tell("conversation", langley_server::conversation_json(&thread));
    }
    print!("{}", lines(&thread));
    if thread.next.is_some() {
        println!("… more lines exist: --limit, or --json with `next_cursor` of the API");
    }
    Ok(())
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
    let mut table = Table::new(["AT", "LANE", "BRANCH", "ROLE", "TOOLS", "TEXT"]);
    for shown in &thread.lines {
        let facts = &shown.line.facts;
        table.row([
            facts.at.map_or_else(|| "-".to_owned(), local_time),
            shown.lane.to_string(),
            shown.branch.to_string(),
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
