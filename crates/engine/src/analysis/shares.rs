//! What tools have of a flow: of what its answer says, and of what its request sends.
//!
//! A conversation is sent again with every turn. Its pieces are the same ones then, so each is read once and what it
//! says of tools is remembered, bounded; otherwise a long session would be read as often as it has turns.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use langley_model::{Content, Flow, Message, Side, ToolPart, ToolShares};
use langley_protocol::dialect::dialect_for;
use langley_protocol::piece::pieces;
use langley_protocol::tools::{EntryTools, of_entry};
use langley_store::{PieceId, Store, StoreError};

use super::Reading;
use super::calls::made;

/// Pieces that are remembered.
const PIECES: usize = 32_768;

/// The provider's own search, by the beginning of its name; it is billed by the call.
const WEB_SEARCH: &str = "web_search";

/// A piece as it was read.
#[derive(Debug)]
struct Read {
    bytes: u64,
    tools: EntryTools,
}

/// Reads shares.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    known: HashMap<PieceId, Arc<Read>>,
}

/// Whether anything is billed of what a flow sent.
pub(super) fn is_sent_billed(flow: &Flow) -> bool {
    // Input, what was read from the cache and what was written to it.
    flow.billed()[..4].iter().any(|tokens| *tokens > 0)
}

impl Sharing {
    /// What tools have of a flow; `first` are the keys of the calls whose results it is the first to send.
    pub(super) fn of(
        &mut self,
        store: &Store,
        reading: &Reading,
        first: &HashSet<u64>,
    ) -> Result<ToolShares, StoreError> {
        let flow = &reading.flow;
        let mut shares = ToolShares::default();
        let mut parts = Parts::default();
        match &reading.message {
            Some(message) => shares.output_bytes = answer(flow, message, &mut parts),
            // It is gone: nobody knows what of the output they were.
            None => flow.tool_names.iter().for_each(|name| parts.of(name).calls += 1),
        }
        if is_sent_billed(flow) {
            let (entries, len) = self.request(store, flow)?;
            shares.request_bytes = len;
            shares.new_bytes = request(reading, &entries, first, &mut parts);
        }
        shares.parts = parts.0.into_values().collect();
        Ok(shares)
    }

    /// The pieces of a request, and its length.
    fn request(&mut self, store: &Store, flow: &Flow) -> Result<(Vec<Arc<Read>>, u64), StoreError> {
        if let Some(request) = store.request_pieces(flow.id)? {
            let mut read = Vec::with_capacity(request.pieces.len());
            for piece in request.pieces {
                read.push(self.piece(store, piece)?);
            }
            return Ok((read, request.len));
        }
        let Some(body) = store.body(flow.id, Side::Client)? else { return Ok((Vec::new(), 0)) };
        let dialect = dialect_for(&flow.method, &flow.host, &flow.path);
        let found = dialect.and_then(|(_, dialect)| pieces(dialect.seams(), &body.bytes));
        let read = found.unwrap_or_default().into_iter();
        let read = read.map(|piece| Arc::new(Read::of(&body.bytes[piece.range])));
        Ok((read.collect(), body.bytes.len() as u64))
    }

    fn piece(&mut self, store: &Store, id: PieceId) -> Result<Arc<Read>, StoreError> {
        if let Some(known) = self.known.get(&id) {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(Read::of(&store.piece(id)?));
        if self.known.len() >= PIECES {
            self.known.clear();
        }
        self.known.insert(id, Arc::clone(&read));
        Ok(read)
    }
}

impl Read {
    fn of(text: &[u8]) -> Self {
        Self { bytes: text.len() as u64, tools: of_entry(text) }
    }
}

/// The parts of tools, by name.
#[derive(Default)]
struct Parts(BTreeMap<String, ToolPart>);

impl Parts {
    fn of(&mut self, name: &str) -> &mut ToolPart {
        let fresh = || ToolPart::of(name.to_owned());
        self.0.entry(name.to_owned()).or_insert_with(fresh)
    }
}

/// Puts the calls of an answer to their tools; returns how much it says.
fn answer(flow: &Flow, message: &Message, parts: &mut Parts) -> u64 {
    for made in made(message) {
        let part = parts.of(made.name);
        part.calls += 1;
        part.call_bytes += (made.name.len() + made.input.len()) as u64;
        part.searches += u64::from(made.server && made.name.starts_with(WEB_SEARCH));
    }
    // Where reasoning is counted, it is not divided by what is shown of it.
    let is_reasoning_known = flow.usage.reasoning.is_some_and(|tokens| tokens.0 > 0);
    let said = message.blocks.iter().map(|block| match &block.content {
        Content::Thinking { .. } | Content::RedactedThinking { .. } if is_reasoning_known => 0,
        content => content.said_bytes(),
    });
    said.sum()
}

/// Puts what a request sends of tools to them; returns how much of it is new.
fn request(
    reading: &Reading,
    entries: &[Arc<Read>],
    first: &HashSet<u64>,
    parts: &mut Parts,
) -> u64 {
    let new = new_in(entries);
    let mut new_bytes: u64 = entries[new.clone()]
        .iter()
        .filter(|read| read.tools.is_models.is_some())
        .map(|read| read.bytes)
        .sum();
    let mut names: HashMap<u64, &str> = HashMap::new();
    for call in &reading.told.calls {
        names.insert(call.key, &call.name);
    }
    // Results without an id come in the order in which they were told.
    let mut unnamed: VecDeque<u64> = VecDeque::new();
    for result in &reading.told.results {
        names.extend(result.name.as_deref().map(|name| (result.key, name)));
        unnamed.extend((!result.has_id).then_some(result.key));
    }
    let mut left = first.clone();
    for (place, read) in entries.iter().enumerate() {
        for (key, name, bytes) in &read.tools.calls {
            names.insert(*key, name);
            parts.of(name).known_bytes += bytes;
        }
        for result in &read.tools.results {
            let is_new = new.contains(&place);
            let told = || if is_new { unnamed.pop_front() } else { None };
            let key = result.key.or_else(told);
            let known = key.and_then(|key| names.get(&key).copied());
            let Some(name) = result.name.as_deref().or(known) else { continue };
            let part = parts.of(name);
            if key.is_some_and(|key| left.remove(&key)) {
                (part.results, part.result_bytes) =
                    (part.results + 1, part.result_bytes + result.bytes);
                if !is_new {
                    // It stands between calls, where each is an entry of its own.
                    new_bytes += result.bytes;
                }
            } else if is_new {
                part.again_bytes += result.bytes;
            } else {
                part.known_bytes += result.bytes;
            }
        }
    }
    new_bytes
}

/// What stands behind the model's last words; an agent may begin the answer itself.
fn new_in(entries: &[Arc<Read>]) -> Range<usize> {
    let said = |read: &Arc<Read>| read.tools.is_models == Some(true);
    let others = |read: &Arc<Read>| read.tools.is_models == Some(false);
    let end = entries.iter().rposition(others).map_or(0, |last| last + 1);
    entries[..end].iter().rposition(said).map_or(0, |last| last + 1)..end
}
