//! The day, or the month, in which a moment lies, by the local time.

use jiff::{Span, Zoned};
use langley_model::Micros;

use super::BudgetScope;

/// A span of time in which is added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) since: Micros,
    pub(super) until: Micros,
    /// When it ends, for people.
    pub(super) ends: String,
}

impl Period {
    /// That of a scope at a moment; none where the scope is no time.
    pub(super) fn of(scope: BudgetScope, now: &Zoned) -> Option<Self> {
        let (first, length) = match scope {
            BudgetScope::Session => return None,
            BudgetScope::Day => (now.clone(), Span::new().days(1)),
            BudgetScope::Month => (now.first_of_month().ok()?, Span::new().months(1)),
        };
        let start = first.start_of_day().ok()?;
        let end = start.checked_add(length).ok()?;
        let micros = |at: &Zoned| Micros(at.timestamp().as_microsecond());
        let ends = end.strftime("%Y-%m-%d %H:%M").to_string();
        Some(Self { since: micros(&start), until: micros(&end), ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_a_month_are_those_of_the_local_time() {
        let now: Zoned = "2026-03-29T12:30:00+02:00[Europe/Berlin]".parse().unwrap();
        let at = |text: &str| Micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        let day = Period::of(BudgetScope::Day, &now).unwrap();
        // An hour is missing in it.
        assert_eq!(
            (day.since, day.until),
            (at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z"))
        );
        assert_eq!(day.ends, "2026-03-30 00:00");
        let month = Period::of(BudgetScope::Month, &now).unwrap();
        assert_eq!(month.since, at("2026-02-28T23:00:00Z"));
        assert_eq!(month.ends, "2026-04-01 00:00");
        assert_eq!(Period::of(BudgetScope::Session, &now), None);
    }
}
