//! The lens on findings: tells the detectors what was read of each flow.

use std::collections::BTreeMap;
use std::sync::Arc;

use langley_model::{
    Content, Finding, Flow, Message, Micros, Redacted, Redactor, Stored, ToolOutcome,
};
use langley_protocol::tools::{digest, plain_json};
use langley_store::{Analysis, CallEntry, FlowFilter, Kept, Store, StoreError};

use super::calls::made;
use super::told_outcome::told_outcome;
use super::{Lens, Reading};
use crate::findings::{
    CallMade, Facts, Limits, Prices, ResultSeen, Secret, SecretPlace, Stored as Sources, Watch,
    unrecorded, violation,
};

/// The rule of images: their bytes are replaced to save room.
const IMAGES: &str = "base64_image";

/// Flows among which one is looked for that was recorded after others were not.
const NEXT: usize = 50;

/// The lens.
pub(crate) struct Found {
    watch: Watch,
    prices: Arc<dyn Prices>,
    redactor: Arc<Redactor>,
    found: Vec<Redacted<Finding>>,
    /// What was told of flows that are not recorded at all, and when the last of them was given up.
    told_unrecorded: Option<(Micros, Finding)>,
}

impl Found {
    pub(crate) fn new(limits: &Limits, prices: Arc<dyn Prices>, redactor: Arc<Redactor>) -> Self {
        let watch = Watch::new(limits.clone());
        Self { watch, prices, redactor, found: Vec::new(), told_unrecorded: None }
    }
}

impl Lens for Found {
    fn look(&mut self, store: &Store, reading: &mut Reading) -> Result<(), StoreError> {
        let read = |flow: Flow| {
            let reading = Reading::of_earlier(store, flow)?;
            reading.map(|reading| remembered(store, &reading)).transpose()
        };
        let sources = Sources { store, prices: &*self.prices, of: reading.flow.id, read };
        let facts = Facts {
            pause: reading.pause,
            secrets: secrets(reading),
            ..remembered(store, reading)?
        };
        let found = self.watch.observe(&facts, &sources)?;
        self.found.extend(found.into_iter().map(|finding| self.redactor.seal(finding)));
        Ok(())
    }

    /// Looks for flows that are not recorded at all; told once one is recorded after them.
    fn wait(&mut self, store: &Store, _now: Micros) -> Result<bool, StoreError> {
        let lost = store.unrecorded()?;
        let Some(at) = lost.last_at else { return Ok(false) };
        // A finding goes with the flow that is its evidence, and what it tells is as true as before.
        if let Some((last, told)) = &self.told_unrecorded
            && *last >= at
            && store.kept_finding(told)? != Kept::Not
        {
            return Ok(false);
        }
        let after = FlowFilter { since: Some(at), ..FlowFilter::default() };
        let next = store.flows_oldest_first(&after, None, NEXT)?.items;
        let Some(next) = next.iter().find(|flow| !flow.is_open() && !flow.is_own_check()) else {
            return Ok(false);
        };
        let finding = unrecorded(next, lost);
        self.found.push(self.redactor.seal(finding.clone()));
        self.told_unrecorded = Some((at, finding));
        Ok(true)
    }

    fn tell(&mut self, work: &mut Analysis) {
        work.findings.append(&mut self.found);
    }
}

/// Puts to calls that have just been looked at what is wrong about them, whichever flow they are of.
pub(super) fn of_calls(
    store: &Store,
    redactor: &Redactor,
    calls: &mut [CallEntry],
) -> Result<(), StoreError> {
    let mut last: Option<(i64, Option<Flow>)> = None;
    for entry in calls {
        let Some(call) = entry.call.as_ref().filter(|call| !call.violations.is_empty()) else {
            continue;
        };
        // The calls of a flow stand together.
        if last.as_ref().is_none_or(|(key, _)| *key != entry.key) {
            last = Some((entry.key, store.flow_of_key(entry.key)?.map(Stored::into_inner)));
        }
        // The flow may have been removed.
        let Some((_, Some(flow))) = &last else { continue };
        let found = call.violations.iter().map(|it| violation(flow, &call.name, it));
        entry.findings = found.map(|finding| redactor.seal(finding)).collect();
    }
    Ok(())
}

/// What is remembered of a flow for those that follow it.
fn remembered(store: &Store, reading: &Reading) -> Result<Facts, StoreError> {
    let flow = &reading.flow;
    let message = reading.message.as_ref();
    Ok(Facts {
        body: store.request_number(flow.id)?,
        calls: message.map(calls).unwrap_or_default(),
        results: results(reading),
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
