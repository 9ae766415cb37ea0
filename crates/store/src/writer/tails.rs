//! Tails: the newest events of each open flow, rewritten in place until they are worth sealing.
//!
//! Three sizes keep both memory and rewriting small. What arrives goes into the *tail* row, which is
//! rewritten with every commit until it holds 4 KB. Sealed tails pile up as *pieces*; when they hold
//! 64 KB, or the flow ends, they are read back and become one block; at the end it is packed against the
//! flow's message, which holds the same text. A flood skips all that: it comes in blocks
//! ([`crate::packed`]), or every 64 KB that arrive in one transaction become one. So an event is
//! compressed about twice, and an open flow holds at most 4 KB of them here.

use std::collections::HashSet;
use std::sync::Arc;

use langley_model::{Flow, FlowId, Stored};
use lru::LruCache;
use rusqlite::{CachedStatement, Connection};

use super::batch::Events;
use super::blobs::Blobs;
use super::losses::Losses;
use crate::codec::event_block::{BlockBuilder, FULL_BYTES};
use crate::codec::pack::{BASED, Packer};
use crate::error::of_place;
use crate::flow_row::signed;
use crate::kinds::{KindColumn, KindNames};
use crate::names::{DailyNames, Names};
use crate::packed::Packed;
use crate::readers::ReadError;
use crate::stored_block::StoredBlock;
use crate::{projects, tools, traits};

/// Raw bytes at which a tail is sealed as a piece.
const PIECE_BYTES: usize = 4 * 1024;

/// Rows that are looked at to find where a flow's events go on: its tail and its pieces.
const NEWEST_ROWS: usize = FULL_BYTES / PIECE_BYTES + 1;

/// Longer answers are not packed against: each block would have to look through all of one.
const LONGEST_MESSAGE: usize = 256 * 1024;

/// What the writer remembers between transactions, and how to take a failed one back.
pub(super) struct Memory {
    /// The open flows that were touched last, at most `most` of them after each transaction.
    open: LruCache<FlowId, OpenFlow>,
    most: usize,
    /// Open flows whose state is in their rows alone.
    resting: HashSet<FlowId>,
    /// Flows that came to rest, since the start.
    pub(super) rested: u64,
    undo: Vec<(FlowId, Known)>,
    pub(super) blobs: Blobs,
    pub(super) packer: Packer,
    pub(super) raw: Vec<u8>,
    pub(super) kinds: KindNames,
    pub(super) traits: Names,
    pub(super) tools: DailyNames,
    pub(super) projects: DailyNames,
    /// The last run of neighbouring keys that a search for a free one went through.
    pub(super) crowd: (i64, i64),
    pub(super) losses: Losses,
    /// Whether the writer keeps the processor until its batch is written.
    pub(super) pressed: bool,
    /// Changes when another connection writes.
    version: Option<i64>,
}

/// An open flow as it was committed last.
#[derive(Clone)]
pub(super) struct OpenFlow {
    pub(super) n: i64,
    pub(super) flow: Stored<Arc<Flow>>,
    pub(super) tail: Tail,
}

/// What is known of a flow before a transaction.
#[derive(Clone)]
pub(super) enum Known {
    /// It is open, as here.
    Open(Box<OpenFlow>),
    /// It is open, as its rows say.
    Resting,
    /// Nothing: it is new, or has ended.
    No,
}

impl Memory {
    /// A memory of at most `most` open flows.
    pub(super) fn new(most: usize) -> Self {
        Self {
            // Unbounded and trimmed by hand: a bounded one would reserve all its room when idle.
            open: LruCache::unbounded(),
            most,
            resting: HashSet::new(),
            rested: 0,
            undo: Vec::new(),
            blobs: Blobs::new(),
            packer: Packer::new(),
            raw: Vec::new(),
            kinds: KindNames::default(),
            traits: traits::names(),
            tools: tools::names(),
            projects: projects::names(),
            crowd: (0, 0),
            losses: Losses::new(),
            pressed: false,
            version: None,
        }
    }

    /// Takes an open flow out, to be put back changed.
    pub(super) fn take(&mut self, id: FlowId) -> Known {
        let known = match self.open.pop(&id) {
            Some(open) => Known::Open(Box::new(open)),
            None if self.resting.remove(&id) => Known::Resting,
            None => Known::No,
        };
        self.undo.push((id, known.clone()));
        known
    }

    pub(super) fn put(&mut self, id: FlowId, flow: OpenFlow) {
        self.open.put(id, flow);
    }

    /// The transaction failed: all is as it was before it.
    pub(super) fn restore(&mut self) {
        self.losses.restore();
        for (id, before) in std::mem::take(&mut self.undo).into_iter().rev() {
            self.drop_flow(id);
            match before {
                Known::Open(flow) => drop(self.open.put(id, *flow)),
                Known::Resting => drop(self.resting.insert(id)),
                Known::No => {}
            }
        }
        self.forget();
    }

    /// Looks whether another connection has written since the last transaction: what it removed must not
    /// be referred to. To be called under the lock, which keeps it from doing so now.
    pub(super) fn see(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let version =
            conn.prepare_cached("PRAGMA data_version")?.query_row((), |row| row.get(0))?;
        if self.version.replace(version).is_some_and(|known| known != version) {
            self.forget();
        }
        Ok(())
    }

    /// Forgets what is only known from rows that may be gone.
    pub(super) fn forget(&mut self) {
        self.blobs.forget();
        self.kinds.forget();
        self.traits.forget();
        self.tools.forget();
        self.projects.forget();
        self.crowd = (0, 0);
    }

    /// The transaction is committed.
    pub(super) fn settle(&mut self) {
        self.losses.settle(|id| !self.open.contains(id) && !self.resting.contains(id));
        self.undo.clear();
        while self.open.len() > self.most {
            let Some((id, _)) = self.open.pop_lru() else { break };
            self.resting.insert(id);
            self.rested += 1;
        }
        self.packer.rest();
        if self.raw.capacity() > 4 * FULL_BYTES {
            self.raw = Vec::new();
        }
    }

    /// Forgets an open flow; its next record finds or makes its row.
    pub(super) fn drop_flow(&mut self, id: FlowId) {
        self.open.pop(&id);
        self.resting.remove(&id);
    }

    /// Flows that have not ended.
    pub(super) fn open_flows(&self) -> usize {
        self.open.len() + self.resting.len()
    }

    /// Those of them whose state is kept here.
    pub(super) fn held_flows(&self) -> usize {
        self.open.len()
    }
}

/// The statements on event blocks.
pub(super) struct BlockSql<'c> {
    insert: CachedStatement<'c>,
    rewrite: CachedStatement<'c>,
    read: CachedStatement<'c>,
    delete: CachedStatement<'c>,
    newest: CachedStatement<'c>,
}

impl<'c> BlockSql<'c> {
    pub(super) fn prepare(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            insert: conn.prepare_cached(
                "INSERT INTO event_blocks (flow, first_seq, last_seq, first_us, last_us, events,
                     kinds, raw_len, codec, bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?,
            rewrite: conn.prepare_cached(
                "UPDATE event_blocks SET flow = ?1, first_seq = ?2, last_seq = ?3, first_us = ?4,
                     last_us = ?5, events = ?6, kinds = ?7, raw_len = ?8, codec = ?9, bytes = ?10
                 WHERE id = ?11",
            )?,
            read: conn.prepare_cached(&format!(
                "SELECT {} FROM event_blocks WHERE id = ?1",
                StoredBlock::COLUMNS
            ))?,
            delete: conn.prepare_cached("DELETE FROM event_blocks WHERE id = ?1")?,
            newest: conn.prepare_cached(
                "SELECT id, raw_len FROM event_blocks WHERE flow = ?1
                 ORDER BY first_seq DESC LIMIT ?2",
            )?,
        })
    }
}

/// What writing blocks needs.
pub(super) struct Desk<'a, 'c> {
    pub(super) sql: &'a mut BlockSql<'c>,
    pub(super) packer: &'a mut Packer,
    pub(super) raw: &'a mut Vec<u8>,
    /// The flow's key.
    pub(super) n: i64,
    pub(super) conn: &'c Connection,
    pub(super) kinds: &'a mut KindNames,
}

/// The newest events of an open flow.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    events: BlockBuilder,
    /// The row that holds them, once written.
    row: Option<i64>,
    /// Sealed pieces before it: row and raw bytes.
    pieces: Vec<(i64, usize)>,
}

impl Tail {
    /// The tail of an open flow as its rows have it, so that slow events do not make a row each because
    /// their flow came to rest in between.
    pub(super) fn resume(desk: &mut Desk<'_, '_>) -> rusqlite::Result<Self> {
        let mut tail = Self::default();
        let mut rows = desk.newest()?;
        if let Some(&(row, raw)) = rows.first()
            && raw < PIECE_BYTES
        {
            if desk.read_into(row, &mut tail.events)? {
                tail.row = Some(row);
                rows.remove(0);
            } else {
                tail.events = BlockBuilder::default();
            }
        }
        let pieces = rows.into_iter().take_while(|(_, raw)| *raw < FULL_BYTES);
        tail.pieces = pieces.collect();
        tail.pieces.reverse();
        Ok(tail)
    }

    /// Whether there is nothing that its flow's end would change.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.pieces.is_empty() && self.row.is_none()
    }

    /// Appends events and writes what they change.
    pub(super) fn append(
        &mut self,
        desk: &mut Desk<'_, '_>,
        events: &[Events<'_>],
    ) -> rusqlite::Result<()> {
        self.fill(desk, events)?;
        if self.events.is_empty() {
            return Ok(());
        }
        let row = self.write(desk)?;
        if self.events.raw_len() >= PIECE_BYTES {
            self.pieces.push((row, self.events.raw_len()));
            self.renew();
            if self.pieces.iter().map(|(_, raw)| raw).sum::<usize>() >= FULL_BYTES {
                self.join(desk)?;
            }
        }
        self.events.shrink();
        Ok(())
    }

    /// Appends events and writes the blocks that are full.
    fn fill(&mut self, desk: &mut Desk<'_, '_>, events: &[Events<'_>]) -> rusqlite::Result<()> {
        for events in events {
            let run = match events {
                Events::Run(run) => run,
                Events::Block(block) => {
                    self.close(desk)?;
                    desk.put(block)?;
                    continue;
                }
            };
            let mut at = (0, 0);
            while at.0 < run.spans.len() {
                at = self.events.fill(run, at);
                if self.events.raw_len() >= FULL_BYTES {
                    self.join(desk)?;
                    self.write(desk)?;
                    self.renew();
                }
            }
        }
        Ok(())
    }

    /// The flow has ended with these events: its pieces and its tail become one block, packed against
    /// the answer that the events make, because that holds nearly all of their text.
    pub(super) fn finish(
        mut self,
        desk: &mut Desk<'_, '_>,
        events: &[Events<'_>],
        message: Option<&[u8]>,
    ) -> rusqlite::Result<()> {
        self.fill(desk, events)?;
        if desk.packer.is_hurried() {
            if !events.is_empty() && !self.events.is_empty() {
                self.write(desk)?;
            }
            return Ok(());
        }
        let mut pieces = std::mem::take(&mut self.pieces);
        let mut whole = match pieces.is_empty() {
            true => std::mem::take(&mut self.events),
            false => BlockBuilder::default(),
        };
        let mut is_whole = true;
        for (row, _) in &pieces {
            is_whole = is_whole && desk.read_into(*row, &mut whole)?;
        }
        if !self.events.is_empty() {
            is_whole = is_whole && self.events.copy_into(desk.raw, &mut whole);
        }
        if !is_whole {
            // A damaged piece stays as it is, and so do its neighbours.
            if !self.events.is_empty() {
                self.write(desk)?;
            }
            return Ok(());
        }
        if whole.is_empty() {
            return Ok(());
        }
        pieces.extend(self.row.map(|row| (row, 0)));
        let (first, others) = match pieces.as_slice() {
            [(first, _), others @ ..] => (Some(*first), others),
            [] => (None, &[][..]),
        };
        desk.write_against(&whole, first, message)?;
        for (row, _) in others {
            desk.sql.delete.execute([row])?;
        }
        Ok(())
    }

    /// Makes one block of the pieces and the tail: what follows is not joined to them.
    fn close(&mut self, desk: &mut Desk<'_, '_>) -> rusqlite::Result<()> {
        if !self.events.is_empty() {
            let row = self.write(desk)?;
            self.pieces.push((row, self.events.raw_len()));
        }
        self.renew();
        self.join(desk)
    }

    fn renew(&mut self) {
        self.events.clear();
        self.row = None;
    }

    fn write(&mut self, desk: &mut Desk<'_, '_>) -> rusqlite::Result<i64> {
        let row = desk.write(&self.events, self.row)?;
        self.row = Some(row);
        Ok(row)
    }

    /// Makes one block of the pieces, in the row of the first.
    fn join(&mut self, desk: &mut Desk<'_, '_>) -> rusqlite::Result<()> {
        let pieces = std::mem::take(&mut self.pieces);
        if desk.packer.is_hurried() {
            // They are as readable apart.
            return Ok(());
        }
        let [(first, _), others @ ..] = pieces.as_slice() else { return Ok(()) };
        if others.is_empty() {
            return Ok(());
        }
        let mut whole = BlockBuilder::default();
        for (row, _) in &pieces {
            if !desk.read_into(*row, &mut whole)? {
                // A damaged piece stays as it is, and so do its neighbours.
                return Ok(());
            }
        }
        desk.write(&whole, Some(*first))?;
        for (row, _) in others {
            desk.sql.delete.execute([row])?;
        }
        Ok(())
    }
}

impl Desk<'_, '_> {
    /// Writes a block into `row`, or into a new one; returns the row.
    fn write(&mut self, block: &BlockBuilder, row: Option<i64>) -> rusqlite::Result<i64> {
        self.write_against(block, row, None)
    }

    /// The same, packed against the flow's message if there is one.
    fn write_against(
        &mut self,
        block: &BlockBuilder,
        row: Option<i64>,
        message: Option<&[u8]>,
    ) -> rusqlite::Result<i64> {
        block.encode(self.raw);
        let against = message.filter(|message| message.len() <= LONGEST_MESSAGE);
        let packed = match against {
            Some(message) => self.packer.pack_against(message, self.raw).map(|(codec, _)| codec),
            None => None,
        };
        let (codec, bytes) = match packed {
            Some(codec) => (codec, self.packer.packed_against()),
            None => self.packer.pack(self.raw),
        };
        let numbers =
            [block.first_seq, block.last_seq, block.first_us, block.last_us, block.events];
        let kinds = self.kinds.column(self.conn, &block.counts())?;
        let packed = (self.raw.len(), codec, bytes);
        match row {
            Some(row) => {
                bind(&mut self.sql.rewrite, self.n, numbers, &kinds, packed)?;
                self.sql.rewrite.raw_bind_parameter(11, row)?;
                match self.sql.rewrite.raw_execute()? {
                    0 => Err(rusqlite::Error::QueryReturnedNoRows),
                    _ => Ok(row),
                }
            }
            None => insert(self.conn, &mut self.sql.insert, self.n, numbers, &kinds, packed),
        }
    }

    /// Writes a block that is packed already.
    fn put(&mut self, block: &Packed) -> rusqlite::Result<()> {
        let Packed { first_seq, last_seq, first_us, last_us, events, kinds, .. } = block;
        let numbers = [*first_seq, *last_seq, *first_us, *last_us, *events];
        let packed = (block.raw_len, block.codec, &block.bytes[..]);
        let kinds = self.kinds.column(self.conn, kinds)?;
        insert(self.conn, &mut self.sql.insert, self.n, numbers, &kinds, packed)?;
        Ok(())
    }

    /// Packs by themselves the flow's blocks that were packed against its message, which is about to
    /// become another one.
    pub(super) fn loosen(&mut self) -> rusqlite::Result<()> {
        let rows: Vec<i64> = self
            .conn
            .prepare_cached("SELECT id FROM event_blocks WHERE flow = ?1 AND codec & ?2")?
            .query_map([self.n, BASED], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for row in rows {
            let mut block = BlockBuilder::default();
            if self.read_into(row, &mut block)? {
                self.write(&block, Some(row))?;
            }
        }
        Ok(())
    }

    /// The flow's newest rows and their raw bytes, the newest first.
    fn newest(&mut self) -> rusqlite::Result<Vec<(i64, usize)>> {
        let rows = self.sql.newest.query_map((self.n, NEWEST_ROWS as i64), |row| {
            Ok((row.get(0)?, usize::try_from(row.get::<_, i64>(1)?).unwrap_or(FULL_BYTES)))
        })?;
        rows.collect()
    }

    /// Appends a stored block's events to `whole`; `false` when not all of them decode, and `whole` is of
    /// no use then.
    fn read_into(&mut self, row: i64, whole: &mut BlockBuilder) -> rusqlite::Result<bool> {
        let mut rows = self.sql.read.query([row])?;
        let read = match rows.next() {
            Ok(Some(row)) => StoredBlock::read(self.conn, self.n, row),
            Ok(None) => return Ok(false),
            Err(error) => Err(ReadError::Sqlite(error)),
        };
        let stored = match read {
            Ok(stored) => stored,
            // An I/O error has ended the transaction.
            Err(ReadError::Sqlite(error)) if !of_place(&error) || self.conn.is_autocommit() => {
                return Err(error);
            }
            Err(_) => return Ok(false),
        };
        let block = stored.as_ref().and_then(StoredBlock::events);
        Ok(block.is_some_and(|block| whole.extend(block)))
    }
}

/// Binds a block of the flow `n`; `packed` is its length before packing, its codec and its bytes.
fn bind(
    statement: &mut CachedStatement<'_>,
    n: i64,
    numbers: [u64; 5],
    kinds: &KindColumn,
    packed: (usize, i64, &[u8]),
) -> rusqlite::Result<()> {
    let (raw_len, codec, bytes) = packed;
    statement.raw_bind_parameter(1, n)?;
    for (position, number) in (2..).zip(numbers) {
        statement.raw_bind_parameter(position, signed(number))?;
    }
    statement.raw_bind_parameter(7, kinds)?;
    statement.raw_bind_parameter(8, signed(raw_len as u64))?;
    statement.raw_bind_parameter(9, codec)?;
    statement.raw_bind_parameter(10, bytes)
}

/// Stores a bound block in a new row, without `RETURNING`: SQLite would prepare for taking part of it back.
fn insert(
    conn: &Connection,
    statement: &mut CachedStatement<'_>,
    n: i64,
    numbers: [u64; 5],
    kinds: &KindColumn,
    packed: (usize, i64, &[u8]),
) -> rusqlite::Result<i64> {
    bind(statement, n, numbers, kinds, packed)?;
    statement.raw_execute()?;
    Ok(conn.last_insert_rowid())
}
