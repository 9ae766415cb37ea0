//! What waits for one watcher: the newest state of each changed flow, and text run together.
//!
//! Keeping only the newest state makes a slow watcher cheap: a flow that changed a thousand times
//! is one entry. Past its bounds the mailbox is emptied and says so, once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use langley_model::{Flow, FlowId, KeptFinding, LiveKind, LiveText, Stored};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::hub::LiveOptions;

/// What a watcher wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// Summaries of changed flows.
    pub(super) flows: bool,
    /// Of this session only.
    pub(super) session: Option<String>,
    /// This flow closely: its summary, event counts and text.
    pub(super) flow: Option<FlowId>,
}

impl Scope {
    fn wants(&self, flow: &Flow) -> bool {
        self.flow == Some(flow.id) || (self.flows && self.in_session(flow))
    }

    fn in_session(&self, flow: &Flow) -> bool {
        self.is_session(flow.session.as_ref().map(|session| session.id.as_str()))
    }

    /// Findings of the wanted session, and those of none.
    fn wants_finding(&self, session: Option<&str>) -> bool {
        self.flows && (session.is_none() || self.is_session(session))
    }

    fn is_session(&self, session: Option<&str>) -> bool {
        self.session.as_deref().is_none_or(|wanted| session == Some(wanted))
    }
}

/// A run of live text of one block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) flow: FlowId,
    pub(super) block: u32,
    pub(super) kind: LiveKind,
    pub(super) text: String,
}

/// What a mailbox held.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// Something had to be thrown away: the watcher must load anew.
    pub(super) lost: bool,
    /// Text, in order.
    pub(super) spoken: Vec<Spoken>,
    /// Changed flows by ascending revision.
    pub(super) flows: Vec<Stored<Arc<Flow>>>,
    /// Findings that are new or have new evidence, by ascending number.
    pub(super) findings: Vec<Stored<Arc<KeptFinding>>>,
}

/// The mailbox of one watcher.
#[derive(Debug)]
pub(super) struct Mailbox {
    options: LiveOptions,
    state: Mutex<State>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// None until the watcher said what it wants: every flow is kept, so that none is missed
    /// between the greeting and the wish.
    scope: Option<Scope>,
    flows: HashMap<FlowId, Stored<Arc<Flow>>>,
    findings: BTreeMap<i64, Stored<Arc<KeptFinding>>>,
    spoken: Vec<Spoken>,
    spoken_bytes: usize,
    /// Where each flow's last run is in `spoken`.
    last_run: HashMap<FlowId, usize>,
    /// Open flows of the wanted session, for their text.
    of_session: HashSet<FlowId>,
    lost: bool,
    /// Anything at all happened since the last look, wanted or not.
    stirred: bool,
}

impl Mailbox {
    pub(super) fn new(options: LiveOptions) -> Self {
        Self { options, state: Mutex::default(), bell: Notify::new() }
    }

    pub(super) fn put_flow(&self, flow: &Stored<Arc<Flow>>) {
        let mut state = self.state.lock();
        let ring = state.note();
        if state.keeps_flow(flow) {
            let full = state.flows.len() >= self.options.pending_flows;
            if full && !state.flows.contains_key(&flow.id) {
                state.overflow();
            } else {
                state.flows.insert(flow.id, flow.clone());
            }
        }
        drop(state);
        if ring {
            self.bell.notify_one();
        }
    }

    pub(super) fn put_finding(&self, finding: &Stored<Arc<KeptFinding>>) {
        let mut state = self.state.lock();
        let session = finding.finding.session.as_deref();
        if !state.scope.as_ref().is_none_or(|scope| scope.wants_finding(session)) {
            return;
        }
        let ring = state.note();
        let full = state.findings.len() >= self.options.pending_flows;
        if full && !state.findings.contains_key(&finding.id) {
            state.overflow();
        } else {
            state.findings.insert(finding.id, finding.clone());
        }
        drop(state);
        if ring {
            self.bell.notify_one();
        }
    }

    pub(super) fn put_text(&self, text: &LiveText) {
        let mut state = self.state.lock();
        if !state.keeps_text(text.flow) {
            return;
        }
        let ring = state.note();
        if state.spoken_bytes + text.text.len() > self.options.pending_text_bytes {
            state.overflow();
        } else {
            state.speak(text);
        }
        drop(state);
        if ring {
            self.bell.notify_one();
        }
    }

    /// Throws everything away: the watcher must load anew.
    pub(super) fn lose(&self) {
        let mut state = self.state.lock();
        state.overflow();
        let ring = state.note();
        drop(state);
        if ring {
            self.bell.notify_one();
        }
    }

    /// From now on only what `scope` wants is kept; what waits is sifted.
    pub(super) fn narrow(&self, scope: Scope) {
        let mut state = self.state.lock();
        state.of_session.clear();
        state.spoken.clear();
        state.spoken_bytes = 0;
        state.last_run.clear();
        state.scope = Some(scope);
        let waiting = std::mem::take(&mut state.flows);
        for (id, flow) in waiting {
            if state.keeps_flow(&flow) {
                state.flows.insert(id, flow);
            }
        }
        if let Some(scope) = state.scope.clone() {
            state
                .findings
                .retain(|_, finding| scope.wants_finding(finding.finding.session.as_deref()));
        }
        state.stirred = true;
        drop(state);
        self.bell.notify_one();
    }

    /// The flow that is followed closely.
    pub(super) fn followed(&self) -> Option<FlowId> {
        self.state.lock().scope.as_ref().and_then(|scope| scope.flow)
    }

    /// Waits until something happened since the last [`Self::take`].
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Empties the mailbox.
    pub(super) fn take(&self) -> Delivery {
        let mut state = self.state.lock();
        state.stirred = false;
        state.spoken_bytes = 0;
        state.last_run.clear();
        let waiting = std::mem::take(&mut state.flows);
        let findings = std::mem::take(&mut state.findings);
        let delivery = Delivery {
            lost: std::mem::take(&mut state.lost),
            spoken: std::mem::take(&mut state.spoken),
            flows: Vec::new(),
            findings: findings.into_values().collect(),
        };
        drop(state);
        let mut flows: Vec<_> = waiting.into_values().collect();
        flows.sort_unstable_by_key(Stored::revision);
        Delivery { flows, ..delivery }
    }
}

impl State {
    /// Notes that something happened; whether the watcher must be woken for it.
    const fn note(&mut self) -> bool {
        let first = !self.stirred;
        self.stirred = true;
        first
    }

    fn keeps_flow(&mut self, flow: &Flow) -> bool {
        // Bounded by the flows that are open at once; a runaway costs text only.
        const FOLLOWED_MAX: usize = 4096;
        let Some(scope) = &self.scope else { return true };
        if scope.session.is_some() && scope.in_session(flow) {
            if !flow.is_open() {
                self.of_session.remove(&flow.id);
            } else if self.of_session.len() < FOLLOWED_MAX {
                self.of_session.insert(flow.id);
            }
        }
        scope.wants(flow)
    }

    fn keeps_text(&self, flow: FlowId) -> bool {
        let Some(scope) = &self.scope else { return false };
        match (scope.flow, &scope.session) {
            (Some(wanted), _) => wanted == flow,
            (None, Some(_)) => scope.flows && self.of_session.contains(&flow),
            (None, None) => scope.flows,
        }
    }

    fn speak(&mut self, text: &LiveText) {
        self.spoken_bytes += text.text.len();
        if let Some(run) = self.last_run.get(&text.flow).and_then(|run| self.spoken.get_mut(*run))
            && (run.block, run.kind) == (text.block, text.kind)
        {
            run.text.push_str(&text.text);
            return;
        }
        self.last_run.insert(text.flow, self.spoken.len());
        self.spoken.push(Spoken {
            flow: text.flow,
            block: text.block,
            kind: text.kind,
            text: text.text.to_string(),
        });
    }

    fn overflow(&mut self) {
        self.lost = true;
        self.flows = HashMap::new();
        self.findings = BTreeMap::new();
        self.spoken = Vec::new();
        self.spoken_bytes = 0;
        self.last_run = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    use langley_model::{Attributed, ConnectionId, Micros, Redactor, RedactorOptions, Revision};

    use super::*;

    fn flow(id: FlowId, revision: u64, session: Option<&str>) -> Stored<Arc<Flow>> {
        let mut flow = Flow::new(id, ConnectionId::new(), Micros(0));
        flow.session = session.map(|id| Attributed { id: id.into(), source: "header:test" });
        Stored::read_back(flow, Revision(revision)).shared()
    }

    fn text(flow: FlowId, block: u32, text: &str) -> LiveText {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        LiveText { flow, block, kind: LiveKind::Text, text: redactor.seal(text.to_owned()) }
    }

    fn everything() -> Scope {
        Scope { flows: true, session: None, flow: None }
    }

    fn revisions(delivery: &Delivery) -> Vec<u64> {
        delivery.flows.iter().map(|flow| flow.revision().0).collect()
    }

    #[test]
    fn a_flow_that_changes_often_is_one_entry_and_revisions_ascend() {
        let mailbox = Mailbox::new(LiveOptions::default());
        mailbox.narrow(everything());
        let (a, b) = (FlowId::new(), FlowId::new());
        for (id, revision) in [(a, 1), (b, 2), (a, 3), (a, 4)] {
            mailbox.put_flow(&flow(id, revision, None));
        }
        assert_eq!(revisions(&mailbox.take()), [2, 4]);
        assert!(revisions(&mailbox.take()).is_empty());
    }

    #[test]
    fn what_happens_before_the_wish_is_kept_and_sifted() {
        let mailbox = Mailbox::new(LiveOptions::default());
        mailbox.put_flow(&flow(FlowId::new(), 1, Some("a")));
        mailbox.put_flow(&flow(FlowId::new(), 2, Some("b")));
        mailbox.narrow(Scope { flows: true, session: Some("b".into()), flow: None });
        mailbox.put_flow(&flow(FlowId::new(), 3, Some("a")));
        mailbox.put_flow(&flow(FlowId::new(), 4, Some("b")));
        assert_eq!(revisions(&mailbox.take()), [2, 4]);
    }

    #[test]
    fn too_many_waiting_flows_are_thrown_away_and_told_once() {
        let options = LiveOptions { pending_flows: 2, ..LiveOptions::default() };
        let mailbox = Mailbox::new(options);
        mailbox.narrow(everything());
        for revision in 1..=4 {
            mailbox.put_flow(&flow(FlowId::new(), revision, None));
        }
        let delivery = mailbox.take();
        assert!(delivery.lost);
        assert_eq!(revisions(&delivery), [4]);
        assert!(!mailbox.take().lost);
    }

    #[test]
    fn text_of_one_block_runs_together_and_blocks_stay_in_order() {
        let mailbox = Mailbox::new(LiveOptions::default());
        mailbox.narrow(everything());
        let (a, b) = (FlowId::new(), FlowId::new());
        for piece in [text(a, 0, "Hel"), text(b, 0, "x"), text(a, 0, "lo"), text(a, 1, "!")] {
            mailbox.put_text(&piece);
        }
        let spoken = mailbox.take().spoken;
        let shown: Vec<_> =
            spoken.iter().map(|run| (run.flow, run.block, run.text.as_str())).collect();
        assert_eq!(shown, [(a, 0, "Hello"), (b, 0, "x"), (a, 1, "!")]);
    }

    #[test]
    fn text_follows_the_flow_or_the_session_that_was_asked_for() {
        let (a, b) = (FlowId::new(), FlowId::new());
        let one = Mailbox::new(LiveOptions::default());
        one.narrow(Scope { flow: Some(a), ..everything() });
        let session = Mailbox::new(LiveOptions::default());
        session.narrow(Scope { session: Some("s".into()), ..everything() });
        for mailbox in [&one, &session] {
            mailbox.put_flow(&flow(a, 1, Some("s")));
            mailbox.put_flow(&flow(b, 2, None));
            mailbox.put_text(&text(a, 0, "a"));
            mailbox.put_text(&text(b, 0, "b"));
            let delivery = mailbox.take();
            assert_eq!(delivery.spoken.len(), 1);
            assert_eq!(delivery.spoken[0].flow, a);
        }
    }

    #[test]
    fn text_beyond_the_bound_makes_the_watcher_resync() {
        let options = LiveOptions { pending_text_bytes: 8, ..LiveOptions::default() };
        let mailbox = Mailbox::new(options);
        mailbox.narrow(everything());
        mailbox.put_text(&text(FlowId::new(), 0, "12345678"));
        mailbox.put_text(&text(FlowId::new(), 0, "9"));
        let delivery = mailbox.take();
        assert!(delivery.lost);
        assert!(delivery.spoken.is_empty());
    }
}
