//! Two accounts of what was not captured, made one.

use langley_model::Gap;

/// Adds what was missed since.
pub(crate) fn add(gap: &mut Gap, more: Gap) {
    gap.chunks += more.chunks;
    gap.bytes += more.bytes;
}

/// The sender's own count is the better one, except where it stopped counting first.
pub(crate) fn larger(seen: Gap, stated: Gap) -> Gap {
    Gap { chunks: seen.chunks.max(stated.chunks), bytes: seen.bytes.max(stated.bytes) }
}
