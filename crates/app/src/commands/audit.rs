//! `langley audit redaction`: everything stored, uncompressed, looked through with the rules in force.
//! A find is named by its place and never shown.

use std::collections::BTreeMap;
use std::process::ExitCode;

use langley_model::{Redactor, TextKind};
use langley_store::{Spot, Store};
use serde::Serialize;

use crate::cli::GlobalArgs;
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::reading;
use crate::table::Table;
use crate::wire::redactor;

/// Finds that are named; all are counted.
const NAMED: usize = 100;

/// What was seen.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Texts looked at, and their bytes.
    texts: u64,
    bytes: u64,
    /// Stream events that are damaged, so that they could not be looked at.
    damaged: u64,
    /// The same of bodies, headers, messages and pieces of them.
    damaged_contents: u64,
    /// Placeholders, by rule.
    replaced: BTreeMap<&'static str, u64>,
    /// What still looks like a secret, by rule.
    found: BTreeMap<&'static str, u64>,
    /// Where; the first hundred.
    finds: Vec<Find>,
}

/// Where something looks like a secret.
#[derive(Debug, Serialize)]
struct Find {
    rule: &'static str,
    table: String,
    column: String,
    row: i64,
    /// In the text, uncompressed.
    offset: usize,
    length: usize,
}

impl Report {
    fn see(&mut self, redactor: &Redactor, spot: &Spot<'_>, text: &[u8]) {
        self.texts += 1;
        self.bytes += text.len() as u64;
        Redactor::count_replaced(text, &mut self.replaced);
        let kind = match (spot.headers, spot.column) {
            (true, _) => TextKind::Headers,
            (_, "path") => TextKind::Target,
            _ => TextKind::Plain,
        };
        for suspect in redactor.suspects(kind, text) {
            *self.found.entry(suspect.rule).or_default() += 1;
            if self.finds.len() < NAMED {
                self.finds.push(Find {
                    rule: suspect.rule,
                    table: spot.table.to_owned(),
                    column: spot.column.to_owned(),
                    row: spot.row,
                    offset: suspect.range.start,
                    length: suspect.range.len(),
                });
            }
        }
    }
}

/// Looks through the database; exit code 1 when something looks like a secret.
///
/// # Errors
/// No database yet, or it cannot be read.
pub(crate) fn redaction(global: &GlobalArgs, json: bool) -> Result<ExitCode> {
    let loaded = config::load_leniently(global, &Environment::of_process())?.told();
    let home = Home::at(&loaded.config.home);
    let database = home.database();
    let redactor = redactor(&loaded.config)?;
    let unreadable = |error: &dyn std::error::Error| {
        AppError::failed("the database cannot be looked through").said_by(error)
    };
    reading::catch_up(&home);
    let store = Store::open_read_only(&database).map_err(|error| unreadable(&error))?;
    let mut report = Report::default();
    let unseen = store
        .texts(|spot, text| report.see(&redactor, spot, text))
        .map_err(|error| unreadable(&error))?;
    (report.damaged, report.damaged_contents) = (unseen.events, unseen.contents);
    let clean = report.found.is_empty();
    if json {
        let shown = serde_json::to_string_pretty(&report)
            .map_err(|error| AppError::failed("the report cannot be written").because(&error))?;
        println!("{shown}");
    } else {
        print(&report);
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report) {
    println!("{} texts looked through, {} bytes", report.texts, report.bytes);
    let damaged = [(report.damaged, "stream events"), (report.damaged_contents, "contents")];
    for (count, what) in damaged.into_iter().filter(|(count, _)| *count > 0) {
        println!("{count} {what} are damaged in the file and were not looked through");
    }
    let rules = report.replaced.keys().chain(report.found.keys());
    let rules: std::collections::BTreeSet<_> = rules.collect();
    if !rules.is_empty() {
        let mut table = Table::new(["RULE", "REPLACED", "FOUND"]);
        for rule in rules {
            let of = |counts: &BTreeMap<_, u64>| counts.get(rule).unwrap_or(&0).to_string();
            table.row([(*rule).to_owned(), of(&report.replaced), of(&report.found)]);
        }
        print!("{table}");
    }
    if report.found.is_empty() {
        println!("nothing looks like a secret");
        return;
    }
    println!("these look like secrets:");
    for find in &report.finds {
        let Find { rule, table, column, row, offset, length } = find;
        println!("  {rule}: {table}.{column}, row {row}, {length} bytes at {offset}");
    }
    println!("next: find the flow, delete it (`DELETE /api/flows`), and report the shape");
}
