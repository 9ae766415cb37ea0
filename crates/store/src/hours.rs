//! Hours and days of UTC, by which things are added up.

/// Microseconds of an hour.
pub(crate) const HOUR_US: i64 = 3_600_000_000;

/// Hours of a day.
pub(crate) const DAY_HOURS: i64 = 24;

/// Microseconds of a day.
pub(crate) const DAY_US: i64 = DAY_HOURS * HOUR_US;

/// The whole hours since the epoch at a time.
pub(crate) const fn hour_of(micros: i64) -> i64 {
    micros.div_euclid(HOUR_US)
}
