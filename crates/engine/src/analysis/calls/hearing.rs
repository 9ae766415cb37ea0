//! What calls are told of by other sources than the wire, put to what the wire has of them.

use langley_model::{Flow, Micros};
use langley_protocol::tools::digest;
use langley_store::{Store, StoreError};

use super::super::heard::{Heard, Seen};
use super::super::known::Known;
use super::{Calls, Place, made};
use crate::lifecycle::Evidence;

impl Calls {
    /// Takes in what other sources tell of a call, of which the flow and the arguments are at hand or looked up.
    pub(super) fn hear(
        &mut self,
        store: &Store,
        place: Place,
        at_hand: Option<(&Flow, &str)>,
    ) -> Result<(), StoreError> {
        let Some(known) = self.known.get_mut(&place).filter(|known| !known.is_stray()) else {
            return Ok(());
        };
        let told = store.tool_evidence(known.call.key)?;
        if told.is_empty() {
            return Ok(());
        }
        let name = known.call.name.clone();
        let hear = |known: &mut Known, flow: &Flow, input: Option<&str>| {
            known.hear(Heard::of(&told, Seen { flow, key: place.0, name: &name, input }));
        };
        if let Some((flow, input)) = at_hand {
            hear(known, flow, Some(input));
            return Ok(());
        }
        let Some(flow) = store.flow_of_key(place.0)? else { return Ok(()) };
        let message = store.message(flow.id)?;
        let calls = message.as_ref().map(|message| made(message)).unwrap_or_default();
        let input = calls.get(place.1 as usize).map(|made| made.input);
        hear(known, &flow, input);
        Ok(())
    }

    /// Notes that hooks are installed that should have told of a call by the time that its result was sent, and have
    /// not: one told of another call of the session before.
    pub(super) fn miss_hook(
        &mut self,
        store: &Store,
        place: Place,
        key: i64,
    ) -> Result<(), StoreError> {
        let Some(known) = self.known.get_mut(&place) else { return Ok(()) };
        let may = !known.is_stray() && !known.call.server && !known.call.replayed;
        let Some(session) = known.session.as_deref().filter(|_| may) else { return Ok(()) };
        if store.has_hooks(digest(session.as_bytes()), Micros(known.key.min(key)))? {
            // Taken back by a word of a hook on this call, whenever it comes.
            known.see(Evidence::Unhooked);
        }
        Ok(())
    }
}
