//! `langley audit redaction`: everything stored, uncompressed, looked through with every rule, also those
//! that the configuration switches off. A find is named by its place and never shown.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use langley_model::{Redactor, TextKind};
use langley_store::{RawFile, Spot, Store, Unseen};
use serde::Serialize;

use crate::cli::GlobalArgs;
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::hint::at_home;
use crate::home::Home;
use crate::preflight;
use crate::reading;
use crate::table::Table;
use crate::wire::strict_redactor;

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
    /// Tables a part of which cannot be read; what stands there could not be looked at.
    damaged_tables: BTreeSet<String>,
    /// Placeholders, by rule, each as often as it is stored: of content that is stored once, once. The
    /// server counts each time it saw one since it started (`langley_redactions_total`).
    replaced: BTreeMap<&'static str, u64>,
    /// What still looks like a secret, by rule.
    found: BTreeMap<&'static str, u64>,
    /// Where; the first hundred.
    finds: Vec<Find>,
    /// Switches of redaction that are off, with what follows.
    switched_off: Vec<String>,
    /// What is kept unredacted beside the record; none where there is no such file.
    raw_bodies: Option<RawReport>,
}

/// What was seen of the bodies that are kept as they travelled.
#[derive(Debug, Default, Serialize)]
struct RawReport {
    path: PathBuf,
    bodies: u64,
    bytes: u64,
    /// Bodies that are damaged, and were looked at up to there.
    damaged: u64,
    /// What looks like a secret, by rule. What a body's content encoding hides is not seen.
    found: BTreeMap<&'static str, u64>,
}

/// So much of a raw body is looked at together, and so much on both sides of a cut with either part, because a
/// secret may lie across, or behind the cut what something before it names.
const WINDOW: usize = 4 << 20;
const OVERLAP: usize = 16 << 10;

impl RawReport {
    fn of(path: PathBuf, redactor: &Redactor) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let unreadable = |error: &dyn std::error::Error| {
            AppError::failed("the unredacted bodies cannot be looked through").said_by(error)
        };
        let file = RawFile::open(&path).map_err(|error| unreadable(&error))?;
        let mut report = Self { path, ..Self::default() };
        for (flow, side) in file.bodies().map_err(|error| unreadable(&error))? {
            report.bodies += 1;
            let (mut window, mut judged) = (Vec::new(), 0);
            let seen = file.body(flow, side, |piece| {
                report.bytes += piece.len() as u64;
                window.extend_from_slice(piece);
                if window.len() >= WINDOW {
                    let cut = window.len() - OVERLAP;
                    report.see(redactor, &window, judged..cut);
                    window.drain(..cut - OVERLAP);
                    judged = OVERLAP;
                }
                true
            });
            if let Err(error) = seen {
                tracing::warn!(%error, %flow, "an unredacted body cannot be read to its end");
                report.damaged += 1;
            }
            report.see(redactor, &window, judged..window.len());
        }
        Ok(Some(report))
    }

    /// Counts what begins in this part of `text`.
    fn see(&mut self, redactor: &Redactor, text: &[u8], part: Range<usize>) {
        let suspects = redactor.suspects(TextKind::Plain, text).into_iter();
        for suspect in suspects.filter(|suspect| part.contains(&suspect.range.start)) {
            *self.found.entry(suspect.rule).or_default() += 1;
        }
    }
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
    /// The sessions whose conversations it stands in, where it stands in what is kept of transcripts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sessions: Vec<String>,
}

impl Find {
    fn spot(&self) -> Spot<'_> {
        Spot { table: &self.table, column: &self.column, row: self.row, headers: false }
    }
}

impl Report {
    /// Whether all there is could be looked at.
    fn is_whole(&self) -> bool {
        let raw = self.raw_bodies.as_ref().map_or(0, |raw| raw.damaged);
        self.damaged + self.damaged_contents + raw == 0 && self.damaged_tables.is_empty()
    }

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
                    sessions: Vec::new(),
                });
            }
        }
    }
}

/// Looks through the database; exit code 1 when something looks like a secret, or could not be looked at.
///
/// # Errors
/// No database yet, or it cannot be read.
pub(crate) fn redaction(global: &GlobalArgs, json: bool) -> Result<ExitCode> {
    let loaded = config::load_leniently(global, &Environment::of_process())?.told();
    let home = Home::at(&loaded.config.home);
    let database = home.database();
    let redactor = strict_redactor(&loaded.config)?;
    let unreadable = |error: &dyn std::error::Error| {
        AppError::failed("the database cannot be looked through").said_by(error)
    };
    reading::catch_up(&home);
    let store = Store::open_read_only(&database).map_err(|error| unreadable(&error))?;
    let mut report = Report::default();
    let unseen = store
        .texts(|spot, text| report.see(&redactor, spot, text))
        .map_err(|error| unreadable(&error))?;
    for find in &mut report.finds {
        // What went meanwhile, or cannot be read again, is named by its place alone.
        find.sessions = store.sessions_at(&find.spot(), find.offset).unwrap_or_default();
    }
    let Unseen { events, contents, tables } = unseen;
    (report.damaged, report.damaged_contents, report.damaged_tables) = (events, contents, tables);
    report.switched_off = preflight::weakened(&loaded.layers);
    report.raw_bodies = RawReport::of(home.raw_bodies(), &redactor)?;
    let is_raw_clean = report.raw_bodies.as_ref().is_none_or(|raw| raw.found.is_empty());
    let clean = report.found.is_empty() && is_raw_clean && report.is_whole();
    if json {
        let shown = serde_json::to_string_pretty(&report)
            .map_err(|error| AppError::failed("the report cannot be written").because(&error))?;
        println!("{shown}");
    } else {
        print(&report, global.home.as_deref());
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report, home: Option<&Path>) {
    println!("{} texts looked through, {} bytes", report.texts, report.bytes);
    let damaged = [(report.damaged, "stream events"), (report.damaged_contents, "contents")];
    for (count, what) in damaged.into_iter().filter(|(count, _)| *count > 0) {
        println!("{count} {what} are damaged in the file and were not looked through");
    }
    if !report.damaged_tables.is_empty() {
        let tables: Vec<&str> = report.damaged_tables.iter().map(String::as_str).collect();
        println!(
            "parts of these tables cannot be read and were not looked through: {}",
            tables.join(", ")
        );
    }
    let rules = report.replaced.keys().chain(report.found.keys());
    let rules: BTreeSet<_> = rules.collect();
    if !rules.is_empty() {
        let mut table = Table::new(["RULE", "REPLACED", "FOUND"]);
        for rule in rules {
            let of = |counts: &BTreeMap<_, u64>| counts.get(rule).unwrap_or(&0).to_string();
            table.row([(*rule).to_owned(), of(&report.replaced), of(&report.found)]);
        }
        print!("{table}");
        println!(
            "REPLACED counts what is stored, and content that is stored once counts once; \
             `langley_redactions_total` in /metrics counts each time the server saw one since it started"
        );
    }
    for off in &report.switched_off {
        println!("{off}");
    }
    if report.found.is_empty() {
        let of = if report.is_whole() { "in the record" } else { "of the record that can be read" };
        println!("nothing {of} looks like a secret");
    }
    if let Some(raw) = &report.raw_bodies {
        println!("{}", at_home(&in_raw(raw), home));
    }
    if report.found.is_empty() {
        return;
    }
    println!("these look like secrets:");
    for find in &report.finds {
        let Find { rule, table, column, row, offset, length, sessions } = find;
        let whose: String = sessions.iter().map(|id| format!(", conversation {id}")).collect();
        println!("  {rule}: {table}.{column}, row {row}, {length} bytes at {offset}{whose}");
    }
    println!("{}", next(report.finds.iter().map(|find| find.table.as_str())));
}

/// What to do about finds in these tables.
fn next<'a>(tables: impl Iterator<Item = &'a str>) -> String {
    let (mut of_transcripts, mut of_flows) = (false, false);
    for table in tables {
        let is_told = table.starts_with("transcript") || table.contains("conversations");
        of_transcripts |= is_told;
        of_flows |= !is_told;
    }
    let mut told = Vec::new();
    if of_flows {
        told.push("find the flow and delete it (`DELETE /api/flows`)");
    }
    if of_transcripts {
        told.push(
            "what stands in a conversation goes with it: `langley conversations ID --delete`; the agent's own file \
             still says it",
        );
    }
    format!("next: {}; and report the shape", told.join("; "))
}

fn in_raw(raw: &RawReport) -> String {
    let RawReport { path, bodies, bytes, damaged, found } = raw;
    let mut told = vec![format!(
        "beside the record {bodies} bodies are kept unredacted in {}, {bytes} bytes",
        path.display()
    )];
    if *damaged > 0 {
        told.push(format!(
            "{damaged} of them are damaged and were not looked through to their end"
        ));
    }
    let counts: Vec<String> = found.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
    if counts.is_empty() {
        told.push(String::from(
            "nothing in them looks like a secret; what is compressed in them was not unpacked",
        ));
    } else {
        told.push(format!("in them look like secrets: {}", counts.join(", ")));
        told.push(String::from(
            "next: remove them once they are not needed: `langley db raw --remove-all`",
        ));
    }
    told.join("\n")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use langley_model::{FlowId, RedactorOptions, Side};
    use langley_store::RawStore;

    use super::*;

    /// What is counted of two windows with these texts in them.
    fn found(planted: &[(usize, &str)]) -> BTreeMap<&'static str, u64> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("langley-raw.db");
        let raw = RawStore::open(&path).unwrap();
        let mut body = b"dull ".repeat(2 * WINDOW / 5);
        for (at, text) in planted {
            body[*at..*at + text.len()].copy_from_slice(text.as_bytes());
        }
        let flow = FlowId::new();
        for (piece, bytes) in body.chunks(64 << 10).enumerate() {
            raw.piece(flow, Side::Client, (piece as u64) << 16, Bytes::copy_from_slice(bytes));
        }
        raw.close();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let report = RawReport::of(path, &redactor).unwrap().unwrap();
        assert_eq!((report.bodies, report.bytes), (1, body.len() as u64));
        report.found
    }

    #[test]
    fn what_to_do_is_said_of_what_was_found() {
        let flows = next(["blobs", "flows"].into_iter());
        assert!(flows.contains("/api/flows") && !flows.contains("conversations"), "{flows}");
        let told = next(["transcript_blocks"].into_iter());
        assert!(told.contains("--delete") && !told.contains("/api/flows"), "{told}");
        let both = next(["conversations", "messages"].into_iter());
        assert!(both.contains("--delete") && both.contains("/api/flows"), "{both}");
    }

    /// Where the windows are cut, with pieces that divide them.
    const CUTS: [usize; 2] = [WINDOW - OVERLAP, 2 * WINDOW - OVERLAP];

    #[test]
    fn a_secret_that_lies_across_two_windows_of_a_raw_body_is_counted_once() {
        let key = " sk-ant-api03-q7Zk2Vw9Xy4Rt6Bn8Mc3Lp5 ";
        let planted = [WINDOW - 10, CUTS[0] - 10, CUTS[1] - 10].map(|at| (at, key));
        assert_eq!(found(&planted), BTreeMap::from([("anthropic_key", 3)]));
    }

    #[test]
    fn a_secret_of_a_raw_body_is_counted_once_wherever_between_its_name_and_its_end_a_window_is_cut()
     {
        let named = " password = \"hunter2-correct-horse\" ";
        let value = named.find("hunter2").unwrap();
        for at in [value - 8, value, value + 1] {
            let planted = CUTS.map(|cut| (cut - at, named));
            assert_eq!(found(&planted), BTreeMap::from([("credential_assignment", 2)]), "{at}");
        }
    }
}
