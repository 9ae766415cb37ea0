//! What a store of months does not have yet: a session of 2,000 turns, and a message of 5 MB.

use anyhow::{Result, ensure};
use langley_testkit::{Client, Connection};
use serde_json::{Value, json};

use super::asked;
use crate::langley::Langley;

/// Nothing grows too old while it is looked at, and a message of 5 MB is kept whole.
pub(super) const SETTINGS: [(&str, &str); 4] = [
    ("LANGLEY_RETENTION__FLOWS_TTL_DAYS", "0"),
    ("LANGLEY_RETENTION__EVENTS_TTL_DAYS", "0"),
    ("LANGLEY_RETENTION__BODIES_TTL_DAYS", "0"),
    ("LANGLEY_PERSISTENCE__BODY_MAX_BYTES", "16777216"),
];

/// The session of many turns.
pub(super) const LONG: &str = "0190f0c4-7e2a-7000-8000-10c600000001";
const TURNS: u64 = 2_000;
/// Messages that are sent with each: an agent sums up what is older.
const SENT: usize = 40;
/// The session of the message.
pub(super) const LARGE: &str = "0190f0c4-7e2a-7000-8000-1a49e0000001";
const LARGE_BYTES: usize = 5_000_000;
/// A word that one turn in the middle of the long session has, and nothing else.
pub(super) const NEEDLE: &str = "quillwortneedle";

/// Adds both, where they are missing.
pub(super) async fn fill(langley: &Langley) -> Result<()> {
    let mut connection = Client::direct(&format!("http://{}", langley.proxy)).connect().await?;
    let turns = turns_of(langley, LONG).await?;
    if turns < TURNS {
        ensure!(
            turns == 0,
            "session {LONG} has {turns} turns already: use another copy of the home"
        );
        long(&mut connection).await?;
    }
    if turns_of(langley, LARGE).await? == 0 {
        large(&mut connection).await?;
    }
    Ok(())
}

async fn turns_of(langley: &Langley, session: &str) -> Result<u64> {
    let path = format!("/api/flows/count?session={session}&outcome=completed");
    Ok(langley.get(&path).await?["count"].as_u64().unwrap_or(0))
}

async fn long(connection: &mut Connection) -> Result<()> {
    let mut messages: Vec<Value> = Vec::new();
    for turn in 0..TURNS {
        let word = if turn == TURNS / 2 { NEEDLE } else { "parser" };
        let prompt = format!("Step {turn}: look at the {word} and say what is wrong with it.");
        messages.push(json!({"role": "user", "content": prompt}));
        let first = messages.len().saturating_sub(SENT);
        ask(connection, LONG, &messages[first..], "say=text").await?;
        messages.push(json!({"role": "assistant", "content": format!("Step {turn} is done.")}));
    }
    Ok(())
}

async fn large(connection: &mut Connection) -> Result<()> {
    // As long as files are: lines of a hundred characters.
    let line = "let header = line.split_once(':').map(|(name, value)| (name.trim(), value.trim())); // parses\n";
    let text = line.repeat(LARGE_BYTES / line.len());
    let messages = [json!({"role": "user", "content": text})];
    ask(connection, LARGE, &messages, "events=500;size=10000").await
}

async fn ask(
    connection: &mut Connection,
    session: &str,
    messages: &[Value],
    wish: &str,
) -> Result<()> {
    let request = asked(session, messages).fixture(wish);
    let answer = connection.fetch(request).await?;
    ensure!(answer.status == 200, "status {} {}", answer.status, answer.text());
    Ok(())
}
