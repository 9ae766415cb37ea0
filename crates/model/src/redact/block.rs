//! The text of one content block while it streams in: what of it is decided, and what is held.
//!
//! The text stays JSON-escaped, as the events carry it: the rules read escapes, and a placeholder
//! needs none. Only what is shown live is unescaped.

use std::borrow::Cow;
use std::fmt;

use super::anchor::{LONGEST, ending, spans};
use super::event::EventText;
use super::held::Places;
use super::name::Credential;
use super::rule::Rule;
use super::scan::{Cut, Mark, Rules, scan};
use super::stop::Stop;
use super::view::View;
use crate::record::LiveKind;

/// What a rule may look back at, and when more than that is dropped.
const CONTEXT: usize = 512;
const KEPT: usize = 3 * CONTEXT;

/// A block's text.
pub(super) struct BlockText {
    /// Where its undecided part lies.
    pub(super) places: Places,
    pub(super) block: u32,
    pub(super) kind: LiveKind,
    /// The latest part: some context, then what is held.
    raw: Vec<u8>,
    /// Bytes of this text before `raw`.
    dropped: u64,
    /// Up to here `raw` is decided.
    decided: usize,
    mark: Mark,
    seam: bool,
    /// Whether the last bytes of `raw` may hold an anchor already, an open question or one behind an
    /// escape, so that a seam is more than the two bytes beside it.
    asks: bool,
    open: Option<(Rule, Stop)>,
    swallowing: Option<Stop>,
}

/// What a step has decided.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// Replacements, as offsets from the start of the block's text. A text of nothing continues an
    /// earlier placeholder.
    pub(super) cuts: Vec<(u64, u64, Rule, Cow<'static, str>)>,
    /// The newly decided text, unescaped, with placeholders.
    pub(super) live: String,
}

impl BlockText {
    /// A text that begins with this one. One that is a credential's whole value begins, to the rules,
    /// with the name that stands elsewhere: that part is decided, and nothing of it is handed out.
    pub(super) fn new(first: &EventText) -> Self {
        let opening = first.credential.map(Credential::opening).unwrap_or_default();
        Self {
            places: Places::new(),
            block: first.block,
            kind: first.kind,
            raw: opening.to_vec(),
            dropped: 0,
            decided: opening.len(),
            mark: Mark { next: 0, floor: 0 },
            seam: !opening.is_empty(),
            asks: !opening.is_empty(),
            open: None,
            swallowing: None,
        }
    }

    /// Length of the text so far, with what the rules read before it.
    pub(super) const fn len(&self) -> u64 {
        self.dropped + self.raw.len() as u64
    }

    /// Length of the decided text.
    pub(super) const fn decided(&self) -> u64 {
        self.dropped + self.decided as u64
    }

    /// Appends a piece that needs [`Self::step`].
    pub(super) fn append(&mut self, piece: &[u8]) {
        self.raw.extend_from_slice(piece);
    }

    /// Appends a piece without any anchor in it, and says whether that decided it: nothing was
    /// held, no anchor spans the seam, and the text does not end in the first half of one. If not,
    /// [`Self::step`] decides.
    pub(super) fn append_clean(&mut self, piece: &[u8]) -> bool {
        let before = self.raw.len();
        self.append(piece);
        if self.decided < before || self.swallowing.is_some() {
            return false;
        }
        if self.seam && (self.asks || spans(&self.raw, self.mark.next, before)) {
            return false;
        }
        let ending = ending(&self.raw, self.mark.floor);
        if ending.hold < self.raw.len() {
            return false;
        }
        self.decided = self.raw.len();
        self.seam = ending.seam;
        // Then the next seam's search begins inside this piece.
        self.asks &= piece.len() < LONGEST;
        self.mark.next = self.decided.saturating_sub(LONGEST - 1).max(self.mark.floor);
        self.forget();
        true
    }

    /// Decides what can be decided; everything, when the text ends here.
    pub(super) fn step(&mut self, last: bool, rules: Rules) -> Decided {
        let raw = std::mem::take(&mut self.raw);
        let view = if last { View::whole(&raw) } else { View::open(&raw) };
        let from = self.decided;
        let mut cuts = Vec::new();
        if let Some(stop) = self.swallowing {
            let found = stop.find(view.bytes(), view.of_raw(from));
            let end = view.to_raw(found.position());
            cuts.push((from, end, Rule::Header, Cow::Borrowed("")));
            self.mark = Mark { next: end, floor: end };
            self.decided = end;
            if last || !found.is_open() {
                self.swallowing = None;
            }
        }
        if self.swallowing.is_none() {
            let mark =
                Mark { next: view.of_raw(self.mark.next), floor: view.of_raw(self.mark.floor) };
            let halt = scan(view.bytes(), mark, last, rules, &mut |cut: Cut| {
                let (start, end) = (view.to_raw(cut.start).max(from), view.to_raw(cut.end));
                if start < end {
                    cuts.push((start, end, cut.rule, cut.text));
                }
            });
            self.mark =
                Mark { next: view.to_raw(halt.mark.next), floor: view.to_raw(halt.mark.floor) };
            self.decided = view.to_raw(halt.decided).max(self.decided);
            self.seam = halt.seam;
            self.asks = halt.asks || !view.is_plain();
            self.open = halt.open;
        }
        drop(view);
        self.raw = raw;
        self.hand_out(from, cuts)
    }

    /// Decides what is held without waiting any longer: an open secret is replaced, and swallowed
    /// until its end; the harmless start of one is let go.
    pub(super) fn force(&mut self) -> Decided {
        let from = self.decided;
        let end = self.raw.len();
        let mut cuts = Vec::new();
        if self.swallowing.is_some() {
            cuts.push((from, end, Rule::Header, Cow::Borrowed("")));
        } else if let Some((rule, stop)) = self.open.take() {
            cuts.push((from, end, rule, Cow::Borrowed(rule.placeholder())));
            self.swallowing = Some(stop);
            self.mark = Mark { next: end, floor: end };
        }
        self.decided = end;
        self.hand_out(from, cuts)
    }

    fn hand_out(
        &mut self,
        from: usize,
        cuts: Vec<(usize, usize, Rule, Cow<'static, str>)>,
    ) -> Decided {
        let mut decided = Decided::default();
        let mut at = from;
        for (start, end, rule, text) in cuts {
            unescape(&self.raw[at..start], &mut decided.live);
            decided.live.push_str(&text);
            at = end;
            decided.cuts.push((self.dropped + start as u64, self.dropped + end as u64, rule, text));
        }
        unescape(&self.raw[at..self.decided], &mut decided.live);
        self.forget();
        decided
    }

    /// Drops decided text that no rule looks back at.
    fn forget(&mut self) {
        let needed = self.decided.min(self.mark.next).saturating_sub(CONTEXT);
        if needed <= KEPT - CONTEXT {
            return;
        }
        self.raw.drain(..needed);
        self.raw.shrink_to(4 * KEPT);
        self.dropped += needed as u64;
        self.decided -= needed;
        self.mark.next -= needed;
        self.mark.floor = self.mark.floor.saturating_sub(needed);
    }
}

impl fmt::Debug for BlockText {
    /// Without the text: it is not redacted yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockText")
            .field("block", &self.block)
            .field("kind", &self.kind)
            .field("len", &self.len())
            .field("decided", &self.decided())
            .finish_non_exhaustive()
    }
}

/// Appends the text that the inside of a JSON string stands for (RFC 8259 §7). Half a surrogate
/// pair and other nonsense become U+FFFD.
pub(super) fn unescape(raw: &[u8], out: &mut String) {
    let mut rest = raw;
    while let Some(found) = memchr::memchr(b'\\', rest) {
        push_lossy(&rest[..found], out);
        let escape = rest.get(found + 1).copied();
        rest = rest.get(found + 2..).unwrap_or_default();
        let plain = match escape {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let (character, len) = unicode(rest);
                rest = &rest[len..];
                character
            }
            Some(other) if other.is_ascii() => char::from(other),
            _ => char::REPLACEMENT_CHARACTER,
        };
        out.push(plain);
    }
    push_lossy(rest, out);
}

fn push_lossy(bytes: &[u8], out: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(text) => out.push_str(text),
        Err(_) => out.push_str(&String::from_utf8_lossy(bytes)),
    }
}

/// The character of a `\u` escape from its digits on, and how many bytes it took.
fn unicode(digits: &[u8]) -> (char, usize) {
    let unit = |at: usize| {
        let digits = std::str::from_utf8(digits.get(at..at + 4)?).ok()?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 0) };
    if let Some(plain) = char::from_u32(u32::from(first)) {
        return (plain, 4);
    }
    let second = digits.get(4..6).filter(|next| *next == br"\u").and_then(|_| unit(6));
    let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    pair.map_or((char::REPLACEMENT_CHARACTER, 4), |pair| (pair, 10))
}
