//! The user's own prices, which go before the book's.

use std::fmt;

use langley_model::{Provider, Rates};
use regex::Regex;

use super::card::{self, Day};

/// Prices of the user's own for some models.
#[derive(Clone, Debug)]
pub struct PriceOverride {
    pattern: Regex,
    provider: Option<Provider>,
    from: Option<Day>,
    rates: Rates,
}

impl fmt::Display for PriceOverride {
    /// Which models, where, from when on, and the prices.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.provider.map_or("any", Provider::as_str);
        write!(f, "{:?} {provider} {:?} {}", self.pattern.as_str(), self.from, self.rates.text())
    }
}

impl PriceOverride {
    /// Prices of models whose name has a match of `pattern`, at one provider or at all, from a day
    /// (2026-03-13) on or always. Classes that `rates` leaves out keep the book's.
    ///
    /// # Errors
    /// A sentence: `pattern` is no regular expression, or `from` no day.
    pub fn new(
        pattern: &str,
        provider: Option<Provider>,
        from: Option<&str>,
        rates: Rates,
    ) -> Result<Self, String> {
        let pattern =
            Regex::new(pattern).map_err(|_| format!("`{pattern}` is not a regular expression"))?;
        let from = from
            .map(|text| {
                card::day(text).ok_or_else(|| format!("`{text}` is not a day as 2026-03-13"))
            })
            .transpose()?;
        Ok(Self { pattern, provider, from, rates })
    }

    /// Whether it is about a model of a provider, by any of the names it goes by.
    pub(super) fn is_of(&self, provider: Provider, names: &[&str]) -> bool {
        self.provider.is_none_or(|own| own == provider)
            && names.iter().any(|name| self.pattern.is_match(name))
    }

    /// The day from which on it holds; the first of all where it always does.
    pub(super) fn from(&self) -> Day {
        self.from.unwrap_or(Day::MIN)
    }

    pub(super) const fn rates(&self) -> &Rates {
        &self.rates
    }
}
