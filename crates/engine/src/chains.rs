//! Conversations that state no session: which of them a request goes on with, and the session and task that
//! are worked out for it.
//!
//! A request that names an earlier answer, or repeats an earlier request and adds to it, is of that one's
//! session, however long ago it was. One that only begins as others did is of the same session while its
//! program does not rest for longer than the idle gap. All that is known is bounded: what was not used for
//! longest is forgotten, and then a conversation that goes on looks as one that begins.

use std::sync::Arc;
use std::time::Duration;

use langley_model::{Flow, Micros};

use crate::recent::Recent;
use crate::session::{Rung, WorkedOut};
use crate::turns::{Turns, digest};

/// Answers, requests, and openings that are remembered, each.
const REMEMBERED: usize = 4_096;

/// The ids that are made here begin so.
const MADE: &str = "inferred-";

/// How sessions and tasks are worked out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Rests that are longer end what was inferred.
    pub(crate) idle_gap: Duration,
    /// Whether tasks are inferred at all.
    pub(crate) infers_tasks: bool,
}

/// What is remembered of conversations.
#[derive(Debug)]
pub(crate) struct Chains {
    rules: Rules,
    /// Sessions of answers that a request may name.
    answers: Recent<Link>,
    /// Sessions of requests that a longer one may repeat.
    heads: Recent<Arc<str>>,
    /// What is going on, or was a moment ago.
    stretches: Recent<Stretch>,
}

/// The session of an answer.
#[derive(Clone, Debug)]
struct Link {
    session: Arc<str>,
    /// Whether a request stated it, so that it names a task as well.
    is_stated: bool,
}

/// A time in which one thing followed another.
#[derive(Debug)]
struct Stretch {
    id: Arc<str>,
    last: Micros,
    /// Flows of it that have not ended.
    open: usize,
}

/// A request that states no session.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// Whom it asks.
    pub(crate) host: &'a str,
    /// When.
    pub(crate) at: Micros,
    /// The answer that it names.
    pub(crate) previous: Option<&'a str>,
    /// What was said so far.
    pub(crate) turns: Option<Turns>,
    /// Whether it has no task yet.
    pub(crate) wants_task: bool,
}

/// Who asks whom: the program, where it runs, and the host.
pub(crate) fn who(flow: &Flow) -> u128 {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    // Each connection has a port of its own.
    let client = text(&flow.client_addr);
    let client = client.rsplit_once(':').map_or(client.as_str(), |(address, _)| address);
    let pid = flow.client_pid.unwrap_or_default().to_string();
    let process = [&*text(&flow.user_agent), &*text(&flow.client_process), &*pid];
    digest(b"who", &[process[0], process[1], process[2], client, &flow.host])
}

impl Chains {
    pub(crate) fn new(rules: Rules, known: &[Flow]) -> Self {
        let mut chains = Self {
            rules,
            answers: Recent::new(REMEMBERED),
            heads: Recent::new(REMEMBERED),
            stretches: Recent::new(REMEMBERED),
        };
        for flow in known {
            chains.recall(flow);
        }
        chains
    }

    /// Takes up what an earlier run has recorded of a flow.
    fn recall(&mut self, flow: &Flow) {
        let last = flow.ended_at.unwrap_or(flow.started_at);
        let session = flow.session.as_ref();
        for made in [session, flow.task.as_ref()].into_iter().flatten() {
            if let Some((base, id)) = read(&made.id) {
                self.begin(base, id, last);
            }
        }
        if let (Some(session), Some(message)) = (session, &flow.message_id) {
            self.answered(message, &session.id, read(&session.id).is_none());
        }
    }

    /// The session and the task of a request that states none.
    pub(crate) fn work_out(&mut self, asked: Asked<'_>) -> WorkedOut {
        let Asked { host, at, previous, turns, wants_task } = asked;
        let named = previous.and_then(|id| self.answers.get(digest(b"answer", &[id])).cloned());
        let mut found = WorkedOut::default();
        if let Some(link) = named {
            // What is said beside it is only what is new.
            found.session = Some((Rung::PreviousResponse, link.session, link.is_stated));
        } else if let Some(turns) = turns {
            let base = short(turns.base());
            let earlier = turns.earlier().find_map(|head| self.heads.get(head).cloned());
            let (rung, session) = match earlier {
                Some(session) => (Rung::MessageChain, session),
                None => (Rung::Inferred, self.going_on(base, at)),
            };
            self.enter(base, &session, at);
            found.open.push(base);
            self.heads.put(turns.head(), Arc::clone(&session));
            found.session = Some((rung, session, false));
        }
        let is_stated = found.session.as_ref().is_some_and(|(.., is_stated)| *is_stated);
        if wants_task && !is_stated && self.rules.infers_tasks {
            let base = short(digest(b"task", &[host]));
            let task = self.going_on(base, at);
            self.enter(base, &task, at);
            found.open.push(base);
            found.task = Some(task);
        }
        found
    }

    /// An answer has this id: a request may name it.
    pub(crate) fn answered(&mut self, message_id: &str, session: &str, is_stated: bool) {
        let link = Link { session: session.into(), is_stated };
        self.answers.put(digest(b"answer", &[message_id]), link);
    }

    /// A flow has ended that was a part of these stretches.
    pub(crate) fn leave(&mut self, open: &[u64], at: Micros) {
        for base in open {
            if let Some(stretch) = self.stretches.get(u128::from(*base)) {
                stretch.open = stretch.open.saturating_sub(1);
                stretch.last = stretch.last.max(at);
            }
        }
    }

    /// What goes on from `base` at a time; something new after a rest.
    fn going_on(&mut self, base: u64, at: Micros) -> Arc<str> {
        let gap = i64::try_from(self.rules.idle_gap.as_micros()).unwrap_or(i64::MAX);
        let known = self.stretches.get(u128::from(base));
        match known.filter(|it| it.open > 0 || at.0.saturating_sub(it.last.0) <= gap) {
            Some(stretch) => Arc::clone(&stretch.id),
            None => made(base, at),
        }
    }

    /// A flow of `id` begins.
    fn enter(&mut self, base: u64, id: &Arc<str>, at: Micros) {
        self.begin(base, Arc::clone(id), at);
        if let Some(stretch) = self.stretches.get(u128::from(base)) {
            stretch.open += 1;
        }
    }

    fn begin(&mut self, base: u64, id: Arc<str>, at: Micros) {
        match self.stretches.get(u128::from(base)) {
            Some(stretch) if stretch.id == id => stretch.last = stretch.last.max(at),
            // Of two that began alike the one that was active last goes on.
            Some(stretch) if stretch.last > at => {}
            _ => self.stretches.put(u128::from(base), Stretch { id, last: at, open: 0 }),
        }
    }
}

/// The half of a digest by which a stretch is known: it stands in its id.
const fn short(digest: u128) -> u64 {
    (digest >> 64) as u64
}

/// The id of what began at a time.
fn made(base: u64, at: Micros) -> Arc<str> {
    format!("{MADE}{base:016x}-{:x}", at.0).into()
}

/// What [`made`] wrote.
fn read(text: &str) -> Option<(u64, Arc<str>)> {
    let (base, at) = text.strip_prefix(MADE)?.split_once('-')?;
    i64::from_str_radix(at, 16).ok()?;
    Some((u64::from_str_radix(base, 16).ok()?, text.into()))
}
