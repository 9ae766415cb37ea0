//! What neighbouring events have in common, whatever provider they come from and whatever format they are
//! in: the bytes around holes, in which each has something of its own.

use std::ops::Range;

/// So many more bytes in common make it worth looking anew.
const WORTH: usize = 16;

/// Bytes of one hole beyond which it is looked into for more that is shared; longer ones than the second
/// are not, because looking costs time.
const HOLES: Range<usize> = 40..4096;

/// More holes than this no event has.
pub(super) const MOST_HOLES: usize = 16;

/// Where the holes of an event are, in order and apart from one another.
pub(super) type Holes = Vec<Range<usize>>;

/// An empty event is one hole.
pub(super) fn all() -> Holes {
    std::iter::once(0..0).collect()
}

/// Finds the holes of `data` when it is what `last` is around its `holes`; whether it is.
pub(super) fn fit(last: &[u8], holes: &[Range<usize>], data: &[u8], found: &mut Holes) -> bool {
    found.clear();
    let (Some(first), Some(end)) = (holes.first(), holes.last()) else { return false };
    let (front, back) = (&last[..first.start], &last[end.end..]);
    let Some(most) = data.len().checked_sub(back.len()) else { return false };
    if front.len() > most || data[..front.len()] != *front || data[most..] != *back {
        return false;
    }
    let mut at = front.len();
    for pair in holes.windows(2) {
        let between = &last[pair[0].end..pair[1].start];
        let Some(place) = place(&data[at..most], between) else { return false };
        found.push(at..at + place);
        at += place + between.len();
    }
    found.push(at..most);
    true
}

/// Where `part` begins in `data`.
fn place(data: &[u8], part: &[u8]) -> Option<usize> {
    let first = *part.first()?;
    let mut from = 0;
    while let Some(found) = data.get(from..)?.iter().position(|byte| *byte == first) {
        if data[from + found..].starts_with(part) {
            return Some(from + found);
        }
        from += found + 1;
    }
    None
}

/// Whether what `holes` hold in both events is alike, so that they should be smaller.
pub(super) fn resembles(last: &[u8], holes: &[Range<usize>], data: &[u8], found: &Holes) -> bool {
    holes.iter().zip(found).any(|(old, new)| {
        let (old, new) = (&last[old.clone()], &data[new.clone()]);
        alike(old.first_chunk::<WORTH>(), new.first_chunk())
            || alike(old.last_chunk::<WORTH>(), new.last_chunk())
    })
}

/// The holes of two events: all but their common beginning and end, and what else they share in between.
pub(super) fn look(last: &[u8], data: &[u8]) -> (Holes, Holes) {
    let front = common(last.iter().zip(data));
    let rest = last.len().min(data.len()) - front;
    let ends = last[last.len() - rest..].iter().zip(&data[data.len() - rest..]);
    let back = common(ends.rev());
    let (old, new) = (front..last.len() - back, front..data.len() - back);
    let mut holes = (Holes::new(), Holes::new());
    if HOLES.contains(&old.len()) && HOLES.contains(&new.len()) {
        inside((last, old), (data, new), &mut holes);
    } else {
        holes.0.push(old);
        holes.1.push(new);
    }
    holes
}

/// Goes through two stretches for runs of bytes that stand in both, in order.
fn inside(
    (last, old): (&[u8], Range<usize>),
    (data, new): (&[u8], Range<usize>),
    holes: &mut (Holes, Holes),
) {
    // Where each eight bytes of the old stretch stand; the first place counts.
    const PLACES: usize = 1024;
    let mut places = [u16::MAX; PLACES];
    let slot = |bytes: &[u8; 8]| {
        let mixed = u64::from_le_bytes(*bytes).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 54) as usize
    };
    for (position, bytes) in last[old.clone()].windows(8).enumerate().rev() {
        if let Some(bytes) = bytes.first_chunk() {
            places[slot(bytes)] = position as u16;
        }
    }
    let (mut old_at, mut new_at, mut position) = (old.start, new.start, new.start);
    while let Some(bytes) = data[position..new.end].first_chunk::<8>() {
        let place = usize::from(places[slot(bytes)]) + old.start;
        if place >= old_at && place < old.end && holes.0.len() + 1 < MOST_HOLES {
            let ahead = common(last[place..old.end].iter().zip(&data[position..new.end]));
            let before = last[old_at..place].iter().rev().zip(data[new_at..position].iter().rev());
            let behind = common(before);
            if ahead + behind >= WORTH {
                holes.0.push(old_at..place - behind);
                holes.1.push(new_at..position - behind);
                (old_at, new_at) = (place + ahead, position + ahead);
                position = new_at;
                continue;
            }
        }
        position += 1;
    }
    holes.0.push(old_at..old.end);
    holes.1.push(new_at..new.end);
}

fn alike(old: Option<&[u8; WORTH]>, new: Option<&[u8; WORTH]>) -> bool {
    old.is_some() && old == new
}

fn common<'a>(pairs: impl Iterator<Item = (&'a u8, &'a u8)>) -> usize {
    pairs.take_while(|(old, new)| old == new).count()
}

/// Whether `new` is the decimal number after `old`, as counters are.
pub(super) fn is_next(old: &[u8], new: &[u8]) -> bool {
    // Most holes hold words.
    new.first().is_some_and(u8::is_ascii_digit)
        && new.len() <= 18
        && after(old).is_some_and(|next| next.to_string().as_bytes() == new)
}

/// The number after a decimal one.
pub(super) fn after(old: &[u8]) -> Option<u64> {
    let plain = !old.is_empty() && old.len() <= 18 && (old[0] != b'0' || old.len() == 1);
    let digits = plain && old.iter().all(u8::is_ascii_digit);
    digits.then(|| old.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')) + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delta(number: usize, words: &str, padding: &str) -> String {
        format!(
            r#"{{"type":"text.delta","number":{number},"item":"msg_0123456789","delta":"{words}","logprobs":[],"padding":"{padding}"}}"#
        )
    }

    fn held<'a>(data: &'a str, holes: &Holes) -> Vec<&'a str> {
        holes.iter().map(|hole| &data[hole.clone()]).collect()
    }

    #[test]
    fn only_what_is_new_is_in_the_holes() {
        let (last, next) = (delta(15, " words", "Zq0"), delta(16, "of", "aa8"));
        let (old, new) = look(last.as_bytes(), next.as_bytes());
        assert_eq!(held(&last, &old), ["5", " words", "Zq0"]);
        assert_eq!(held(&next, &new), ["6", "of", "aa8"]);
        let third = delta(17, " a longer text", "b");
        let mut found = Holes::new();
        assert!(fit(next.as_bytes(), &new, third.as_bytes(), &mut found));
        assert_eq!(held(&third, &found), ["7", " a longer text", "b"]);
        let other = third.replace("item", "part");
        assert!(!fit(next.as_bytes(), &new, other.as_bytes(), &mut found));
    }

    #[test]
    fn counters_count() {
        for (old, new) in [("0", "1"), ("9", "10"), ("12", "13"), ("99999", "100000")] {
            assert!(is_next(old.as_bytes(), new.as_bytes()), "{old} {new}");
        }
        for (old, new) in [("", "1"), ("01", "2"), ("1", "02"), ("1", "3"), ("a", "b"), ("1", "")] {
            assert!(!is_next(old.as_bytes(), new.as_bytes()), "{old} {new}");
        }
    }

    proptest! {
        #[test]
        fn what_is_outside_of_the_holes_is_the_same(
            old in "[ab]{0,20}(ccddeeffgghhiijjkk)?[ab]{0,40}(0123456789abcdefgh)?[ab]{0,20}",
            new in "[ab]{0,20}(ccddeeffgghhiijjkk)?[ab]{0,40}(0123456789abcdefgh)?[ab]{0,20}",
        ) {
            let outside = |data: &str, holes: &Holes| {
                let mut at = 0;
                let mut rest = Vec::new();
                for hole in holes {
                    rest.push(data[at..hole.start].to_owned());
                    at = hole.end;
                }
                rest.push(data[at..].to_owned());
                rest
            };
            let (holes, found) = look(old.as_bytes(), new.as_bytes());
            prop_assert_eq!(outside(&old, &holes), outside(&new, &found));
            prop_assert_eq!(holes.len(), found.len());
        }
    }
}
