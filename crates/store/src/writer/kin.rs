//! Contents that resemble one another: which stored content a new one had better be packed against.
//!
//! Agents send much that is nearly what was there before: the answer comes back in the next request, a
//! file is read again after an edit, headers differ in an id. A content is known by anchors, windows of
//! 32 bytes that its own bytes choose, so that the same words are found wherever they stand; what has
//! most of a new content's anchors is the most like it. A wrong guess costs room and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use lru::LruCache;

/// Anchors that are remembered: those of the last half a megabyte of contents, in as much memory.
const PLACES: usize = 1 << 14;

/// One of so many windows is an anchor.
const EVERY: u64 = 32;

/// A content whose anchors are fewer than this in another one is not like it.
const LEAST: u32 = 2;

/// Longer contents are not packed against, because all of them would have to be looked through.
const LONGEST: usize = 64 * 1024;

/// Contents longer than this are not packed against others: the base could save little of them, and looking
/// for what they have in common would take the writer long.
const LONGEST_LIKE: usize = 4 * LONGEST;

/// How many contents may have to be unpacked before one that others are packed against.
const DEEPEST: u8 = 3;

/// Bytes of contents that are at hand without reading them back.
const AT_HAND: usize = 512 * 1024;

/// A content that others may be packed against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) id: i64,
    /// Contents that must be unpacked before it.
    pub(super) depth: u8,
}

#[derive(Clone, Copy)]
struct Place {
    check: u32,
    base: Base,
}

/// What is remembered of recent contents.
pub(super) struct Kin {
    /// Empty until something is remembered: an idle store holds nothing.
    places: Vec<Option<Place>>,
    at_hand: LruCache<i64, Arc<[u8]>>,
    held: usize,
}

impl Kin {
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), at_hand: LruCache::unbounded(), held: 0 }
    }

    /// The recent content that is most like `bytes`; one that is `shallow` may be packed against by
    /// others, whatever is packed against it.
    pub(super) fn of(&self, bytes: &[u8], shallow: bool) -> Option<Base> {
        if self.places.is_empty() || bytes.len() > LONGEST_LIKE {
            return None;
        }
        let most = if shallow { DEEPEST - 1 } else { DEEPEST };
        let mut votes: HashMap<i64, (u32, Base)> = HashMap::new();
        anchors(bytes, |check| {
            let of = |place: &Place| place.check == check && place.base.depth < most;
            if let Some(place) = self.places[slot(check)].filter(of) {
                votes.entry(place.base.id).or_insert((0, place.base)).0 += 1;
            }
        });
        let best = votes.into_values().max_by_key(|(votes, base)| (*votes, base.id))?;
        (best.0 >= LEAST).then_some(best.1)
    }

    /// Remembers a content that is stored, for those that come after it.
    pub(super) fn remember(&mut self, base: Base, bytes: &[u8]) {
        // What lies too deep is left out, so that what it was packed against goes on being found.
        if bytes.len() > LONGEST || base.depth >= DEEPEST {
            return;
        }
        if self.places.is_empty() {
            self.places = vec![None; PLACES];
        }
        anchors(bytes, |check| self.places[slot(check)] = Some(Place { check, base }));
        self.hold(base.id, bytes.into());
    }

    /// A content's bytes, when they are at hand.
    pub(super) fn bytes(&mut self, id: i64) -> Option<Arc<[u8]>> {
        self.at_hand.get(&id).cloned()
    }

    /// Keeps a content's bytes at hand, unless others would have to go for a large one that is no base.
    pub(super) fn hold(&mut self, id: i64, bytes: Arc<[u8]>) {
        if bytes.len() > LONGEST {
            return;
        }
        self.held += bytes.len();
        if let Some(before) = self.at_hand.put(id, bytes) {
            self.held -= before.len();
        }
        while self.held > AT_HAND {
            let Some((_, oldest)) = self.at_hand.pop_lru() else { break };
            self.held -= oldest.len();
        }
    }
}

const fn slot(check: u32) -> usize {
    // Fibonacci hashing, as Knuth has it.
    (check.wrapping_mul(0x9e37_79b1) >> (32 - PLACES.trailing_zeros())) as usize
}

/// Shows the anchors of `bytes`: of each window of 32 bytes a number, if it is one of those chosen.
fn anchors(bytes: &[u8], mut show: impl FnMut(u32)) {
    let mut hash = 0_u64;
    for (position, byte) in bytes.iter().enumerate() {
        // A gear hash: a bit of it knows as many bytes as its place, so the lower half knows 32.
        hash = (hash << 1).wrapping_add(GEAR[usize::from(*byte)]);
        if position >= 31 && (hash >> 20).is_multiple_of(EVERY) {
            show(hash as u32);
        }
    }
}

/// A number for each byte, by SplitMix64.
const GEAR: [u64; 256] = {
    let mut gear = [0; 256];
    let mut state = 0_u64;
    let mut byte = 0;
    while byte < 256 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        gear[byte] = mixed ^ (mixed >> 31);
        byte += 1;
    }
    gear
};

#[cfg(test)]
mod tests {
    use super::*;

    fn text(seed: u32, words: u32) -> Vec<u8> {
        (0..words).flat_map(|n| format!("{} ", (n + seed) * 7_919 % 10_007).into_bytes()).collect()
    }

    #[test]
    fn the_same_words_are_found_wherever_they_stand_and_others_are_not() {
        let mut kin = Kin::new();
        for id in 1..=5 {
            kin.remember(Base { id, depth: 0 }, &text(id as u32 * 1_000, 300));
        }
        let mut later = b"{\"role\":\"assistant\",\"content\":\"".to_vec();
        later.extend(text(3_000, 300));
        assert_eq!(kin.of(&later, false), Some(Base { id: 3, depth: 0 }));
        assert_eq!(kin.of(&text(3_005, 290), false), Some(Base { id: 3, depth: 0 }));
        assert_eq!(kin.of(&text(8_000, 300), false), None);
        assert_eq!(kin.of(b"short", false), None);
    }

    #[test]
    fn what_lies_too_deep_leaves_its_place_to_what_it_was_packed_against() {
        let mut kin = Kin::new();
        let words = text(1, 300);
        kin.remember(Base { id: 1, depth: 0 }, &words);
        kin.remember(Base { id: 2, depth: DEEPEST }, &words);
        assert_eq!(kin.of(&words, false).map(|base| base.id), Some(1));
        kin.remember(Base { id: 3, depth: DEEPEST - 1 }, &words);
        assert_eq!(kin.of(&words, false).map(|base| base.id), Some(3));
        assert_eq!(kin.of(&words, true), None);
    }

    #[test]
    fn what_is_much_longer_than_all_that_is_remembered_is_like_nothing() {
        let mut kin = Kin::new();
        let words = text(1, 300);
        kin.remember(Base { id: 1, depth: 0 }, &words);
        let mut long = words;
        long.resize(LONGEST_LIKE, b' ');
        assert!(kin.of(&long, false).is_some());
        long.push(b' ');
        assert_eq!(kin.of(&long, false), None);
    }

    #[test]
    fn what_is_at_hand_is_bounded() {
        let mut kin = Kin::new();
        for id in 0..100 {
            kin.hold(id, vec![0; 32 * 1024].into());
        }
        assert!(kin.held <= AT_HAND && kin.bytes(99).is_some() && kin.bytes(0).is_none());
        kin.hold(100, vec![0; AT_HAND + 1].into());
        assert!(kin.bytes(99).is_some() && kin.bytes(100).is_none());
    }
}
