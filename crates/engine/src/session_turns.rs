//! Turns of a session: from what a person asked to the answer that ends it, told by how its flows ended.
//!
//! An answer that calls no tool ends a turn: what the agent asks next is something new. So no request has to
//! be read for it.

use std::time::Duration;

use langley_model::{FlowId, MicroUsd, Micros, Outcome};
use langley_store::{Store, StoreError};

use crate::session_request::{SessionRequest, main_model, requests_of_session};
use crate::token_use::TokenUse;
use crate::work::sum;

/// One turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTurn {
    /// Its first flow.
    pub flow: FlowId,
    /// When that began.
    pub started_at: Micros,
    /// When its last answer ended; none while one is open.
    pub ended_at: Option<Micros>,
    /// Since the turn before it had ended: the person's time. None for the first one.
    pub waited: Option<Duration>,
    /// Requests of the agent itself to its model, answered or not.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Requests of all of them that repeat a failed one.
    pub retries: u64,
    /// Requests of subagents.
    pub of_subagents: u64,
    /// Requests to other models: names, summaries.
    pub beside: u64,
    /// Tool calls of all of them.
    pub tool_calls: u64,
    /// Tokens of the whole input of the agent's own last request that tells them.
    pub context: Option<u64>,
    /// What all of them used.
    pub tokens: TokenUse,
    /// What all of them cost; none where no cost is known.
    pub cost: Option<MicroUsd>,
    /// Whether an answer ended it.
    pub is_ended: bool,
}

/// The turns of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionTurns {
    /// The oldest first.
    pub turns: Vec<SessionTurn>,
    /// Whether the session has older flows that were not gone through.
    pub is_cut: bool,
}

/// The turns of a session; none when no flow is of it.
///
/// # Errors
/// A failure of the store.
pub fn session_turns(store: &Store, session: &str) -> Result<Option<SessionTurns>, StoreError> {
    let (requests, is_cut) = requests_of_session(store, session)?;
    Ok((!requests.is_empty()).then(|| SessionTurns { turns: turns(&requests), is_cut }))
}

/// The turns that a session's requests make up, the oldest first.
pub(crate) fn turns(requests: &[SessionRequest]) -> Vec<SessionTurn> {
    let main = main_model(requests);
    let mut turns: Vec<SessionTurn> = Vec::new();
    for request in requests {
        let own = request.is_main(main.as_deref());
        match turns.last_mut() {
            // What subagents and others ask does not begin a turn.
            Some(turn) if !turn.is_ended || !own => turn.take(request, own),
            last => {
                let before = last.and_then(|turn| turn.ended_at);
                let mut turn = SessionTurn::begun_by(request, before);
                turn.take(request, own);
                turns.push(turn);
            }
        }
    }
    turns
}

impl SessionTurn {
    fn begun_by(request: &SessionRequest, before: Option<Micros>) -> Self {
        let waited = before.and_then(|before| u64::try_from(request.started_at.0 - before.0).ok());
        Self {
            flow: request.flow,
            started_at: request.started_at,
            ended_at: None,
            waited: waited.map(Duration::from_micros),
            requests: 0,
            failed: 0,
            retries: 0,
            of_subagents: 0,
            beside: 0,
            tool_calls: 0,
            context: None,
            tokens: TokenUse::default(),
            cost: None,
            is_ended: false,
        }
    }

    fn take(&mut self, request: &SessionRequest, own: bool) {
        if own {
            let is_answered = request.outcome == Some(Outcome::Completed);
            self.requests += 1;
            self.failed += u64::from(!is_answered && request.outcome.is_some());
            self.is_ended = is_answered && request.tool_calls == 0;
            self.ended_at = request.ended_at.max(self.ended_at);
            self.context = request.context.or(self.context);
        } else if request.is_of_subagent {
            self.of_subagents += 1;
        } else {
            self.beside += 1;
        }
        self.retries += u64::from(request.is_retry);
        self.tool_calls += request.tool_calls;
        if let Some(tokens) = request.tokens {
            self.tokens.add(&tokens);
        }
        self.cost = sum(self.cost, request.cost);
    }

    /// From its first request to the end of its last answer: the agent's time; none while it is open.
    #[must_use]
    pub fn worked(&self) -> Option<Duration> {
        let ended = self.ended_at?;
        u64::try_from(ended.0 - self.started_at.0).ok().map(Duration::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use langley_model::{ConnectionId, Flow};

    use super::*;
    use crate::session_request::ModelNames;

    fn turns_of(flows: &[Flow]) -> Vec<SessionTurn> {
        let mut models = ModelNames::default();
        let requests = flows.iter().map(|flow| SessionRequest::of(flow, &mut models));
        turns(&requests.collect::<Vec<_>>())
    }

    /// A flow of so many seconds that began at this one.
    fn flow(second: i64, took: i64, tools: usize) -> Flow {
        let at = Micros(second * 1_000_000);
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), at);
        flow.model = Some(String::from("main"));
        flow.outcome = Some(Outcome::Completed);
        flow.ended_at = Some(Micros((second + took) * 1_000_000));
        flow.tool_names = vec![String::from("Bash"); tools];
        flow.cost = Some(MicroUsd(5));
        flow
    }

    #[test]
    fn a_turn_goes_from_what_was_asked_to_the_answer_that_calls_no_tool() {
        let mut side = flow(11, 1, 0);
        side.model = Some(String::from("small"));
        let mut sub = flow(5, 2, 1);
        sub.agent_id = Some(String::from("a"));
        let mut refused = flow(8, 1, 0);
        refused.outcome = Some(Outcome::ProviderError);
        let flows =
            [flow(0, 3, 2), sub, refused, flow(9, 1, 0), side, flow(70, 4, 1), flow(80, 2, 0)];
        let turns = turns_of(&flows);
        let [first, second] = turns.as_slice() else { panic!("{turns:?}") };
        assert_eq!((first.requests, first.failed, first.of_subagents, first.beside), (3, 1, 1, 1));
        assert_eq!((first.tool_calls, first.cost, first.is_ended), (3, Some(MicroUsd(25)), true));
        assert_eq!((first.waited, first.worked()), (None, Some(Duration::from_secs(10))));
        assert_eq!((second.flow, second.requests), (flows[5].id, 2));
        assert_eq!(second.waited, Some(Duration::from_secs(60)));
        assert_eq!(second.worked(), Some(Duration::from_secs(12)));
    }

    #[test]
    fn a_turn_that_was_given_up_goes_on_with_what_is_asked_next() {
        let mut gone = flow(0, 3, 0);
        gone.outcome = Some(Outcome::ClientGone);
        let turns = turns_of(&[gone, flow(30, 1, 0)]);
        assert_eq!((turns.len(), turns[0].requests, turns[0].failed), (1, 2, 1));
    }
}
