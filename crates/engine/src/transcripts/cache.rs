//! What earlier readings found, kept in a file: of what has not changed nothing is read again. It holds numbers,
//! digests and redacted names; whoever removes it loses nothing but time.

use std::collections::HashMap;
use std::sync::Arc;

use langley_model::Provider;
use serde::{Deserialize, Serialize};

use super::digest::digest_64;
use super::scan::{FileSpent, Scanned, Till};
use crate::price::{PriceBook, Pricer};

/// How the file begins; the number changes with what is written.
const MAGIC: &[u8] = b"langley transcripts 2\n";

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
struct Body<Files> {
    /// What the numbers in it stand for, beside what [`MAGIC`] says.
    meaning: u64,
    prices: u64,
    files: Files,
}

impl TranscriptCache {
    /// Reads the file's bytes. One of another version, made under other `rules` of redaction, or damaged, is empty: all
    /// is read again then.
    #[must_use]
    pub fn decode(bytes: &[u8], rules: &str) -> Self {
        Self::of(bytes, rules).unwrap_or_default()
    }

    fn of(bytes: &[u8], rules: &str) -> Option<Self> {
        let (sum, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        if u64::from_le_bytes(*sum) != digest_64(SEED, body) {
            return None;
        }
        let body: Body<Vec<FileSpent>> = postcard::from_bytes(body).ok()?;
        (body.meaning == meaning(rules)).then_some(Self { files: body.files, prices: body.prices })
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
        let body = postcard::to_stdvec(&Body { meaning, prices, files: &scanned.files })?;
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
