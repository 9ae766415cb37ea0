//! Units: tokens and money as integers of their own type.

/// A count of tokens, in the provider's own sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tokens(pub u64);

/// Millionths of a US dollar. Money is integer; there is no float anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MicroUsd(pub i64);

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
    fn a_later_report_replaces_only_what_it_states() {
        let mut usage =
            Usage { input: Some(Tokens(10)), output: Some(Tokens(1)), ..Usage::default() };
        usage.update(&Usage { output: Some(Tokens(7)), ..Usage::default() });
        assert_eq!(usage.input, Some(Tokens(10)));
        assert_eq!(usage.output, Some(Tokens(7)));
        assert_eq!(usage.cache_read, None);
    }
}
