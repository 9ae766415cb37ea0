//! A batch of lines, written: the place in the file, the lines in a block, and what they add to their conversations.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use langley_model::{LineRole, Micros, Redactor, Scrub, ToldResponse, ToldTool, TranscriptLine};
use rusqlite::{Connection, OptionalExtension};

use super::block::Block;
use super::{delete, gone, response};
use crate::codec::pack::Packer;
use crate::error::StoreError;
use crate::flow_row::signed;
use crate::store::Store;
use crate::tools::keep_evidence;

/// Lines among which one is looked for that says the same: rarely do two have the same time.
const LOOKED_AT: i64 = 256;

/// A file, and how far it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TranscriptPlace {
    /// Whose: the agent's name.
    pub agent: String,
    /// Where it lies.
    pub path: String,
    /// A digest of that.
    pub path_key: [u8; 16],
    /// The file system it is on, and which file of it.
    pub inode: (u64, u64),
    /// Bytes, when it was looked at.
    pub size: u64,
    /// Nanoseconds since 1970 of its last change; 0 where it may have changed since without telling.
    pub modified_ns: i64,
    /// It was read up to here.
    pub offset: u64,
    /// Digests of its beginning, and of what stands before `offset`.
    pub probes: [u64; 2],
    /// Lines up to there.
    pub lines: u64,
    /// What is remembered of them for the next ones.
    pub reader: String,
    /// The session that it is of.
    pub session: Option<String>,
    /// The folder its agent worked in.
    pub folder: Option<String>,
}

/// Lines of one file, and how far it was read with them.
#[derive(Clone, Debug, Default)]
pub struct TranscriptBatch {
    /// The transcript; none where it is new.
    pub transcript: Option<i64>,
    /// Where reading goes on.
    pub place: TranscriptPlace,
    /// The lines, in their order.
    pub lines: Vec<TranscriptLine>,
    /// What they tell of responses.
    pub responses: Vec<ToldResponse>,
    /// Whether conversations that somebody deleted are to come in again.
    pub is_again: bool,
    /// What they tell of tool calls, and of which session.
    pub tools: Vec<(Option<String>, ToldTool)>,
    /// How often each line is kept that the file does not have any more, by its digest; none where that is as it was.
    pub gone: Option<HashMap<u64, u32>>,
}

impl Scrub for TranscriptBatch {
    fn scrub(&mut self, redactor: &Redactor) {
        let Self { transcript: _, place, lines, responses, tools, is_again: _, gone: _ } = self;
        place.path.scrub(redactor);
        redactor.scrub_json(&mut place.reader);
        place.session.scrub(redactor);
        place.folder.scrub(redactor);
        lines.scrub(redactor);
        responses.scrub(redactor);
        for (session, told) in tools {
            session.scrub(redactor);
            told.scrub(redactor);
        }
    }
}

/// What came of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedBatch {
    /// The transcript.
    pub transcript: i64,
    /// Responses among its lines that no line had told of.
    pub new_responses: u64,
    /// The places of its lines that are not kept, because their conversation was deleted.
    pub left_out: Vec<usize>,
}

/// What a batch adds to a conversation.
#[derive(Default)]
struct Added<'a> {
    records: u64,
    prompts: u64,
    compactions: u64,
    span: Option<(i64, i64)>,
    prompt: Option<(&'a str, i64)>,
    folder: Option<&'a str>,
    branch: Option<&'a str>,
    model: Option<&'a str>,
    /// What stands for one where no model answered.
    other_model: Option<&'a str>,
}

impl Store {
    /// Notes that files are missed since `at`; their lines stay.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn miss_transcripts(&self, transcripts: Vec<i64>, at: Micros) -> Result<(), StoreError> {
        self.job(move |site| {
            let change = site.change()?;
            for id in transcripts {
                change
                    .prepare_cached(
                        "UPDATE transcripts SET deleted_at = ?2 WHERE id = ?1 AND deleted_at IS NULL",
                    )?
                    .execute((id, at.0))?;
            }
            change.commit()
        })
    }
}

/// Writes a batch of a transcript; of none where it is new.
pub(super) fn write(
    change: &Connection,
    (batch, transcript): (&TranscriptBatch, Option<i64>),
    block: Option<&Block>,
    now: Micros,
) -> rusqlite::Result<ImportedBatch> {
    let mut sessions = Sessions { batch, known: HashMap::new() };
    let mut left_out = Vec::new();
    for (at, line) in batch.lines.iter().enumerate() {
        if sessions.is_deleted(change, line.facts.session.as_deref())? {
            left_out.push(at);
        }
    }
    let lines: Vec<&TranscriptLine> = if left_out.is_empty() {
        batch.lines.iter().collect()
    } else {
        let mut out = left_out.iter().peekable();
        let lines = batch.lines.iter().enumerate();
        lines.filter(|(at, _)| out.next_if_eq(&at).is_none()).map(|(_, line)| line).collect()
    };
    // What was packed beforehand holds what is left out.
    let without = if left_out.is_empty() {
        None
    } else {
        Block::of(lines.iter().copied(), &mut Packer::new())
    };
    let block = if left_out.is_empty() { block } else { without.as_ref() };
    let (transcript, last_at) = place(change, (batch, transcript), &lines, now)?;
    if let Some(gone) = &batch.gone {
        gone::write(change, transcript, gone)?;
    }
    let at = last_at.unwrap_or(now.0);
    if let Some(block) = block {
        let block = block.write(change)?;
        keep_lines(change, &lines, (transcript, block), at, &mut sessions)?;
    }
    let mut new_responses = 0;
    for told in &batch.responses {
        let session = told.session.as_deref();
        if !sessions.is_deleted(change, session)? {
            let conversation = sessions.number(change, session, at)?;
            new_responses += u64::from(response::keep(change, conversation, told, at)?);
        }
    }
    for (session, told) in &batch.tools {
        let session = session.as_deref();
        if !sessions.is_deleted(change, session)? {
            let conversation = sessions.number(change, session, at)?;
            keep_evidence(change, Some(conversation), told)?;
        }
    }
    sessions.count(change, &left_out)?;
    Ok(ImportedBatch { transcript, new_responses, left_out })
}

/// Writes where reading goes on; the transcript's number, and the time that a line without one has: that of the line
/// before, and of the first of all, that of the first that has one.
fn place(
    change: &Connection,
    (batch, transcript): (&TranscriptBatch, Option<i64>),
    kept: &[&TranscriptLine],
    now: Micros,
) -> rusqlite::Result<(i64, Option<i64>)> {
    let TranscriptPlace {
        agent,
        path,
        path_key,
        inode,
        size,
        modified_ns,
        offset,
        probes,
        lines,
        reader,
        session,
        folder,
    } = &batch.place;
    let count = |counts: fn(&TranscriptLine) -> bool| {
        signed(kept.iter().filter(|line| counts(line)).count() as u64)
    };
    let sums = [
        signed(kept.len() as u64),
        signed(kept.iter().map(|line| line.len).sum()),
        count(|line| line.facts.role == LineRole::Unreadable),
        count(|line| line.facts.is_mended),
        count(|line| line.is_cut),
    ];
    let last_at = kept.iter().filter_map(|line| line.facts.at).max();
    let first_at = kept.iter().find_map(|line| line.facts.at).map(|at| at.0);
    // One that is not there any more has been forgotten: its file was gone, and its lines too old.
    let known: Option<(i64, Option<i64>)> = change
        .prepare_cached("SELECT id, last_at FROM transcripts WHERE id = ?1")?
        .query_row([transcript], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (id, known_at) = match known {
        Some(known) => known,
        None => {
            let new = "INSERT INTO transcripts (id, agent, path, path_key, device, inode, size, modified_ns, offset,
                     head, tail, lines, reader, records, bytes, unreadable, mended, cut, imported_at)
                 VALUES (?1, ?2, '', x'', 0, 0, 0, 0, 0, 0, 0, 0, '', 0, 0, 0, 0, 0, 0)";
            let id = fresh(change, "transcripts")?;
            (change.prepare_cached(new)?.insert((id, agent))?, None)
        }
    };
    change
        .prepare_cached(
            "UPDATE transcripts SET path = ?2, path_key = ?3, device = ?4, inode = ?5, size = ?6,
                 modified_ns = ?7, offset = ?8, head = ?9, tail = ?10, lines = ?11, reader = ?12,
                 session = ifnull(session, ?13), folder = ifnull(folder, ?14),
                 last_at = max(ifnull(last_at, ?15), ifnull(?15, last_at)),
                 imported_at = ?16, deleted_at = NULL
             WHERE id = ?1",
        )?
        .execute(rusqlite::params![
            id,
            path,
            path_key,
            inode.0.cast_signed(),
            inode.1.cast_signed(),
            signed(*size),
            modified_ns,
            signed(*offset),
            probes[0].cast_signed(),
            probes[1].cast_signed(),
            signed(*lines),
            reader,
            session,
            folder,
            last_at.map(|at| at.0),
            now.0,
        ])?;
    let [records, bytes, unreadable, mended, cut] = sums;
    change
        .prepare_cached(
            "UPDATE transcripts SET records = records + ?2, bytes = bytes + ?3,
                 unreadable = unreadable + ?4, mended = mended + ?5, cut = cut + ?6
             WHERE id = ?1",
        )?
        .execute((id, records, bytes, unreadable, mended, cut))?;
    Ok((id, known_at.or(first_at)))
}

/// A number that no row of the table has, nor ever had.
fn fresh(change: &Connection, table: &str) -> rusqlite::Result<i64> {
    let sql = format!(
        "SELECT 1 + max(ifnull((SELECT max(id) FROM {table}), 0),
             ifnull((SELECT value FROM totals WHERE name = '{table}_forgotten'), 0))"
    );
    change.prepare_cached(&sql)?.query_row((), |row| row.get(0))
}

/// Writes lines, and what they add up to.
fn keep_lines<'a>(
    change: &Connection,
    lines: &[&'a TranscriptLine],
    (transcript, block): (i64, i64),
    mut at: i64,
    sessions: &mut Sessions<'a>,
) -> rusqlite::Result<()> {
    let mut added: HashMap<i64, Added<'_>> = HashMap::new();
    let mut start = 0_u64;
    let mut insert = change.prepare_cached(
        "INSERT INTO transcript_records (transcript, conversation, block, start, kept, number, offset, len,
             digest, role, kind, subkind, uuid, parent, logical_parent, agent_id, sidechain, at,
             message_id, request_id, model, tools, text, mended, cut)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             ?19, ?20, ?21, ?22, ?23, ?24, ?25)",
    )?;
    for line in lines {
        let facts = &line.facts;
        at = facts.at.map_or(at, |at| at.0);
        let conversation = sessions.number(change, facts.session.as_deref(), at)?;
        let counts = is_counted(change, line, (conversation, at))?;
        let kept = line.content.as_bytes().len() as u64;
        insert.execute(rusqlite::params![
            transcript,
            conversation,
            block,
            signed(start),
            signed(kept),
            signed(line.number),
            signed(line.offset),
            signed(line.len),
            line.digest.cast_signed(),
            facts.role as i64,
            facts.kind,
            facts.subkind,
            facts.uuid,
            facts.parent,
            facts.logical_parent,
            facts.agent_id,
            facts.is_sidechain,
            at,
            facts.message_id,
            facts.request_id,
            facts.model,
            facts.tools,
            facts.text,
            facts.is_mended,
            line.is_cut,
        ])?;
        start += kept;
        added.entry(conversation).or_default().take(line, at, counts);
    }
    for (conversation, added) in &added {
        added.write(change, *conversation)?;
    }
    Ok(())
}

/// Whether a line counts as a prompt or a compaction of its conversation: not where another file had it before or it is
/// a copy of another session's, and of the two lines of a compaction not the second, which has the summary.
fn is_counted(
    change: &Connection,
    TranscriptLine { digest, facts, .. }: &TranscriptLine,
    (conversation, at): (i64, i64),
) -> rusqlite::Result<bool> {
    let is_others = facts.is_sidechain || facts.is_copy;
    if is_others || !matches!(facts.role, LineRole::Prompt | LineRole::Compaction) {
        return Ok(false);
    }
    // A copy has its time as well.
    let is_known = change
        .prepare_cached(
            "SELECT 1 FROM (SELECT digest, uuid FROM transcript_records
                 WHERE conversation = ?1 AND at = ?2 ORDER BY id LIMIT ?3)
             WHERE digest = ?4 OR uuid = ?5",
        )?
        .exists((conversation, at, LOOKED_AT, digest.cast_signed(), &facts.uuid))?;
    if is_known || facts.role == LineRole::Prompt {
        return Ok(!is_known);
    }
    let Some(parent) = &facts.parent else { return Ok(true) };
    let is_second = change
        .prepare_cached(
            "SELECT 1 FROM (SELECT uuid, role FROM transcript_records
                 WHERE conversation = ?1 AND at <= ?2 ORDER BY at DESC, id DESC LIMIT ?3)
             WHERE uuid = ?4 AND role = ?5",
        )?
        .exists((conversation, at, LOOKED_AT, parent, LineRole::Compaction as i64))?;
    Ok(!is_second)
}

/// The sessions that a batch is of.
struct Sessions<'a> {
    batch: &'a TranscriptBatch,
    known: HashMap<&'a str, Standing>,
}

/// What is known of a session.
#[derive(Clone, Copy)]
enum Standing {
    /// Its conversation was deleted, and is not to come in again.
    Deleted,
    /// Nothing has been kept of it in this batch.
    Open,
    /// The number of its conversation.
    Kept(i64),
}

impl<'a> Sessions<'a> {
    fn name(&self, stated: Option<&'a str>) -> &'a str {
        stated.or(self.batch.place.session.as_deref()).unwrap_or_default()
    }

    fn standing(
        &mut self,
        change: &Connection,
        session: &'a str,
    ) -> rusqlite::Result<&mut Standing> {
        Ok(match self.known.entry(session) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let agent = &self.batch.place.agent;
                let is_deleted = if self.batch.is_again {
                    delete::readmit(change, session, agent)?;
                    false
                } else {
                    delete::is_deleted(change, session, agent)?
                };
                new.insert(if is_deleted { Standing::Deleted } else { Standing::Open })
            }
        })
    }

    fn is_deleted(
        &mut self,
        change: &Connection,
        stated: Option<&'a str>,
    ) -> rusqlite::Result<bool> {
        let session = self.name(stated);
        Ok(matches!(self.standing(change, session)?, Standing::Deleted))
    }

    /// The number of a session's conversation, which is given one if need be.
    fn number(
        &mut self,
        change: &Connection,
        stated: Option<&'a str>,
        at: i64,
    ) -> rusqlite::Result<i64> {
        let session = self.name(stated);
        let agent = &self.batch.place.agent;
        let standing = self.standing(change, session)?;
        if let Standing::Kept(number) = standing {
            return Ok(*number);
        }
        let known = change
            .prepare_cached("SELECT id FROM conversations WHERE session = ?1 AND agent = ?2")?
            .query_row((session, agent), |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => change
                .prepare_cached(
                    "INSERT INTO conversations (id, session, agent, first_at, last_at, records, prompts, compactions)
                     VALUES (?1, ?2, ?3, ?4, ?4, 0, 0, 0)",
                )?
                .insert((fresh(change, "conversations")?, session, agent, at))?,
        };
        *standing = Standing::Kept(number);
        Ok(number)
    }

    /// Counts what is left out.
    fn count(&self, change: &Connection, left_out: &[usize]) -> rusqlite::Result<()> {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for at in left_out {
            let stated = self.batch.lines[*at].facts.session.as_deref();
            *counts.entry(self.name(stated)).or_default() += 1;
        }
        for (session, lines) in counts {
            delete::leave_out(change, session, &self.batch.place.agent, lines)?;
        }
        Ok(())
    }
}

impl<'a> Added<'a> {
    fn take(&mut self, line: &'a TranscriptLine, at: i64, counts: bool) {
        let facts = &line.facts;
        self.records += 1;
        // What was noted beside says nothing of when it was said.
        if facts.role != LineRole::Note {
            self.span = Some(self.span.map_or((at, at), |(from, to)| (from.min(at), to.max(at))));
        }
        self.compactions += u64::from(counts && facts.role == LineRole::Compaction);
        self.folder = self.folder.or(facts.folder.as_deref());
        self.branch = facts.branch.as_deref().or(self.branch);
        self.model = facts.answering_model().or(self.model);
        self.other_model = facts.model.as_deref().or(self.other_model);
        if facts.role == LineRole::Prompt && !facts.is_sidechain && !facts.is_copy {
            self.prompts += u64::from(counts);
            let earlier = self.prompt.is_none_or(|(_, known)| at < known);
            if let Some(text) = facts.text.as_deref().filter(|_| earlier) {
                self.prompt = Some((text, at));
            }
        }
    }

    fn write(&self, change: &Connection, conversation: i64) -> rusqlite::Result<()> {
        let (from, to) = self.span.unzip();
        let (prompt, prompt_at) = self.prompt.unzip();
        change
            .prepare_cached(
                "UPDATE conversations SET
                     project = ifnull(project, ?2), branch = ifnull(?3, branch),
                     model = coalesce(?4, model, ?12),
                     prompt = iif(ifnull(?6 < prompt_at, ?6 IS NOT NULL), ?5, prompt),
                     prompt_at = iif(ifnull(?6 < prompt_at, ?6 IS NOT NULL), ?6, prompt_at),
                     first_at = iif(records = 0, ifnull(?7, first_at), min(first_at, ifnull(?7, first_at))),
                     last_at = max(last_at, ifnull(?8, last_at)),
                     records = records + ?9, prompts = prompts + ?10, compactions = compactions + ?11
                 WHERE id = ?1",
            )?
            .execute((
                conversation,
                self.folder,
                self.branch,
                self.model,
                prompt,
                prompt_at,
                from,
                to,
                signed(self.records),
                signed(self.prompts),
                signed(self.compactions),
                self.other_model,
            ))?;
        Ok(())
    }
}
