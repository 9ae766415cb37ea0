//! Removing contents that nothing refers to any more, while records go on referring to contents.
//!
//! Mark and sweep: readers gather what the rows refer to, the writer marks meanwhile what new records
//! refer to. What is in neither set, and was there when the search began, is garbage. An index that
//! answered this without a search would cost every flow that is written.

use rusqlite::{Connection, OptionalExtension, Row};

use super::report::Upkeep;
use crate::codec::pack::{BASED, RECIPE};
use crate::damage::{Fault, Keyed, Patience};
use crate::error::{StoreError, of_row};
use crate::filter::Order;
use crate::readers::ReadError;
use crate::store::Store;
use crate::totals::total;
use crate::writer::{Budget, ContentSet, Site, named};

/// How many removals may have left garbage.
pub(super) const UNSWEPT: &str = "unswept";

/// Rows that one reading looks at; between two of them the write-ahead log can be folded back.
const ROWS_READ: usize = 2_000;

/// Contents that one reading looks at, and that are handed to the writer at once.
const CONTENTS: usize = 256;

/// Contents before the `?1`th, at most `?2` of them, the newest first: what a content names was there before
/// it. The base stands behind the bytes, so it is looked for only where there is one.
const NEWEST: &str = "SELECT id, codec, iif(codec & ?3, base, NULL) FROM blobs
     WHERE id < ?1 ORDER BY id DESC LIMIT ?2";

/// The same of one of them.
const ONE: &str = "SELECT id, codec, iif(codec & ?2, base, NULL) FROM blobs WHERE id = ?1";

/// Where rows refer to contents.
const REFERENCES: &str = "SELECT n, request_headers, request_trailers, response_headers,
         response_trailers, request_body, response_body, message FROM flows";

/// A content, and what it names.
struct Content {
    id: i64,
    is_recipe: bool,
    base: Option<i64>,
}

/// A sweep that has begun.
#[derive(Clone, Copy)]
struct Begun {
    /// The highest content there was.
    top: i64,
    /// Changes when somebody else writes to the file, whose records nobody marks.
    version: i64,
    /// Removals that may have left garbage so far.
    removals: i64,
}

impl Store {
    /// Removes the contents that no row refers to; for whoever has the turn.
    pub(super) fn sweep(
        &self,
        removed: &mut Upkeep,
        mut tell: impl FnMut(&Upkeep),
    ) -> Result<(), StoreError> {
        let begun = self.job(|site| {
            let top = site.begin_marking()?;
            let removals = garbage(site.conn)?;
            Ok(Begun { top, version: version(site.conn)?, removals })
        })?;
        let swept = self.sweep_marked(begun, removed, &mut tell);
        // Also after a failure: marking costs the writer something.
        let ended = self.job(move |site| {
            site.end_marking();
            Ok(())
        });
        if !swept? {
            return ended;
        }
        self.job(move |site| {
            site.conn.execute(
                "UPDATE totals SET value = max(0, value - ?1) WHERE name = ?2",
                (begun.removals, UNSWEPT),
            )?;
            Ok(())
        })?;
        ended
    }

    /// Whether a removal may have left contents that nothing refers to.
    pub(super) fn has_garbage(&self) -> Result<bool, StoreError> {
        self.readers().read(|conn| Ok(garbage(conn)? > 0))
    }

    /// Whether the sweep came to its end; not when somebody else writes to the file as well.
    fn sweep_marked(
        &self,
        begun: Begun,
        removed: &mut Upkeep,
        tell: &mut impl FnMut(&Upkeep),
    ) -> Result<bool, StoreError> {
        let referred = self.referred()?;
        if !self.loosen(begun, &referred)? {
            return Ok(false);
        }
        // The newest first: what was packed against another goes before it.
        let mut before = begun.top.saturating_add(1);
        loop {
            let mut garbage = Vec::new();
            let last = self.readers().read(|conn| {
                stretch(conn, before, |content| {
                    if !referred.has(content.id) {
                        garbage.push(content.id);
                    }
                    Ok(())
                })
            })?;
            let Some(last) = last else { return Ok(true) };
            before = last;
            garbage.reverse();
            let tell = |count: usize| {
                removed.contents += count as u64;
                tell(removed);
            };
            if !self.by_content(begun, garbage, tell, remove)? {
                return Ok(false);
            }
        }
    }

    /// Packs contents that stay by themselves, where what they were packed against does not: nothing of
    /// what was removed is kept for what was like it. Whether it came to its end.
    fn loosen(&self, begun: Begun, referred: &ContentSet) -> Result<bool, StoreError> {
        let mut before = begun.top.saturating_add(1);
        loop {
            let mut loose = Vec::new();
            let last = self.readers().read(|conn| {
                stretch(conn, before, |content| {
                    let goes = content.base.is_some_and(|base| !referred.has(base));
                    if goes && referred.has(content.id) {
                        loose.push(content.id);
                    }
                    Ok(())
                })
            })?;
            let Some(last) = last else { return Ok(true) };
            before = last;
            if !self.by_content(begun, loose, |_| {}, loosen)? {
                return Ok(false);
            }
        }
    }

    /// All contents that rows refer to, read a stretch at a time.
    fn referred(&self) -> Result<ContentSet, StoreError> {
        let (mut set, mut after, mut damaged) = (ContentSet::default(), i64::MIN, Vec::new());
        loop {
            let walked = self.readers().read(|conn| Ok(references(conn, after, &mut set)?));
            let last = match walked {
                // Where the disk fails what is there may be read another time, and must not go.
                Err(error) if error.is_of_content() => self
                    .readers()
                    .read(|conn| Ok(references_one_by_one(conn, after, &mut set, &mut damaged)?))?,
                walked => walked?,
            };
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        self.note_read([], &damaged);
        self.add_pieces(&mut set)?;
        Ok(set)
    }

    /// Adds what the recipes in `set` name: a body in pieces refers to each of them.
    fn add_pieces(&self, set: &mut ContentSet) -> Result<(), StoreError> {
        let mut before = i64::MAX;
        loop {
            let last = self.readers().read(|conn| {
                stretch(conn, before, |Content { id, is_recipe, .. }| {
                    if !is_recipe || !set.has(id) {
                        return Ok(());
                    }
                    // Of one that is damaged the body cannot be put together again, whatever is kept.
                    let pieces = unless_of_disk(("a list of pieces", id), named(conn, id))?;
                    pieces.into_iter().flatten().for_each(|piece| set.add(piece));
                    Ok(())
                })
            })?;
            match last {
                Some(last) => before = last,
                None => return Ok(()),
            }
        }
    }

    /// Does `work` on contents, the last of them first, as many in a transaction as the budget lets;
    /// `tell` hears how many it was true of. Whether it came to its end: not when somebody else has
    /// written to the file.
    fn by_content(
        &self,
        begun: Begun,
        mut left: Vec<i64>,
        mut tell: impl FnMut(usize),
        work: fn(&mut Site<'_>, i64) -> rusqlite::Result<bool>,
    ) -> Result<bool, StoreError> {
        let (mut is_alone, mut patience) = (false, Patience::default());
        while let Some(&first) = left.last() {
            let mut here = left.clone();
            let rows = if is_alone { 1 } else { u32::MAX };
            let done = self.job(move |site| {
                let mut budget = Budget::new(rows);
                let mut count = 0;
                let change = site.change()?;
                if version(&change)? != begun.version {
                    return Ok(None);
                }
                while let Some(id) = here.pop() {
                    count += usize::from(work(site, id)?);
                    if !budget.spend(1) {
                        break;
                    }
                }
                change.commit()?;
                Ok(Some((here, count)))
            });
            match done {
                // Where that meets damage, each has a transaction of its own, and those stay that cannot be read.
                Err(error) if error.is_of_one_place() && !is_alone => is_alone = true,
                Err(error) if patience.goes_on(&error) => {
                    tracing::warn!(%error, content = first, "a content is damaged and stays");
                    left.pop();
                }
                done => {
                    let Some((rest, count)) = done? else { return Ok(false) };
                    (left, patience) = (rest, Patience::default());
                    tell(count);
                }
            }
        }
        Ok(true)
    }
}

/// Gathers what a stretch of flows refers to; the last of them, none at the end.
fn references(
    conn: &Connection,
    after: i64,
    set: &mut ContentSet,
) -> rusqlite::Result<Option<i64>> {
    let mut last = None;
    let sql = format!("{REFERENCES} WHERE n > ?1 ORDER BY n LIMIT {ROWS_READ}");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([after])?;
    while let Some(row) = rows.next()? {
        last = Some(row.get(0)?);
        referred_by(row, set)?;
    }
    Ok(last)
}

/// The same of each flow by itself. What only one refers to that cannot be read, nobody finds any more.
fn references_one_by_one(
    conn: &Connection,
    after: i64,
    set: &mut ContentSet,
    damaged: &mut Vec<i64>,
) -> rusqlite::Result<Option<i64>> {
    let mut last = None;
    let mut statement = conn.prepare_cached(&format!("{REFERENCES} WHERE n = ?1"))?;
    for key in Keyed::Flows.keys_after(conn, after, Order::OldestFirst, CONTENTS)? {
        last = Some(key);
        let read = statement.query_row([key], |row| referred_by(row, set)).optional();
        if unless_of_disk(("a flow", key), read)?.is_none() {
            damaged.push(key);
        }
    }
    Ok(last)
}

/// Adds what a flow refers to; a column that does not decode refers to nothing.
fn referred_by(row: &Row<'_>, set: &mut ContentSet) -> rusqlite::Result<()> {
    for column in 1..8 {
        match row.get(column) {
            Ok(Some(id)) => set.add(id),
            Ok(None) => {}
            Err(error) if of_row(&error) => {
                let key: i64 = row.get(0)?;
                tracing::warn!(%error, key, "what a flow refers to does not decode");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What was read by `key`; none where that is damaged. Where the disk fails it may be there another time, and what
/// it refers to must not go.
fn unless_of_disk<T, E: Fault>(
    of: (&'static str, i64),
    read: Result<T, E>,
) -> Result<Option<T>, E> {
    match read {
        Err(error) if error.is_of_one_place() && !error.is_of_disk() => {
            tracing::warn!(%error, key = of.1, "{} cannot be read, and what it refers to goes", of.0);
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// Shows the contents of one reading, those before the `before`th; returns the last of them, none at the end. One
/// that cannot be read is not shown.
fn stretch(
    conn: &Connection,
    before: i64,
    mut show: impl FnMut(Content) -> Result<(), ReadError>,
) -> Result<Option<i64>, ReadError> {
    let content = |row: &Row<'_>| {
        let is_recipe = row.get::<_, i64>(1)? & RECIPE != 0;
        Ok(Content { id: row.get(0)?, is_recipe, base: row.get(2)? })
    };
    let walk = || -> rusqlite::Result<Vec<Content>> {
        let mut statement = conn.prepare_cached(NEWEST)?;
        statement.query_map((before, CONTENTS as i64, BASED), content)?.collect()
    };
    let mut last = None;
    match walk() {
        Err(error) if error.is_of_one_place() && !error.is_of_disk() => {
            let mut statement = conn.prepare_cached(ONE)?;
            for id in Keyed::Contents.keys_after(conn, before, Order::NewestFirst, CONTENTS)? {
                last = Some(id);
                let read = statement.query_row((id, BASED), content).optional();
                unless_of_disk(("a content", id), read)?.flatten().map_or(Ok(()), &mut show)?;
            }
        }
        contents => {
            for content in contents? {
                last = Some(content.id);
                show(content)?;
            }
        }
    }
    Ok(last)
}

/// Removes a content if no record has referred to it since the sweep began.
fn remove(site: &mut Site<'_>, id: i64) -> rusqlite::Result<bool> {
    if site.is_marked(id) {
        return Ok(false);
    }
    let mut delete = site.conn.prepare_cached("DELETE FROM blobs WHERE id = ?1")?;
    Ok(delete.execute([id])? > 0)
}

/// Packs a content by itself; whether it could be.
fn loosen(site: &mut Site<'_>, id: i64) -> rusqlite::Result<bool> {
    site.loosen(id)
}

fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, "data_version", |row| row.get(0))
}

fn garbage(conn: &Connection) -> rusqlite::Result<i64> {
    Ok(total(conn, UNSWEPT)?.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use langley_model::{
        Body, ConnectionId, Flow, FlowId, Micros, Outcome, Record, Redactor, RedactorOptions, Side,
    };

    use super::*;
    use crate::filter::FlowFilter;
    use crate::options::StoreOptions;

    /// A flow that carries one content of its own.
    fn write(store: &Store, n: u16) -> FlowId {
        send(store, n, &format!("content {n}"))
    }

    fn send(store: &Store, n: u16, text: &str) -> FlowId {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(n.into()));
        flow.outcome = Some(Outcome::Completed);
        let id = flow.id;
        let body = Body {
            flow: id,
            side: Side::Client,
            bytes: redactor.body(text.as_bytes().to_vec()),
            media_type: None,
            original_len: 0,
            truncated: false,
            pieces: Vec::new(),
        };
        let records = [Record::Flow(Arc::new(flow)), Record::Body(body)];
        store.submit(records.into_iter().map(|record| redactor.seal(record)).collect()).unwrap();
        store.flush().unwrap();
        id
    }

    #[test]
    fn a_content_that_comes_again_during_a_sweep_stays() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        // More than are looked at together, so that the sweep can be watched half way.
        let last = u16::try_from(CONTENTS).unwrap() + 40;
        for n in 0..=last {
            write(&store, n);
        }
        store.lose_all();
        let mut again = None;
        let mut removed = Upkeep::default();
        let mut tell = |_: &Upkeep| {
            // The garbage was gathered before; now somebody refers to it.
            again.get_or_insert_with(|| write(&store, 0));
        };
        store.sweep(&mut removed, &mut tell).unwrap();
        let body = store.body(again.unwrap(), Side::Client).unwrap().unwrap();
        assert_eq!(body.bytes, b"content 0");
        assert_eq!(removed.contents, u64::from(last));
        assert_eq!(store.count_flows(&FlowFilter::default()).unwrap(), 1);
    }

    #[test]
    fn what_a_content_was_packed_against_stays_when_it_comes_again_during_a_sweep() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        // Each has the end of the one before it and something of its own.
        let text = |n: u64| -> String {
            let word = |n: u64| format!("{:x} ", n.wrapping_mul(0x9e37_79b9_7f4a));
            (n * 40..n * 40 + 120).map(word).collect()
        };
        for n in 0..3 {
            send(&store, n, &text(n.into()));
        }
        let chain = || {
            store.readers().read(|conn| {
                let bases = "SELECT count(*) FROM blobs AS one JOIN blobs AS two
                     ON two.id = one.base WHERE two.base IS NOT NULL";
                Ok(conn.query_row(bases, (), |row| row.get::<_, i64>(0))?)
            })
        };
        assert_eq!(chain().unwrap(), 1);
        // So many newer ones that the chain is looked at after the first have been removed.
        for n in 0..=u16::try_from(CONTENTS).unwrap() {
            write(&store, n);
        }
        store.lose_all();
        let mut again = None;
        let tell = |_: &Upkeep| {
            again.get_or_insert_with(|| send(&store, 7, &text(2)));
        };
        let mut removed = Upkeep::default();
        store.sweep(&mut removed, tell).unwrap();
        let body = store.body(again.unwrap(), Side::Client).unwrap().unwrap();
        assert_eq!(String::from_utf8(body.into_inner().bytes).unwrap(), text(2));
        assert_eq!(chain().unwrap(), 1);
        assert_eq!(removed.contents, CONTENTS as u64 + 1);
    }

    #[test]
    fn one_reading_looks_at_a_bounded_number_of_contents_whatever_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let count = CONTENTS + 40;
        for n in 0..count {
            write(&store, u16::try_from(n).unwrap());
        }
        let (mut before, mut seen) = (i64::MAX, Vec::new());
        loop {
            let mut here = 0;
            let last = store.readers().read(|conn| {
                stretch(conn, before, |content| {
                    assert!(content.base.is_none() && !content.is_recipe);
                    here += 1;
                    Ok(())
                })
            });
            let Some(last) = last.unwrap() else { break };
            before = last;
            seen.push(here);
        }
        assert_eq!(seen, [count - 40, 40]);
    }

    #[test]
    fn a_sweep_is_given_up_when_somebody_else_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("langley.db");
        let store = Store::open(StoreOptions::new(&path), Box::new(|_| ())).unwrap();
        write(&store, 1);
        store.lose_all();
        let (top, version) =
            store.job(|site| Ok((site.begin_marking()?, version(site.conn)?))).unwrap();
        let begun = Begun { top, version, removals: 1 };
        let other = Connection::open(&path).unwrap();
        other.execute("INSERT INTO settings VALUES ('a', '1', 1)", ()).unwrap();
        let mut removed = Upkeep::default();
        assert!(!store.sweep_marked(begun, &mut removed, &mut |_| {}).unwrap());
        assert_eq!(removed.contents, 0);
        // Still to be done, by the next run.
        assert!(store.has_garbage().unwrap());
        store.sweep(&mut removed, |_| {}).unwrap();
        assert_eq!(removed.contents, 1);
        assert!(!store.has_garbage().unwrap());
    }

    impl Store {
        /// Removes all flows, and leaves what they carried.
        fn lose_all(&self) {
            let remove = |conn: &Connection, key: i64, _: &mut _, removed: &mut Upkeep| {
                removed.flows += 1;
                conn.execute("DELETE FROM flows WHERE n = ?1", [key]).map(|_| true)
            };
            self.by_flow(self.keys(), &mut Upkeep::default(), |_| {}, remove).unwrap();
        }

        fn keys(&self) -> Vec<i64> {
            let keys = self.readers().read(|conn| {
                let mut statement = conn.prepare("SELECT n FROM flows")?;
                let keys = statement.query_map((), |row| row.get(0))?;
                Ok(keys.collect::<Result<_, _>>()?)
            });
            keys.unwrap()
        }
    }
}
