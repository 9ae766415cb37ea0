//! A session made of facts, without a store.

use std::collections::HashMap;
use std::time::Duration;

use langley_model::{
    Attributed, ConnectionId, Finding, FindingKind, Flow, FlowId, MicroUsd, Micros, Outcome,
    Provider, Tokens, Usage, UsageEstimate,
};
use langley_protocol::dialect::dialect_for;
use langley_store::{Kept, StoreError};
use serde_json::{Value, json};

use crate::findings::{
    CallMade, DayPart, Facts, Limits, Prices, Pricing, Prompt, Recalled, ResultSeen, Sources,
    TokenPrices, Usual, Watch,
};
use crate::price::Lack;

/// What a test knows of its world.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) prompts: HashMap<FlowId, Value>,
    pub(super) earlier: Vec<Facts>,
    /// Keys of findings that are kept.
    pub(super) kept: Vec<String>,
    /// Flows that show findings.
    pub(super) shown: Vec<FlowId>,
    pub(super) usual: Option<Usual>,
    pub(super) spent: Option<MicroUsd>,
    /// Millionths of a dollar that the rest of the day cost.
    pub(super) spent_later: i64,
    pub(super) book: Book,
}

/// A price book of one price.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    pub(super) is_empty: bool,
    /// What it lacks where it is; none: the model.
    pub(super) lack: Option<Lack>,
    pub(super) window: Option<u64>,
}

impl Prices for Book {
    fn pricing(&self, _flow: &Flow) -> Pricing {
        if self.is_empty {
            return Pricing::Unknown(self.lack.clone().unwrap_or(Lack::Model));
        }
        Pricing::Known(TokenPrices {
            input: Some(3_000_000),
            cache_read: Some(300_000),
            cache_write_5m: Some(3_750_000),
            cache_write_1h: Some(6_000_000),
        })
    }

    fn window(&self, _flow: &Flow) -> Option<u64> {
        self.window
    }

    fn beyond(&self, _flow: &Flow, _estimate: &UsageEstimate) -> Option<MicroUsd> {
        None
    }
}

impl Sources for World {
    fn before(&self, _flow: &Flow, most: usize) -> Result<Recalled, StoreError> {
        let facts = self.earlier[self.earlier.len().saturating_sub(most)..].to_vec();
        Ok(Recalled { is_all: facts.len() == self.earlier.len(), facts })
    }

    fn kept(&self, finding: &Finding) -> Result<Kept, StoreError> {
        let is_kept = self.kept.contains(&finding.key());
        let is_shown = self.shown.contains(&finding.flow);
        Ok(match (is_kept, is_shown) {
            (false, _) => Kept::Not,
            (true, false) => Kept::ShownByOthers,
            (true, true) => Kept::ShownByIt,
        })
    }

    fn is_shown_by(&self, flow: FlowId) -> Result<bool, StoreError> {
        Ok(self.shown.contains(&flow))
    }

    fn prompt(&self, flow: FlowId) -> Result<Option<Prompt>, StoreError> {
        let (_, dialect) = dialect_for("POST", "any.example", "/v1/messages").unwrap();
        let body = self.prompts.get(&flow).map(ToString::to_string);
        Ok(body.and_then(|body| Prompt::read(dialect.seams(), body.as_bytes())))
    }

    fn usual(&self, _flow: &Flow) -> Result<Option<Usual>, StoreError> {
        Ok(self.usual)
    }

    fn spent(&self, _flow: &Flow, part: DayPart) -> Result<Option<MicroUsd>, StoreError> {
        let later = (part == DayPart::Whole).then_some(self.spent_later);
        Ok(self.spent.map(|spent| MicroUsd(spent.0 + later.unwrap_or(0))))
    }

    fn prices(&self) -> &dyn Prices {
        &self.book
    }
}

/// A watch with its world.
pub(super) struct Rig {
    pub(super) watch: Watch,
    pub(super) world: World,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(super) fn with(limits: Limits) -> Self {
        Self { watch: Watch::new(limits), world: World::default() }
    }

    /// What a flow shows.
    pub(super) fn see(&mut self, facts: &Facts) -> Vec<Finding> {
        self.watch.observe(facts, &self.world).unwrap()
    }

    /// What a flow with this request shows.
    pub(super) fn ask(&mut self, facts: &Facts, request: &Value) -> Vec<Finding> {
        self.world.prompts.insert(facts.flow.id, request.clone());
        self.see(facts)
    }
}

/// The kinds of findings.
pub(super) fn kinds(found: &[Finding]) -> Vec<FindingKind> {
    found.iter().map(|finding| finding.kind).collect()
}

/// An answered flow of the one session, so many seconds after the first, that took two seconds.
pub(super) fn answered(second: i64) -> Facts {
    let at = Micros((1_000_000 + second) * 1_000_000);
    let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), at);
    flow.provider = Some(Provider::Anthropic);
    flow.host = String::from("api.anthropic.com");
    flow.path = String::from("/v1/messages");
    flow.model = Some(String::from("claude-test"));
    flow.session = Some(Attributed { id: String::from("s"), source: "header:test" });
    flow.status = Some(200);
    flow.outcome = Some(Outcome::Completed);
    flow.stop_reason = Some(String::from("end_turn"));
    flow.ttfb = Some(Duration::from_millis(300));
    flow.ttft = Some(Duration::from_millis(500));
    flow.duration = Some(Duration::from_secs(2));
    flow.ended_at = Some(at.plus(Duration::from_secs(2)));
    flow.usage = Usage { input: Some(Tokens(10)), output: Some(Tokens(5)), ..Usage::default() };
    flow.cost = Some(MicroUsd(100));
    Facts::new(flow)
}

/// A flow that failed with this status.
pub(super) fn failed(second: i64, status: u16) -> Facts {
    let mut facts = answered(second);
    let flow = &mut facts.flow;
    (flow.status, flow.outcome) = (Some(status), Some(Outcome::ProviderError));
    (flow.stop_reason, flow.usage, flow.cost) = (None, Usage::default(), None);
    facts
}

/// The same, with tokens read from the cache and written to it for five minutes.
pub(super) fn cached(second: i64, read: u64, written: u64) -> Facts {
    let mut facts = answered(second);
    facts.flow.usage.cache_read = Some(Tokens(read));
    facts.flow.usage.cache_write_5m = Some(Tokens(written));
    facts
}

impl Facts {
    pub(super) fn calls(mut self, calls: &[(u64, &str, u64)]) -> Self {
        let call = |(key, tool, arguments): &(u64, &str, u64)| CallMade {
            key: *key,
            tool: (*tool).to_owned(),
            arguments: *arguments,
        };
        self.calls = calls.iter().map(call).collect();
        self
    }

    pub(super) fn results(mut self, results: &[(u64, bool)]) -> Self {
        let result = |(key, failed): &(u64, bool)| ResultSeen { key: *key, failed: Some(*failed) };
        self.results = results.iter().map(result).collect();
        self
    }

    pub(super) fn of(mut self, agent: &str) -> Self {
        self.flow.agent_id = Some(agent.to_owned());
        self
    }
}

/// A request with so many turns of a hundred words each.
pub(super) fn request(turns: usize) -> Value {
    let turn = |number: usize| {
        let role = if number.is_multiple_of(2) { "user" } else { "assistant" };
        json!({"role": role, "content": format!("turn {number} {}", "word ".repeat(100))})
    };
    json!({
        "tools": [{"name": "Read", "description": "r".repeat(300)}],
        "system": [{"type": "text", "text": "be good"}],
        "messages": (0..turns).map(turn).collect::<Vec<_>>(),
    })
}
