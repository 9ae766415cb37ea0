//! What earlier readings found, kept in a file: of what has not changed nothing is read again. It holds numbers,
//! digests and redacted names; whoever removes it loses nothing but time.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use langley_model::Provider;
use serde::{Deserialize, Serialize};

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
    /// Reads the file. One that is not there, of another version, made under other `rules` of redaction, or damaged, is
    /// empty: all is read again then.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(path: &Path, rules: &str) -> io::Result<Self> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        Ok(Self::of(&bytes, rules).unwrap_or_default())
    }

    fn of(bytes: &[u8], rules: &str) -> Option<Self> {
        let (sum, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        if u64::from_le_bytes(*sum) != digest(body) {
            return None;
        }
        let body: Body<Vec<FileSpent>> = postcard::from_bytes(body).ok()?;
        (body.meaning == meaning(rules)).then_some(Self { files: body.files, prices: body.prices })
    }

    /// Writes what was found, in the place of what was there. Nobody else can read it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(
        path: &Path,
        scanned: &Scanned,
        (book, rules): (&PriceBook, &str),
    ) -> io::Result<()> {
        let (meaning, prices) = (meaning(rules), prices(book));
        let body = Body { meaning, prices, files: &scanned.files };
        let body = postcard::to_stdvec(&body).map_err(io::Error::other)?;
        let beside = path.with_extension(format!("new-{}", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        let written = [MAGIC, &digest(&body).to_le_bytes(), &body]
            .into_iter()
            .try_for_each(|part| file.write_all(part))
            .and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
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

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(SEED).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Numbers stand for providers, versions may read lines differently, and names are told by the rules of the time.
fn meaning(rules: &str) -> u64 {
    let mut text = format!("{} {rules}", env!("CARGO_PKG_VERSION"));
    for provider in Provider::ALL {
        text.push(' ');
        text.push_str(provider.as_str());
    }
    digest(text.as_bytes())
}

fn prices(book: &PriceBook) -> u64 {
    digest(book.edition().as_bytes())
}
