//! Numbers as few bytes: LEB128, with zigzag for those that may be negative.

/// Appends a number (LEB128).
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A two's-complement difference, zigzag-coded so that small ones of either sign are short.
pub(super) fn put_signed(out: &mut Vec<u8>, difference: u64) {
    let value = difference.cast_signed();
    put(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

pub(super) fn take_signed(bytes: &mut &[u8]) -> Option<u64> {
    let value = take(bytes)?;
    Some((value >> 1) ^ (value & 1).wrapping_neg())
}

pub(super) fn take_len(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(take(bytes)?).ok()
}
