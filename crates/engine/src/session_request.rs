//! What of a flow tells how a session goes: little, because thousands of them are gone through at once.

use std::collections::HashSet;
use std::sync::Arc;

use langley_model::{Flow, FlowId, MicroUsd, Micros, Outcome};
use langley_store::{FlowFilter, Store, StoreError};

use crate::composition::context_tokens;
use crate::token_use::TokenUse;

/// Requests of a session that are gone through, the newest ones.
const REQUESTS: usize = 5_000;

/// Flows that are read at once.
const PAGE: usize = 500;

/// One request of a session.
#[derive(Clone, Debug)]
pub(crate) struct SessionRequest {
    pub(crate) flow: FlowId,
    pub(crate) started_at: Micros,
    pub(crate) ended_at: Option<Micros>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) model: Option<Arc<str>>,
    pub(crate) is_of_subagent: bool,
    pub(crate) is_retry: bool,
    pub(crate) tool_calls: u64,
    /// Tokens of its whole input.
    pub(crate) context: Option<u64>,
    pub(crate) tokens: Option<TokenUse>,
    pub(crate) cost: Option<MicroUsd>,
}

/// Names of models, each kept once.
#[derive(Debug, Default)]
pub(crate) struct ModelNames(HashSet<Arc<str>>);

impl ModelNames {
    fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

impl SessionRequest {
    /// That of a flow.
    pub(crate) fn of(flow: &Flow, models: &mut ModelNames) -> Self {
        Self {
            flow: flow.id,
            started_at: flow.started_at,
            ended_at: flow.ended_at,
            outcome: flow.outcome,
            model: flow.known_model().map(|name| models.of(name)),
            is_of_subagent: flow.subagent().is_some(),
            is_retry: flow.retry_of.is_some(),
            tool_calls: flow.tool_names.len() as u64,
            context: context_tokens(flow),
            tokens: TokenUse::of(flow),
            cost: flow.cost,
        }
    }

    /// Whether it is the agent's own, to the model that it asks most.
    pub(crate) fn is_main(&self, main: Option<&str>) -> bool {
        !self.is_of_subagent && main.is_some() && self.model.as_deref() == main
    }
}

/// The newest requests of a session, the oldest of them first, and whether there are older ones.
pub(crate) fn requests_of_session(
    store: &Store,
    session: &str,
) -> Result<(Vec<SessionRequest>, bool), StoreError> {
    let filter = FlowFilter { session: Some(session.to_owned()), ..FlowFilter::default() };
    let (mut requests, mut models, mut cursor) = (Vec::new(), ModelNames::default(), None);
    loop {
        let page = store.flows(&filter, cursor.as_deref(), PAGE)?;
        requests.extend(page.items.iter().map(|flow| SessionRequest::of(flow, &mut models)));
        cursor = page.next_cursor;
        if cursor.is_none() || requests.len() >= REQUESTS {
            break;
        }
    }
    requests.reverse();
    Ok((requests, cursor.is_some()))
}

/// The model that the agent itself asked most: others name sessions and sum up.
pub(crate) fn main_model(requests: &[SessionRequest]) -> Option<Arc<str>> {
    let own = requests.iter().filter(|request| !request.is_of_subagent);
    let mut counted: Vec<(&Arc<str>, usize)> = Vec::new();
    for model in own.filter_map(|request| request.model.as_ref()) {
        match counted.iter_mut().find(|(known, _)| *known == model) {
            Some((_, count)) => *count += 1,
            None => counted.push((model, 1)),
        }
    }
    counted.into_iter().max_by_key(|(_, count)| *count).map(|(model, _)| Arc::clone(model))
}

#[cfg(test)]
mod tests {
    use langley_model::{Attributed, ConnectionId};

    use super::*;

    #[test]
    fn thousands_of_requests_take_little_memory_whatever_their_flows_hold() {
        let mut models = ModelNames::default();
        let [one, other] = [1, 2].map(|at| {
            let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(at));
            flow.model = Some("m".repeat(500));
            flow.preview = Some("p".repeat(5_000));
            flow.tool_names = vec![String::from("Bash"); 100];
            SessionRequest::of(&flow, &mut models)
        });
        assert_eq!((one.tool_calls, other.tool_calls), (100, 100));
        assert!(Arc::ptr_eq(&one.model.unwrap(), &other.model.unwrap()), "a name is kept once");
        assert!(size_of::<SessionRequest>() <= 192, "{}", size_of::<SessionRequest>());
    }

    #[test]
    fn a_request_of_the_agent_that_the_session_is_named_after_is_its_own() {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        flow.model = Some(String::from("m"));
        flow.session = Some(Attributed { id: String::from("s"), source: "header:x" });
        let own = |agent: &str, flow: &mut Flow| {
            flow.agent_id = Some(agent.to_owned());
            SessionRequest::of(flow, &mut ModelNames::default()).is_main(Some("m"))
        };
        assert!(own("s", &mut flow) && !own("a", &mut flow));
    }
}
