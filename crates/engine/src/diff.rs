//! What is new in a request: its pieces against those of an earlier one.
//!
//! Both are taken apart as they are read, so that bodies kept as a whole compare as well. Pieces are
//! compared in the order in which a model reads them (tools, system prompt, conversation), because that
//! is the order in which a provider's cache breaks, whatever the order of the body's members.

use std::collections::HashMap;
use std::ops::Range;

use langley_model::{Flow, FlowId, PieceKind, Side};
use langley_protocol::dialect::dialect_for;
use langley_protocol::piece::{Piece, pieces};
use langley_store::{Store, StoreError};

/// Earlier requests among which the one that this goes on from is looked for: side requests of the same
/// session stand between.
const CANDIDATES: usize = 8;

/// The most pieces that are listed; how many there are is said beside.
const LISTED: usize = 200;

/// Characters that are shown of a piece.
const SHOWN_CHARS: usize = 200;

/// A request compared with an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// The earlier request; none when there is none, and all is new.
    pub against: Option<FlowId>,
    /// Whether something of either request was not kept, so that more may have changed than is said.
    pub truncated: bool,
    /// Sizes by kind, only those that occur in either.
    pub parts: Vec<PartDiff>,
    /// Where the requests diverge first, in a model's order; none when the earlier one is wholly the
    /// beginning of this one, or when one of them was cut so that it does not come apart (`truncated`).
    pub diverges: Option<Divergence>,
    /// What only this request has, at most 200 pieces.
    pub added: Vec<ShownPiece>,
    /// What only the earlier request has, at most 200 pieces.
    pub removed: Vec<ShownPiece>,
}

/// A number of pieces and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Pieces.
    pub pieces: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// What of one kind is in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartDiff {
    /// The kind.
    pub kind: PieceKind,
    /// In this request.
    pub now: Amount,
    /// Of that, what the earlier request does not have.
    pub added: Amount,
    /// What only the earlier request has.
    pub removed: Amount,
}

/// A piece, as much as is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownPiece {
    /// What it is.
    pub kind: PieceKind,
    /// Its place among the tools, the parts of the system prompt, or the turns of the conversation,
    /// from 0.
    pub position: usize,
    /// Its length in bytes.
    pub bytes: usize,
    /// Its first 200 characters.
    pub text: String,
}

/// Where two requests are no longer the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Of what kind the first different piece is.
    pub kind: PieceKind,
    /// Its place, as in [`ShownPiece::position`].
    pub position: usize,
    /// The first different byte in the piece.
    pub offset: usize,
    /// The earlier request's text from there on, 200 characters of it; none when it has no such piece.
    pub before: Option<String>,
    /// This request's text from there on; none when it has no such piece.
    pub after: Option<String>,
}

/// What comes of comparing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The comparison.
    Diff(Box<Diff>),
    /// There is no such flow.
    NoFlow(FlowId),
    /// No request of this flow was kept.
    NoRequest(FlowId),
}

/// Compares the request of a flow with that of `against`; without one, with the request of the same
/// session that it goes on from.
///
/// # Errors
/// A failure of the store.
pub fn diff(store: &Store, id: FlowId, against: Option<FlowId>) -> Result<Compared, StoreError> {
    let Some(flow) = store.flow(id)? else { return Ok(Compared::NoFlow(id)) };
    let Some(now) = Request::read(store, &flow)? else { return Ok(Compared::NoRequest(id)) };
    let before = match against {
        Some(other) => {
            let Some(flow) = store.flow(other)? else { return Ok(Compared::NoFlow(other)) };
            match Request::read(store, &flow)? {
                None => return Ok(Compared::NoRequest(other)),
                found => found,
            }
        }
        None => predecessor(store, &flow, &now)?,
    };
    Ok(Compared::Diff(Box::new(now.against(before.as_ref()))))
}

/// The request of the same session that shares the most with this one; of equals, the latest.
fn predecessor(store: &Store, flow: &Flow, now: &Request) -> Result<Option<Request>, StoreError> {
    let mut best: Option<(usize, Request)> = None;
    for earlier in store.earlier_requests(flow.id, CANDIDATES)? {
        let Some(request) = Request::read(store, &earlier)? else { continue };
        let (_, shared) = Counted::of(&request).without(now);
        let is_plain = shared * 2 > now.parts.len();
        if best.as_ref().is_none_or(|(most, _)| shared > *most) {
            best = Some((shared, request));
        }
        if is_plain {
            break;
        }
    }
    Ok(best.map(|(_, request)| request))
}

/// A request as it is compared.
struct Request {
    flow: FlowId,
    truncated: bool,
    body: Vec<u8>,
    /// In a model's order; what stands around the pieces, last.
    parts: Vec<Part>,
    rest: Vec<u8>,
}

/// A piece with its place; without a range it is the rest.
struct Part {
    kind: PieceKind,
    position: usize,
    range: Option<Range<usize>>,
}

impl Request {
    fn read(store: &Store, flow: &Flow) -> Result<Option<Self>, StoreError> {
        let Some(body) = store.body(flow.id, Side::Client)? else { return Ok(None) };
        let body = body.into_inner();
        let dialect = dialect_for(&flow.method, &flow.host, &flow.path).map(|(_, dialect)| dialect);
        let found = dialect.and_then(|dialect| pieces(dialect.seams(), &body.bytes));
        Ok(Some(Self::of(flow.id, body.bytes, found.unwrap_or_default(), body.truncated)))
    }

    fn of(flow: FlowId, body: Vec<u8>, pieces: Vec<Piece>, truncated: bool) -> Self {
        let mut rest = Vec::new();
        let mut at = 0;
        for end in pieces.iter().map(|piece| &piece.range).chain([&(body.len()..body.len())]) {
            let between = &body[at..end.start];
            // A conversation that only goes on has more commas, and nothing else has changed.
            if !between.iter().all(|byte| matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n')) {
                rest.extend_from_slice(between);
            }
            at = end.end;
        }
        let mut next = [0_usize; 3];
        let mut parts: Vec<Part> = pieces
            .into_iter()
            .map(|Piece { range, kind, .. }| {
                let place = &mut next[group(kind)];
                *place += 1;
                Part { kind, position: *place - 1, range: Some(range) }
            })
            .collect();
        parts.sort_by_key(|part| group(part.kind));
        parts.push(Part { kind: PieceKind::Rest, position: 0, range: None });
        Self { flow, truncated, body, parts, rest }
    }

    fn bytes(&self, part: &Part) -> &[u8] {
        part.range.as_ref().map_or(&self.rest, |range| &self.body[range.clone()])
    }

    fn shown(&self, part: &Part) -> ShownPiece {
        let bytes = self.bytes(part);
        let (kind, position) = (part.kind, part.position);
        ShownPiece { kind, position, bytes: bytes.len(), text: excerpt(bytes, 0) }
    }

    fn against(&self, before: Option<&Self>) -> Diff {
        let (added, _) = Counted::of_each(before).without(self);
        let removed = before.map(|before| Counted::of(self).without(before).0).unwrap_or_default();
        let amount = |request: &Self, parts: &[&Part], kind: PieceKind| {
            let of_kind = parts.iter().filter(|part| part.kind == kind);
            of_kind.fold(Amount::default(), |sum, part| Amount {
                pieces: sum.pieces + 1,
                bytes: sum.bytes + request.bytes(part).len(),
            })
        };
        let all: Vec<&Part> = self.parts.iter().collect();
        let parts = PieceKind::ALL.into_iter().map(|kind| PartDiff {
            kind,
            now: amount(self, &all, kind),
            added: amount(self, &added, kind),
            removed: before.map(|before| amount(before, &removed, kind)).unwrap_or_default(),
        });
        let shown = |request: &Self, parts: &[&Part]| {
            parts.iter().take(LISTED).map(|part| request.shown(part)).collect()
        };
        Diff {
            against: before.map(|before| before.flow),
            truncated: self.truncated || before.is_some_and(|before| before.truncated),
            parts: parts.filter(|part| part.now.pieces + part.removed.pieces > 0).collect(),
            diverges: before.and_then(|before| self.divergence(before)),
            added: shown(self, &added),
            removed: before.map(|before| shown(before, &removed)).unwrap_or_default(),
        }
    }

    /// The first place where this is not what `before` was. Parameters do not count: a model does not
    /// read them.
    fn divergence(&self, before: &Self) -> Option<Divergence> {
        // Of a body that was cut as a whole nobody knows what stood where.
        if [self, before].iter().any(|request| request.truncated && request.parts.len() == 1) {
            return None;
        }
        let mut ours = self.parts.iter().filter(|part| part.range.is_some());
        for theirs in before.parts.iter().filter(|part| part.range.is_some()) {
            let old = before.bytes(theirs);
            let Some(ours) = ours.next() else {
                let (kind, position) = (theirs.kind, theirs.position);
                let before = Some(excerpt(old, 0));
                return Some(Divergence { kind, position, offset: 0, before, after: None });
            };
            let new = self.bytes(ours);
            if old != new {
                // A tool and a message have nothing in common, whatever bytes they begin with.
                let alike = group(ours.kind) == group(theirs.kind);
                let pairs = old.iter().zip(new).take_while(|(old, new)| alike && old == new);
                let offset = char_start(new, pairs.count());
                return Some(Divergence {
                    kind: ours.kind,
                    position: ours.position,
                    offset,
                    before: Some(excerpt(old, offset)),
                    after: Some(excerpt(new, offset)),
                });
            }
        }
        None
    }
}

/// How often each content occurs.
#[derive(Default)]
struct Counted<'a>(HashMap<&'a [u8], usize>);

impl<'a> Counted<'a> {
    fn of(request: &'a Request) -> Self {
        let mut counted = Self::default();
        for part in &request.parts {
            *counted.0.entry(request.bytes(part)).or_default() += 1;
        }
        counted
    }

    fn of_each(request: Option<&'a Request>) -> Self {
        request.map(Self::of).unwrap_or_default()
    }

    /// The parts of `request` that are not among these, each occurrence once, and how many are.
    fn without(mut self, request: &'a Request) -> (Vec<&'a Part>, usize) {
        let mut shared = 0;
        let mut left = Vec::new();
        for part in &request.parts {
            match self.0.get_mut(request.bytes(part)) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    shared += 1;
                }
                _ => left.push(part),
            }
        }
        (left, shared)
    }
}

/// What is read together: tools, the system prompt, the conversation.
const fn group(kind: PieceKind) -> usize {
    match kind {
        PieceKind::Tools => 0,
        PieceKind::System => 1,
        PieceKind::User
        | PieceKind::Assistant
        | PieceKind::ToolResults
        | PieceKind::Other
        | PieceKind::Rest => 2,
    }
}

/// The first characters of a text from `offset` on.
fn excerpt(text: &[u8], offset: usize) -> String {
    let rest = text.get(offset..).unwrap_or_default();
    // A character takes at most four bytes.
    let rest = &rest[..rest.len().min(4 * SHOWN_CHARS)];
    String::from_utf8_lossy(rest).chars().take(SHOWN_CHARS).collect()
}

/// Where the character begins that `at` lies in.
fn char_start(text: &[u8], at: usize) -> usize {
    let continues = |at: usize| text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    (0..=at).rev().find(|at| !continues(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: &str) -> Request {
        let (_, dialect) = dialect_for("POST", "any.example", "/v1/messages").unwrap();
        let found = pieces(dialect.seams(), body.as_bytes()).unwrap_or_default();
        Request::of(FlowId::new(), body.as_bytes().to_vec(), found, false)
    }

    fn amount(pieces: usize, bytes: usize) -> Amount {
        Amount { pieces, bytes }
    }

    fn part(diff: &Diff, kind: PieceKind) -> PartDiff {
        *diff.parts.iter().find(|part| part.kind == kind).unwrap()
    }

    const FIRST: &str =
        r#"{"messages":[{"role":"user","content":"é1"}],"system":"s","tools":[{"name":"t"}]}"#;

    #[test]
    fn a_request_that_goes_on_adds_its_turns_and_diverges_nowhere() {
        let longer = r#"{"messages":[{"role":"user","content":"é1"},{"role":"assistant","content":"a"},
            {"role":"user","content":"b"}],"system":"s","tools":[{"name":"t"}]}"#;
        let (first, second) = (request(FIRST), request(longer));
        let diff = second.against(Some(&first));
        assert_eq!((diff.against, diff.diverges.as_ref()), (Some(first.flow), None));
        let texts: Vec<_> = diff.added.iter().map(|piece| (piece.position, &*piece.text)).collect();
        assert_eq!(texts[0], (1, r#"{"role":"assistant","content":"a"}"#));
        assert_eq!(texts[1], (2, r#"{"role":"user","content":"b"}"#));
        assert_eq!(part(&diff, PieceKind::User).now, amount(2, 60));
        assert_eq!(part(&diff, PieceKind::User).added, amount(1, 29));
        assert_eq!(part(&diff, PieceKind::Tools).added, amount(0, 0));
        assert_eq!(diff.added.len(), 2, "commas are nothing new");
        let now: usize = diff.parts.iter().map(|part| part.now.bytes).sum();
        assert_eq!(now, longer.len() - ",,\n            ".len());
        let other = longer.replace("{\"messages\"", "{\"model\":\"m\",\"messages\"");
        let diff = request(&other).against(Some(&second));
        assert_eq!((diff.added.len(), diff.diverges), (1, None));
        assert_eq!(diff.added[0].kind, PieceKind::Rest);
    }

    #[test]
    fn requests_diverge_first_where_a_model_reads_first() {
        let changed = FIRST.replace("é1", "è1").replace("\"t\"", "\"tt\"");
        let diff = request(&changed).against(Some(&request(FIRST)));
        let divergence = diff.diverges.unwrap();
        // The messages stand before the tools in the body, and come after them to a model.
        assert_eq!((divergence.kind, divergence.position), (PieceKind::Tools, 0));
        assert_eq!(divergence.offset, r#"{"name":"t"#.len());
        assert_eq!(divergence.before.as_deref(), Some("\"}"));
        assert_eq!(divergence.after.as_deref(), Some("t\"}"));
        assert_eq!(diff.removed.len(), 2);

        let changed = FIRST.replace("é1", "è1");
        let divergence = request(&changed).against(Some(&request(FIRST))).diverges.unwrap();
        assert_eq!((divergence.kind, divergence.position), (PieceKind::User, 0));
        // At the character, not inside of it.
        assert_eq!(divergence.before.as_deref(), Some("é1\"}"));
        assert_eq!(divergence.after.as_deref(), Some("è1\"}"));
    }

    #[test]
    fn a_shorter_request_diverges_where_it_ends() {
        let shorter = r#"{"messages":[],"system":"s","tools":[{"name":"t"}]}"#;
        let divergence = request(shorter).against(Some(&request(FIRST))).diverges.unwrap();
        assert_eq!((divergence.kind, divergence.position), (PieceKind::User, 0));
        assert_eq!((divergence.after, divergence.offset), (None, 0));
        assert!(divergence.before.unwrap().contains("é1"));
    }

    #[test]
    fn repeated_pieces_count_each() {
        let once = request(r#"{"messages":["again"]}"#);
        let twice = request(r#"{"messages":["again","again"]}"#);
        assert_eq!(part(&twice.against(Some(&once)), PieceKind::User).added, amount(1, 7));
        assert_eq!(part(&once.against(Some(&twice)), PieceKind::User).removed, amount(1, 7));
    }

    #[test]
    fn without_an_earlier_request_all_is_new() {
        let diff = request(FIRST).against(None);
        assert_eq!((diff.against, &diff.diverges, diff.removed.len()), (None, &None, 0));
        assert!(diff.parts.iter().all(|part| part.now == part.added));
        let kinds: Vec<_> = diff.added.iter().map(|piece| piece.kind).collect();
        let expected = [PieceKind::Tools, PieceKind::System, PieceKind::User, PieceKind::Rest];
        assert_eq!(kinds, expected);
    }
}
