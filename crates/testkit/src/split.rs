//! Ways to cut bytes: any chunking of the same bytes must give the same events.

/// Every way to cut `bytes` in two, the empty pieces at both ends included.
pub fn every_split(bytes: &[u8]) -> impl Iterator<Item = [&[u8]; 2]> {
    (0..=bytes.len()).map(|at| {
        let (before, after) = bytes.split_at(at);
        [before, after]
    })
}

/// `bytes` one at a time.
pub fn byte_by_byte(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.chunks(1).collect()
}

/// `bytes` in pieces of 0 to `longest` bytes; the same `seed` gives the same pieces.
#[must_use]
pub fn random_pieces(bytes: &[u8], seed: u64, longest: usize) -> Vec<&[u8]> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let wanted = usize::try_from(state % (longest as u64 + 1)).unwrap_or(0);
        let (piece, after) = rest.split_at(wanted.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Runs `check` on `bytes` whole, cut at every point, byte by byte and in random pieces.
///
/// Streams over 4 KiB are cut in two at some 500 points only, to keep tests quick.
pub fn for_every_chunking(bytes: &[u8], mut check: impl FnMut(&[&[u8]])) {
    check(&[bytes]);
    let step = if bytes.len() > 4096 { bytes.len() / 500 } else { 1 };
    for split in every_split(bytes).step_by(step) {
        check(&split);
    }
    check(&byte_by_byte(bytes));
    for seed in 0..20 {
        check(&random_pieces(bytes, seed, 3 + usize::try_from(seed).unwrap_or(0) * 7));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_chunking_loses_or_moves_a_byte() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut ways = 0;
        for_every_chunking(&bytes, |pieces| {
            ways += 1;
            assert_eq!(pieces.concat(), bytes);
        });
        assert_eq!(ways, 1 + 257 + 1 + 20);
    }
}
