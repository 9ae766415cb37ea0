//! The stored form of a body that lies in pieces: which blobs it is made of, and what stands between
//! them.
//!
//! Agents send the same body with a little more at its end, so the form is made of columns in which
//! neighbouring requests, and the entries of one request, are alike: what stands between pieces is
//! mostly one comma, and pieces that came together have neighbouring ids. The texts between pieces are
//! kept once each, in a blob of their own, which all requests of a session share.

use std::collections::HashMap;
use std::ops::Range;

use super::number::{put, put_signed, take, take_len, take_signed};
use crate::error::StoreError;

/// The form's number, in case there will be another one.
const FORM: u64 = 1;

/// How a body is put together: the rest's part `order[0]`, the first blob, the rest's part `order[1]`
/// and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// Length of the body.
    pub(crate) len: usize,
    /// The blob of what stands between pieces.
    pub(crate) rest: i64,
    /// The blobs of the pieces, in order.
    pub(crate) pieces: Vec<i64>,
    pub(crate) between: Between,
}

/// What stands before, between and after pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Between {
    /// Lengths of the texts that occur, as they lie in the rest's blob.
    lens: Vec<usize>,
    /// Which of them stands before each piece, and after the last.
    order: Vec<usize>,
}

impl Between {
    /// What `pieces` leave of `body`: each text that occurs once, one after the other, and where they
    /// stand. None when the pieces are not in order or not inside of the body.
    pub(crate) fn of(body: &[u8], pieces: &[Range<usize>]) -> Option<(Self, Vec<u8>)> {
        let mut between = Self::default();
        let mut rest = Vec::new();
        let mut known: HashMap<&[u8], usize> = HashMap::new();
        let mut at = 0;
        let end = body.len()..body.len();
        for piece in pieces.iter().chain([&end]) {
            let text = body.get(at..piece.start).filter(|_| piece.start <= piece.end)?;
            let number = *known.entry(text).or_insert_with(|| {
                rest.extend_from_slice(text);
                between.lens.push(text.len());
                between.lens.len() - 1
            });
            between.order.push(number);
            at = piece.end;
        }
        Some((between, rest))
    }
}

impl Recipe {
    /// Writes the recipe into `out`, replacing what it held.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.clear();
        let Between { lens, order } = &self.between;
        put(out, FORM);
        put(out, self.len as u64);
        put(out, self.rest.cast_unsigned());
        put(out, lens.len() as u64);
        for len in lens {
            put(out, *len as u64);
        }
        put(out, self.pieces.len() as u64);
        for number in order {
            put(out, *number as u64);
        }
        let mut last = 0_i64;
        for piece in &self.pieces {
            put_signed(out, piece.wrapping_sub(last).wrapping_sub(1).cast_unsigned());
            last = *piece;
        }
    }

    /// Reads what [`Self::encode`] wrote.
    pub(crate) fn decode(raw: &[u8]) -> Result<Self, StoreError> {
        Self::parse(raw).ok_or(damaged())
    }

    fn parse(mut raw: &[u8]) -> Option<Self> {
        let raw = &mut raw;
        if take(raw)? != FORM {
            return None;
        }
        let (len, rest) = (take_len(raw)?, take(raw)?.cast_signed());
        let lens = (0..count(raw)?).map(|_| take_len(raw)).collect::<Option<Vec<_>>>()?;
        let pieces = count(raw)?;
        let order = (0..=pieces).map(|_| take_len(raw)).collect::<Option<Vec<_>>>()?;
        let mut last = 0_i64;
        let mut next = || {
            last = last.wrapping_add(take_signed(raw)?.cast_signed()).wrapping_add(1);
            Some(last)
        };
        let pieces = (0..pieces).map(|_| next()).collect::<Option<Vec<_>>>()?;
        Some(Self { len, rest, pieces, between: Between { lens, order } })
    }

    /// Every blob that the body needs.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = i64> {
        self.pieces.iter().copied().chain([self.rest])
    }

    /// The body, of the blobs that `content` reads.
    pub(crate) fn rebuild<E: From<StoreError>>(
        &self,
        content: impl FnMut(i64) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        let body = self.join(0, content)?;
        if body.len() == self.len { Ok(body) } else { Err(damaged().into()) }
    }

    /// The end of the body: its last pieces, so many, and `null` in place of those before.
    pub(crate) fn rebuild_end<E: From<StoreError>>(
        &self,
        kept: usize,
        content: impl FnMut(i64) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        self.join(self.pieces.len().saturating_sub(kept), content)
    }

    /// The body, without its first pieces.
    fn join<E: From<StoreError>>(
        &self,
        left_out: usize,
        mut content: impl FnMut(i64) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        let rest = content(self.rest)?;
        let mut texts = Vec::with_capacity(self.between.lens.len());
        let mut left = &rest[..];
        for len in &self.between.lens {
            let (text, more) = left.split_at_checked(*len).ok_or(damaged())?;
            texts.push(text);
            left = more;
        }
        let mut body = Vec::new();
        let mut pieces = self.pieces.iter().enumerate();
        for number in &self.between.order {
            body.extend_from_slice(texts.get(*number).ok_or(damaged())?);
            match pieces.next() {
                Some((position, _)) if position < left_out => body.extend_from_slice(b"null"),
                Some((_, piece)) => body.append(&mut content(*piece)?),
                None => {}
            }
        }
        Ok(body)
    }
}

/// A number of entries, each of which takes at least a byte.
fn count(raw: &mut &[u8]) -> Option<usize> {
    take_len(raw).filter(|count| *count <= raw.len())
}

const fn damaged() -> StoreError {
    StoreError::Decode { what: "body in pieces" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes a body apart at `cuts` and puts it together again, by way of the stored form.
    fn there_and_back(body: &[u8], pieces: &[Range<usize>]) -> Vec<u8> {
        let (between, rest) = Between::of(body, pieces).unwrap();
        let mut blobs = vec![rest];
        let ids = pieces.iter().map(|piece| {
            blobs.push(body[piece.clone()].to_vec());
            blobs.len() as i64 - 1
        });
        let recipe = Recipe { len: body.len(), rest: 0, pieces: ids.collect(), between };
        let mut raw = Vec::new();
        recipe.encode(&mut raw);
        let read = Recipe::decode(&raw).unwrap();
        assert_eq!(read, recipe);
        read.rebuild(|id| Ok::<_, StoreError>(blobs[id as usize].clone())).unwrap()
    }

    proptest! {
        #[test]
        fn any_bytes_cut_anywhere_come_together_again(
            body in prop::collection::vec(any::<u8>(), 0..400),
            cuts in prop::collection::vec(0..400_usize, 0..40),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            prop_assert_eq!(there_and_back(&body, &pieces), body);
        }

        #[test]
        fn damaged_bytes_are_an_error_and_no_panic(raw in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(recipe) = Recipe::decode(&raw) {
                let _ = recipe.rebuild(|_| Ok::<_, StoreError>(b"some content".to_vec()));
            }
        }
    }

    #[test]
    fn pieces_out_of_order_or_outside_are_refused() {
        for pieces in [vec![3..5, 1..2], vec![1..2, 3..9], vec![0..3, 2..4]] {
            assert_eq!(Between::of(b"12345", &pieces), None, "{pieces:?}");
        }
    }

    #[test]
    fn a_wrong_length_is_damage() {
        let (between, rest) = Between::of(b"[1,2]", &[1..2, 3..4]).unwrap();
        let recipe = Recipe { len: 5, rest: 0, pieces: vec![1, 2], between };
        let content = |id| match id {
            0 => rest.clone(),
            _ => b"12".to_vec(),
        };
        assert!(recipe.rebuild(|id| Ok::<_, StoreError>(content(id))).is_err());
    }
}
