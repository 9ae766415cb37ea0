//! Units: tokens and money as integers of their own type.

use crate::dialect_name::DialectName;
use crate::money::Billed;

/// A count of tokens, in the provider's own sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tokens(pub u64);

/// Millionths of a US dollar. Money is integer; there is no float anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MicroUsd(pub i64);

/// Billionths of a US dollar: parts of a cost that is known to the millionth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NanoUsd(pub u64);

impl NanoUsd {
    /// In millionths, rounded half to even.
    #[must_use]
    pub fn rounded(self) -> MicroUsd {
        let (whole, rest) = (self.0 / 1_000, self.0 % 1_000);
        let is_up = rest > 500 || (rest == 500 && whole % 2 == 1);
        MicroUsd(i64::try_from(whole + u64::from(is_up)).unwrap_or(i64::MAX))
    }
}

impl MicroUsd {
    /// Reads an amount in dollars as JSON writes it (`0.00014`, `1.4e-4`), rounded half-even. None when
    /// it is no number, negative, or beyond what fits.
    #[must_use]
    pub fn of_decimal(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // Where the point of the millionths stands among the digits.
        let point = i64::try_from(whole.len()).ok()? + i64::from(exponent) + 6;
        if point < 0 {
            return Some(Self(0));
        }
        let point = usize::try_from(point).ok()?;
        if point > 80 {
            return digits.bytes().all(|digit| digit == b'0').then_some(Self(0));
        }
        let (kept, rest) = digits.split_at(point.min(digits.len()));
        let zeros = "0".repeat(point - kept.len());
        let amount: i64 = format!("0{kept}{zeros}").parse().ok()?;
        let half = format!("5{}", "0".repeat(rest.len().saturating_sub(1)));
        let is_up = !rest.is_empty() && (rest > half.as_str() || (rest == half && amount % 2 == 1));
        amount.checked_add(i64::from(is_up)).map(Self)
    }
}

/// Tokens per class as the provider counted them. Absent is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens in the provider's own sense (Anthropic's exclude cache reads and writes).
    pub input: Option<Tokens>,
    /// Input tokens read from the prompt cache.
    pub cache_read: Option<Tokens>,
    /// Input tokens written to the cache for five minutes.
    pub cache_write_5m: Option<Tokens>,
    /// Input tokens written to the cache for one hour.
    pub cache_write_1h: Option<Tokens>,
    /// Output tokens, reasoning included where the provider includes it.
    pub output: Option<Tokens>,
    /// Reasoning tokens where the provider counts them apart.
    pub reasoning: Option<Tokens>,
    /// Requests to the provider's own web search.
    pub web_search_requests: Option<u64>,
}

impl Usage {
    /// Takes over every class that `newer` states: providers report cumulative figures.
    pub fn update(&mut self, newer: &Self) {
        let take = |mine: &mut Option<Tokens>, theirs: Option<Tokens>| {
            if theirs.is_some() {
                *mine = theirs;
            }
        };
        take(&mut self.input, newer.input);
        take(&mut self.cache_read, newer.cache_read);
        take(&mut self.cache_write_5m, newer.cache_write_5m);
        take(&mut self.cache_write_1h, newer.cache_write_1h);
        take(&mut self.output, newer.output);
        take(&mut self.reasoning, newer.reasoning);
        if newer.web_search_requests.is_some() {
            self.web_search_requests = newer.web_search_requests;
        }
    }

    /// Input tokens that the cache had no part in, neither read from it nor written to it: the one sense of
    /// input in which providers can be compared, and the only one that is billed and added up beside the
    /// cached classes. OpenAI's and Gemini's own input includes those, Anthropic's and Bedrock's does not.
    /// The whole input where it holds cached tokens and nobody says how many, or whose sense of it is not
    /// known.
    #[must_use]
    pub fn input_uncached(&self, dialect: Option<DialectName>) -> Option<Tokens> {
        let Tokens(input) = self.input?;
        let cached = match dialect {
            None | Some(DialectName::Anthropic | DialectName::Bedrock) => 0,
            Some(DialectName::OpenAi | DialectName::Gemini) => {
                self.cache_read.map_or(0, |Tokens(read)| {
                    let written = [self.cache_write_5m, self.cache_write_1h].into_iter().flatten();
                    written.fold(read, |sum, Tokens(written)| sum.saturating_add(written))
                })
            }
        };
        Some(Tokens(input.checked_sub(cached).unwrap_or(input)))
    }

    /// The whole input, whatever the cache had of it; none where it is not known.
    #[must_use]
    pub fn input_whole(&self, dialect: Option<DialectName>) -> Option<Tokens> {
        let Tokens(input) = self.input?;
        let beside = match dialect {
            // These count what was cached in.
            Some(DialectName::OpenAi | DialectName::Gemini) => [None; 3],
            None | Some(DialectName::Anthropic | DialectName::Bedrock) => {
                [self.cache_read, self.cache_write_5m, self.cache_write_1h]
            }
        };
        let sum = |sum: u64, Tokens(more)| sum.saturating_add(more);
        Some(Tokens(beside.into_iter().flatten().fold(input, sum)))
    }

    /// What is billed of it, by class. `is_apart` says that reasoning is counted beside the output.
    #[must_use]
    pub fn billed(&self, dialect: Option<DialectName>, is_apart: bool) -> Billed {
        let tokens = |tokens: Option<Tokens>| tokens.map_or(0, |Tokens(tokens)| tokens);
        [
            tokens(self.input_uncached(dialect)),
            tokens(self.cache_read),
            tokens(self.cache_write_5m),
            tokens(self.cache_write_1h),
            tokens(self.output),
            if is_apart { tokens(self.reasoning) } else { 0 },
            self.web_search_requests.unwrap_or(0),
        ]
    }

    /// Whether no class was stated at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_in_dollars_is_read_to_the_millionth() {
        for (text, micro) in [
            ("0", 0),
            ("1", 1_000_000),
            ("0.00014", 140),
            ("1.4e-4", 140),
            ("1.4E-04", 140),
            ("12.3456785", 12_345_678),
            ("12.3456775", 12_345_678),
            ("0.00000051", 1),
            ("0.0000005", 0),
            ("5e-9", 0),
            ("0e99", 0),
            ("2e3", 2_000_000_000),
        ] {
            assert_eq!(MicroUsd::of_decimal(text), Some(MicroUsd(micro)), "{text}");
        }
        for text in ["", "-1", "x", "1e", "\"1\"", "1e30", "null", "1.2.3"] {
            assert_eq!(MicroUsd::of_decimal(text), None, "{text}");
        }
    }

    #[test]
    fn billionths_are_rounded_half_to_even() {
        for (nano, micro) in [(0, 0), (499, 0), (500, 0), (501, 1), (1_500, 2), (2_500, 2)] {
            assert_eq!(NanoUsd(nano).rounded(), MicroUsd(micro), "{nano}");
        }
    }

    #[test]
    fn a_later_report_replaces_only_what_it_states() {
        let mut usage =
            Usage { input: Some(Tokens(10)), output: Some(Tokens(1)), ..Usage::default() };
        usage.update(&Usage { output: Some(Tokens(7)), ..Usage::default() });
        assert_eq!(usage.input, Some(Tokens(10)));
        assert_eq!(usage.output, Some(Tokens(7)));
        assert_eq!(usage.cache_read, None);
    }

    #[test]
    fn uncached_input_is_what_was_neither_read_from_the_cache_nor_written_to_it() {
        let tokens = |count: u64| Some(Tokens(count));
        let usage = Usage {
            input: tokens(100),
            cache_read: tokens(60),
            cache_write_5m: tokens(10),
            cache_write_1h: tokens(5),
            ..Usage::default()
        };
        let uncached = |usage: Usage, dialect| usage.input_uncached(dialect);
        assert_eq!(uncached(usage, Some(DialectName::Anthropic)), tokens(100));
        assert_eq!(uncached(usage, Some(DialectName::OpenAi)), tokens(25));
        assert_eq!(uncached(usage, Some(DialectName::Gemini)), tokens(25));
        assert_eq!(uncached(usage, None), tokens(100));
        let unstated = Usage { cache_read: None, ..usage };
        assert_eq!(uncached(unstated, Some(DialectName::OpenAi)), tokens(100));
        let impossible = Usage { cache_read: tokens(200), ..usage };
        assert_eq!(uncached(impossible, Some(DialectName::OpenAi)), tokens(100));
        assert_eq!(uncached(Usage::default(), Some(DialectName::OpenAi)), None);
    }
}
