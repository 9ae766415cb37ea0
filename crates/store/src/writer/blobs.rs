//! Content once: a blob is found by the hash of its bytes, and the recent hashes are remembered.

use lru::LruCache;
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use crate::codec::pack::{Packer, RECIPE};

/// Recent hashes; 4,096 of them take about half a megabyte.
const REMEMBERED: usize = 4096;

/// Small contents that come again and again are recognised by their bytes, without hashing them
/// cryptographically; they take at most half a megabyte.
const HOT: usize = 128;
const HOT_BYTES: usize = 4096;

/// A set of blobs, a bit for each: their ids are dense.
#[derive(Debug, Default)]
pub(crate) struct Marks(Vec<u64>);

impl Marks {
    fn place(id: i64) -> Option<(usize, u64)> {
        let id = u64::try_from(id).ok()?;
        Some((usize::try_from(id / 64).ok()?, 1 << (id % 64)))
    }

    pub(crate) fn add(&mut self, id: i64) {
        let Some((word, bit)) = Self::place(id) else { return };
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    pub(crate) fn has(&self, id: i64) -> bool {
        let place = Self::place(id);
        place.is_some_and(|(word, bit)| self.0.get(word).is_some_and(|bits| bits & bit != 0))
    }
}

/// Which blobs exist.
pub(super) struct Blobs {
    recent: LruCache<[u8; 32], i64>,
    /// Whole contents, which the cache compares.
    hot: LruCache<Box<[u8]>, i64>,
    /// While a sweep looks for contents that nothing refers to: those that something does again.
    marks: Option<Marks>,
}

/// The statements on blobs.
pub(super) struct BlobSql<'c> {
    find: CachedStatement<'c>,
    insert: CachedStatement<'c>,
}

impl<'c> BlobSql<'c> {
    pub(super) fn prepare(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find: conn.prepare_cached("SELECT id FROM blobs WHERE hash = ?1")?,
            insert: conn.prepare_cached(
                "INSERT INTO blobs (hash, raw_len, codec, bytes) VALUES (?1, ?2, ?3, ?4)
                 RETURNING id",
            )?,
        })
    }
}

impl Blobs {
    pub(super) fn new() -> Self {
        // Unbounded and trimmed by hand: a bounded one would reserve all its room when idle.
        Self { recent: LruCache::unbounded(), hot: LruCache::unbounded(), marks: None }
    }

    /// The id of the blob of `bytes`, which is stored when it is new.
    pub(super) fn keep(
        &mut self,
        sql: &mut BlobSql<'_>,
        packer: &mut Packer,
        bytes: &[u8],
    ) -> rusqlite::Result<i64> {
        let small = bytes.len() <= HOT_BYTES;
        if small && let Some(&id) = self.hot.get(bytes) {
            return Ok(id);
        }
        let hash = *blake3::hash(bytes).as_bytes();
        if let Some(&id) = self.recent.get(&hash) {
            if small {
                if self.hot.len() >= HOT {
                    self.hot.pop_lru();
                }
                self.hot.put(bytes.into(), id);
            }
            return Ok(id);
        }
        self.find_or_insert(sql, hash, bytes.len(), || packer.pack(bytes))
    }

    /// The same for a piece. A request has hundreds that come again: they would drive everything else
    /// out of what is recognised by its bytes.
    pub(super) fn keep_piece(
        &mut self,
        sql: &mut BlobSql<'_>,
        packer: &mut Packer,
        bytes: &[u8],
    ) -> rusqlite::Result<i64> {
        let hash = *blake3::hash(bytes).as_bytes();
        if let Some(&id) = self.recent.get(&hash) {
            return Ok(id);
        }
        self.find_or_insert(sql, hash, bytes.len(), || packer.pack_piece(bytes))
    }

    /// The same for a recipe, which is never taken for a content of the same bytes.
    pub(super) fn keep_recipe(
        &mut self,
        sql: &mut BlobSql<'_>,
        packer: &mut Packer,
        raw: &[u8],
    ) -> rusqlite::Result<i64> {
        let hash = blake3::derive_key("langley store 2026 recipe of a body", raw);
        self.find_or_insert(sql, hash, raw.len(), || {
            let (codec, packed) = packer.pack_piece(raw);
            (codec | RECIPE, packed)
        })
    }

    fn find_or_insert<'a>(
        &mut self,
        sql: &mut BlobSql<'_>,
        hash: [u8; 32],
        len: usize,
        pack: impl FnOnce() -> (i64, &'a [u8]),
    ) -> rusqlite::Result<i64> {
        let stored = sql.find.query_row([&hash[..]], |row| row.get(0)).optional()?;
        let id = match stored {
            Some(id) => id,
            None => {
                let (codec, packed) = pack();
                let raw_len = i64::try_from(len).unwrap_or(i64::MAX);
                sql.insert.query_row((&hash[..], raw_len, codec, packed), |row| row.get(0))?
            }
        };
        if self.recent.len() >= REMEMBERED {
            self.recent.pop_lru();
        }
        self.recent.put(hash, id);
        // Whatever the caches know came by here since a sweep began.
        if let Some(marks) = &mut self.marks {
            marks.add(id);
        }
        Ok(id)
    }

    /// Forgets all: some may not exist any more. What a sweep must spare stays marked.
    pub(super) fn forget(&mut self) {
        *self = Self { marks: self.marks.take(), ..Self::new() };
    }

    /// From now on every content that is referred to, by an old row or a new one, is marked.
    pub(super) fn begin_marking(&mut self) {
        // What the caches still know afterwards was marked when it came into them.
        *self = Self { marks: Some(Marks::default()), ..Self::new() };
    }

    /// Whether a content must stay because a record that came since referred to it. All must when no
    /// sweep is under way.
    pub(super) fn is_marked(&self, id: i64) -> bool {
        self.marks.as_ref().is_none_or(|marks| marks.has(id))
    }

    /// The sweep is over.
    pub(super) fn end_marking(&mut self) {
        self.marks = None;
    }
}
