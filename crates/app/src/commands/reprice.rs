//! `langley cost reprice`: stored flows, and responses that transcripts tell of, priced anew, through the running server, else here under its lock.

use jiff::Timestamp;
use langley_model::Micros;
use langley_store::{RepriceQuery, RepriceRow, Store, StoreError};
use serde_json::Value;

use super::flows::{local_time, parse_span};
use crate::api::Api;
use crate::cli::{GlobalArgs, RepriceArgs};
use crate::config::{self, Config, Environment};
use crate::detach;
use crate::dollars::dollars;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::lock::Claim;
use crate::opening::{prices, store_options};
use crate::runtime;
use crate::table::Table;
use crate::token::Token;
use crate::wire::redactor;

/// Runs that are listed.
const RUNS: usize = 100;

/// Prices flows anew, or lists what was.
///
/// # Errors
/// The configuration has problems, there is no database yet, or it cannot be read or written.
pub(crate) fn reprice(global: &GlobalArgs, args: &RepriceArgs) -> Result<()> {
    if args.history {
        return history(global, args.json);
    }
    let environment = Environment::of_process();
    let lenient = config::load_leniently(global, &environment)?.sure_of_home()?;
    let home = &Home::at(&lenient.usable().config.home);
    if !home.database().exists() {
        let missing = StoreError::Missing { path: home.database() };
        return Err(AppError::failed("there is nothing to price yet").said_by(&missing));
    }
    let (since, until) = parse_span(args.since.as_deref(), args.until.as_deref())?;
    let query = RepriceQuery { since, until, model: args.model.clone() };
    let runtime = runtime::small()?;
    let done = match runtime.block_on(detach::healthy(home)) {
        // It goes by its own configuration.
        Some(state) => {
            lenient.told();
            let api = Api::new(state.api, Token::read(home)?);
            let path = path(&query, args.dry_run);
            runtime
                .block_on(api.await_post(&path, None))
                .map_err(|error| error.told("the server did not do it"))?
        }
        None => here(&lenient.strict()?.config, home, &query, args.dry_run)?,
    };
    if args.json {
        println!("{done:#}");
    } else {
        println!("{}", in_words(&done));
    }
    Ok(())
}

/// Without a server: as one would, and under its lock.
fn here(config: &Config, home: &Home, query: &RepriceQuery, dry_run: bool) -> Result<Value> {
    let Claim::Ours(_lock) = Claim::take(home)? else {
        return Err(AppError::failed("a server holds the database, but does not answer")
            .why("it is starting or ending")
            .next("try again in a moment; `langley status` says when it is there"));
    };
    let options = store_options(config, home);
    let failed =
        |error: &StoreError| AppError::failed("the flows cannot be priced anew").said_by(error);
    let store = Store::open(options, Box::new(|_| ())).map_err(|error| failed(&error))?;
    let book = prices(config);
    let query = redactor(config).map(|redactor| redactor.seal(query.clone()))?;
    let done = langley_engine::reprice(&store, &query, &book, dry_run);
    store.close();
    let done = done.map_err(|error| failed(&error))?;
    langley_server::reprice_json(&book.version(), &done, dry_run)
        .map_err(|error| AppError::failed("what was done cannot be told").because(&error))
}

fn history(global: &GlobalArgs, json: bool) -> Result<()> {
    let home = Home::named(global)?;
    let rows = Store::open_read_only(home.database())
        .and_then(|store| store.reprices(RUNS))
        .map_err(|error| AppError::failed("the history cannot be read").said_by(&error))?;
    if json {
        let json = langley_server::reprices_json(&rows)
            .map_err(|error| AppError::failed("the history cannot be told").because(&error))?;
        println!("{json:#}");
    } else if rows.is_empty() {
        println!("nothing was priced anew so far");
    } else {
        print!("{}", table(&rows));
    }
    Ok(())
}

fn table(rows: &[RepriceRow]) -> String {
    let mut table = Table::new(["AT", "BOOK", "FLOWS", "CHANGED", "BEFORE", "AFTER", "END", "OF"]);
    for row in rows {
        let bound = |word: &str, at: Option<Micros>| Some(format!("{word} {}", local_time(at?)));
        let model = row.query.model.as_ref().map(|model| format!("model {model}"));
        let what = row.is_of_transcripts.then(|| "transcripts".to_owned());
        let of: Vec<String> =
            [what, bound("since", row.query.since), bound("until", row.query.until), model]
                .into_iter()
                .flatten()
                .collect();
        table.row([
            local_time(row.at),
            row.book.clone(),
            row.repriced.flows.to_string(),
            row.repriced.changed.to_string(),
            dollars(row.repriced.before.0),
            dollars(row.repriced.after.0),
            if row.finished { "whole" } else { "broke off" }.to_owned(),
            if of.is_empty() { "all".to_owned() } else { of.join(", ") },
        ]);
    }
    table.to_string()
}

fn in_words(done: &Value) -> String {
    let count = |name: &str| done[name].as_u64().unwrap_or(0);
    let money = |name: &str| dollars(done[name]["micro_usd"].as_i64().unwrap_or(0));
    let of = &done["responses"];
    let told = |name: &str| of[name].as_u64().unwrap_or(0);
    let amount = |name: &str| dollars(of[name]["micro_usd"].as_i64().unwrap_or(0));
    let verb = if done["dry_run"] == true { "would change" } else { "changed" };
    format!(
        "{} flows by the book {}: {} {verb} ({} had no cost before, {} have none now), {} before, {} now\n\
         {} responses in transcripts: {} {verb} ({} had no cost before, {} have none now), {} before, {} now\n\
         Sums of hours whose flows are gone stay as they are.",
        count("flows"),
        done["book"].as_str().unwrap_or("-"),
        count("changed"),
        count("priced"),
        count("unpriced"),
        money("before"),
        money("after"),
        told("responses"),
        told("changed"),
        told("priced"),
        told("unpriced"),
        amount("before"),
        amount("after"),
    )
}

/// The door, with what is asked for.
fn path(query: &RepriceQuery, dry_run: bool) -> String {
    let time = |at: Option<Micros>| {
        Timestamp::from_microsecond(at?.0).ok().map(|time| format!("{time:.6}"))
    };
    let parts = [
        ("since", time(query.since)),
        ("until", time(query.until)),
        ("model", query.model.clone()),
        ("dry_run", Some(dry_run.to_string())),
    ];
    let parts = parts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let pairs: Vec<String> =
        parts.map(|(name, value)| format!("{name}={}", encoded(&value))).collect();
    format!("/api/cost/reprice?{}", pairs.join("&"))
}

/// A value as a query takes it.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_written_as_a_query() {
        let query = RepriceQuery {
            since: Some(Micros(1_500_000)),
            until: None,
            model: Some("us.anthropic.claude-x:0 & é".to_owned()),
        };
        assert_eq!(
            path(&query, true),
            "/api/cost/reprice?since=1970-01-01T00%3A00%3A01.500000Z\
             &model=us.anthropic.claude-x%3A0%20%26%20%C3%A9&dry_run=true"
        );
    }
}
