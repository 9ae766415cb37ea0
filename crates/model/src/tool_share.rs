//! What of a flow's cost is each tool's: shares by bytes, of amounts that add up.
//!
//! Providers count tokens of an answer and of a request as a whole. What of them is whose can only be told by
//! its bytes; those are kept, and not what comes of them, so that a flow that is priced anew is divided anew.

use crate::flow::Flow;
use crate::money::CostClass;
use crate::redact::{Redactor, Scrub};
use crate::unit::{NanoUsd, Tokens};

/// What tools have of a flow, in bytes; `N` names a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolShares<N = String> {
    /// All that the answer says; none where it is not known.
    pub output_bytes: u64,
    /// All of the request.
    pub request_bytes: u64,
    /// What stands behind the model's last words in it.
    pub new_bytes: u64,
    /// Each tool once.
    pub parts: Vec<ToolPart<N>>,
}

/// What one tool has of a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolPart<N = String> {
    /// The tool.
    pub tool: N,
    /// Calls that the answer makes.
    pub calls: u64,
    /// Their names and arguments.
    pub call_bytes: u64,
    /// Of these calls, those of the provider's own web search.
    pub searches: u64,
    /// Results that are sent for the first time.
    pub results: u64,
    /// Their contents.
    pub result_bytes: u64,
    /// Contents that are behind the model's last words and were sent before: an attempt repeated.
    pub again_bytes: u64,
    /// Calls and results that stand in the conversation before.
    pub known_bytes: u64,
}

impl<N> ToolPart<N> {
    /// Of this tool nothing yet.
    #[must_use]
    pub const fn of(tool: N) -> Self {
        Self {
            tool,
            calls: 0,
            call_bytes: 0,
            searches: 0,
            results: 0,
            result_bytes: 0,
            again_bytes: 0,
            known_bytes: 0,
        }
    }

    /// Adds what another one has, whichever tool that is.
    pub fn add<M>(&mut self, other: &ToolPart<M>) {
        self.calls += other.calls;
        self.call_bytes += other.call_bytes;
        self.searches += other.searches;
        self.results += other.results;
        self.result_bytes += other.result_bytes;
        self.again_bytes += other.again_bytes;
        self.known_bytes += other.known_bytes;
    }
}

impl Scrub for ToolShares {
    fn scrub(&mut self, redactor: &Redactor) {
        self.parts.iter_mut().for_each(|part| part.tool.scrub(redactor));
    }
}

/// What a tool costs in a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolCost {
    /// Of the output: its calls; none where nobody knows how much was said, or by whom.
    pub output: Option<NanoUsd>,
    /// Web searches that it ran.
    pub search: NanoUsd,
    /// Its results, the first time.
    pub result: NanoUsd,
    /// What is sent again of it.
    pub reread: NanoUsd,
}

impl<N> ToolShares<N> {
    /// What each tool costs in this flow, in the order of the parts; none where the flow's cost is not known by
    /// class.
    #[must_use]
    pub fn costs(&self, flow: &Flow) -> Option<Vec<ToolCost>> {
        let classes = flow.cost_shares()?;
        let nanos = |class: CostClass| {
            u64::try_from(classes[class as usize].0).unwrap_or(0).saturating_mul(1_000)
        };
        let bytes = |of: fn(&ToolPart<N>) -> u64| self.parts.iter().map(of).collect::<Vec<u64>>();
        let calls = divided(
            self.spoken(flow, nanos(CostClass::Output)),
            self.output_bytes,
            &bytes(|it| it.call_bytes),
        );
        let searches = divided(nanos(CostClass::WebSearch), 0, &bytes(|it| it.searches));
        let (new, known) = self.input(flow, nanos);
        let mut new = divided(
            new,
            self.new_bytes,
            &[bytes(|it| it.result_bytes), bytes(|it| it.again_bytes)].concat(),
        );
        let again = new.split_off(self.parts.len());
        let before = self.request_bytes.saturating_sub(self.new_bytes);
        let known = divided(known, before, &bytes(|it| it.known_bytes));
        let is_said = self.output_bytes > 0 && flow.usage.output.is_some();
        let each = calls.into_iter().zip(searches).zip(new).zip(again.into_iter().zip(known));
        let cost =
            |(((calls, search), result), (again, known)): (((u64, u64), u64), (u64, u64))| {
                ToolCost {
                    output: is_said.then_some(NanoUsd(calls)),
                    search: NanoUsd(search),
                    result: NanoUsd(result),
                    reread: NanoUsd(again.saturating_add(known)),
                }
            };
        Some(each.map(cost).collect())
    }

    /// Of the output's cost what is for what was said: reasoning that is counted in is no block's.
    fn spoken(&self, flow: &Flow, output: u64) -> u64 {
        let (Some(Tokens(all)), Some(Tokens(reasoning)), false) =
            (flow.usage.output, flow.usage.reasoning, flow.is_reasoning_apart())
        else {
            return output;
        };
        part(output, all.saturating_sub(reasoning), all)
    }

    /// The input's cost: of what is new in the request, and of what stands before that.
    ///
    /// What is new was billed as what the cache had not. That may be more than the new part: where there is no
    /// cache, or it was broken, what comes before has its share by bytes.
    fn input(&self, flow: &Flow, nanos: impl Fn(CostClass) -> u64) -> (u64, u64) {
        const FRESH: [CostClass; 3] =
            [CostClass::Input, CostClass::CacheWrite5m, CostClass::CacheWrite1h];
        let billed = flow.billed();
        let sum = |of: &dyn Fn(CostClass) -> u64| {
            FRESH.into_iter().fold(0_u64, |sum, class| sum.saturating_add(of(class)))
        };
        let fresh_tokens = sum(&|class| billed[class as usize]);
        let tokens = fresh_tokens.saturating_add(billed[CostClass::CacheRead as usize]);
        let fresh_bytes = part(self.request_bytes, fresh_tokens, tokens).max(self.new_bytes);
        let fresh = sum(&nanos);
        let new = part(fresh, self.new_bytes, fresh_bytes);
        (new, fresh.saturating_add(nanos(CostClass::CacheRead)).saturating_sub(new))
    }
}

/// So much of an amount as `of` is of `whole`, rounded down; nothing of nothing.
fn part(amount: u64, of: u64, whole: u64) -> u64 {
    let product = u128::from(amount) * u128::from(of.min(whole));
    product.checked_div(u128::from(whole)).and_then(|it| u64::try_from(it).ok()).unwrap_or(0)
}

/// Divides an amount among `bytes` and what else there is of `whole`, which keeps the rest. What is left when each is
/// rounded down goes to the largest remainders, the earlier one first and the rest last, so that nothing is lost.
fn divided(amount: u64, whole: u64, bytes: &[u64]) -> Vec<u64> {
    let named = bytes.iter().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
    let whole = u128::from(whole.max(named));
    if whole == 0 {
        return vec![0; bytes.len()];
    }
    let rest = u64::try_from(whole).unwrap_or(u64::MAX).saturating_sub(named);
    let exact: Vec<u128> =
        bytes.iter().chain([&rest]).map(|bytes| u128::from(amount) * u128::from(*bytes)).collect();
    let mut given: Vec<u64> =
        exact.iter().map(|it| u64::try_from(it / whole).unwrap_or(u64::MAX)).collect();
    let left = given.iter().fold(amount, |left, given| left.saturating_sub(*given));
    let mut order: Vec<usize> = (0..given.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(exact[*place] % whole));
    for place in order.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        given[place] = given[place].saturating_add(1);
    }
    given.truncate(bytes.len());
    given
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::id::{ConnectionId, FlowId};
    use crate::money::{Rates, Terms};
    use crate::provider::Provider;
    use crate::time::Micros;
    use crate::unit::Usage;

    /// A flow of Anthropic's that is priced by these rates.
    fn flow(rates: &str, usage: Usage) -> Flow {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        (flow.provider, flow.usage) = (Some(Provider::Anthropic), usage);
        priced(flow, rates)
    }

    fn priced(mut flow: Flow, rates: &str) -> Flow {
        let rates = Rates::parse(rates).unwrap();
        flow.cost = Some(rates.cost(&flow.billed()).unwrap().rounded());
        flow.terms = Some(Arc::new(Terms { book: String::from("b"), rates }));
        flow
    }

    fn usage(input: u64, read: u64, written: u64, output: u64) -> Usage {
        let tokens = |count| Some(Tokens(count));
        Usage {
            input: tokens(input),
            cache_read: tokens(read),
            cache_write_5m: tokens(written),
            output: tokens(output),
            ..Usage::default()
        }
    }

    fn shares(parts: Vec<ToolPart<&'static str>>) -> ToolShares<&'static str> {
        ToolShares { output_bytes: 400, request_bytes: 1_000, new_bytes: 100, parts }
    }

    #[test]
    fn a_call_has_its_share_of_the_output_and_its_result_of_what_is_new() {
        // A token is a dollar's millionth of output, two of input and cache writes, and a tenth of reads.
        let flow = flow("2 0.1 2 - 1 - -", usage(10, 900, 90, 400));
        let parts = vec![
            ToolPart { calls: 1, call_bytes: 100, ..ToolPart::of("Read") },
            ToolPart { results: 1, result_bytes: 50, known_bytes: 90, ..ToolPart::of("Bash") },
        ];
        let costs = shares(parts).costs(&flow).unwrap();
        let nano = |micro: u64| NanoUsd(micro * 1_000);
        assert_eq!(costs[0], ToolCost { output: Some(nano(100)), ..ToolCost::default() });
        // A tenth of the tokens was fresh, and a tenth of the bytes is new: half of that is the result. What was
        // known lies among nine hundred bytes that cost ninety.
        let known = ToolCost {
            output: Some(nano(0)),
            result: nano(100),
            reread: nano(9),
            ..ToolCost::default()
        };
        assert_eq!(costs[1], known);
    }

    #[test]
    fn without_a_cache_what_is_new_does_not_pay_for_all_that_is_sent_again() {
        let flow = flow("2 - - - 1 - -", usage(1_000, 0, 0, 1));
        let parts = vec![ToolPart {
            results: 1,
            result_bytes: 50,
            known_bytes: 450,
            ..ToolPart::of("Bash")
        }];
        let cost = shares(parts).costs(&flow).unwrap()[0];
        assert_eq!((cost.result, cost.reread), (NanoUsd(100_000), NanoUsd(900_000)));
    }

    #[test]
    fn what_an_attempt_repeats_is_sent_again() {
        let flow = flow("2 - - - 1 - -", usage(1_000, 0, 0, 1));
        let parts = vec![ToolPart { again_bytes: 100, ..ToolPart::of("Bash") }];
        let cost = shares(parts).costs(&flow).unwrap()[0];
        assert_eq!((cost.result, cost.reread), (NanoUsd(0), NanoUsd(200_000)));
    }

    #[test]
    fn reasoning_that_is_counted_in_is_no_calls() {
        let mut flow = flow("2 - - - 1 - -", usage(10, 0, 0, 400));
        (flow.provider, flow.path) = (Some(Provider::OpenAi), String::from("/v1/responses"));
        flow.usage = Usage {
            reasoning: Some(Tokens(300)),
            cache_read: None,
            cache_write_5m: None,
            ..flow.usage
        };
        let flow = priced(flow, "2 - - - 1 - -");
        let parts = vec![ToolPart { calls: 1, call_bytes: 200, ..ToolPart::of("shell") }];
        let cost = shares(parts).costs(&flow).unwrap()[0];
        assert_eq!(cost.output, Some(NanoUsd(50_000)));
    }

    #[test]
    fn a_cost_that_nobody_knows_is_divided_among_nobody() {
        let parts = || vec![ToolPart { calls: 1, call_bytes: 200, ..ToolPart::of("shell") }];
        let mut known = flow("2 - - - 1 - -", usage(10, 0, 0, 400));
        known.usage.output = None;
        let broken_off = priced(known.clone(), "2 - - - 1 - -");
        assert_eq!(shares(parts()).costs(&broken_off).unwrap()[0].output, None);
        let silent = ToolShares { output_bytes: 0, ..shares(parts()) };
        assert_eq!(
            silent.costs(&flow("2 - - - 1 - -", usage(1, 0, 0, 4))).unwrap()[0].output,
            None
        );
        (known.cost, known.terms) = (None, None);
        assert_eq!(shares(parts()).costs(&known), None);
    }

    proptest! {
        #[test]
        fn what_is_divided_adds_up(
            amount in 0_u64..u64::MAX / 2,
            bytes in prop::collection::vec(0_u64..1 << 40, 0..9),
            rest in 0_u64..1 << 40,
        ) {
            let named: u64 = bytes.iter().sum();
            let given = divided(amount, named + rest, &bytes);
            let sum: u64 = given.iter().sum();
            let exact = u128::from(amount) * u128::from(named);
            if let Some(exact) = exact.checked_div(u128::from(named + rest)) {
                let exact = u64::try_from(exact).unwrap();
                prop_assert!(sum.abs_diff(exact) <= bytes.len() as u64);
                if rest == 0 {
                    prop_assert_eq!(sum, amount);
                }
            } else {
                prop_assert_eq!(sum, 0);
            }
            for (given, bytes) in given.iter().zip(&bytes) {
                prop_assert!(*bytes > 0 || *given == 0);
            }
        }
    }
}
