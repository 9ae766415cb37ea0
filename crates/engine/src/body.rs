//! A body as it is collected: content encoding undone, kept up to a limit, read further only while
//! the memory that all flows share allows.

use langley_model::{Body, FlowId, Redactor, Side};
use langley_protocol::encoding::{ContentDecoder, EncodingError};
use langley_protocol::piece::Seam;

use crate::cut::safe_end;
use crate::pieces::Split;

/// Bytes that every body may hold without asking the shared allowance.
const FREE: usize = 64 * 1024;

/// Read beyond the limit and thrown away again after redaction: a secret that the limit cuts through
/// must still be whole when the rules look at it.
const MARGIN: usize = 8 * 1024;

/// The largest body that is parsed, when its length is known ahead and memory is taken once.
pub(crate) const PARSED: usize = 32 << 20;

/// The largest body that is parsed, when its length shows as it comes: memory then grows by doubling,
/// and for a moment both the old and the new are there.
pub(crate) const PARSED_UNSTATED: usize = 16 << 20;

/// Memory for bodies that all open flows share.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: usize,
}

impl Allowance {
    pub(crate) const fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    const fn take(&mut self, bytes: usize) -> bool {
        if self.left < bytes {
            return false;
        }
        self.left -= bytes;
        true
    }

    const fn give_back(&mut self, bytes: usize) {
        self.left += bytes;
    }
}

/// What a collector aims at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes to be stored.
    pub(crate) kept: usize,
    /// Bytes to be read for parsing; as many as are kept when the body is of no use but to be kept.
    pub(crate) read: usize,
}

/// Why bytes are missing at the end of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Langley left them out: the limit, or a gap in the capture.
    Here,
    /// They never came, or could not be decoded.
    AtTheSource,
}

/// A body being collected.
#[derive(Debug)]
pub(crate) struct Collector {
    decoder: Option<ContentDecoder>,
    bytes: Vec<u8>,
    charged: usize,
    limits: Limits,
    seen: u64,
    /// Length as the headers stated it, where that is the length of what is kept.
    stated: u64,
    cut: Option<Cut>,
    note: Option<String>,
}

impl Collector {
    /// A collector for a body with this `content-encoding`.
    pub(crate) fn new(content_encoding: Option<&str>, limits: Limits) -> Self {
        let limits = Limits { read: limits.read.max(limits.kept.saturating_add(MARGIN)), ..limits };
        let mut note = None;
        let decoder = match content_encoding {
            None => None,
            Some(_) => match ContentDecoder::for_header(content_encoding, limits.read as u64 + 1) {
                Ok(decoder) => (!decoder.is_identity()).then_some(decoder),
                Err(error) => {
                    note = Some(error.to_string());
                    None
                }
            },
        };
        Self { decoder, bytes: Vec::new(), charged: 0, limits, seen: 0, stated: 0, cut: None, note }
    }

    /// The headers state this `content-length`, which counts where nothing is encoded.
    pub(crate) fn stating(mut self, length: Option<&str>) -> Self {
        if self.decoder.is_none() {
            self.stated = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        }
        self
    }

    /// Whether nothing that may follow will be kept or read.
    pub(crate) const fn is_full(&self) -> bool {
        self.cut.is_some()
    }

    /// Takes the next bytes as they travelled.
    pub(crate) fn feed(&mut self, data: &[u8], allowance: &mut Allowance) {
        let Some(mut decoder) = self.decoder.take() else {
            self.keep(data, allowance);
            return;
        };
        if self.cut.is_some() {
            return;
        }
        // Piece by piece: a few bytes may decode to megabytes.
        match decoder.feed_each(data, &mut |piece| self.keep(piece, allowance)) {
            Ok(()) => self.decoder = Some(decoder),
            Err(error) => self.fail(&error),
        }
    }

    /// Bytes are missing here: what follows cannot be told apart from what is lost.
    pub(crate) fn gap(&mut self) {
        self.cut = Some(Cut::Here);
        self.decoder = None;
    }

    /// No more bytes will come; `whole` when the sender said so.
    pub(crate) fn finish(&mut self, whole: bool) {
        if let Some(decoder) = self.decoder.take()
            && self.cut.is_none()
            && let Err(error) = decoder.finish()
        {
            self.fail(&error);
        }
        if !whole && self.seen > 0 {
            self.cut.get_or_insert(Cut::AtTheSource);
        }
    }

    /// The bytes so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether every byte is there.
    pub(crate) const fn is_whole(&self) -> bool {
        self.cut.is_none()
    }

    /// Why decoding failed.
    pub(crate) const fn take_note(&mut self) -> Option<String> {
        self.note.take()
    }

    /// Gives the memory back without keeping anything.
    pub(crate) fn discard(self, allowance: &mut Allowance) {
        allowance.give_back(self.charged);
    }

    /// The body as it is stored, in pieces where it has `seams` and is whole; none when it is empty.
    pub(crate) fn seal(
        mut self,
        flow: FlowId,
        side: Side,
        media_type: Option<&str>,
        seams: &[Seam],
        redactor: &Redactor,
        allowance: &mut Allowance,
    ) -> Option<Body> {
        allowance.give_back(self.charged);
        if self.seen == 0 {
            return None;
        }
        let media_type = media_type.map(str::to_owned);
        let limit = self.limits.kept;
        if self.cut.is_none() && Split::is_worth(self.bytes.len(), seams) {
            let split = Split::of(redactor.body(self.bytes), seams, limit, redactor);
            let (original_len, truncated) = (self.seen, split.truncated);
            let Split { bytes, pieces, .. } = split;
            return Some(Body { flow, side, bytes, pieces, media_type, original_len, truncated });
        }
        let mut cut = self.cut;
        if self.bytes.len() > limit {
            cut = Some(Cut::Here);
            self.bytes.truncate(limit.saturating_add(MARGIN));
        }
        if cut == Some(Cut::Here) {
            self.bytes.truncate(safe_end(&self.bytes));
        }
        let mut bytes = redactor.body(self.bytes);
        bytes.truncate(limit);
        let truncated = cut.is_some();
        Some(Body {
            flow,
            side,
            bytes,
            pieces: Vec::new(),
            media_type,
            // What the tap was told to leave out was not seen, but it was announced.
            original_len: if truncated { self.seen.max(self.stated) } else { self.seen },
            truncated,
        })
    }

    fn keep(&mut self, data: &[u8], allowance: &mut Allowance) {
        self.seen += data.len() as u64;
        if self.cut.is_some() || data.is_empty() {
            return;
        }
        let wanted = self.bytes.len() + data.len();
        let most = if wanted > self.limits.read || !self.charge(wanted, allowance) {
            // It will not be parsed: only what is stored is worth its memory.
            self.cut = Some(Cut::Here);
            self.bytes.truncate(self.limits.kept + MARGIN);
            self.bytes.shrink_to_fit();
            let most = (self.limits.kept + MARGIN).min(self.charged + FREE);
            let needed = wanted.min(self.limits.kept + MARGIN);
            if self.charge(needed, allowance) { needed } else { most }
        } else {
            wanted
        };
        let room = most.saturating_sub(self.bytes.len()).min(data.len());
        self.reserve(room);
        self.bytes.extend_from_slice(&data[..room]);
    }

    /// Makes room for `more` bytes; for all that was announced at once, when that is much.
    fn reserve(&mut self, more: usize) {
        let len = self.bytes.len();
        let stated = usize::try_from(self.stated).unwrap_or(usize::MAX);
        let is_due = len + more > self.bytes.capacity().max(FREE);
        if is_due && self.cut.is_none() && (len + more..=self.limits.read).contains(&stated) {
            self.bytes.reserve_exact(stated - len);
        }
    }

    /// Makes sure that `size` bytes are paid for.
    fn charge(&mut self, size: usize, allowance: &mut Allowance) -> bool {
        let due = size.saturating_sub(FREE + self.charged);
        let paid = allowance.take(due);
        if paid {
            self.charged += due;
        }
        paid
    }

    fn fail(&mut self, error: &EncodingError) {
        match error {
            EncodingError::TooLarge { .. } => {
                self.cut = Some(Cut::Here);
                return;
            }
            EncodingError::TrailingGarbage { .. } => {
                self.note = Some(error.to_string());
                return;
            }
            EncodingError::Unsupported { .. }
            | EncodingError::TooManyLayers { .. }
            | EncodingError::Corrupt { .. }
            | EncodingError::Truncated { .. } => self.note = Some(error.to_string()),
        }
        self.cut = Some(Cut::AtTheSource);
    }
}

#[cfg(test)]
mod tests {
    use langley_model::RedactorOptions;

    use super::*;

    fn stored(collector: Collector, allowance: &mut Allowance) -> Option<Body> {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        collector.seal(FlowId::new(), Side::Client, Some("text/plain"), &[], &redactor, allowance)
    }

    fn words(bytes: usize) -> Vec<u8> {
        b"lorem ipsum ".iter().copied().cycle().take(bytes).collect()
    }

    #[test]
    fn beyond_its_limits_a_body_wants_no_more_and_remembers_its_announced_length() {
        let mut allowance = Allowance::new(1 << 20);
        let limits = Limits { kept: 100, read: 0 };
        let mut collector = Collector::new(None, limits).stating(Some("1000000"));
        collector.feed(&words(200), &mut allowance);
        assert!(!collector.is_full());
        collector.feed(&words(2 * MARGIN), &mut allowance);
        assert!(collector.is_full());
        let body = stored(collector, &mut allowance).unwrap();
        assert_eq!((body.bytes.len(), body.original_len), (100, 1_000_000));
        assert!(body.truncated);
    }

    #[test]
    fn a_body_within_the_limit_is_kept_whole() {
        let mut allowance = Allowance::new(0);
        let mut collector = Collector::new(None, Limits { kept: 100, read: 0 });
        collector.feed(b"hello ", &mut allowance);
        collector.feed(b"world", &mut allowance);
        collector.finish(true);
        let body = stored(collector, &mut allowance).unwrap();
        assert_eq!(body.bytes.as_bytes(), b"hello world");
        assert!(!body.truncated);
        assert_eq!(body.original_len, 11);
    }

    #[test]
    fn memory_for_an_announced_body_is_taken_once() {
        let mut allowance = Allowance::new(10 << 20);
        let limits = Limits { kept: 100, read: 8 << 20 };
        let mut collector = Collector::new(None, limits).stating(Some("5000000"));
        let mut sizes = std::collections::BTreeSet::new();
        for piece in words(5_000_000).chunks(50_000) {
            collector.feed(piece, &mut allowance);
            sizes.insert(collector.bytes.capacity());
        }
        assert_eq!(sizes.last(), Some(&5_000_000));
        assert!(sizes.len() <= 2, "{sizes:?}");
    }

    #[test]
    fn a_long_body_is_cut_at_the_limit_in_bounded_memory() {
        let mut allowance = Allowance::new(1 << 20);
        let mut collector = Collector::new(None, Limits { kept: 100_000, read: 0 });
        let piece = words(64 * 1024);
        for _ in 0..1_000 {
            collector.feed(&piece, &mut allowance);
            assert!(collector.bytes.capacity() <= 2 * (100_000 + MARGIN));
        }
        let body = stored(collector, &mut allowance).unwrap();
        assert!(body.truncated);
        assert_eq!(body.bytes.len(), 100_000);
        assert_eq!(body.original_len, 1_000 * 64 * 1024);
        assert_eq!(allowance.left, 1 << 20);
    }

    #[test]
    fn a_body_is_read_beyond_the_limit_while_memory_allows() {
        let mut allowance = Allowance::new(1 << 20);
        let limits = Limits { kept: 1_000, read: 400_000 };
        let mut first = Collector::new(None, limits);
        first.feed(&words(400_000), &mut allowance);
        assert!(first.is_whole());
        assert_eq!(first.bytes().len(), 400_000);
        let mut poor = Allowance::new(1_000);
        let mut second = Collector::new(None, limits);
        second.feed(&words(400_000), &mut poor);
        assert!(!second.is_whole());
        assert_eq!(second.bytes().len(), 1_000 + MARGIN);
        assert!(stored(second, &mut poor).unwrap().truncated);
        let body = stored(first, &mut allowance).unwrap();
        assert!(body.truncated);
        assert_eq!(body.bytes.len(), 1_000);
        assert_eq!((poor.left, allowance.left), (1_000, 1 << 20));
    }

    #[test]
    fn a_gap_ends_what_is_kept_but_not_what_is_counted() {
        let mut allowance = Allowance::new(1 << 20);
        let mut collector = Collector::new(None, Limits { kept: 100_000, read: 0 });
        collector.feed(&words(20_000), &mut allowance);
        collector.gap();
        collector.feed(&words(20_000), &mut allowance);
        let body = stored(collector, &mut allowance).unwrap();
        assert!(body.truncated && body.bytes.len() <= 20_000);
        assert_eq!(body.original_len, 40_000);
    }

    #[test]
    fn an_unknown_encoding_keeps_the_bytes_as_they_are_and_says_why() {
        let mut allowance = Allowance::new(0);
        let mut collector = Collector::new(Some("rot13"), Limits { kept: 100, read: 0 });
        collector.feed(b"uryyb", &mut allowance);
        assert!(collector.take_note().unwrap().contains("rot13"));
        assert_eq!(stored(collector, &mut allowance).unwrap().bytes.as_bytes(), b"uryyb");
    }
}
