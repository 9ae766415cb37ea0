//! The lens on what flows lack and transcripts tell: a session that nothing on the wire stated, and usage that the
//! provider did not tell. Joined by the id of the answer, whichever of the two is there first.

use langley_model::{
    Attributed, EstimateSource, Flow, MicroUsd, Micros, SessionId, ToldResponse, UsageEstimate,
};
use langley_store::{Analysis, Store, StoreError, ToldFlow};

use super::{Lens, Reading};

/// Responses that are looked at together.
const TOGETHER: usize = 256;

/// The `session_source` of what a transcript tells.
const SOURCE: &str = "transcript";

/// The lens.
#[derive(Debug, Default)]
pub(super) struct Joined;

impl Lens for Joined {
    fn look(&mut self, store: &Store, reading: &mut Reading) -> Result<(), StoreError> {
        let flow = &reading.flow;
        let Some(id) = flow.message_id.as_deref().filter(|_| lacks(flow)) else { return Ok(()) };
        if let Some(told) = store.told_of(id)?
            && store.join_told(&[ToldFlow { key: reading.key, told }], None, amend)? > 0
        {
            reading.look_again(store)?;
        }
        Ok(())
    }

    fn wait(&mut self, store: &Store, _: Micros) -> Result<bool, StoreError> {
        let (told, last) = store.told_lately(TOGETHER)?;
        if last.is_some() {
            store.join_told(&told, last, amend)?;
        }
        Ok(last.is_some())
    }

    fn tell(&mut self, _: &mut Analysis) {}
}

/// Whether a transcript may tell what is not known of a flow.
fn lacks(flow: &Flow) -> bool {
    flow.usage.input.is_none() || flow.usage.output.is_none() || lacks_session(flow)
}

/// Whether nothing stated the session, nor that of what the flow goes on from.
fn lacks_session(flow: &Flow) -> bool {
    flow.session.as_ref().is_none_or(|it| it.is_inferred() || it.id.starts_with(INFERRED_ID))
}

/// How ids of sessions begin that were inferred.
const INFERRED_ID: &str = crate::chains::MADE;

/// Puts what is told in the place of what is not known, or was only estimated.
fn amend(flow: &mut Flow, told: &ToldResponse) {
    let session = told.session.as_deref().and_then(SessionId::parse);
    if let Some(session) = session.filter(|_| lacks_session(flow)) {
        let id = session.as_str().to_owned();
        if flow.task.as_ref().is_none_or(Attributed::is_inferred) {
            flow.task = Some(Attributed { id: id.clone(), source: "session" });
        }
        flow.session = Some(Attributed { id, source: SOURCE });
        flow.agent_id = flow.agent_id.take().or_else(|| told.agent_id.clone());
    }
    let input = told.usage.input.filter(|_| flow.usage.input.is_none());
    let output = told.usage.output.filter(|_| flow.usage.output.is_none());
    if let Some(mut estimate) = UsageEstimate::of(EstimateSource::Transcript, input, output) {
        let known = flow.cost.map_or(0, |cost| cost.0);
        estimate.cost = told.cost.map(|cost| MicroUsd(cost.0.saturating_sub(known).max(0)));
        flow.estimate = Some(estimate);
    }
}
