//! Tokens in one sense for all providers: what was new, what the cache had, and how much came of it.

use langley_model::{Flow, FlowId, Micros, Tokens};
use langley_store::{Measure, Store, StoreError, Sums, Tally, UsageGroup, UsageQuery, UsageReport};

use crate::session_request::{main_model, requests_of_session};

/// What requests used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenUse {
    /// Requests that say how long their input was.
    pub requests: u64,
    /// Input tokens that the cache had no part in.
    pub uncached: u64,
    /// Input tokens read from the cache.
    pub read: u64,
    /// Input tokens written to the cache.
    pub written: u64,
    /// Output tokens, reasoning among them where the provider counts it in.
    pub output: u64,
    /// Reasoning tokens, where counted apart.
    pub reasoning: u64,
}

impl TokenUse {
    /// What one flow used; none where it does not say.
    #[must_use]
    pub fn of(flow: &Flow) -> Option<Self> {
        let usage = &flow.usage;
        let Tokens(uncached) = usage.input_uncached(flow.dialect())?;
        let count = |tokens: Option<Tokens>| tokens.map_or(0, |Tokens(count)| count);
        Some(Self {
            requests: 1,
            uncached,
            read: count(usage.cache_read),
            written: count(usage.cache_write_5m).saturating_add(count(usage.cache_write_1h)),
            output: count(usage.output),
            reasoning: count(usage.reasoning),
        })
    }

    /// What flows add up to.
    fn of_sums(sums: &Sums) -> Self {
        let of = |measure| sums.figure(measure).sum;
        Self {
            requests: sums.figure(Measure::InputUncached).flows,
            uncached: of(Measure::InputUncached),
            read: of(Measure::CacheRead),
            written: of(Measure::CacheWrite5m).saturating_add(of(Measure::CacheWrite1h)),
            output: of(Measure::Output),
            reasoning: of(Measure::Reasoning),
        }
    }

    /// Adds what others used.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.uncached = self.uncached.saturating_add(other.uncached);
        self.read = self.read.saturating_add(other.read);
        self.written = self.written.saturating_add(other.written);
        self.output = self.output.saturating_add(other.output);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
    }

    /// Tokens of the whole input.
    #[must_use]
    pub const fn input(&self) -> u64 {
        self.uncached.saturating_add(self.read).saturating_add(self.written)
    }

    /// The share of the input that was read from the cache; none without input.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        ratio(self.read, self.input())
    }

    /// Output tokens for each token of input; none without input.
    #[must_use]
    pub fn output_ratio(&self) -> Option<f64> {
        ratio(self.output, self.input())
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What flows used that are alike in what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenGroup {
    /// In what they are alike; its sums are those of all flows, whatever they used.
    pub group: UsageGroup,
    /// What they used.
    pub tokens: TokenUse,
}

/// What all flows used that `query` names, in its groups.
///
/// # Errors
/// A failure of the store.
pub fn token_use(
    store: &Store,
    query: &UsageQuery,
) -> Result<(UsageReport, Vec<TokenGroup>), StoreError> {
    let mut report = store.usage(query)?;
    let groups = std::mem::take(&mut report.groups);
    let used = |group: UsageGroup| {
        let tokens = TokenUse::of_sums(&group.sums);
        TokenGroup { group, tokens }
    };
    let has_flows = |group: &UsageGroup| group.sums.tally(Tally::Flows) > 0;
    let groups = groups.into_iter().filter(has_flows).map(used).collect();
    Ok((report, groups))
}

/// The length of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextSize {
    /// The flow.
    pub flow: FlowId,
    /// When it began.
    pub at: Micros,
    /// Tokens of its whole input.
    pub tokens: u64,
}

/// By how much prompts are longer than those before them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Tokens, in all.
    pub tokens: u64,
    /// Prompts that are as long as the one before, or longer.
    pub prompts: u64,
}

impl Growth {
    /// That of prompts of these lengths, the oldest first. Where a conversation was compacted it begins anew.
    pub(crate) fn of(lengths: impl Iterator<Item = u64>) -> Self {
        let (mut growth, mut before) = (Self::default(), None);
        for length in lengths {
            if let Some(grown) = before.and_then(|before| length.checked_sub(before)) {
                growth.tokens = growth.tokens.saturating_add(grown);
                growth.prompts += 1;
            }
            before = Some(length);
        }
        growth
    }

    pub(crate) const fn add(&mut self, other: Self) {
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.prompts += other.prompts;
    }

    /// On average; none without two prompts.
    #[must_use]
    pub fn each(self) -> Option<f64> {
        ratio(self.tokens, self.prompts)
    }
}

/// What a session used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionTokens {
    /// All of it, subagents included.
    pub all: TokenUse,
    /// How long the requests of the agent itself were, to the model that it asked most, the oldest first.
    pub contexts: Vec<ContextSize>,
    /// Whether the session has older flows that were not gone through.
    pub is_cut: bool,
}

impl SessionTokens {
    /// Tokens by which a request is longer than the one before, on average; where a conversation was
    /// compacted it begins anew. None without two requests.
    #[must_use]
    pub fn growth(&self) -> Option<f64> {
        Growth::of(self.contexts.iter().map(|size| size.tokens)).each()
    }
}

/// What a session used; none when no flow is of it.
///
/// # Errors
/// A failure of the store.
pub fn token_use_of_session(
    store: &Store,
    session: &str,
) -> Result<Option<SessionTokens>, StoreError> {
    let (requests, is_cut) = requests_of_session(store, session)?;
    if requests.is_empty() {
        return Ok(None);
    }
    let mut found = SessionTokens { is_cut, ..SessionTokens::default() };
    for tokens in requests.iter().filter_map(|request| request.tokens) {
        found.all.add(&tokens);
    }
    let main = main_model(&requests);
    let own = requests.iter().filter(|request| request.is_main(main.as_deref()));
    found.contexts = own
        .filter_map(|request| {
            let (flow, at) = (request.flow, request.started_at);
            Some(ContextSize { flow, at, tokens: request.context? })
        })
        .collect();
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use langley_model::{ConnectionId, Provider, Usage};

    use super::*;

    fn used(provider: Provider) -> TokenUse {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        flow.provider = Some(provider);
        flow.usage = Usage {
            input: Some(Tokens(100)),
            cache_read: Some(Tokens(60)),
            cache_write_5m: Some(Tokens(10)),
            output: Some(Tokens(20)),
            ..Usage::default()
        };
        TokenUse::of(&flow).unwrap()
    }

    #[test]
    fn the_whole_input_is_the_same_sum_in_each_providers_sense() {
        let anthropic = used(Provider::Anthropic);
        assert_eq!((anthropic.uncached, anthropic.input()), (100, 170));
        let openai = used(Provider::OpenAi);
        assert_eq!((openai.uncached, openai.input()), (30, 100));
        assert_eq!((openai.hit_ratio(), openai.output_ratio()), (Some(0.6), Some(0.2)));
        assert_eq!(TokenUse::default().hit_ratio(), None);
    }

    #[test]
    fn growth_leaves_out_where_a_conversation_was_compacted() {
        let size = |tokens| ContextSize { flow: FlowId::new(), at: Micros(1), tokens };
        let contexts = [10, 30, 60, 5, 15].map(size).to_vec();
        let session = SessionTokens { contexts, ..SessionTokens::default() };
        assert_eq!(session.growth(), Some(20.0));
        assert_eq!(SessionTokens::default().growth(), None);
    }
}
