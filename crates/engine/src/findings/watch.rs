//! The watch: takes the facts of one flow after the other and says what is to be found in each.

use std::collections::VecDeque;

use langley_model::{Finding, FindingKind};
use langley_store::StoreError;

use super::call_memory::push_within;
use super::detectors;
use super::facts::Facts;
use super::limits::Limits;
use super::session_memory::SessionMemory;
use super::sources::Sources;

/// Sessions that are remembered; one that comes back later is read from the store.
const SESSIONS: usize = 1_024;

/// Models whose missing price was told.
const MODELS: usize = 64;

/// Flows of a session that are read back when it is not remembered.
const READ_BACK: usize = 16;

/// What watches over sessions.
#[derive(Debug)]
pub struct Watch {
    limits: Limits,
    /// The one that was used last is the last.
    sessions: VecDeque<(String, SessionMemory)>,
    /// The day of which it is known that it went beyond its budget.
    dear_day: Option<i64>,
    /// Models without a price, with the day for which that was said: each flow of theirs would be evidence.
    unpriced: VecDeque<(String, i64)>,
}

impl Watch {
    /// A watch that remembers nothing yet.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, sessions: VecDeque::new(), dear_day: None, unpriced: VecDeque::new() }
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
        if facts.flow.is_own_check() {
            return Ok(Vec::new());
        }
        let mut found = detectors::of_flow(facts, &self.limits, sources)?;
        found.retain(|one| {
            one.kind != FindingKind::UnpricedModel || self.is_news(&one.subject, facts)
        });
        found.extend(self.of_day(facts, sources)?);
        let Some(session) = facts.session().map(str::to_owned) else { return Ok(found) };
        let mut memory = self.recall(&session, facts, sources)?;
        // What could not be read to its end is forgotten, and read back with the next flow.
        found.extend(detectors::of_session(facts, &mut memory, &self.limits, sources)?);
        push_within(&mut self.sessions, (session, memory), SESSIONS);
        Ok(found)
    }

    /// What is known of a session, taken out of memory or read back.
    fn recall(
        &mut self,
        session: &str,
        facts: &Facts,
        sources: &dyn Sources,
    ) -> Result<SessionMemory, StoreError> {
        if let Some(at) = self.sessions.iter().rposition(|(known, _)| known == session)
            && let Some((_, memory)) = self.sessions.remove(at)
        {
            return Ok(memory);
        }
        let mut memory = SessionMemory::default();
        for earlier in sources.before(&facts.flow, READ_BACK)? {
            memory.note(&earlier, &self.limits);
        }
        Ok(memory)
    }

    /// Whether it was not said of this model and day before.
    fn is_news(&mut self, model: &str, facts: &Facts) -> bool {
        let said = (model.to_owned(), detectors::day_of(facts.flow.started_at));
        let is_news = !self.unpriced.contains(&said);
        if is_news {
            push_within(&mut self.unpriced, said, MODELS);
        }
        is_news
    }

    fn of_day(
        &mut self,
        facts: &Facts,
        sources: &dyn Sources,
    ) -> Result<Option<Finding>, StoreError> {
        let Some(limit) = self.limits.daily_cost else { return Ok(None) };
        let day = detectors::day_of(facts.flow.started_at);
        if facts.flow.cost.is_none() || self.dear_day == Some(day) {
            return Ok(None);
        }
        let spent = sources.spent(&facts.flow)?;
        let found = spent.and_then(|spent| detectors::daily_budget(facts, spent, limit));
        if found.is_some() {
            self.dear_day = Some(day);
        }
        Ok(found)
    }
}
