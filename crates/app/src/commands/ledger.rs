//! `langley ledger`: what passed held against what agents' own files tell.

use std::collections::BTreeSet;

use jiff::Timestamp;
use langley_engine::{Ledger, LedgerEntry, LedgerReason, LedgerSum, ledger as ledger_of};
use langley_model::{Micros, Tokens};
use langley_store::{ConversationFilter, Store, StoreError};

use super::conversations::deleted;
use super::flows::{local_time, parse_since};
use super::session_id;
use crate::cli::{GlobalArgs, LedgerArgs};
use crate::dollars::dollars;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::reading;
use crate::table::Table;

/// Tells the ledger of a session, or of the newest.
///
/// # Errors
/// No database yet, or it cannot be read; a time that is not understood; no such session.
pub(crate) fn ledger(global: &GlobalArgs, args: &LedgerArgs) -> Result<()> {
    let home = Home::named(global)?;
    if let Some(asked) = &args.session {
        let known = reading::read(&home, "ledger", |store| session_id::kept(store, asked, true))?;
        let session = &session_id::whole(asked, known)?;
        let (found, deleted_at) = reading::read(&home, "ledger", |store| {
            Ok((ledger_of(store, session)?, store.conversation_deleted_at(session)?))
        })?;
        let found = found.ok_or_else(|| match deleted_at {
            Some(at) => deleted(session, at),
            None => AppError::failed(format!(
                "neither a flow nor a transcript is of a session {session}"
            ))
            .next("langley ledger lists the newest; langley import brings in transcripts"),
        })?;
        if args.json {
            return reading::tell("ledger", langley_server::ledger_json(&found));
        }
        print!("{}", told(&found));
        return Ok(());
    }
    let since =
        args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
    let ledgers =
        reading::read(&home, "ledgers", |store| newest(store, since, args.limit as usize))?;
    if args.json {
        return reading::tell("ledgers", langley_server::ledgers_json(&ledgers));
    }
    if ledgers.is_empty() {
        println!("no sessions");
    } else {
        print!("{}", table(&ledgers));
    }
    Ok(())
}

/// The ledgers of the sessions that were active last, by wire or by transcript.
fn newest(
    store: &Store,
    since: Option<Micros>,
    limit: usize,
) -> std::result::Result<Vec<Ledger>, StoreError> {
    let filter = ConversationFilter { since, ..ConversationFilter::default() };
    let passed = store.sessions((since, None), None, limit)?.items;
    let told = store.conversations(&filter, None, limit)?.items;
    let passed = passed.into_iter().map(|session| (session.last_at, session.id));
    let told = told.into_iter().map(|conversation| (conversation.last_at, conversation.session));
    let mut sessions: Vec<(Micros, String)> = passed.chain(told).collect();
    sessions.sort_by(|one, other| other.cmp(one));
    let mut seen = BTreeSet::new();
    sessions.retain(|(_, id)| seen.insert(id.clone()));
    sessions.truncate(limit);
    let ledgers = sessions.iter().map(|(_, id)| ledger_of(store, id));
    ledgers.filter_map(Result::transpose).collect()
}

fn table(ledgers: &[Ledger]) -> String {
    let mut table = Table::new([
        "SESSION",
        "WIRE",
        "TRANSCRIPT",
        "JOINED",
        "COST WIRE",
        "COST TRANSCRIPT",
        "GAP",
    ]);
    for ledger in ledgers {
        table.row([
            ledger.session.clone(),
            ledger.wire.responses.to_string(),
            ledger.transcript.responses.to_string(),
            ledger.joined.to_string(),
            cost(&ledger.wire),
            cost(&ledger.transcript),
            gap(ledger),
        ]);
    }
    table.to_string()
}

/// The gap in short: how many for which reason.
fn gap(ledger: &Ledger) -> String {
    let reasons =
        ledger.gaps.iter().map(|(reason, sum)| format!("{} {}", sum.responses, reason.as_str()));
    let differing = (ledger.differing > 0).then(|| format!("{} differ", ledger.differing));
    let parts: Vec<String> = reasons.chain(differing).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn told(ledger: &Ledger) -> String {
    let mut text = format!("session     {}\n", ledger.session);
    for (name, sum) in [("wire", &ledger.wire), ("transcript", &ledger.transcript)] {
        text.push_str(&format!("{name:<11} {}\n", summed(sum)));
    }
    text.push_str(&format!(
        "joined      {} responses, {} differ\n",
        ledger.joined, ledger.differing
    ));
    for (reason, sum) in &ledger.gaps {
        text.push_str(&format!("gap         {}: {}\n", summed(sum), reason.sentence()));
    }
    if !ledger.is_whole {
        text.push_str("… not everything of it was compared: it is too long\n");
    }
    if !ledger.entries.is_empty() {
        let mut table =
            Table::new(["AT", "RESPONSE", "MODEL", "WIRE OUT", "TRANSCRIPT OUT", "WHY"]);
        let unknown = || "-".to_owned();
        for entry in &ledger.entries {
            let out = |usage: Option<langley_model::Usage>| {
                usage
                    .and_then(|usage| usage.output)
                    .map_or_else(unknown, |Tokens(out)| out.to_string())
            };
            let id = entry.message_id.clone().or_else(|| entry.request_id.clone());
            table.row([
                local_time(entry.at),
                id.or_else(|| Some(entry.flow?.to_string())).unwrap_or_else(unknown),
                entry.model.clone().unwrap_or_else(unknown),
                out(entry.wire),
                out(entry.told),
                why(entry),
            ]);
        }
        text.push_str(&table.to_string());
    }
    text
}

fn why(entry: &LedgerEntry) -> String {
    let why = entry.reason.map_or("both tell of it, and differ", LedgerReason::sentence);
    match &entry.other_session {
        Some(other) => format!("{why}: {other}"),
        None => why.to_owned(),
    }
}

fn summed(sum: &LedgerSum) -> String {
    let out = sum.usage.output.map_or_else(|| "-".to_owned(), |Tokens(out)| out.to_string());
    format!("{} responses, {out} output tokens, {}", sum.responses, cost(sum))
}

fn cost(sum: &LedgerSum) -> String {
    sum.cost.map_or_else(|| "-".to_owned(), |cost| dollars(cost.0))
}
