//! The lens on findings: tells the detectors what was read of each flow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use langley_model::{
    Content, Finding, Flow, Message, Micros, Redacted, Redactor, Revision, ToolOutcome,
};
use langley_protocol::tools::{digest, plain_json};
use langley_store::{Analysis, CallEntry, Store, StoreError, Unread};

use super::calls::made;
use super::told_outcome::told_outcome;
use super::{Lens, Reading};
use crate::findings::{
    CallMade, Facts, Limits, Pause, Prices, ResultSeen, Secret, SecretPlace, Stored, Watch,
    violations,
};

/// Longer streams are not looked through for a pause.
const MOST_EVENTS: u64 = 20_000;

/// Events of one page.
const PAGE: usize = 500;

/// The rule of images: their bytes are replaced to save room.
const IMAGES: &str = "base64_image";

/// The lens.
pub(crate) struct Found {
    watch: Watch,
    prices: Arc<dyn Prices>,
    redactor: Arc<Redactor>,
    /// From which time without an event on a stream is looked through.
    stall: Duration,
    found: Vec<Redacted<Finding>>,
}

impl Found {
    pub(crate) fn new(limits: &Limits, prices: Arc<dyn Prices>, redactor: Arc<Redactor>) -> Self {
        let watch = Watch::new(limits.clone());
        Self { watch, prices, redactor, stall: limits.stall, found: Vec::new() }
    }
}

impl Lens for Found {
    fn look(&mut self, store: &Store, reading: &Reading) -> Result<(), StoreError> {
        let stall = self.stall;
        let read = |flow: Flow| {
            // Of an earlier flow everything is read that is read of a new one.
            let revision = Revision::default();
            let unread = Unread { key: flow.started_at.0, flow: flow.id, revision };
            let reading = Reading::of(store, &unread)?;
            reading.map(|reading| facts(store, &reading, stall)).transpose()
        };
        let sources = Stored { store, prices: &*self.prices, read };
        let facts = facts(store, reading, stall)?;
        let found = self.watch.observe(&facts, &sources)?;
        self.found.extend(found.into_iter().map(|finding| self.redactor.seal(finding)));
        Ok(())
    }

    fn wait(&mut self, _store: &Store, _now: Micros) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn tell(&mut self, work: &mut Analysis) {
        work.findings.append(&mut self.found);
    }
}

/// What was wrong about calls that have just been looked at, whichever flow they are of.
pub(super) fn of_calls(
    store: &Store,
    redactor: &Redactor,
    calls: &[CallEntry],
) -> Result<Vec<Redacted<Finding>>, StoreError> {
    let mut found = Vec::new();
    let mut by_flow: BTreeMap<i64, Vec<(&'static str, String)>> = BTreeMap::new();
    for entry in calls {
        let Some(call) = &entry.call else { continue };
        for violation in call.violations.iter() {
            let sentence = format!("{}: {}", call.name, violation.sentence());
            by_flow.entry(entry.key).or_default().push((violation.code(), sentence));
        }
    }
    for (key, wrong) in by_flow {
        // The flow may have been removed.
        let Some(flow) = store.flow_of_key(key)? else { continue };
        let facts = Facts { violations: wrong, ..Facts::new(flow.into_inner()) };
        found.extend(violations(&facts).into_iter().map(|finding| redactor.seal(finding)));
    }
    Ok(found)
}

/// What detectors are told of a flow.
fn facts(store: &Store, reading: &Reading, stall: Duration) -> Result<Facts, StoreError> {
    let flow = &reading.flow;
    let message = reading.message.as_ref();
    Ok(Facts {
        body: store.request_number(flow.id)?,
        calls: message.map(calls).unwrap_or_default(),
        results: results(reading),
        pause: pause(store, flow, stall)?,
        secrets: secrets(reading),
        ..Facts::new(flow.clone())
    })
}

/// The calls that the agent has to run.
fn calls(message: &Message) -> Vec<CallMade> {
    let own = made(message).into_iter().filter(|made| !made.server);
    own.map(|made| CallMade {
        key: made.key,
        tool: made.name.to_owned(),
        arguments: digest(plain_json(made.input).as_bytes()),
    })
    .collect()
}

fn results(reading: &Reading) -> Vec<ResultSeen> {
    let seen = reading.told.results.iter().map(|result| {
        let failed = match told_outcome(&result.content, result.failed) {
            ToolOutcome::Succeeded => Some(false),
            ToolOutcome::Failed | ToolOutcome::TimedOut => Some(true),
            ToolOutcome::Denied | ToolOutcome::Cancelled => None,
        };
        ResultSeen { key: result.key, failed }
    });
    seen.collect()
}

/// The longest time in which a streamed answer stood still; none where it was too short for one that matters.
fn pause(store: &Store, flow: &Flow, stall: Duration) -> Result<Option<Pause>, StoreError> {
    let Some(duration) = flow.duration.filter(|duration| *duration > stall) else {
        return Ok(None);
    };
    if flow.event_count < 2 || flow.event_count > MOST_EVENTS || flow.dropped_events > 0 {
        return Ok(None);
    }
    let mut longest: Option<Pause> = None;
    let mut last: Option<Duration> = None;
    let mut see = |at: Duration| {
        if let Some(after) = last {
            let lasted = at.saturating_sub(after);
            if longest.is_none_or(|pause| lasted > pause.lasted) {
                longest = Some(Pause { lasted, after });
            }
        }
        last = Some(at);
    };
    let mut after = None;
    loop {
        let Some(page) = store.events(flow.id, after, PAGE, None)? else { return Ok(None) };
        if page.damaged > 0 {
            return Ok(None);
        }
        page.items.iter().for_each(|event| see(Duration::from_micros(event.offset_us)));
        match page.next_after {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    // An answer that never went on.
    see(duration);
    Ok(longest)
}

/// Secrets in what is new, where none belongs.
fn secrets(reading: &Reading) -> Vec<Secret> {
    let mut found = Vec::new();
    let mut look = |place: SecretPlace, text: &str| {
        let mut counts = BTreeMap::new();
        Redactor::count_replaced(text.as_bytes(), &mut counts);
        let rules = counts.into_keys().filter(|rule| *rule != IMAGES);
        found.extend(rules.map(|rule| Secret { place, rule }));
    };
    for block in reading.message.iter().flat_map(|message| &message.blocks) {
        match &block.content {
            Content::Text { text, .. } | Content::Thinking { text, .. } => {
                look(SecretPlace::Answer, text);
            }
            Content::ToolUse { input, .. } | Content::ServerToolUse { input, .. } => {
                look(SecretPlace::ToolInput, input);
            }
            Content::RedactedThinking { .. }
            | Content::ServerToolResult { .. }
            | Content::Other { .. } => {}
        }
    }
    for result in &reading.told.results {
        look(SecretPlace::ToolResult, &result.content);
    }
    found.sort_unstable();
    found.dedup();
    found
}
