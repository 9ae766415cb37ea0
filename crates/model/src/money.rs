//! What usage costs: rates by class, an exact sum in integers that is rounded once, and shares that add up.
//!
//! Rates are whole attodollars (10⁻¹⁸ US dollars) for one token or call, so that every published price, and
//! half or a tenth more of it, is an integer, and no product of two of them is ever rounded.

use std::fmt;

use crate::unit::MicroUsd;

/// Attodollars in a millionth of a dollar.
const ATTO_PER_MICRO: u128 = 1_000_000_000_000;

/// Attodollars for one unit in a dollar for a million.
const PLACES_PER_MILLION: u32 = 12;

/// The same in a dollar for a thousand.
const PLACES_PER_THOUSAND: u32 = 15;

/// What is billed apart from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CostClass {
    /// Input tokens that the cache had no part in.
    Input,
    /// Input tokens read from the prompt cache.
    CacheRead,
    /// Input tokens written to the cache for five minutes, or for whatever time the provider has alone.
    CacheWrite5m,
    /// Input tokens written to the cache for one hour.
    CacheWrite1h,
    /// Output tokens; reasoning too, where the provider counts it in.
    Output,
    /// Reasoning tokens that the provider counts beside the output.
    Reasoning,
    /// Calls of the provider's own web search.
    WebSearch,
}

impl CostClass {
    /// All, in the order in which [`Rates`] are written.
    pub const ALL: [Self; 7] = [
        Self::Input,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::Output,
        Self::Reasoning,
        Self::WebSearch,
    ];

    /// Its word in configuration, JSON and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::WebSearch => "web_search",
        }
    }

    /// The class that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }

    /// Whether what is counted is tokens.
    #[must_use]
    pub const fn is_tokens(self) -> bool {
        !matches!(self, Self::WebSearch)
    }
}

/// The price of one token or call, in attodollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// Reads dollars for a million as decimals (`0.003625`, `1e-2`). None when it is no number, negative,
    /// has more decimals than are kept (12), or is beyond what fits.
    #[must_use]
    pub fn per_million(text: &str) -> Option<Self> {
        scaled(text, PLACES_PER_MILLION).map(Self)
    }

    /// Reads dollars for a thousand; none as in [`Self::per_million`].
    #[must_use]
    pub fn per_thousand(text: &str) -> Option<Self> {
        scaled(text, PLACES_PER_THOUSAND).map(Self)
    }

    /// Attodollars for one.
    #[must_use]
    pub const fn attodollars(self) -> u64 {
        self.0
    }

    /// So many percent of it; none where that is no whole number of attodollars.
    #[must_use]
    pub fn percent(self, percent: u32) -> Option<Self> {
        let hundredths = self.0.checked_mul(u64::from(percent))?;
        hundredths.is_multiple_of(100).then_some(Self(hundredths / 100))
    }
}

impl fmt::Display for Rate {
    /// Dollars for a million, as short as possible.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MILLION: u64 = 10_u64.pow(PLACES_PER_MILLION);
        write!(f, "{}", self.0 / MILLION)?;
        match self.0 % MILLION {
            0 => Ok(()),
            fraction => write!(f, ".{}", format!("{fraction:012}").trim_end_matches('0')),
        }
    }
}

/// A decimal number times 10^`places`, where that is whole.
fn scaled(text: &str, places: u32) -> Option<u64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 30 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u128 = digits.parse().ok()?;
    let shift = i64::from(places) + i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
    let power = 10_u128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
    let scaled = if shift >= 0 {
        number.checked_mul(power)?
    } else if number.is_multiple_of(power) {
        number / power
    } else {
        return None;
    };
    u64::try_from(scaled).ok()
}

/// How much of each class a response is billed for.
pub type Billed = [u64; CostClass::ALL.len()];

/// The price of each class that has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rates([Option<Rate>; CostClass::ALL.len()]);

impl Rates {
    /// The price of a class.
    #[must_use]
    pub const fn of(&self, class: CostClass) -> Option<Rate> {
        self.0[class as usize]
    }

    /// Prices a class.
    pub const fn set(&mut self, class: CostClass, rate: Option<Rate>) {
        self.0[class as usize] = rate;
    }

    /// What this much costs exactly; none where a class is used that has no price.
    #[must_use]
    pub fn cost(&self, billed: &Billed) -> Option<ExactCost> {
        let mut parts = [0; CostClass::ALL.len()];
        for class in CostClass::ALL {
            let units = billed[class as usize];
            if units > 0 {
                parts[class as usize] =
                    u128::from(units).checked_mul(u128::from(self.of(class)?.0))?;
            }
        }
        Some(ExactCost { parts })
    }

    /// The prices with a blank between, `-` for none: [`Self::parse`] reads it.
    #[must_use]
    pub fn text(&self) -> String {
        let words = self.0.map(|rate| rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string()));
        words.join(" ")
    }

    /// What [`Self::text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rates = Self::default();
        let mut words = text.split(' ');
        for rate in &mut rates.0 {
            *rate = match words.next()? {
                "-" => None,
                word => Some(Rate::per_million(word)?),
            };
        }
        words.next().is_none().then_some(rates)
    }
}

/// On what terms a flow was priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The version of the price book, a date; with a `+` where the user's own prices took part.
    pub book: String,
    /// The prices in force, tier and length of the prompt considered.
    pub rates: Rates,
}

/// A cost before rounding, by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExactCost {
    parts: [u128; CostClass::ALL.len()],
}

/// What each class costs of the whole.
pub type CostShares = [MicroUsd; CostClass::ALL.len()];

impl ExactCost {
    /// The whole, rounded once, half to even.
    #[must_use]
    pub fn rounded(&self) -> MicroUsd {
        let sum: u128 = self.parts.iter().fold(0, |sum, part| sum.saturating_add(*part));
        let (whole, rest) = divided(sum);
        let half = ATTO_PER_MICRO / 2;
        let is_up = rest > half || (rest == half && whole % 2 == 1);
        MicroUsd(i64::try_from(whole + u128::from(is_up)).unwrap_or(i64::MAX))
    }

    /// What each class costs: whole millionths that add up to [`Self::rounded`]. What is left when each
    /// is rounded down goes to the largest remainders, the earlier class first.
    #[must_use]
    pub fn shares(&self) -> CostShares {
        let parts = self.parts.map(divided);
        let mut shares = parts.map(|(whole, _)| MicroUsd(i64::try_from(whole).unwrap_or(i64::MAX)));
        let given = shares.iter().fold(0_i64, |sum, share| sum.saturating_add(share.0));
        let mut left = self.rounded().0.saturating_sub(given);
        let mut order: [usize; CostClass::ALL.len()] = std::array::from_fn(|place| place);
        order.sort_by_key(|place| std::cmp::Reverse(parts[*place].1));
        for place in order {
            if left <= 0 {
                break;
            }
            shares[place].0 = shares[place].0.saturating_add(1);
            left -= 1;
        }
        shares
    }
}

/// Whole millionths, and what is left. Most costs have room in 64 bits, which are divided much sooner.
fn divided(atto: u128) -> (u128, u128) {
    const PER_MICRO: u64 = ATTO_PER_MICRO as u64;
    match u64::try_from(atto) {
        Ok(atto) => (u128::from(atto / PER_MICRO), u128::from(atto % PER_MICRO)),
        Err(_) => (atto / ATTO_PER_MICRO, atto % ATTO_PER_MICRO),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rates(text: &str) -> Rates {
        Rates::parse(text).unwrap()
    }

    #[test]
    fn a_rate_is_read_exactly_and_shown_as_it_was_written() {
        for text in ["4", "0.2", "0.003625", "18.75", "0", "10000", "0.000000000001"] {
            assert_eq!(Rate::per_million(text).unwrap().to_string(), text);
        }
        for (text, shown) in [("2e-2", "0.02"), ("1.50", "1.5"), ("00.5", "0.5"), ("2E1", "20")] {
            assert_eq!(Rate::per_million(text).unwrap().to_string(), shown, "{text}");
        }
        assert_eq!(Rate::per_thousand("10"), Rate::per_million("10000"));
        assert_eq!(Rate::per_thousand("0.003"), Rate::per_million("3"));
        for text in ["", "-1", "x", "1e", "0.0000000000001", "1e30", "1.2.3", "."] {
            assert_eq!(Rate::per_million(text), None, "{text}");
        }
    }

    #[test]
    fn a_part_of_a_rate_is_exact_or_none() {
        let rate = Rate::per_million("0.003625").unwrap();
        assert_eq!(rate.percent(110).unwrap().to_string(), "0.0039875");
        assert_eq!(rate.percent(50).unwrap().to_string(), "0.0018125");
        assert_eq!(Rate(1).percent(50), None);
    }

    #[test]
    fn a_response_is_rounded_once_and_half_to_even() {
        // The sum that a client was seen to state for this usage.
        let opus = rates("4 0.2 5 8 20 - 10000");
        let cost = opus.cost(&[110, 8_322, 1_555, 255, 670, 0, 0]).unwrap();
        assert_eq!(cost.rounded(), MicroUsd(25_319), "0.0253194 exactly");
        let half = rates("0.5 - - - - - -");
        for (tokens, micro) in [(1, 0), (2, 1), (3, 2), (4, 2), (5, 2), (7, 4)] {
            let cost = half.cost(&[tokens, 0, 0, 0, 0, 0, 0]).unwrap();
            assert_eq!(cost.rounded(), MicroUsd(micro), "{tokens}");
        }
    }

    #[test]
    fn a_class_that_is_used_and_has_no_price_leaves_the_whole_unknown() {
        let priced = rates("4 - - - 20 - -");
        assert_eq!(priced.cost(&[1, 1, 0, 0, 1, 0, 0]), None);
        assert_eq!(priced.cost(&[1, 0, 0, 0, 1, 0, 1]), None);
        assert!(priced.cost(&[1, 0, 0, 0, 1, 0, 0]).is_some());
        assert_eq!(priced.cost(&Billed::default()).unwrap().rounded(), MicroUsd(0));
    }

    #[test]
    fn shares_go_to_the_largest_remainders() {
        // 0.4 + 0.4 + 0.2 millionths: one in all, which the first of the two larger gets.
        let cost = rates("0.4 0.4 - - 0.2 - -").cost(&[1, 1, 0, 0, 1, 0, 0]).unwrap();
        assert_eq!(cost.rounded(), MicroUsd(1));
        assert_eq!(cost.shares().map(|share| share.0), [1, 0, 0, 0, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn shares_add_up_and_none_is_more_than_one_millionth_off(
            billed in prop::array::uniform7(0_u64..10_000_000),
            prices in prop::array::uniform7(0_u64..200_000_000),
        ) {
            let mut rates = Rates::default();
            for (class, price) in CostClass::ALL.into_iter().zip(prices) {
                rates.set(class, Some(Rate(price * 1_000_000)));
            }
            let cost = rates.cost(&billed).unwrap();
            let shares = cost.shares();
            prop_assert_eq!(shares.iter().map(|share| share.0).sum::<i64>(), cost.rounded().0);
            for (share, part) in shares.iter().zip(cost.parts) {
                let floor = i64::try_from(part / ATTO_PER_MICRO).unwrap();
                prop_assert!(share.0 == floor || share.0 == floor + 1);
            }
            prop_assert_eq!(Rates::parse(&rates.text()), Some(rates));
        }
    }
}
