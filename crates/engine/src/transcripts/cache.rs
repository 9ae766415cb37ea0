//! What earlier readings found, kept in a file: of what has not changed nothing is read again. It holds numbers,
//! digests and redacted names; whoever removes it loses nothing but time.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use langley_model::Provider;
use serde::{Deserialize, Serialize};

use super::digest::digest_64;
use super::scan::{FileSpent, Scanned, Till, side_by_side};
use crate::price::{PriceBook, Pricer};

/// How the file begins; the number changes with what is written. Behind it come the length and the digest of the
/// head, the head, and the parts.
const MAGIC: &[u8] = b"langley transcripts 4\n";

/// About how many parts a file has.
const PARTS: usize = 16;

/// About how many bytes a record takes.
const RECORD: usize = 56;

/// No head is longer.
const HEAD_MAX: usize = 64 << 10;

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
struct Head {
    /// What the numbers in it stand for, beside what [`MAGIC`] says.
    meaning: u64,
    prices: u64,
    /// Bytes and digest of each part: some files are in each, so that parts can be read side by side.
    parts: Vec<(u64, u64)>,
}

impl TranscriptCache {
    /// Reads the file on `threads` threads, each with room for a part: to touch fresh memory takes as long as to read.
    /// One of another version, made under other `rules` of redaction, or damaged, is empty: all is read again then.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn read(path: &Path, rules: &str, threads: usize) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self::of((&file, size), rules, threads).unwrap_or_default())
    }

    fn of((file, size): (&File, u64), rules: &str, threads: usize) -> Option<Self> {
        let mut first = [0; HEAD_MAX];
        let first = &mut first[..usize::try_from(size).map_or(HEAD_MAX, |size| size.min(HEAD_MAX))];
        file.read_exact_at(first, 0).ok()?;
        let (len, rest) = first.strip_prefix(MAGIC)?.split_first_chunk()?;
        let (digest, rest) = rest.split_first_chunk()?;
        let head = rest.get(..usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
        if u64::from_le_bytes(*digest) != digest_64(SEED, head) {
            return None;
        }
        let mut start = (first.len() - rest.len() + head.len()) as u64;
        let head: Head = postcard::from_bytes(head).ok()?;
        if head.meaning != meaning(rules) {
            return None;
        }
        let mut parts = Vec::with_capacity(head.parts.len());
        for (len, digest) in head.parts {
            parts.push((start, usize::try_from(len).ok()?, digest));
            start = start.checked_add(len).filter(|end| *end <= size)?;
        }
        let read = side_by_side(threads.min(parts.len()), Vec::new, |room: &mut Vec<u8>, place| {
            let (start, len, digest) = *parts.get(place)?;
            room.resize(room.len().max(len), 0);
            let part = &mut room[..len];
            let is_whole = file.read_exact_at(part, start).is_ok();
            let is_it = is_whole && digest_64(SEED, part) == digest;
            Some(if is_it { postcard::from_bytes::<Vec<FileSpent>>(part).ok() } else { None })
        });
        let files: Option<Vec<_>> = read.into_iter().collect();
        Some(Self { files: files?.into_iter().flatten().collect(), prices: head.prices })
    }

    /// The bytes of a file of what was found, in two parts.
    ///
    /// # Errors
    /// They cannot be made: a defect in a shape's derive.
    pub fn encode(
        scanned: &Scanned,
        (book, rules): (&PriceBook, &str),
    ) -> Result<[Vec<u8>; 2], postcard::Error> {
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
        let mut bytes = Vec::with_capacity(records * RECORD + HEAD_MAX);
        let mut marks = Vec::with_capacity(parts.len());
        for part in &parts {
            let start = bytes.len();
            bytes = postcard::to_extend(part, bytes)?;
            let part = &bytes[start..];
            marks.push((part.len() as u64, digest_64(SEED, part)));
        }
        let head = postcard::to_stdvec(&Head { meaning, prices, parts: marks })?;
        let len = u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes();
        let head = [MAGIC, &len[..], &digest_64(SEED, &head).to_le_bytes()[..], &head].concat();
        Ok([head, bytes])
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

/// Counted on where lines are read differently from then on, so that what was kept is read anew.
const READING: u32 = 4;

/// Numbers stand for providers, versions may read lines differently, and names are told by the rules of the time.
fn meaning(rules: &str) -> u64 {
    let mut text = format!("{} {READING} {rules}", env!("CARGO_PKG_VERSION"));
    for provider in Provider::ALL {
        text.push(' ');
        text.push_str(provider.as_str());
    }
    digest_64(SEED, text.as_bytes())
}

fn prices(book: &PriceBook) -> u64 {
    digest_64(SEED, book.edition().as_bytes())
}
