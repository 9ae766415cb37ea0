//! What earlier readings found, kept in a file: of what has not changed nothing is read again. It holds numbers,
//! digests and redacted names; whoever removes it loses nothing but time.

use std::collections::HashMap;
use std::sync::Arc;

use langley_model::Provider;
use serde::{Deserialize, Serialize};

use super::digest::digest_64;
use super::scan::{FileSpent, Scanned, Till, side_by_side};
use crate::price::{PriceBook, Pricer};

/// How the file begins; the number changes with what is written.
const MAGIC: &[u8] = b"langley transcripts 3\n";

/// About how many parts a file has.
const PARTS: usize = 16;

/// Seed of the file's digests.
const SEED: u64 = 0x6361_6368_6531;

/// What earlier readings found.
#[derive(Debug, Default)]
pub struct TranscriptCache {
    files: Vec<FileSpent>,
    /// The prices that their costs come from.
    prices: u64,
}

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    /// What the numbers in it stand for, beside what [`MAGIC`] says.
    meaning: u64,
    prices: u64,
    /// Files, some in each part, so that parts can be read side by side.
    #[serde(borrow)]
    parts: Vec<&'a [u8]>,
}

impl TranscriptCache {
    /// Reads the file's bytes on `threads` threads. One of another version, made under other `rules` of redaction, or
    /// damaged, is empty: all is read again then.
    #[must_use]
    pub fn decode(bytes: &[u8], rules: &str, threads: usize) -> Self {
        Self::of(bytes, rules, threads).unwrap_or_default()
    }

    fn of(bytes: &[u8], rules: &str, threads: usize) -> Option<Self> {
        let (sum, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        if u64::from_le_bytes(*sum) != digest_64(SEED, body) {
            return None;
        }
        let body: Body<'_> = postcard::from_bytes(body).ok()?;
        if body.meaning != meaning(rules) {
            return None;
        }
        let read = side_by_side(
            threads.min(body.parts.len()),
            || (),
            |(), place| {
                body.parts.get(place).map(|part| postcard::from_bytes::<Vec<FileSpent>>(part))
            },
        );
        let files: Result<Vec<_>, _> = read.into_iter().collect();
        Some(Self { files: files.ok()?.into_iter().flatten().collect(), prices: body.prices })
    }

    /// The bytes of a file of what was found.
    ///
    /// # Errors
    /// They cannot be made: a defect in a shape's derive.
    pub fn encode(
        scanned: &Scanned,
        (book, rules): (&PriceBook, &str),
    ) -> Result<Vec<u8>, postcard::Error> {
        let (meaning, prices) = (meaning(rules), prices(book));
        let records: usize = scanned.files.iter().map(|file| file.records().count()).sum();
        let mut parts: Vec<Vec<&FileSpent>> = Vec::new();
        let mut room = 0;
        for file in &scanned.files {
            if room == 0 {
                parts.push(Vec::new());
                room = records / PARTS;
            }
            parts.last_mut().into_iter().for_each(|part| part.push(file));
            room = room.saturating_sub(file.records().count());
        }
        let parts: Vec<Vec<u8>> =
            parts.iter().map(postcard::to_stdvec).collect::<Result<_, _>>()?;
        let parts = parts.iter().map(Vec::as_slice).collect();
        let body = postcard::to_stdvec(&Body { meaning, prices, parts })?;
        Ok([MAGIC, &digest_64(SEED, &body).to_le_bytes(), &body].concat())
    }

    /// What is known of each file, by the digest of its path, priced by `book`.
    pub(super) fn by_path(mut self, book: &Arc<PriceBook>) -> HashMap<u128, FileSpent> {
        if self.prices != prices(book) {
            let mut till = Till::new(Pricer::new(Arc::clone(book)));
            for file in &mut self.files {
                file.price(&mut till);
            }
        }
        self.files.into_iter().map(|it| (it.mark.path, it)).collect()
    }
}

/// Numbers stand for providers, versions may read lines differently, and names are told by the rules of the time.
fn meaning(rules: &str) -> u64 {
    let mut text = format!("{} {rules}", env!("CARGO_PKG_VERSION"));
    for provider in Provider::ALL {
        text.push(' ');
        text.push_str(provider.as_str());
    }
    digest_64(SEED, text.as_bytes())
}

fn prices(book: &PriceBook) -> u64 {
    digest_64(SEED, book.edition().as_bytes())
}
