//! What two neighbouring events have in common: their first and their last bytes, whatever provider
//! they come from and whatever format they are in.

use std::ops::Range;

/// So many more bytes in common make it worth looking anew.
const WORTH: usize = 16;

/// How many first and last bytes an event has in common with the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) front: usize,
    pub(super) back: usize,
}

impl Shared {
    /// What `data` shares with `last`, which kept to `self`; `self` while that will do.
    ///
    /// A chance resemblance ends at the next event that lacks it; one that lasts is found by the
    /// bytes just inside of what is shared.
    pub(super) fn with(self, last: &[u8], data: &[u8]) -> Self {
        let before = if self.between(last).is_some() { self } else { Self::default() };
        if let (Some(inner), Some(range)) = (before.between(last), before.between(data)) {
            let (old, new) = (&last[inner], &data[range.clone()]);
            let same = data[..range.start] == last[..range.start]
                && data[range.end..] == last[last.len() - before.back..];
            let more = || {
                alike(old.first_chunk::<WORTH>(), new.first_chunk())
                    || alike(old.last_chunk::<WORTH>(), new.last_chunk())
            };
            if same && !more() {
                return before;
            }
        }
        let front = common(last.iter().zip(data));
        let rest = last.len().min(data.len()) - front;
        let ends = last[last.len() - rest..].iter().zip(&data[data.len() - rest..]);
        Self { front, back: common(ends.rev()) }
    }

    /// What is not shared of `data`, which [`Self::with`] has compared.
    pub(super) fn cut(self, data: &[u8]) -> &[u8] {
        self.between(data).and_then(|range| data.get(range)).unwrap_or_default()
    }

    /// Where in `data` it is not shared; none when `data` is too short to share this much.
    pub(super) fn between(self, data: &[u8]) -> Option<Range<usize>> {
        let end = data.len().checked_sub(self.back)?;
        (self.front <= end).then_some(self.front..end)
    }
}

fn alike(old: Option<&[u8; WORTH]>, new: Option<&[u8; WORTH]>) -> bool {
    old.is_some() && old == new
}

fn common<'a>(pairs: impl Iterator<Item = (&'a u8, &'a u8)>) -> usize {
    pairs.take_while(|(old, new)| old == new).count()
}
