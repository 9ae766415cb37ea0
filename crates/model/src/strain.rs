//! How full a bounded queue is, in the steps that somebody should hear of.

/// How full a queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strain {
    /// As it should be.
    #[default]
    Calm,
    /// More than 80 %: what comes may soon find no room.
    High,
    /// More than 95 %: it is emptied at once, whatever it waits for.
    Full,
}

impl Strain {
    /// Every step.
    pub const ALL: [Self; 3] = [Self::Calm, Self::High, Self::Full];

    /// The step of a queue that holds `held` of at most `most`.
    #[must_use]
    pub const fn of(held: usize, most: usize) -> Self {
        // In percent without a product that could overflow.
        let percent = most / 100;
        if held > most - percent * 5 {
            Self::Full
        } else if held > most - percent * 20 {
            Self::High
        } else {
            Self::Calm
        }
    }

    /// The word used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::High => "high",
            Self::Full => "full",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_strained_beyond_four_fifths_and_full_beyond_nineteen_twentieths() {
        let steps = [0, 8_000, 8_001, 9_500, 9_501, 20_000].map(|held| Strain::of(held, 10_000));
        use Strain::{Calm, Full, High};
        assert_eq!(steps, [Calm, Calm, High, High, Full, Full]);
        assert_eq!(Strain::of(usize::MAX / 2, usize::MAX), Calm);
    }
}
