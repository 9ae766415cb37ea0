//! What is read of an ended flow, once for all lenses.

use std::time::Duration;

use langley_model::{Flow, FlowId, Message, Revision, Side, Stored};
use langley_protocol::dialect::{Dialect, dialect_for};
use langley_protocol::tools::{self, Told};
use langley_store::{Store, StoreError, Unread};

use super::blocks::Blocks;
use super::timing::Timing;
use crate::findings::Pause;
use crate::search::LAST_PIECES;

/// An ended flow as it was read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The key of the flow; flows are in the order of their keys.
    pub(crate) key: i64,
    /// The revision of the flow as it is here.
    pub(crate) revision: Revision,
    pub(crate) flow: Flow,
    /// The answer; none when there is none.
    pub(crate) message: Option<Message>,
    /// What the end of the request tells of tool calls.
    pub(crate) told: Told,
    /// When the answer's blocks began and ended; none where it was no stream, or that is not kept.
    pub(crate) blocks: Option<Blocks>,
    /// The longest time in which a streamed answer stood still; none where it was too short for one that
    /// matters.
    pub(crate) pause: Option<Pause>,
}

impl Reading {
    /// Reads a flow; none when it is gone, when no dialect is spoken in it, or when it is a check of our own. A
    /// stream that stood still for no longer than `stall` is not looked through for that.
    pub(crate) fn of(
        store: &Store,
        unread: &Unread,
        stall: Duration,
    ) -> Result<Option<Self>, StoreError> {
        let Some(flow) = store.flow(unread.flow)? else { return Ok(None) };
        let revision = flow.revision();
        let read = Self::read(store, (unread.key, revision), Stored::into_inner(flow))?;
        let Some((mut reading, dialect)) = read else { return Ok(None) };
        let message = reading.message.as_ref();
        let has_calls = message.is_some_and(|it| it.tool_names().next().is_some());
        let Timing { blocks, pause } =
            Timing::read(store, &reading.flow, has_calls.then_some(dialect), stall)?;
        (reading.blocks, reading.pause) = (blocks, pause);
        Ok(Some(reading))
    }

    /// Reads the flow once more, which was changed meanwhile.
    pub(super) fn look_again(&mut self, store: &Store) -> Result<(), StoreError> {
        if let Some(flow) = store.flow(self.flow.id)? {
            (self.revision, self.flow) = (flow.revision(), Stored::into_inner(flow));
        }
        Ok(())
    }

    /// The same without what its stream tells of time: of an earlier flow.
    pub(crate) fn of_earlier(store: &Store, flow: Flow) -> Result<Option<Self>, StoreError> {
        let read = Self::read(store, (flow.started_at.0, Revision(0)), flow)?;
        Ok(read.map(|(reading, _)| reading))
    }

    fn read(
        store: &Store,
        (key, revision): (i64, Revision),
        flow: Flow,
    ) -> Result<Option<(Self, &'static dyn Dialect)>, StoreError> {
        let dialect = dialect_for(&flow.method, &flow.host, &flow.path);
        let Some((_, dialect)) = dialect.filter(|_| !flow.is_own_check()) else { return Ok(None) };
        let message = store.message(flow.id)?.map(Stored::into_inner);
        let told = if is_count(&flow.path) { Told::default() } else { told(store, flow.id)? };
        Ok(Some((Self { key, revision, flow, message, told, blocks: None, pause: None }, dialect)))
    }

    /// Whether something of the answer was not captured, or not kept.
    pub(crate) fn has_gap(&self) -> bool {
        let flow = &self.flow;
        flow.response_gap.chunks > 0
            || flow.dropped_events > 0
            || self.message.as_ref().is_some_and(|message| message.truncated)
    }
}

/// Whether a call only counts tokens: nobody answers it.
fn is_count(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    ["/count_tokens", ":countTokens", "/count-tokens"].into_iter().any(|end| path.ends_with(end))
}

/// What the request tells. Of a long conversation only the end is read, if that is enough.
pub(super) fn told(store: &Store, id: FlowId) -> Result<Told, StoreError> {
    if let Some(end) = store.request_end(id, LAST_PIECES)?
        && let Some(told) = tools::of_request_end(&end)
    {
        return Ok(told);
    }
    let body = store.body(id, Side::Client)?;
    Ok(body.map_or_else(Told::default, |body| tools::of_request(&body.bytes)))
}
