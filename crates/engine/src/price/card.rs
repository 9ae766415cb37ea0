//! The prices of a model from one day on.

use std::collections::BTreeMap;

use jiff::civil::Date;
use langley_model::{Billed, CostClass, Micros, Rate, Rates};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::blocks::HOUR_US;

/// Microseconds of a day.
const DAY_US: i64 = 24 * HOUR_US;

/// Days since 1970-01-01.
pub(crate) type Day = i64;

/// The day (of UTC) of a time.
pub(crate) const fn day_of(at: Micros) -> Day {
    at.0.div_euclid(DAY_US)
}

/// The day that a text names, as 2026-03-13.
pub(super) fn day(text: &str) -> Option<Day> {
    let date: Date = text.parse().ok()?;
    let epoch = Date::constant(1970, 1, 1);
    Some(i64::from(date.since((jiff::Unit::Day, epoch)).ok()?.get_days()))
}

/// Prices from one day on.
#[derive(Clone, Debug)]
pub struct Card {
    /// The first day (of UTC, since 1970-01-01); none: always.
    pub from: Option<i64>,
    /// The prices.
    pub rates: Rates,
    /// Prices of a response whose prompt has more tokens than this, cached or not: all of its tokens.
    pub long: Option<(u64, Rates)>,
    /// Hours at which tokens cost another part of this.
    pub peak: Option<Peak>,
}

impl Card {
    /// The prices of so much.
    pub(super) fn rates_of(&self, billed: &Billed) -> Rates {
        match &self.long {
            Some((above, long)) if prompt(billed) > *above => *long,
            _ => self.rates,
        }
    }
}

/// The tokens of a prompt, cached or not.
pub(super) fn prompt(billed: &Billed) -> u64 {
    let [input, read, write_5m, write_1h, ..] = *billed;
    [read, write_5m, write_1h].into_iter().fold(input, u64::saturating_add)
}

/// Hours at which tokens cost another part of the price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The part, in percent.
    pub percent: u32,
    /// From which hour of UTC to which.
    pub hours: Vec<(i64, i64)>,
    /// From which day on weekends are none, and by how many hours their days are ahead of UTC.
    pub weekends: Option<(i64, i64)>,
}

impl Peak {
    /// What tokens cost at a time, in percent of the price.
    pub(super) fn percent_at(&self, at: Micros) -> u32 {
        let hour = at.0.rem_euclid(DAY_US) / HOUR_US;
        let is_in = self.hours.iter().any(|(from, to)| (*from..*to).contains(&hour));
        let is_weekend = self.weekends.is_some_and(|(from, ahead)| {
            let local = (at.0.saturating_add(ahead * HOUR_US)).div_euclid(DAY_US);
            // 1970-01-01 was a Thursday.
            day_of(at) >= from && matches!(local.rem_euclid(7), 2 | 3)
        });
        if is_in && !is_weekend { self.percent } else { 100 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPeak {
    percent: u32,
    utc_hours: Vec<(i64, i64)>,
    weekend_from: Option<String>,
    #[serde(default)]
    weekend_ahead: i64,
}

/// A card as the book has it; what is wrong with it otherwise. `web_search` is the provider's price.
pub(super) fn read(
    raw: &BTreeMap<String, &RawValue>,
    web_search: Option<Rate>,
) -> Result<Card, String> {
    let mut card = Card { from: None, rates: Rates::default(), long: None, peak: None };
    card.rates.set(CostClass::WebSearch, web_search);
    for (name, value) in raw {
        let value = value.get();
        let wrong = || format!("`{name}` is {value}");
        match name.as_str() {
            "from" => {
                let text: String = serde_json::from_str(value).map_err(|_| wrong())?;
                card.from = Some(day(&text).ok_or_else(wrong)?);
            }
            "long" => {}
            "peak" => {
                let raw: RawPeak = serde_json::from_str(value).map_err(|_| wrong())?;
                let from = raw.weekend_from.as_deref().map(|text| day(text).ok_or_else(wrong));
                let weekends = from.transpose()?.map(|from| (from, raw.weekend_ahead));
                card.peak = Some(Peak { percent: raw.percent, hours: raw.utc_hours, weekends });
            }
            _ => set(&mut card.rates, name, value).ok_or_else(wrong)?,
        }
    }
    if let Some(long) = raw.get("long") {
        let long: BTreeMap<String, &RawValue> =
            serde_json::from_str(long.get()).map_err(|error| format!("`long`: {error}"))?;
        let (mut above, mut rates) = (None, card.rates);
        for (name, value) in long {
            let value = value.get();
            let wrong = || format!("`long.{name}` is {value}");
            if name == "above" {
                above = Some(value.parse().map_err(|_| wrong())?);
            } else {
                set(&mut rates, &name, value).ok_or_else(wrong)?;
            }
        }
        card.long = Some((above.ok_or("`long` lacks `above`")?, rates));
    }
    Ok(card)
}

/// Reads the price of a class; none when it is none of the classes, or no price.
fn set(rates: &mut Rates, class: &str, value: &str) -> Option<()> {
    let class = CostClass::parse(class)?;
    let rate = if class.is_tokens() { Rate::per_million(value) } else { Rate::per_thousand(value) };
    rates.set(class, Some(rate?));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_counted_from_the_epoch() {
        assert_eq!(day("1970-01-01"), Some(0));
        assert_eq!(day("2026-03-13"), Some(20_525));
        assert_eq!(day_of(Micros(-1)), -1);
        for text in ["", "2026-02-30", "13.3.2026", "2026"] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn peak_hours_are_dearer_but_not_at_weekends_over_there() {
        let peak = Peak { percent: 200, hours: vec![(1, 4)], weekends: Some((20_688, 8)) };
        let at = |text: &str| Micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        for (text, percent) in [
            ("2026-08-24T00:59:59Z", 100),
            ("2026-08-24T01:00:00Z", 200),
            ("2026-08-24T03:59:59Z", 200),
            ("2026-08-24T04:00:00Z", 100),
            ("2026-08-22T02:00:00Z", 200),
            ("2026-08-29T02:00:00Z", 100),
            ("2026-08-30T02:00:00Z", 100),
        ] {
            assert_eq!(peak.percent_at(at(text)), percent, "{text}");
        }
    }

    #[test]
    fn what_is_no_price_is_named() {
        let wrong = |json: &str| {
            let raw: BTreeMap<String, &RawValue> = serde_json::from_str(json).unwrap();
            read(&raw, None).unwrap_err()
        };
        assert_eq!(wrong(r#"{"input": -1}"#), "`input` is -1");
        assert_eq!(wrong(r#"{"inptu": 1}"#), "`inptu` is 1");
        assert_eq!(wrong(r#"{"from": "soon"}"#), "`from` is \"soon\"");
        assert_eq!(wrong(r#"{"long": {"input": 1}}"#), "`long` lacks `above`");
    }
}
