//! One transaction: everything a batch says, written once per flow, with the next revisions.

use std::sync::Arc;

use langley_model::{
    Body, Courtesy, Drop as Dropped, DropReason, Flow, FlowId, Micros, Revision, Stored,
};
use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension};

use super::Change;
use super::batch::{Batch, Events, Touched};
use super::blobs::{BlobSql, Kind};
use super::groups::Groups;
use super::pieces::Shelf;
use super::tails::{BlockSql, Desk, Known, Memory, OpenFlow, Tail};
use crate::codec::message_json;
use crate::content;
use crate::error::of_place;
use crate::flow_row::{self, Binder, Bytes, Carried, CarriedBody, FlowSql, signed};
use crate::readers::ReadError;
use crate::rollup::{Gathered, Held, ToolCostChange};
use crate::totals::Totals;
use crate::waiting::Waiting;
use crate::{lost, projects, tools, traits};

/// Why a flow is lost whose last state was given up.
const END_GIVEN_UP: &str = "Its end could not be written: how it ended is not known.";

/// What a transaction has changed.
pub(super) struct Applied {
    pub(super) changes: Vec<Change>,
    pub(super) totals: Totals,
    /// Drops that records reported.
    pub(super) reported: Vec<(DropReason, u64)>,
    pub(super) revision: Revision,
}

/// Writes a batch and the rows about earlier drops in one transaction.
///
/// On an error nothing is written; the caller rolls back and restores the memory.
pub(super) fn apply(
    conn: &Connection,
    memory: &mut Memory,
    sql: &FlowSql,
    batch: &Batch<'_>,
    unwritten: &[Dropped],
) -> rusqlite::Result<Applied> {
    conn.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
    memory.see(conn)?;
    let revision: Option<i64> = conn
        .prepare_cached("SELECT value FROM totals WHERE name = 'revision'")?
        .query_row((), |row| row.get(0))
        .optional()?;
    let mut transaction = Transaction {
        conn,
        memory,
        sql: Statements::prepare(conn, sql)?,
        revision: Revision(revision.unwrap_or(0).cast_unsigned()),
        added: Totals::default(),
        groups: Groups::default(),
        rollups: Gathered::default(),
        tool_costs: ToolCostChange::default(),
        held: Held::read(conn)?,
        orphans: Vec::new(),
        unindexed: Vec::new(),
        unread: Vec::new(),
        changes: Vec::with_capacity(batch.flows.len()),
    };
    let mut courtesy = Courtesy::default();
    for (id, touched) in &batch.flows {
        transaction.flow(*id, touched)?;
        courtesy.step(transaction.memory.pressed);
    }
    transaction.tunnels(batch)?;
    let mut reported = Vec::new();
    let orphans = std::mem::take(&mut transaction.orphans);
    for dropped in batch.drops.iter().copied().chain(&orphans) {
        transaction.dropped(dropped)?;
        reported.push((dropped.reason, dropped.count));
    }
    for dropped in unwritten {
        transaction.dropped(dropped)?;
    }
    let Transaction { revision, mut added, groups, rollups, tool_costs, .. } = transaction;
    let Transaction { unindexed, unread, changes, .. } = transaction;
    groups.write(conn)?;
    rollups.write(conn)?;
    tool_costs.write(conn)?;
    Waiting::Index.note(conn, &unindexed)?;
    Waiting::Analysis.note(conn, &unread)?;
    added.add(conn)?;
    conn.prepare_cached("COMMIT")?.execute(())?;
    Ok(Applied { changes, totals: added, reported, revision })
}

struct Statements<'c> {
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    progress: CachedStatement<'c>,
    count: CachedStatement<'c>,
    carry: CachedStatement<'c>,
    blobs: BlobSql<'c>,
    blocks: BlockSql<'c>,
}

impl<'c> Statements<'c> {
    fn prepare(conn: &'c Connection, flow: &FlowSql) -> rusqlite::Result<Self> {
        Ok(Self {
            insert: conn.prepare_cached(&flow.insert)?,
            update: conn.prepare_cached(&flow.update)?,
            progress: conn.prepare_cached(&flow.progress)?,
            count: conn
                .prepare_cached("UPDATE flows SET revision = ?2, event_count = ?3 WHERE n = ?1")?,
            carry: conn.prepare_cached(&flow.carry)?,
            blobs: BlobSql::prepare(conn)?,
            blocks: BlockSql::prepare(conn)?,
        })
    }
}

struct Transaction<'c, 'm> {
    conn: &'c Connection,
    memory: &'m mut Memory,
    sql: Statements<'c>,
    revision: Revision,
    added: Totals,
    groups: Groups,
    rollups: Gathered,
    tool_costs: ToolCostChange,
    held: Held,
    /// Records of flows whose beginning was never stored.
    orphans: Vec<Dropped>,
    /// Ended flows whose text may have changed.
    unindexed: Vec<i64>,
    /// Those of them that are worth an analysis.
    unread: Vec<i64>,
    changes: Vec<Change>,
}

/// The row of a flow that was not known to be open.
struct Row {
    n: i64,
    tail: Tail,
    /// What was there already.
    found: Option<Stored<Arc<Flow>>>,
}

impl<'c> Transaction<'c, '_> {
    /// Writes all that the batch says about one flow.
    fn flow(&mut self, id: FlowId, touched: &Touched<'_>) -> rusqlite::Result<()> {
        #[cfg(test)]
        super::tests::fault(touched);
        let revision = self.revision.next();
        let known = match self.memory.take(id) {
            Known::Open(open) => Some(*open),
            // New, as nearly always; a stored one makes the insertion below fail.
            Known::No if touched.flow.is_some() => None,
            Known::Resting | Known::No => self.stored(id)?,
        };
        let known = match (known, touched.flow) {
            (None, None) => {
                if touched.count() > 0 {
                    self.orphan(id, touched);
                }
                return Ok(());
            }
            // Its next state says what it lost.
            (Some(open), None)
                if open.flow.is_open()
                    && touched.count() == 0
                    && touched.loss.is_none_or(|loss| !loss.end) =>
            {
                self.memory.put(id, open);
                return Ok(());
            }
            (known, _) => known,
        };
        let mut before = known.as_ref().map(|open| open.flow.clone());
        let base = known.as_ref().map(|open| &**open.flow);
        let Some(mut flow) = touched.flow.or(known.as_ref().map(|open| &*open.flow)).cloned()
        else {
            return Ok(());
        };
        self.lose(id, touched, known.as_ref().map(|open| open.n), &mut flow)?;
        projects::bound(&mut self.memory.projects, self.conn, &mut flow)?;
        // The engine may report its count later than the events themselves.
        let last = touched.events.iter().filter_map(Events::last_seq);
        let event_count = last
            .max()
            .map_or(0, |last| last.saturating_add(1))
            .max(flow.event_count)
            .max(base.map_or(0, |base| base.event_count));
        if event_count != flow.event_count {
            Arc::make_mut(&mut flow).event_count = event_count;
        }
        // Whether the names of its tools are stored already.
        let has_tools = match base {
            Some(base) => flow.tool_names == base.tool_names,
            None => flow.tool_names.is_empty(),
        };
        let message = touched.message.map(|message| {
            let mut json = Vec::new();
            message_json::encode(message, &mut json);
            json
        });
        let carried = self.contents(touched, message.as_deref())?;
        let has_new_text = carried.bodies[0].is_some() || carried.message.is_some();
        let was_open = base.is_none_or(Flow::is_open);
        let (n, tail) = match known {
            Some(open) => {
                if touched.flow.is_some() || touched.loss.is_some() {
                    self.update(&open, &flow, revision)?;
                } else {
                    self.count(open.n, &flow, revision)?;
                }
                self.carry(open.n, &carried)?;
                (open.n, open.tail)
            }
            None => {
                let row = self.insert(&flow, &carried, revision)?;
                before = row.found;
                (row.n, row.tail)
            }
        };
        let known = before.as_ref().map(|before| (&***before, before.revision()));
        self.rollups.change(n, known, self.held, &flow);
        if let Some((before, _)) = known.filter(|(before, _)| !before.is_open()) {
            self.tool_costs.exchange(self.conn, n, before, &flow)?;
        }
        if flow.retry_of.is_some() {
            self.retry(n, &flow)?;
        }
        self.revision = revision;
        self.added.revision += 1;
        if touched.message.is_some() || !has_tools {
            self.tools(n, &flow, touched)?;
        }
        let flow = Stored::read_back(flow, revision);
        self.changes.push(Change { revision, flow: flow.clone() });
        if !flow.is_open() && (was_open || has_new_text) {
            self.unindexed.push(n);
            if flow.provider.is_some() && !flow.is_own_check() {
                self.unread.push(n);
            }
        }
        self.added.events += touched.events.iter().map(Events::count).sum::<u64>();
        let mut tail = tail;
        if flow.is_open() {
            tail.append(&mut self.desk(n), &touched.events)?;
            self.memory.put(id, OpenFlow { n, flow, tail });
        } else if !(tail.is_empty() && touched.events.is_empty()) {
            let message = self.answer(n, message)?;
            tail.finish(&mut self.desk(n), &touched.events, message.as_deref())?;
        }
        Ok(())
    }

    /// Has a flow say what was given up of it. One whose end was given up, and nobody writes any more, is lost.
    fn lose(
        &mut self,
        id: FlowId,
        touched: &Touched<'_>,
        n: Option<i64>,
        flow: &mut Arc<Flow>,
    ) -> rusqlite::Result<()> {
        let mut lost = touched.loss.unwrap_or_default();
        if touched.flow.is_some()
            && let Some(here) = self.memory.losses.of(id)
        {
            lost.add(&here);
        }
        if lost.is_none() {
            return Ok(());
        }
        let flow = Arc::make_mut(flow);
        lost.mark(flow);
        if lost.end
            && touched.flow.is_none()
            && flow.is_open()
            && let Some(n) = n
        {
            *flow = lost::ended(self.conn, n, flow, END_GIVEN_UP)?;
        }
        Ok(())
    }

    /// Notes which attempt a flow repeats.
    fn retry(&self, n: i64, flow: &Flow) -> rusqlite::Result<()> {
        let mut statement = self
            .conn
            .prepare_cached("INSERT OR REPLACE INTO retries (flow, attempt) VALUES (?1, ?2)")?;
        statement.execute((n, flow.retry_of.as_ref().map(|id| Bytes(id.as_bytes()))))?;
        Ok(())
    }

    /// The answer of a flow that has ended, as it is stored; the `new` one if there is.
    fn answer(&self, n: i64, new: Option<Vec<u8>>) -> rusqlite::Result<Option<Vec<u8>>> {
        if !self.memory.packer.is_thorough() {
            return Ok(None);
        }
        if new.is_some() {
            return Ok(new);
        }
        match content::message(self.conn, n) {
            Ok(message) => Ok(message),
            // An I/O error has ended the transaction.
            Err(ReadError::Sqlite(error)) if !of_place(&error) || self.conn.is_autocommit() => {
                Err(error)
            }
            // Events are packed against nothing that cannot be read.
            Err(_) => Ok(None),
        }
    }

    fn orphan(&mut self, id: FlowId, touched: &Touched<'_>) {
        self.orphans.push(Dropped {
            at: Micros::now(),
            flow: Some(id),
            reason: DropReason::WriteFailed,
            count: touched.count(),
            bytes: touched.bytes(),
        });
    }

    /// A flow that is not known here, from its rows.
    fn stored(&mut self, id: FlowId) -> rusqlite::Result<Option<OpenFlow>> {
        let sql = format!("{} WHERE flow_id = ?1", FlowSql::select());
        let mut statement = self.conn.prepare_cached(&sql)?;
        let row = statement.query_row([Bytes(id.as_bytes())], flow_row::read).optional()?;
        drop(statement);
        let Some((n, flow)) = row else { return Ok(None) };
        let tail = if flow.is_open() { Tail::resume(&mut self.desk(n))? } else { Tail::default() };
        Ok(Some(OpenFlow { n, flow: flow.shared(), tail }))
    }

    fn insert(
        &mut self,
        flow: &Flow,
        carried: &Carried<'_>,
        revision: Revision,
    ) -> rusqlite::Result<Row> {
        let mut n = flow.started_at.0;
        let mut first = true;
        let traits = traits::number(&mut self.memory.traits, self.conn, flow)?;
        let project = projects::number(&mut self.memory.projects, self.conn, flow)?;
        loop {
            let mut binder = Binder::new(&mut self.sql.insert);
            binder.key(n, revision);
            binder.fixed(flow);
            binder.indexed(flow, project);
            binder.plain(flow, traits);
            binder.carried(carried);
            match binder.execute() {
                Ok(_) => break,
                Err(error)
                    if first
                        && error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) =>
                {
                    if let Some(open) = self.stored(flow.id)? {
                        self.update(&open, flow, revision)?;
                        self.carry(open.n, carried)?;
                        let OpenFlow { n, flow, tail } = open;
                        return Ok(Row { n, tail, found: Some(flow) });
                    }
                    n = self.free_key(n)?;
                    first = false;
                }
                Err(error) => return Err(error),
            }
        }
        self.added.flows += 1;
        self.groups.add(n, flow);
        Ok(Row { n, tail: Tail::default(), found: None })
    }

    /// The first free key from `taken` on: another flow began in the same microsecond.
    ///
    /// Flows of one import may do so by the thousand, so the search begins where the last one ended.
    fn free_key(&mut self, taken: i64) -> rusqlite::Result<i64> {
        let (from, to) = self.memory.crowd;
        let inside = (from..=to).contains(&taken);
        let free = self
            .conn
            .prepare_cached(
                "SELECT n + 1 FROM flows AS taken WHERE n >= ?1
                     AND NOT EXISTS (SELECT 1 FROM flows WHERE n = taken.n + 1)
                 ORDER BY n LIMIT 1",
            )?
            .query_row([if inside { to } else { taken }], |row| row.get(0))
            .optional()?;
        // No row from there on: a hint of a transaction that failed.
        let free = free.unwrap_or(taken + 1);
        self.memory.crowd = (if inside { from } else { taken }, free);
        Ok(free)
    }

    fn update(&mut self, open: &OpenFlow, flow: &Flow, revision: Revision) -> rusqlite::Result<()> {
        let moves = flow_row::moves(&open.flow, flow);
        let project = projects::number(&mut self.memory.projects, self.conn, flow)?;
        let traits = traits::number(&mut self.memory.traits, self.conn, flow)?;
        let statement = if moves { &mut self.sql.update } else { &mut self.sql.progress };
        let mut binder = Binder::new(statement);
        binder.key(open.n, revision);
        if moves {
            binder.indexed(flow, project);
        }
        binder.plain(flow, traits);
        // Nobody deletes an open flow but a person with another program.
        if binder.execute()? == 0 { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(()) }
    }

    /// The batch knows nothing of the flow itself: only its events are more.
    fn count(&mut self, n: i64, flow: &Flow, revision: Revision) -> rusqlite::Result<()> {
        let numbers = (n, signed(revision.0), signed(flow.event_count));
        let rows = self.sql.count.execute(numbers)?;
        if rows == 0 { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(()) }
    }

    /// Keeps what the batch says that the flow carried, its `message` as JSON; returns where it is.
    fn contents<'a>(
        &mut self,
        touched: &Touched<'a>,
        message: Option<&[u8]>,
    ) -> rusqlite::Result<Carried<'a>> {
        let mut carried = Carried::default();
        for (blob, head) in carried.heads.iter_mut().zip(touched.heads) {
            *blob = head.map(|head| self.blob(head.as_bytes())).transpose()?;
        }
        for (kept, body) in carried.bodies.iter_mut().zip(touched.bodies) {
            let Some(body) = body else { continue };
            *kept = Some(CarriedBody {
                blob: self.body(body)?,
                media_type: body.media_type.as_deref(),
                original_len: body.original_len,
                truncated: body.truncated,
            });
        }
        carried.message = message.map(|message| self.message(message)).transpose()?;
        Ok(carried)
    }

    /// Notes in the row of a known flow what it carried.
    fn carry(&mut self, n: i64, carried: &Carried<'_>) -> rusqlite::Result<()> {
        if carried.is_empty() {
            return Ok(());
        }
        if let Some(message) = carried.message {
            let before: Option<i64> = self
                .conn
                .prepare_cached("SELECT message FROM flows WHERE n = ?1")?
                .query_row([n], |row| row.get(0))?;
            if before.is_some_and(|before| before != message) {
                self.desk(n).loosen()?;
            }
        }
        let mut binder = Binder::new(&mut self.sql.carry);
        binder.row(n);
        binder.carried(carried);
        binder.execute()?;
        Ok(())
    }

    /// Notes which tools the answer calls; the analysis tells the rest. What it has told stays as it was added
    /// up, until it looks at the flow again.
    fn tools(&mut self, n: i64, flow: &Flow, touched: &Touched<'_>) -> rusqlite::Result<()> {
        let names: Vec<&str> = match touched.message {
            Some(message) => message.tool_names().collect(),
            None => flow.tool_names.iter().map(String::as_str).collect(),
        };
        let mut statement = self.conn.prepare_cached(
            "INSERT INTO tool_calls (flow, position, tool) VALUES (?1, ?2, ?3)
             ON CONFLICT (flow, position) DO UPDATE SET tool = ?3 WHERE tool <> ?3 AND state IS NULL",
        )?;
        let count = names.len() as i64;
        for (position, name) in (0_i64..).zip(names) {
            if let Some(tool) =
                tools::number(&mut self.memory.tools, self.conn, name, flow.started_at)?
            {
                statement.execute((n, position, tool))?;
            }
        }
        if touched.message.is_some() {
            self.conn
                .prepare_cached(
                    "DELETE FROM tool_calls
                     WHERE flow = ?1 AND position >= ?2 AND position < ?3 AND state IS NULL",
                )?
                .execute((n, count, tools::STRAY))?;
        }
        Ok(())
    }

    fn desk(&mut self, n: i64) -> Desk<'_, 'c> {
        let Memory { packer, raw, kinds, .. } = &mut *self.memory;
        Desk { sql: &mut self.sql.blocks, packer, raw, n, conn: self.conn, kinds }
    }

    fn blob(&mut self, bytes: &[u8]) -> rusqlite::Result<i64> {
        self.memory.blobs.keep(&mut self.sql.blobs, &mut self.memory.packer, bytes)
    }

    fn body(&mut self, body: &Body) -> rusqlite::Result<i64> {
        let Memory { blobs, packer, raw, .. } = &mut *self.memory;
        Shelf { blobs, sql: &mut self.sql.blobs, packer, raw }.body(body)
    }

    fn message(&mut self, json: &[u8]) -> rusqlite::Result<i64> {
        let Memory { blobs, packer, .. } = &mut *self.memory;
        blobs.keep_piece(&mut self.sql.blobs, packer, json, Kind::Returning)
    }

    fn tunnels(&mut self, batch: &Batch<'_>) -> rusqlite::Result<()> {
        for tunnel in &batch.tunnels {
            let known = self
                .conn
                .prepare_cached("SELECT 1 FROM tunnels WHERE connection_id = ?1")?
                .exists([Bytes(tunnel.connection.as_bytes())])?;
            self.added.tunnels += u64::from(!known);
            self.conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO tunnels (connection_id, started_at, ended_at, host,
                         port, client_addr, bytes_up, bytes_down, why, reason)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )?
                .execute((
                    Bytes(tunnel.connection.as_bytes()),
                    tunnel.started_at.0,
                    tunnel.ended_at.map(|at| at.0),
                    &tunnel.host,
                    tunnel.port,
                    &tunnel.client_addr,
                    signed(tunnel.bytes_up),
                    signed(tunnel.bytes_down),
                    tunnel.why.as_str(),
                    &tunnel.reason,
                ))?;
        }
        Ok(())
    }

    fn dropped(&mut self, dropped: &Dropped) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO drops (at, flow_id, reason, count, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((
                dropped.at.0,
                dropped.flow.as_ref().map(|id| Bytes(id.as_bytes())),
                dropped.reason.as_str(),
                signed(dropped.count),
                signed(dropped.bytes),
            ))?;
        self.added.drops[dropped.reason as usize] += dropped.count;
        Ok(())
    }
}
