//! `langley findings`: what agents do that a person may want to change, the dearest first.

use hyper::StatusCode;
use jiff::Timestamp;
use langley_model::{FindingKind, FindingState, KeptFinding, MicroUsd};
use langley_store::{FindingFilter, StoreError};
use serde_json::json;

use super::flows::{local_time, parse_since};
use crate::alone::alone;
use crate::api::{Api, ApiError};
use crate::cli::{FindingsArgs, FindingsVerb, GlobalArgs};
use crate::detach;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::reading;
use crate::runtime;
use crate::table::Table;
use crate::token::Token;

/// Lists findings, or says what is made of one.
///
/// # Errors
/// No database yet, or it cannot be read or changed; a word that is not understood; no such finding.
pub(crate) fn findings(global: &GlobalArgs, args: &FindingsArgs) -> Result<()> {
    match args.verb {
        Some(verb) => judge(global, verb),
        None => list(global, args),
    }
}

fn list(global: &GlobalArgs, args: &FindingsArgs) -> Result<()> {
    let home = Home::named(global)?;
    let filter = filter(args)?;
    let page = reading::read(&home, "findings", |store| {
        store.findings(&filter, None, args.limit as usize)
    })?;
    if args.json {
        return reading::tell("findings", langley_server::findings_json(&page));
    }
    if page.items.is_empty() {
        println!("no findings");
        return Ok(());
    }
    print!("{}", table(&page.items));
    let shown = page.items.len() as u64;
    if page.total > shown {
        println!("… {} more: --limit, --since, --kind", page.total - shown);
    }
    Ok(())
}

fn filter(args: &FindingsArgs) -> Result<FindingFilter> {
    let since =
        args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
    let kind = args.kind.as_deref().map(kind).transpose()?;
    let shown = vec![FindingState::Open, FindingState::Acknowledged];
    Ok(FindingFilter {
        states: if args.all { Vec::new() } else { shown },
        kind,
        session: args.session.clone(),
        since,
        until: None,
    })
}

fn kind(word: &str) -> Result<FindingKind> {
    FindingKind::parse(word).ok_or_else(|| {
        let kinds = FindingKind::ALL.map(FindingKind::as_str).join(", ");
        AppError::wrong_use(format!("`{word}` is no kind of finding"))
            .next(format!("kinds: {kinds}"))
    })
}

fn table(findings: &[KeptFinding]) -> String {
    let mut table = Table::new(["ID", "LAST", "STATE", "COST", "TIMES", "FINDING"]);
    for kept in findings {
        let finding = &kept.finding;
        table.row([
            kept.id.to_string(),
            local_time(kept.last_at),
            kept.state.as_str().to_owned(),
            kept.cost.map_or_else(|| "-".to_owned(), dollars),
            kept.times.to_string(),
            finding.title.clone(),
        ]);
        table.below(finding.what.clone());
        if let Some(why) = &finding.why {
            table.below(why.clone());
        }
        table.below(format!("→ {}", finding.next));
    }
    table.to_string()
}

/// Dollars with the places that small amounts need.
fn dollars(MicroUsd(micro): MicroUsd) -> String {
    let tenths_of_cents = (micro + 500) / 1_000;
    format!("${}.{:03}", tenths_of_cents / 1_000, tenths_of_cents % 1_000)
}

impl FindingsVerb {
    /// The finding, the word of the API, and the state it gets.
    const fn said(self) -> (i64, &'static str, FindingState) {
        match self {
            Self::Acknowledge { id } => (id, "acknowledge", FindingState::Acknowledged),
            Self::Mute { id } => (id, "mute", FindingState::Muted),
            Self::Resolve { id } => (id, "resolve", FindingState::Resolved),
            Self::Reopen { id } => (id, "reopen", FindingState::Open),
        }
    }
}

/// Through the running server, which alone may write; without one, here.
fn judge(global: &GlobalArgs, verb: FindingsVerb) -> Result<()> {
    let home = Home::meant(global)?;
    let (id, word, state) = verb.said();
    if !home.database().exists() {
        let missing = StoreError::Missing { path: home.database() };
        return Err(AppError::failed("there are no findings yet").said_by(&missing));
    }
    let runtime = runtime::small()?;
    let failed = || AppError::failed(format!("finding {id} was not changed"));
    let unknown = || {
        failed()
            .why("there is none of that number")
            .next("`langley findings --all` lists those that there are")
    };
    match runtime.block_on(detach::healthy(&home)) {
        Some(server) => {
            let api = Api::new(server.api, Token::read(&home)?);
            let path = format!("/api/findings/{id}/{word}");
            runtime.block_on(api.post(&path, &json!({}))).map_err(|error| match error {
                ApiError::Refused { status: StatusCode::NOT_FOUND, .. } => unknown(),
                error => error.told(&format!("finding {id} was not changed")),
            })?;
        }
        None => {
            if !alone(global, &home, failed, |store| store.judge_finding(id, state))? {
                return Err(unknown());
            }
        }
    }
    println!("finding {id} is {}", state.as_str());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_one_of_the_words() {
        assert_eq!(kind("cache_break").unwrap(), FindingKind::CacheBreak);
        assert!(kind("cache").unwrap_err().hints()[0].contains("cache_break"));
    }

    #[test]
    fn small_amounts_are_not_nothing() {
        assert_eq!(
            [1_234_567, 4_600, 400].map(MicroUsd).map(dollars),
            ["$1.235", "$0.005", "$0.000"]
        );
    }
}
