//! The watch: takes the facts of one flow after the other and says what is to be found in each.

use std::collections::VecDeque;

use langley_model::{Finding, FindingKind, MicroUsd};
use langley_protocol::tools::digest;
use langley_store::{Kept, StoreError};

use super::call_memory::push_within;
use super::detectors;
use super::facts::Facts;
use super::limits::Limits;
use super::session_memory::SessionMemory;
use super::sources::{DayPart, Sources};

/// Sessions that are remembered; one that comes back later is read from the store.
const SESSIONS: usize = 1_024;

/// Bytes that they take together, about; of more the one that was used longest ago is forgotten.
const ROOM: usize = 32 << 20;

/// Models whose missing price was told, and days of which it is known that they went beyond their budget.
const SAID: usize = 64;

/// Flows of a session that are read back when it is not remembered.
const READ_BACK: usize = 16;

/// What watches over sessions.
#[derive(Debug)]
pub struct Watch {
    limits: Limits,
    /// The one that was used last is the last.
    sessions: VecDeque<Remembered>,
    /// Bytes that they take together.
    bytes: usize,
    room: usize,
    dear_days: VecDeque<i64>,
    /// Digests of models without a price, with the day for which that was said: each flow of theirs would be
    /// evidence.
    unpriced: VecDeque<(u64, i64)>,
}

/// A session with the bytes that it takes.
#[derive(Debug)]
struct Remembered {
    session: String,
    memory: SessionMemory,
    bytes: usize,
}

impl Watch {
    /// A watch that remembers nothing yet.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self::within(limits, ROOM)
    }

    /// The same, with room for so many bytes about sessions.
    pub(super) const fn within(limits: Limits, room: usize) -> Self {
        Self {
            limits,
            sessions: VecDeque::new(),
            bytes: 0,
            room,
            dear_days: VecDeque::new(),
            unpriced: VecDeque::new(),
        }
    }

    /// What the next flow shows. Flows come in the order in which they began; telling of one again is
    /// harmless for what is kept.
    ///
    /// # Errors
    /// A failure of the store; then nothing of this flow is remembered, and it may come again.
    pub fn observe(
        &mut self,
        facts: &Facts,
        sources: &dyn Sources,
    ) -> Result<Vec<Finding>, StoreError> {
        let mut found = detectors::of_flow(facts, &self.limits, sources)?;
        let dear = self.of_day(facts, sources)?;
        if let Some(session) = facts.session() {
            // What was looked at before, as when it is priced anew, is looked at among what was before it then.
            let is_again = sources.is_shown_by(facts.flow.id)?;
            let mut memory = if is_again {
                self.read_back(facts, sources)?
            } else {
                self.recall(session, facts, sources)?
            };
            // What could not be read to its end is forgotten, and read back with the next flow.
            found.extend(detectors::of_session(facts, &mut memory, &self.limits, sources)?);
            if !is_again {
                self.remember(session.to_owned(), memory);
            }
        }
        // Nothing fails any more: what is said from here on is said.
        found.retain(|one| {
            one.kind != FindingKind::UnpricedModel || self.is_news(&one.subject, facts)
        });
        if let Some((day, dear)) = dear {
            push_within(&mut self.dear_days, day, SAID);
            found.extend(dear);
        }
        Ok(found)
    }

    /// What is known of a session, taken out of memory or read back.
    fn recall(
        &mut self,
        session: &str,
        facts: &Facts,
        sources: &dyn Sources,
    ) -> Result<SessionMemory, StoreError> {
        if let Some(at) = self.sessions.iter().rposition(|known| known.session == session)
            && let Some(known) = self.sessions.remove(at)
        {
            self.bytes -= known.bytes;
            return Ok(known.memory);
        }
        self.read_back(facts, sources)
    }

    /// What was of a session before a flow of it.
    fn read_back(&self, facts: &Facts, sources: &dyn Sources) -> Result<SessionMemory, StoreError> {
        let recalled = sources.before(&facts.flow, READ_BACK)?;
        let mut memory = SessionMemory::new(recalled.is_all);
        for earlier in recalled.facts {
            memory.note(&earlier, &self.limits);
        }
        Ok(memory)
    }

    fn remember(&mut self, session: String, memory: SessionMemory) {
        let bytes = size_of::<Remembered>() + session.len() + memory.bytes();
        self.bytes += bytes;
        self.sessions.push_back(Remembered { session, memory, bytes });
        while self.bytes > self.room || self.sessions.len() > SESSIONS {
            let Some(forgotten) = self.sessions.pop_front() else { break };
            self.bytes -= forgotten.bytes;
        }
    }

    /// Bytes that the sessions take which it remembers.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many sessions it remembers.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.sessions.len()
    }

    /// Whether it was not said of this model and day before.
    fn is_news(&mut self, model: &str, facts: &Facts) -> bool {
        let said = (digest(model.as_bytes()), detectors::day_of(facts.flow.started_at));
        let is_news = !self.unpriced.contains(&said);
        if is_news {
            push_within(&mut self.unpriced, said, SAID);
        }
        is_news
    }

    /// The day, if it is now known that it went beyond its budget, and the finding where that was never said.
    fn of_day(
        &mut self,
        facts: &Facts,
        sources: &dyn Sources,
    ) -> Result<Option<(i64, Option<Finding>)>, StoreError> {
        let Some(limit) = self.limits.daily_cost else { return Ok(None) };
        let day = detectors::day_of(facts.flow.started_at);
        if facts.flow.cost.is_none() {
            return Ok(None);
        }
        let beyond = |part| {
            let spent = sources.spent(&facts.flow, part)?;
            Ok::<_, StoreError>(spent.and_then(|it| detectors::daily_budget(facts, it, limit)))
        };
        let is_known = self.dear_days.contains(&day);
        let found = if is_known {
            detectors::daily_budget(facts, MicroUsd(limit.0.saturating_add(1)), limit)
        } else {
            beyond(DayPart::UpToFlow)?
        };
        let Some(found) = found else { return Ok(None) };
        let found = match sources.kept(&found)? {
            // It was said, and is not kept yet; or prices changed since, and it may be true again at others.
            Kept::Not if is_known => {
                if beyond(DayPart::Whole)?.is_none() {
                    self.dear_days.retain(|known| *known != day);
                    return Ok(None);
                }
                None
            }
            Kept::Not => Some(found),
            // Once for a day: what it is beyond would be added up with each start.
            Kept::ShownByOthers => None,
            // It is looked at once more because prices changed: what is true of the day now.
            Kept::ShownByIt => beyond(DayPart::Whole)?,
        };
        Ok(Some((day, found)))
    }
}
