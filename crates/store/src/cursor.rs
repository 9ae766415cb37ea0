//! Cursors: the opaque text of a position in a listing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::StoreError;

/// The text of a position that numbers say.
#[must_use]
pub fn cursor<const N: usize>(place: [i64; N]) -> String {
    text(place.map(i64::to_be_bytes).as_flattened())
}

/// The position that [`cursor`] wrote.
///
/// # Errors
/// It is none of so many numbers.
pub fn position<const N: usize>(cursor: &str) -> Result<[i64; N], StoreError> {
    let bytes = bytes(cursor)?;
    let (numbers, []) = bytes.as_chunks() else { return Err(StoreError::Cursor) };
    let numbers: [[u8; 8]; N] = numbers.try_into().map_err(|_| StoreError::Cursor)?;
    Ok(numbers.map(i64::from_be_bytes))
}

/// The text of a position of any form.
pub(crate) fn text(place: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

/// What [`text`] wrote.
pub(crate) fn bytes(cursor: &str) -> Result<Vec<u8>, StoreError> {
    URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::Cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_only_accepted_as_it_was_given() {
        let four = [-1, 2, 1_700_000_000_000_000, 9];
        assert_eq!(position(&cursor(four)).unwrap(), four);
        assert_eq!(position(&cursor([1_800_000_000_000_000])).unwrap(), [1_800_000_000_000_000]);
        let cut = text(&four.map(i64::to_be_bytes).as_flattened()[1..]);
        for wrong in ["", "x", "AAAA", "!!!!!!!!!!!", &cut, &cursor([1, 2])] {
            assert!(matches!(position::<4>(wrong), Err(StoreError::Cursor)), "{wrong}");
            assert!(matches!(position::<1>(wrong), Err(StoreError::Cursor)), "{wrong}");
        }
    }
}
