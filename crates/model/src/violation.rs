//! What must not be about a tool call: fifteen violations with their codes.

/// Something about a call that must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Violation {
    /// V01.
    ResultWithoutCall,
    /// V02.
    CallWithoutResult,
    /// V03.
    DuplicateCall,
    /// V04.
    DuplicateResult,
    /// V05.
    EarlyResult,
    /// V06.
    InvalidArguments,
    /// V07.
    DeltaAfterStop,
    /// V08.
    SourcesDisagree,
    /// V09.
    ExecutedAfterDenial,
    /// V10.
    ResultAltered,
    /// V11.
    TimeReversed,
    /// V12.
    BlockReused,
    /// V13.
    ParallelIncomplete,
    /// V14.
    CrossesSession,
    /// V15.
    HookMissing,
}

impl Violation {
    /// Every violation, in the order of their codes.
    pub const ALL: [Self; 15] = [
        Self::ResultWithoutCall,
        Self::CallWithoutResult,
        Self::DuplicateCall,
        Self::DuplicateResult,
        Self::EarlyResult,
        Self::InvalidArguments,
        Self::DeltaAfterStop,
        Self::SourcesDisagree,
        Self::ExecutedAfterDenial,
        Self::ResultAltered,
        Self::TimeReversed,
        Self::BlockReused,
        Self::ParallelIncomplete,
        Self::CrossesSession,
        Self::HookMissing,
    ];

    /// Its code, name and sentence.
    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::ResultWithoutCall => (
                "V01",
                "result_without_call",
                "A request has the result of a call that no answer and no conversation has.",
            ),
            Self::CallWithoutResult => {
                ("V02", "call_without_result", "The session ended without a result for this call.")
            }
            Self::DuplicateCall => (
                "V03",
                "duplicate_call",
                "Another call of the same session has the same id and asks for something else.",
            ),
            Self::DuplicateResult => (
                "V04",
                "duplicate_result",
                "One request has two results for this call, and they differ.",
            ),
            Self::EarlyResult => (
                "V05",
                "early_result",
                "There was a result before the call's arguments were complete.",
            ),
            Self::InvalidArguments => {
                ("V06", "invalid_arguments", "The call's complete arguments are not valid JSON.")
            }
            Self::DeltaAfterStop => (
                "V07",
                "delta_after_stop",
                "The answer went on with the call's arguments after it had ended them.",
            ),
            Self::SourcesDisagree => {
                ("V08", "sources_disagree", "Two sources name different tools or arguments.")
            }
            Self::ExecutedAfterDenial => {
                ("V09", "executed_after_denial", "The call ran although it had been denied.")
            }
            Self::ResultAltered => (
                "V10",
                "result_altered",
                "A later request repeats the result altered, or the result of a run is absent from the next request.",
            ),
            Self::TimeReversed => (
                "V11",
                "time_reversed",
                "Something came earlier than what it follows from, by more than clocks differ.",
            ),
            Self::BlockReused => {
                ("V12", "block_reused", "The answer began two blocks under one index.")
            }
            Self::ParallelIncomplete => (
                "V13",
                "parallel_incomplete",
                "The next request has results for other calls of the same answer, and none for this one.",
            ),
            Self::CrossesSession => {
                ("V14", "crosses_session", "Two sources put the call into different sessions.")
            }
            Self::HookMissing => (
                "V15",
                "hook_missing",
                "Hooks are installed for this session, and none told of this call.",
            ),
        }
    }

    /// Its code, such as `V05`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.words().0
    }

    /// Its word in JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.words().1
    }

    /// What it says, as a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        self.words().2
    }
}

/// A set of violations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Violations(u16);

impl Violations {
    /// None.
    pub const NONE: Self = Self(0);

    /// The set as the store keeps it: bit 0 is V01.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The set with these [`Self::bits`]; bits beyond the last violation are left out.
    #[must_use]
    pub const fn of_bits(bits: u16) -> Self {
        Self(bits & ((1 << Violation::ALL.len()) - 1))
    }

    /// Adds one.
    pub const fn insert(&mut self, violation: Violation) {
        self.0 |= 1 << violation as u16;
    }

    /// Takes one out.
    pub const fn remove(&mut self, violation: Violation) {
        self.0 &= !(1 << violation as u16);
    }

    /// Whether it has one.
    #[must_use]
    pub const fn contains(self, violation: Violation) -> bool {
        self.0 & 1 << violation as u16 != 0
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in it, in the order of their codes.
    pub fn iter(self) -> impl Iterator<Item = Violation> {
        Violation::ALL.into_iter().filter(move |violation| self.contains(*violation))
    }
}

impl FromIterator<Violation> for Violations {
    fn from_iter<I: IntoIterator<Item = Violation>>(all: I) -> Self {
        all.into_iter().fold(Self::NONE, |mut set, violation| {
            set.insert(violation);
            set
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_from_v01_to_v15_and_names_and_sentences_are_their_own() {
        let codes: Vec<&str> = Violation::ALL.map(Violation::code).to_vec();
        let counted: Vec<String> = (1..=15).map(|number| format!("V{number:02}")).collect();
        assert_eq!(codes, counted);
        for words in
            [Violation::ALL.map(Violation::as_str), Violation::ALL.map(Violation::sentence)]
        {
            let distinct: std::collections::HashSet<&str> = words.into_iter().collect();
            assert_eq!(distinct.len(), 15);
        }
    }

    #[test]
    fn a_set_of_violations_is_read_as_it_is_kept() {
        for violation in Violation::ALL {
            let mut set = Violations::NONE;
            set.insert(violation);
            assert_eq!(set.iter().collect::<Vec<_>>(), [violation]);
            assert_eq!(Violations::of_bits(set.bits()), set);
            set.remove(violation);
            assert!(set.is_empty());
        }
        assert_eq!(Violations::of_bits(u16::MAX).iter().count(), 15);
    }
}
