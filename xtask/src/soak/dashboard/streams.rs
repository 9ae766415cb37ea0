//! Fifty agents that stream all the time, at fifty events a second each.

use std::time::Duration;

use anyhow::Result;
use langley_testkit::Client;
use serde_json::json;
use tokio::task::JoinSet;

use super::asked;

/// Agents, each with a session of its own.
const AGENTS: u64 = 50;
/// Events of one answer; the first agent's lasts ten minutes, for whoever looks at one flow.
const EVENTS: u64 = 1_500;
const EVENTS_OF_FIRST: u64 = 30_000;
/// Between two events, in microseconds: fifty a second, and what a timer is late by.
const GAP_US: u64 = 19_000;
/// An agent whose proxy went away tries again after so long.
const RETRY: Duration = Duration::from_millis(500);

/// Streams until it is ended.
pub(super) async fn run(entry: String) {
    let mut agents = JoinSet::new();
    for number in 0..AGENTS {
        let entry = entry.clone();
        agents.spawn(async move {
            // Not all of them at one moment, so that answers end one by one.
            tokio::time::sleep(Duration::from_millis(number * 137)).await;
            loop {
                let _gone = talk(&entry, number).await;
                tokio::time::sleep(RETRY).await;
            }
        });
    }
    agents.join_all().await;
}

/// One conversation, turn by turn, until the connection breaks.
async fn talk(entry: &str, number: u64) -> Result<()> {
    let mut connection = Client::direct(entry).connect().await?;
    let session = format!("0190f0c4-7e2a-7000-8000-50a4{number:08}");
    let events = if number == 0 { EVENTS_OF_FIRST } else { EVENTS + number * 10 };
    let wish = format!("events={events};gap_us={GAP_US};size=30");
    let mut messages =
        vec![json!({"role": "user", "content": "Go through the files, one by one."})];
    loop {
        let request = asked(&session, &messages).fixture(&wish);
        let mut answer = connection.send(request).await?;
        while let Some(piece) = answer.next().await {
            piece?;
        }
        messages.push(json!({"role": "assistant", "content": "That is done."}));
        messages.push(json!({"role": "user", "content": "Go on with the next one."}));
    }
}
