//! The lines of a conversation: all of them as a skeleton, and some of them with what they say.

use std::collections::HashMap;

use langley_model::{LineFacts, LineRole, Micros};
use rusqlite::{Connection, OptionalExtension, Row};

use super::count;
use crate::codec::pack::unpack;
use crate::content::{odd, readable};
use crate::error::StoreError;
use crate::readers::ReadError;
use crate::store::Store;

/// A line as its place in the thread needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadLine {
    /// Its number in the store: a later line has a greater one.
    pub id: i64,
    /// When it was written; of a line without a time, that of the line before.
    pub at: Micros,
    /// The part it plays.
    pub role: LineRole,
    /// Its id.
    pub uuid: Option<String>,
    /// The id of the line that it follows, across a compaction as well.
    pub parent: Option<String>,
    /// The subagent.
    pub agent_id: Option<String>,
    /// Whether a subagent said it.
    pub is_sidechain: bool,
    /// The response that it is of.
    pub message_id: Option<String>,
}

/// A line that is kept, with what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptLine {
    /// Its number in the store.
    pub id: i64,
    /// What it tells of itself; its session is that of the conversation, and folder and branch are not told.
    pub facts: LineFacts,
    /// The file that it was read from, as it is called now.
    pub path: String,
    /// Its number in that file, when it was read.
    pub number: u64,
    /// Where in that file it began.
    pub offset: u64,
    /// Bytes it had there.
    pub len: u64,
    /// Its bytes, redacted; none where they were not asked for, are damaged, or would make more than 16 MiB together
    /// with those of the lines before it; the first line is told whatever its length.
    pub content: Option<Vec<u8>>,
}

/// Some lines, with what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptLines {
    /// The lines.
    pub lines: Vec<KeptLine>,
    /// How many of the numbers that were asked for were looked up: what the rest say has no room beside these.
    pub looked_up: usize,
}

const THREAD: &str =
    "id, at, role, uuid, ifnull(parent, logical_parent), agent_id, sidechain, message_id";

const COLUMNS: &str =
    "transcript_records.id, role, kind, subkind, uuid, parent, logical_parent, agent_id, sidechain,
    at, message_id, request_id, transcript_records.model, tools, text, path, number,
    transcript_records.offset, len, block, start, kept";

impl Store {
    /// The lines of a conversation in the order of time, at most `limit`.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn thread(&self, conversation: i64, limit: usize) -> Result<Vec<ThreadLine>, StoreError> {
        self.thread_after(conversation, (i64::MIN, i64::MIN), limit)
    }

    /// The same behind a line, which is named by its time and number.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn thread_after(
        &self,
        conversation: i64,
        after: (i64, i64),
        limit: usize,
    ) -> Result<Vec<ThreadLine>, StoreError> {
        self.thread_in((conversation, after), "(at, id) > (?2, ?3) ORDER BY at, id", limit)
    }

    /// The lines before one, which is named by its time and number, the newest first.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn thread_before(
        &self,
        conversation: i64,
        before: (i64, i64),
        limit: usize,
    ) -> Result<Vec<ThreadLine>, StoreError> {
        let order = "(at, id) < (?2, ?3) ORDER BY at DESC, id DESC";
        self.thread_in((conversation, before), order, limit)
    }

    fn thread_in(
        &self,
        (conversation, (at, id)): (i64, (i64, i64)),
        order: &str,
        limit: usize,
    ) -> Result<Vec<ThreadLine>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {THREAD} FROM transcript_records WHERE conversation = ?1 AND {order} LIMIT ?4"
            ))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map((conversation, at, id, limit), |row| {
                Ok(ThreadLine {
                    id: row.get(0)?,
                    at: Micros(row.get(1)?),
                    role: role(row.get(2)?),
                    uuid: row.get(3)?,
                    parent: row.get(4)?,
                    agent_id: row.get(5)?,
                    is_sidechain: row.get(6)?,
                    message_id: row.get(7)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Lines by their numbers, in the order of these, with what they say where `with_content`: 16 MiB of that at most,
    /// or one line. Those that are not there are left out.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn kept_lines(&self, ids: &[i64], with_content: bool) -> Result<KeptLines, StoreError> {
        self.readers().read(|conn| {
            let sql = format!(
                "SELECT {COLUMNS} FROM transcript_records
                     JOIN transcripts ON transcripts.id = transcript_records.transcript
                 WHERE transcript_records.id = ?1"
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let mut blocks = Blocks::default();
            let mut room = CONTENT_MAX;
            let mut kept_lines = KeptLines::default();
            for id in ids {
                let found = statement.query_row([id], read).optional()?;
                if let Some((mut line, place)) = found {
                    if with_content {
                        let (.., kept) = place;
                        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
                        // One alone is told whatever its length.
                        if kept > room && room < CONTENT_MAX {
                            break;
                        }
                        line.content = blocks.part(conn, place)?;
                        room = room.saturating_sub(kept);
                    }
                    kept_lines.lines.push(line);
                }
                kept_lines.looked_up += 1;
            }
            Ok(kept_lines)
        })
    }
}

/// Where the bytes of a line are: the block, where they begin in it, and how many they are.
type Place = (i64, i64, i64);

/// Blocks that were unpacked: the lines of a page are of a few.
#[derive(Default)]
struct Blocks {
    unpacked: HashMap<i64, Option<Vec<u8>>>,
    bytes: usize,
}

/// Bytes of what lines say that are told at once.
const CONTENT_MAX: usize = 16 << 20;

/// Bytes of unpacked blocks that are held.
const HELD: usize = 16 << 20;

impl Blocks {
    fn part(
        &mut self,
        conn: &Connection,
        (block, start, kept): Place,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        if !self.unpacked.contains_key(&block) {
            if self.bytes > HELD {
                *self = Self::default();
            }
            let raw = readable(unpacked(conn, block))?;
            self.bytes += raw.as_ref().map_or(0, Vec::len);
            self.unpacked.insert(block, raw);
        }
        let raw = self.unpacked.get(&block).and_then(Option::as_ref);
        let (start, kept) = (usize::try_from(start).ok(), usize::try_from(kept).ok());
        let part = start.zip(kept).zip(raw).and_then(|((start, kept), raw)| {
            raw.get(start..start.checked_add(kept)?).map(<[u8]>::to_vec)
        });
        Ok(part)
    }
}

pub(super) fn unpacked(conn: &Connection, block: i64) -> Result<Vec<u8>, ReadError> {
    let mut statement =
        conn.prepare_cached("SELECT codec, raw_len, bytes FROM transcript_blocks WHERE id = ?1")?;
    let mut rows = statement.query([block])?;
    let row = rows.next()?.ok_or(StoreError::Decode { what: "block of a transcript's lines" })?;
    let bytes = row.get_ref(2)?.as_blob().map_err(odd)?;
    Ok(unpack(row.get(0)?, row.get(1)?, bytes)?)
}

/// The role of a number; one of a later version is a note.
fn role(number: i64) -> LineRole {
    let role = usize::try_from(number).ok().and_then(|place| LineRole::ALL.get(place));
    role.copied().unwrap_or_default()
}

fn read(row: &Row<'_>) -> rusqlite::Result<(KeptLine, Place)> {
    let facts = LineFacts {
        role: role(row.get(1)?),
        kind: row.get(2)?,
        subkind: row.get(3)?,
        uuid: row.get(4)?,
        parent: row.get(5)?,
        logical_parent: row.get(6)?,
        agent_id: row.get(7)?,
        is_sidechain: row.get(8)?,
        at: Some(Micros(row.get(9)?)),
        message_id: row.get(10)?,
        request_id: row.get(11)?,
        model: row.get(12)?,
        tools: row.get(13)?,
        text: row.get(14)?,
        ..LineFacts::default()
    };
    let line = KeptLine {
        id: row.get(0)?,
        facts,
        path: row.get(15)?,
        number: count(row, 16)?,
        offset: count(row, 17)?,
        len: count(row, 18)?,
        content: None,
    };
    Ok((line, (row.get(19)?, row.get(20)?, row.get(21)?)))
}
