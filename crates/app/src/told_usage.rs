//! What agents' own files tell of usage, read with what was kept of those that did not change: for the command line, and
//! for the doors.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;

use langley_engine::{PriceBook, Scanned, TranscriptCache, Walked, scan, walk};
use langley_model::Redactor;

use crate::config::Config;
use crate::home::{Home, write_private_parts};
use crate::opening::transcript_roots;

/// Threads that read: as many as cores.
pub(crate) fn threads() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Reads what all files tell of usage whenever it is asked, with what is kept of those that did not change.
pub(crate) fn teller(
    config: &Config,
    book: &Arc<PriceBook>,
    redactor: &Arc<Redactor>,
) -> Arc<dyn Fn() -> Scanned + Send + Sync> {
    let (book, redactor) = (Arc::clone(book), Arc::clone(redactor));
    let (roots, cache) = (transcript_roots(config), Cache::of(config));
    let is_mixed = !config.transcripts.roots.is_empty();
    Arc::new(move || {
        let mut walked = walk(&roots);
        if is_mixed {
            walked.sniff();
        }
        let mut scanned = cache.scan(&walked, (&book, &redactor));
        cache.keep(&scanned, &book);
        scanned.refused.append(&mut walked.refused);
        scanned
    })
}

/// Where it is kept what files told.
#[derive(Debug)]
pub(crate) struct Cache {
    path: PathBuf,
    /// What names are redacted by.
    rules: String,
    /// Whether there is a place for it: without a home there is none, and reading is quick.
    is_kept: bool,
}

impl Cache {
    pub(crate) fn of(config: &Config) -> Self {
        let home = Home::at(&config.home);
        Self {
            path: home.transcripts_cache(),
            rules: format!("{:?}", config.redaction),
            is_kept: home.root().is_dir(),
        }
    }

    /// What files tell; of those that did not change, what is kept.
    pub(crate) fn scan(&self, walked: &Walked, of: (&Arc<PriceBook>, &Redactor)) -> Scanned {
        let threads = threads();
        let known = TranscriptCache::read(&self.path, &self.rules, threads);
        let known = known.unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                let path = self.path.display();
                eprintln!("warning: {path} cannot be read ({error}); all is read anew");
            }
            TranscriptCache::default()
        });
        scan(&walked.files, known, of, threads)
    }

    /// Keeps it, where anything is new.
    pub(crate) fn keep(&self, scanned: &Scanned, book: &PriceBook) {
        if scanned.is_news
            && self.is_kept
            && let Err(error) = TranscriptCache::encode(scanned, (book, &self.rules))
                .map_err(io::Error::other)
                .and_then(|parts| write_private_parts(&self.path, &parts))
        {
            tracing::warn!(%error, path = %self.path.display(), "what transcripts told is not kept");
        }
    }
}
