//! `langley cost --from transcripts`: what agents' own files tell, with no proxy and no database.

use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::Arc;

use langley_engine::{
    BlockReport, PriceBook, Scanned, TRANSCRIPT_BY_MAX, TranscriptBy, TranscriptQuery,
    TranscriptRoot, Walked, transcript_blocks, transcript_costs, walk,
};
use langley_model::{Micros, Provider, Redactor};
use langley_protocol::transcript::TranscriptFormat;

use super::cost::{CLASS, tell, zone};
use super::flows::parse_span;
use crate::cli::{CostArgs, GlobalArgs};
use crate::config::{self, Config, Environment};
use crate::error::{AppError, Result};
use crate::opening::{prices, transcript_roots};
use crate::reading;
use crate::table::shown;
use crate::told_usage::{Cache, threads};
use crate::wire::redactor;

/// Tells costs.
///
/// # Errors
/// A word that is not understood; there is nothing to read, or it cannot be read.
pub(super) fn spent(global: &GlobalArgs, args: &CostArgs) -> Result<()> {
    let by_class = args.by == CLASS;
    let by = if by_class { Vec::new() } else { groups(&args.by)? };
    let (since, until) = parse_span(args.since.as_deref(), args.until.as_deref())?;
    let mut query = TranscriptQuery {
        by,
        since,
        until,
        offset_minutes: 0,
        session: args.session.clone(),
        project: args.project.clone(),
        groups_max: args.limit as usize,
        ..TranscriptQuery::default()
    };
    // All the world's zones are looked through for the one of this place.
    let zone = std::thread::spawn(zone);
    read(global, |book, scanned| {
        let (offset_minutes, tz) =
            zone.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        query.offset_minutes = offset_minutes;
        let classes_by = (by_class || args.json).then_some(book);
        let report = transcript_costs(scanned, &query, classes_by, threads());
        if args.json {
            let told = (query.by.as_slice(), &report);
            let json = langley_server::transcript_cost_json(told, by_class, &tz, scanned);
            return reading::tell_text("costs", json);
        }
        tell(&args.by, &report, "no responses");
        Ok(())
    })
}

/// The blocks of five hours since then of one provider.
///
/// # Errors
/// There is nothing to read, or it cannot be read.
pub(super) fn blocks(
    global: &GlobalArgs,
    since: Micros,
    provider: Provider,
) -> Result<BlockReport> {
    let query = TranscriptQuery {
        since: Some(since),
        provider: Some(provider),
        ..TranscriptQuery::default()
    };
    read(global, |_, scanned| Ok(transcript_blocks(scanned, &query, Micros::now())))
}

/// Hands the prices and what the files tell to `tell`; beside that it is kept for the next time.
fn read<T>(
    global: &GlobalArgs,
    tell: impl FnOnce(&Arc<PriceBook>, &Scanned) -> Result<T>,
) -> Result<T> {
    let config = config::load_leniently(global, &Environment::of_process())?.told().config;
    let (walked, book) = std::thread::scope(|scope| {
        let book = scope.spawn(|| prices(&config));
        let walked = left_behind(&config);
        (walked, book.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (walked, redactor) = (walked?, redactor(&config)?);
    let cache = Cache::of(&config);
    // The process ends once it was told: to give back the room of each response takes as long as to count them.
    let scanned = ManuallyDrop::new(cache.scan(&walked, (&book, &redactor)));
    std::thread::scope(|scope| {
        scope.spawn(|| cache.keep(&scanned, &book));
        for (path, error) in walked.refused.iter().chain(&scanned.refused) {
            eprintln!("warning: {} could not be read: {error}", path.display());
        }
        let lines = scanned.lines();
        if lines.unreadable > 0 && !global.quiet {
            let files = named(scanned.damaged());
            eprintln!(
                "warning: {} lines that should tell usage could not be read, of {files}",
                lines.unreadable
            );
        }
        tell(&book, &scanned)
    })
}

/// What all files tell of usage; of those that did not change since the last time, what they told then.
pub(super) fn scanned(
    config: &Config,
    walked: &Walked,
    (book, redactor): (&Arc<PriceBook>, &Redactor),
) -> Scanned {
    let cache = Cache::of(config);
    let scanned = cache.scan(walked, (book, redactor));
    cache.keep(&scanned, book);
    scanned
}

/// Files by name: the first of them, and how many more there are.
pub(super) fn named<'p>(mut files: impl Iterator<Item = &'p Path>) -> String {
    let first: Vec<String> = files.by_ref().take(3).map(|it| it.display().to_string()).collect();
    let more = files.count();
    shown(first.join(", ") + &if more == 0 { String::new() } else { format!(" and {more} more") })
}

/// The files that agents left on this machine.
///
/// # Errors
/// There are none.
pub(super) fn left_behind(config: &Config) -> Result<Walked> {
    let roots = transcript_roots(config);
    let mut walked = walk(&roots);
    if walked.files.is_empty() && walked.refused.is_empty() {
        return Err(none_in(&roots));
    }
    if !config.transcripts.roots.is_empty() {
        walked.sniff();
    }
    Ok(walked)
}

/// No transcript is in any of these folders.
pub(super) fn none_in(roots: &[TranscriptRoot]) -> AppError {
    let places: Vec<String> = roots.iter().map(|it| it.path.display().to_string()).collect();
    AppError::failed("no agent has left a transcript on this machine")
        .why(format!("nothing is in {}", places.join(", ")))
        .next("set `transcripts.roots`, CLAUDE_CONFIG_DIR or CODEX_HOME where they lie elsewhere")
}

/// Whose files somebody asks about.
///
/// # Errors
/// Nobody's that are known.
pub(super) fn agent(name: &str) -> Result<TranscriptFormat> {
    TranscriptFormat::of_agent(name).ok_or_else(|| {
        let known = TranscriptFormat::ALL.map(TranscriptFormat::agent).join(", ");
        AppError::wrong_use(format!("no files of `{name}` are known"))
            .why(format!("--agent takes one of {known}"))
            .next("leave --agent out to be told of all")
    })
}

/// Groups with commas between.
fn groups(text: &str) -> Result<Vec<TranscriptBy>> {
    let by = langley_server::each_once(text, TranscriptBy::parse);
    by.filter(|by| by.len() <= TRANSCRIPT_BY_MAX).ok_or_else(|| {
        let known = TranscriptBy::ALL.map(TranscriptBy::as_str).join(", ");
        AppError::wrong_use(format!("transcripts cannot be grouped by `{text}`"))
            .why(format!("--by takes up to four of {known}, each once; or class alone"))
            .next("for example `langley cost --from transcripts --by day,model`")
    })
}
