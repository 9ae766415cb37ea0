//! `langley cost --from transcripts`: what agents' own files tell, with no proxy and no database.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;

use langley_engine::{
    BlockReport, PriceBook, Scanned, TranscriptBy, TranscriptCache, TranscriptQuery,
    TranscriptRoot, Walked, scan, transcript_blocks, transcript_costs, walk,
};
use langley_model::{Micros, Provider, Redactor};
use langley_protocol::transcript::TranscriptFormat;

use super::cost::{CLASS, tell, zone};
use super::flows::parse_span;
use crate::cli::{CostArgs, GlobalArgs};
use crate::config::{self, Config, Environment};
use crate::error::{AppError, Result};
use crate::home::{Home, write_private};
use crate::opening::{prices, transcript_roots};
use crate::reading;
use crate::table::shown;
use crate::wire::redactor;

/// Tells costs.
///
/// # Errors
/// A word that is not understood; there is nothing to read, or it cannot be read.
pub(super) fn spent(global: &GlobalArgs, args: &CostArgs) -> Result<()> {
    let by_class = args.by == CLASS;
    let by = if by_class { Vec::new() } else { groups(&args.by)? };
    let (since, until) = parse_span(args.since.as_deref(), args.until.as_deref())?;
    let (offset_minutes, tz) = zone();
    let query = TranscriptQuery {
        by,
        since,
        until,
        offset_minutes,
        session: args.session.clone(),
        project: args.project.clone(),
        provider: None,
        groups_max: args.limit as usize,
    };
    let (book, scanned) = read(global)?;
    let classes_by = (by_class || args.json).then_some(&book);
    let report = transcript_costs(&scanned, &query, classes_by, threads());
    if args.json {
        let told = (query.by.as_slice(), &report);
        let json = langley_server::transcript_cost_json(told, by_class, &tz, &scanned);
        return reading::tell_text("costs", json);
    }
    tell(&args.by, &report, "no responses");
    Ok(())
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
    let (_, scanned) = read(global)?;
    Ok(transcript_blocks(&scanned, &query, Micros::now()))
}

/// Threads that read: as many as cores.
pub(super) fn threads() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// The prices, and what the files tell.
fn read(global: &GlobalArgs) -> Result<(Arc<PriceBook>, Scanned)> {
    let config = config::load_leniently(global, &Environment::of_process())?.told().config;
    let walked = left_behind(&config)?;
    let (book, redactor) = (prices(&config), redactor(&config)?);
    let scanned = scanned(&config, &walked, (&book, &redactor));
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
    Ok((book, scanned))
}

/// What all files tell of usage; of those that did not change since the last time, what they told then.
pub(super) fn scanned(
    config: &Config,
    walked: &Walked,
    (book, redactor): (&Arc<PriceBook>, &Redactor),
) -> Scanned {
    let home = Home::at(&config.home);
    let cache = home.transcripts_cache();
    let rules = format!("{:?}", config.redaction);
    let threads = threads();
    let known = TranscriptCache::read(&cache, &rules, threads).unwrap_or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            eprintln!("warning: {} cannot be read ({error}); all is read anew", cache.display());
        }
        TranscriptCache::default()
    });
    let scanned = scan(&walked.files, known, (book, redactor), threads);
    // Without a home there is no place for it, and reading is quick.
    if scanned.is_news
        && home.root().is_dir()
        && let Err(error) = TranscriptCache::encode(&scanned, (book, &rules))
            .map_err(io::Error::other)
            .and_then(|bytes| write_private(&cache, &bytes))
    {
        tracing::warn!(%error, path = %cache.display(), "what transcripts told is not kept");
    }
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
    by.filter(|by| by.len() <= 4).ok_or_else(|| {
        let known = TranscriptBy::ALL.map(TranscriptBy::as_str).join(", ");
        AppError::wrong_use(format!("transcripts cannot be grouped by `{text}`"))
            .why(format!("--by takes up to four of {known}, each once; or class alone"))
            .next("for example `langley cost --from transcripts --by day,model`")
    })
}
