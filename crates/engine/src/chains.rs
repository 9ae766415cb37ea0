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

use crate::inference_key::InferenceKey;
use crate::recent::Recent;
use crate::session::{Rung, WorkedOut};
use crate::turns::{Digester, Turns};

/// Answers, requests, and openings that are remembered, each.
const REMEMBERED: usize = 4_096;

/// Stretches that began alike and are remembered; a program that has more of them open at once begins some
/// anew.
const ALIKE: usize = 64;

/// The ids that are made here begin so.
pub(crate) const MADE: &str = "inferred-";

/// How sessions and tasks are worked out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Rests that are longer end what was inferred.
    pub(crate) idle_gap: Duration,
    /// Whether tasks are inferred at all.
    pub(crate) infers_tasks: bool,
    /// What ids are made with.
    pub(crate) key: InferenceKey,
}

/// What is remembered of conversations.
#[derive(Debug)]
pub(crate) struct Chains {
    rules: Rules,
    digester: Digester,
    /// Sessions of answers that a request may name.
    answers: Recent<Link>,
    /// Sessions of requests that a longer one may repeat.
    heads: Recent<Arc<str>>,
    /// What is going on, or was a moment ago.
    stretches: Recent<Vec<Stretch>>,
}

/// The session of an answer.
#[derive(Clone, Debug)]
struct Link {
    session: Arc<str>,
    /// Whether a request stated it, so that it names a task as well.
    is_stated: bool,
}

/// A time in which one thing followed another. Of several that began alike those are remembered that have open
/// flows, and the one that was active last.
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
pub(crate) fn who(digester: &Digester, flow: &Flow) -> u64 {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    // Each connection has a port of its own.
    let client = text(&flow.client_addr);
    let client = client.rsplit_once(':').map_or(client.as_str(), |(address, _)| address);
    let pid = flow.client_pid.unwrap_or_default().to_string();
    let process = [&*text(&flow.user_agent), &*text(&flow.client_process), &*pid];
    digester.digest(b"who", &[process[0], process[1], process[2], client, &flow.host])
}

impl Chains {
    pub(crate) fn new(rules: Rules, known: &[Flow]) -> Self {
        let mut chains = Self {
            rules,
            digester: Digester::new(rules.key),
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
                self.begin(base, &id, last);
            }
        }
        if let (Some(session), Some(message)) = (session, &flow.message_id) {
            self.answered(message, &session.id, read(&session.id).is_none());
        }
    }

    /// The session and the task of a request that states none.
    pub(crate) fn work_out(&mut self, asked: Asked<'_>) -> WorkedOut {
        let Asked { host, at, previous, turns, wants_task } = asked;
        let named = previous.and_then(|id| {
            let answer = self.digester.digest(b"answer", &[id]);
            self.answers.get(answer).cloned()
        });
        let mut found = WorkedOut::default();
        if let Some(link) = named {
            // What is said beside it is only what is new.
            found.session = Some((Rung::PreviousResponse, link.session, link.is_stated));
        } else if let Some(turns) = turns {
            let base = self.rules.key.base(turns.base());
            let earlier = turns.earlier().find_map(|head| self.heads.get(head).cloned());
            let (rung, session) = match earlier {
                Some(session) => (Rung::MessageChain, session),
                None => (Rung::Inferred, self.going_on(base, at)),
            };
            self.begin(base, &session, at).open += 1;
            found.open.push((base, Arc::clone(&session)));
            self.heads.put(turns.head(), Arc::clone(&session));
            found.session = Some((rung, session, false));
        }
        let is_stated = found.session.as_ref().is_some_and(|(.., is_stated)| *is_stated);
        if wants_task && !is_stated && self.rules.infers_tasks {
            let base = self.rules.key.base(self.digester.digest(b"task", &[host]));
            let task = self.going_on(base, at);
            self.begin(base, &task, at).open += 1;
            found.open.push((base, Arc::clone(&task)));
            found.task = Some(task);
        }
        found
    }

    /// An answer has this id: a request may name it.
    pub(crate) fn answered(&mut self, message_id: &str, session: &str, is_stated: bool) {
        let link = Link { session: session.into(), is_stated };
        self.answers.put(self.digester.digest(b"answer", &[message_id]), link);
    }

    /// A flow has ended that was a part of these stretches.
    pub(crate) fn leave(&mut self, open: &[(u64, Arc<str>)], at: Micros) {
        for (base, id) in open {
            let alike = self.stretches.get(*base).into_iter().flatten();
            for stretch in alike.filter(|stretch| stretch.id == *id) {
                stretch.open = stretch.open.saturating_sub(1);
                stretch.last = stretch.last.max(at);
            }
        }
    }

    /// What goes on from `base` at a time: of several the one that was active last; something new after a
    /// rest.
    fn going_on(&mut self, base: u64, at: Micros) -> Arc<str> {
        let gap = i64::try_from(self.rules.idle_gap.as_micros()).unwrap_or(i64::MAX);
        let alike = self.stretches.get(base).into_iter().flatten();
        let goes_on = |it: &&mut Stretch| it.open > 0 || at.0.saturating_sub(it.last.0) <= gap;
        let last = alike.filter(goes_on).max_by_key(|stretch| stretch.last);
        last.map_or_else(|| made(base, at), |stretch| Arc::clone(&stretch.id))
    }

    /// The stretch of `id`, which is active at a time.
    fn begin(&mut self, base: u64, id: &Arc<str>, at: Micros) -> &mut Stretch {
        let alike = self.stretches.of(base);
        let place = alike.iter().position(|stretch| stretch.id == *id);
        let mut stretch = match place {
            Some(place) => alike.swap_remove(place),
            None => Stretch { id: Arc::clone(id), last: at, open: 0 },
        };
        stretch.last = stretch.last.max(at);
        let newest = alike.iter().map(|it| it.last).max();
        alike.retain(|it| it.open > 0 || Some(it.last) == newest);
        if alike.len() >= ALIKE {
            alike.sort_by_key(|it| std::cmp::Reverse(it.last));
            alike.truncate(ALIKE - 1);
        }
        alike.push(stretch);
        let last = alike.len() - 1;
        &mut alike[last]
    }
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
