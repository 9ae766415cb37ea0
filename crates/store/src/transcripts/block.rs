//! Lines that lie together, packed, because they are alike; and how they come into another block.

use langley_model::TranscriptLine;
use rusqlite::Connection;

use super::thread::unpacked;
use crate::codec::pack::Packer;
use crate::content::readable;
use crate::error::StoreError;
use crate::store::Store;

/// Packed lines.
pub(super) struct Block {
    codec: i64,
    raw_len: usize,
    bytes: Vec<u8>,
}

/// A line that comes into another block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    /// Its number.
    pub(super) id: i64,
    /// The block that it lies in.
    block: i64,
    /// Where there, and how long it is.
    start: i64,
    kept: i64,
}

impl Block {
    /// Packs lines; none where there are none.
    pub(super) fn of<'a>(
        lines: impl IntoIterator<Item = &'a TranscriptLine>,
        packer: &mut Packer,
    ) -> Option<Self> {
        let mut raw = Vec::new();
        let mut is_empty = true;
        for line in lines {
            raw.extend_from_slice(line.content.as_bytes());
            is_empty = false;
        }
        (!is_empty).then(|| Self::packed(&raw, packer))
    }

    fn packed(raw: &[u8], packer: &mut Packer) -> Self {
        let (codec, bytes) = packer.pack_piece(raw);
        Self { codec, raw_len: raw.len(), bytes: bytes.to_vec() }
    }

    /// Writes it; its number.
    pub(super) fn write(&self, change: &Connection) -> rusqlite::Result<i64> {
        let raw_len = i64::try_from(self.raw_len).unwrap_or(i64::MAX);
        change
            .prepare_cached(
                "INSERT INTO transcript_blocks (codec, raw_len, bytes) VALUES (?1, ?2, ?3)",
            )?
            .insert((self.codec, raw_len, &self.bytes))
    }
}

/// Removes a block that no line lies in any more.
pub(super) fn remove_if_empty(change: &Connection, block: i64) -> rusqlite::Result<()> {
    change
        .prepare_cached(
            "DELETE FROM transcript_blocks WHERE id = ?1
                 AND NOT EXISTS (SELECT 1 FROM transcript_records WHERE block = ?1)",
        )?
        .execute([block])?;
    Ok(())
}

/// The lines of a block that `condition` names, by their place in it; `?2` is `parameter`.
pub(super) fn lines_of(
    conn: &Connection,
    block: i64,
    condition: &str,
    parameter: i64,
) -> rusqlite::Result<Vec<Moved>> {
    let sql = format!(
        "SELECT id, block, start, kept FROM transcript_records WHERE block = ?1 AND {condition} ORDER BY start"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let lines = statement.query_map((block, parameter), |row| {
        Ok(Moved { id: row.get(0)?, block: row.get(1)?, start: row.get(2)?, kept: row.get(3)? })
    })?;
    lines.collect()
}

impl Store {
    /// Puts lines together into one new block, packed on this thread, and removes those that are empty then; whether it
    /// was done: not where one of the old ones is damaged, or lines went meanwhile.
    pub(super) fn move_lines(&self, lines: Vec<Moved>) -> Result<bool, StoreError> {
        if lines.is_empty() {
            return Ok(true);
        }
        let raw = self.readers().read(|conn| {
            let (mut raw, mut open): (Vec<u8>, Option<(i64, Vec<u8>)>) = (Vec::new(), None);
            for line in &lines {
                if open.as_ref().is_none_or(|(block, _)| *block != line.block) {
                    let Some(content) = readable(unpacked(conn, line.block))? else {
                        return Ok(None);
                    };
                    open = Some((line.block, content));
                }
                let span = usize::try_from(line.start).ok().zip(usize::try_from(line.kept).ok());
                let part = open.as_ref().zip(span).and_then(|((_, content), (start, kept))| {
                    content.get(start..start.checked_add(kept)?)
                });
                let Some(part) = part else { return Ok(None) };
                raw.extend_from_slice(part);
            }
            Ok(Some(raw))
        })?;
        let Some(raw) = raw else { return Ok(false) };
        let packed = Block::packed(&raw, &mut Packer::new());
        self.job(move |site| {
            let change = site.change()?;
            let block = packed.write(&change)?;
            let mut start = 0;
            for line in &lines {
                let moved = change
                    .prepare_cached(
                        "UPDATE transcript_records SET block = ?2, start = ?3 WHERE id = ?1 AND block = ?4",
                    )?
                    .execute((line.id, block, start, line.block))?;
                if moved == 0 {
                    // It went meanwhile, and what it said must not stay in the new block.
                    return Ok(false);
                }
                start += line.kept;
            }
            for pair in lines.chunk_by(|one, other| one.block == other.block) {
                remove_if_empty(&change, pair[0].block)?;
            }
            change.commit()?;
            Ok(true)
        })
    }
}
