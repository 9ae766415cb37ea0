//! Content once: a blob is found by the hash of its bytes, and the recent hashes are remembered.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lru::LruCache;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use super::hash::ContentHash;
use super::kin::{Base, Kin};
use crate::codec::pack::{PLAIN, Packer, RECIPE};
use crate::content;
use crate::error::of_place;
use crate::readers::ReadError;

/// Recent hashes, as many as the pieces of some dozens of long conversations: what is not among them is read
/// back to be compared. They take about two megabytes at most.
const REMEMBERED: usize = 16_384;

/// Contents that are remembered to be unreadable.
const UNREADABLE: usize = 1024;

/// Small contents that come again and again are recognised by their bytes, without hashing them
/// cryptographically; they take at most half a megabyte.
const HOT: usize = 128;
const HOT_BYTES: usize = 4096;

/// A set of blobs, a bit for each: their ids are dense. Ids that a damaged row makes up cost no more room
/// than others.
#[derive(Debug, Default)]
pub(crate) struct Marks(HashMap<i64, [u64; MARKED_WORDS]>);

/// Ids whose bits stand together are this many times 64.
const MARKED_WORDS: usize = 64;

impl Marks {
    /// Where an id's bit is: which of the stretches, which word of it, and the bit.
    const fn place(id: i64) -> (i64, usize, u64) {
        let word = (id >> 6).rem_euclid(MARKED_WORDS as i64);
        (id.div_euclid(64 * MARKED_WORDS as i64), word as usize, 1 << (id & 63))
    }

    pub(crate) fn add(&mut self, id: i64) {
        let (stretch, word, bit) = Self::place(id);
        self.0.entry(stretch).or_insert([0; MARKED_WORDS])[word] |= bit;
    }

    pub(crate) fn has(&self, id: i64) -> bool {
        let (stretch, word, bit) = Self::place(id);
        self.0.get(&stretch).is_some_and(|words| words[word] & bit != 0)
    }
}

/// Which blobs exist.
pub(super) struct Blobs {
    recent: LruCache<ContentHash, i64>,
    /// Whole contents, which the cache compares.
    hot: LruCache<Box<[u8]>, i64>,
    /// What new contents may be packed against.
    kin: Kin,
    /// Contents whose place in the file cannot be read: an I/O error ends the transaction, whose repetition
    /// must not run into it again.
    unreadable: HashSet<i64>,
    /// While a sweep looks for contents that nothing refers to: those that something does again.
    marks: Option<Marks>,
}

/// A content that is to be kept.
#[derive(Clone, Copy)]
struct New<'a> {
    bytes: &'a [u8],
    hash: ContentHash,
    kind: Kind,
}

/// What a content is to those that come after it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// It comes again in other words: an answer in the next request.
    Returning,
    Recipe,
}

/// The statements on blobs.
pub(super) struct BlobSql<'c> {
    conn: &'c Connection,
    find: CachedStatement<'c>,
    row: CachedStatement<'c>,
    insert: CachedStatement<'c>,
}

impl<'c> BlobSql<'c> {
    pub(super) fn prepare(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            conn,
            // Of the index alone: where a content's own place is damaged, its key is still known.
            find: conn.prepare_cached("SELECT hash, id FROM blobs WHERE hash BETWEEN ?1 AND ?2")?,
            row: conn.prepare_cached("SELECT base, codec, raw_len FROM blobs WHERE id = ?1")?,
            insert: conn.prepare_cached(
                "INSERT INTO blobs (hash, raw_len, codec, bytes, base) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
        })
    }
}

/// A content that the file has, or may have.
struct Stored {
    id: i64,
    base: Option<i64>,
}

/// What the file knows of a content.
enum Known {
    Stored(Stored),
    /// It is new; other contents have these keys, which begin as its own.
    New {
        taken: Vec<Vec<u8>>,
    },
}

impl Blobs {
    pub(super) fn new() -> Self {
        // Unbounded and trimmed by hand: a bounded one would reserve all its room when idle.
        let (recent, hot) = (LruCache::unbounded(), LruCache::unbounded());
        Self { recent, hot, kin: Kin::new(), unreadable: HashSet::new(), marks: None }
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
        let hash = ContentHash::of(bytes);
        if let Some(&id) = self.recent.get(&hash) {
            if small {
                if self.hot.len() >= HOT {
                    self.hot.pop_lru();
                }
                self.hot.put(bytes.into(), id);
            }
            return Ok(id);
        }
        self.find_or_insert(sql, packer, New { bytes, hash, kind: Kind::Plain })
    }

    /// The same for a piece or a message. A request has hundreds that come again: they would drive
    /// everything else out of what is recognised by its bytes.
    pub(super) fn keep_piece(
        &mut self,
        sql: &mut BlobSql<'_>,
        packer: &mut Packer,
        bytes: &[u8],
        kind: Kind,
    ) -> rusqlite::Result<i64> {
        let hash = ContentHash::of(bytes);
        if let Some(&id) = self.recent.get(&hash) {
            return Ok(id);
        }
        self.find_or_insert(sql, packer, New { bytes, hash, kind })
    }

    /// The same for a recipe, which is never taken for a content of the same bytes.
    pub(super) fn keep_recipe(
        &mut self,
        sql: &mut BlobSql<'_>,
        packer: &mut Packer,
        raw: &[u8],
    ) -> rusqlite::Result<i64> {
        let hash = ContentHash::of_recipe(raw);
        self.find_or_insert(sql, packer, New { bytes: raw, hash, kind: Kind::Recipe })
    }

    fn find_or_insert(
        &mut self,
        sql: &mut BlobSql<'_>,
        packer: &mut Packer,
        new: New<'_>,
    ) -> rusqlite::Result<i64> {
        let Stored { id, base } = match self.find(sql, new)? {
            Known::Stored(stored) => {
                if stored.base.is_none() && packer.is_thorough() {
                    self.kin.remember(Base { id: stored.id, depth: 0 }, new.bytes);
                }
                stored
            }
            Known::New { taken } => self.insert(sql, packer, new, &taken)?,
        };
        if self.recent.len() >= REMEMBERED {
            self.recent.pop_lru();
        }
        self.recent.put(new.hash, id);
        // Whatever the caches know came by here since a sweep began.
        if self.mark(id) {
            let mut next = base;
            // In a damaged file they may go round.
            for _ in 0..content::MOST_UNPACKED {
                let Some(base) = next else { break };
                self.mark(base);
                next = self.spare(sql, base, |sql| content::base(sql.conn, base))?.flatten();
            }
        }
        Ok(id)
    }

    /// Marks a content while a sweep is under way; whether one is.
    fn mark(&mut self, id: i64) -> bool {
        self.marks.as_mut().map(|marks| marks.add(id)).is_some()
    }

    /// Looks a content up: by its long key, or by the short one and its bytes. What cannot be read is not
    /// this one: it is stored anew, by another key.
    fn find(&mut self, sql: &mut BlobSql<'_>, new: New<'_>) -> rusqlite::Result<Known> {
        let New { bytes, hash, kind } = new;
        let rows = sql
            .find
            .query_map((hash.short(), hash.last()), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<Vec<(Vec<u8>, i64)>>>()?;
        for (key, id) in &rows {
            let told = hash.is_told_by(key);
            if told == Some(false) {
                continue;
            }
            let row = self.spare(sql, *id, |sql| {
                let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                sql.row.query_row([id], row).optional()
            })?;
            let Some((base, codec, raw_len)): Option<(_, i64, i64)> = row.flatten() else {
                continue;
            };
            let is_recipe = codec & RECIPE != 0;
            let is_as_long = usize::try_from(raw_len) == Ok(bytes.len());
            let is_same = told.is_some()
                || is_as_long
                    && is_recipe == (kind == Kind::Recipe)
                    && self.read(sql, *id)?.is_some_and(|content| *content == *bytes);
            if is_same {
                return Ok(Known::Stored(Stored { id: *id, base }));
            }
        }
        Ok(Known::New { taken: rows.into_iter().map(|(key, _)| key).collect() })
    }

    /// Stores a content, packed as small as can be: by itself, or against one that is like it. Returns
    /// its id, and what it was packed against.
    fn insert(
        &mut self,
        sql: &mut BlobSql<'_>,
        packer: &mut Packer,
        new: New<'_>,
        taken: &[Vec<u8>],
    ) -> rusqlite::Result<Stored> {
        let New { bytes, hash, kind } = new;
        let base = packer.is_thorough().then(|| self.kin.of(bytes, kind == Kind::Returning));
        let base = match base.flatten() {
            Some(base) => self.read(sql, base.id)?.map(|content| (base, content)),
            None => None,
        };
        let against = base.and_then(|(base, content)| {
            let (codec, packed) = packer.pack_against(&content, bytes)?;
            Some((base, codec, packed.to_vec()))
        });
        let is_small = against.as_ref().is_some_and(|(.., packed)| packed.len() < bytes.len() / 5);
        let alone = if is_small { None } else { Some(packer.pack_piece(bytes)) };
        // What is hardly smaller had better be what others are packed against.
        let won = |packed: &[u8]| alone.is_none_or(|(_, alone)| packed.len() * 8 < alone.len() * 7);
        let against = against.filter(|(.., packed)| won(packed));
        let (codec, packed, base) = match (&against, alone) {
            (Some((base, codec, packed)), _) => (*codec, &packed[..], Some(*base)),
            (None, Some((codec, packed))) => (codec, packed, None),
            (None, None) => (PLAIN, bytes, None),
        };
        let codec = if kind == Kind::Recipe { codec | RECIPE } else { codec };
        let raw_len = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let base_id = base.map(|base| base.id);
        let key = hash.free_key(taken);
        let id = sql.insert.insert((&*key, raw_len, codec, packed, base_id))?;
        if packer.is_thorough() {
            let depth = base.map_or(0, |base| base.depth + 1);
            self.kin.remember(Base { id, depth }, bytes);
        }
        Ok(Stored { id, base: base_id })
    }

    /// A stored content, when it can be read; what cannot is packed against by nobody.
    fn read(&mut self, sql: &mut BlobSql<'_>, id: i64) -> rusqlite::Result<Option<Arc<[u8]>>> {
        if let Some(bytes) = self.kin.bytes(id) {
            return Ok(Some(bytes));
        }
        let read = self.spare(sql, id, |sql| match content::unpacked(sql.conn, id) {
            Ok((_, bytes)) => Ok(Some(bytes)),
            Err(ReadError::Sqlite(error)) => Err(error),
            Err(ReadError::Store(_)) => Ok(None),
        })?;
        let Some(bytes) = read.flatten() else { return Ok(None) };
        let bytes: Arc<[u8]> = bytes.into();
        self.kin.hold(id, Arc::clone(&bytes));
        Ok(Some(bytes))
    }

    /// Reads something of a content; none where its place in the file cannot be read, which costs no record.
    fn spare<T>(
        &mut self,
        sql: &mut BlobSql<'_>,
        id: i64,
        read: impl FnOnce(&mut BlobSql<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        if self.unreadable.contains(&id) {
            return Ok(None);
        }
        match read(sql) {
            Err(error) if of_place(&error) => {
                tracing::warn!(%error, content = id, "a content cannot be read; its like is stored anew");
                if self.unreadable.len() >= UNREADABLE {
                    self.unreadable.clear();
                }
                self.unreadable.insert(id);
                if sql.conn.is_autocommit() { Err(error) } else { Ok(None) }
            }
            read => read.map(Some),
        }
    }

    /// Forgets all: some may not exist any more. What a sweep must spare stays marked.
    pub(super) fn forget(&mut self) {
        let unreadable = std::mem::take(&mut self.unreadable);
        *self = Self { unreadable, marks: self.marks.take(), ..Self::new() };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_that_ended_a_transaction_by_not_being_readable_does_not_end_its_repetition() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE blobs (id INTEGER PRIMARY KEY, hash, raw_len, codec, bytes, base)",
        )
        .unwrap();
        let (mut blobs, mut sql) = (Blobs::new(), BlobSql::prepare(&conn).unwrap());
        let failure = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_READ);
        let broken = || Err::<(), _>(rusqlite::Error::SqliteFailure(failure, None));
        assert!(blobs.spare(&mut sql, 1, |_| broken()).is_err());
        blobs.forget();
        assert_eq!(blobs.spare(&mut sql, 1, |_| broken()).unwrap(), None);
        conn.execute_batch("BEGIN").unwrap();
        assert_eq!(blobs.spare(&mut sql, 2, |_| broken()).unwrap(), None, "it goes on");
        assert_eq!(blobs.spare(&mut sql, 3, |_| Ok(7)).unwrap(), Some(7));
    }

    #[test]
    fn whatever_number_is_marked_takes_no_more_room_than_another() {
        let mut marks = Marks::default();
        let ids = [0, 1, 63, 64, 4_095, 4_096, 1 << 40, i64::MAX, -1, -64, -4_097, i64::MIN];
        for id in ids {
            assert!(!marks.has(id), "{id}");
            marks.add(id);
            assert!(marks.has(id), "{id}");
        }
        for id in [2, 62, 65, 4_094, 4_097, (1 << 40) + 1, i64::MAX - 1, -2, -63, i64::MIN + 1] {
            assert!(!marks.has(id), "{id}");
        }
        assert!(marks.0.len() <= ids.len());
    }
}
