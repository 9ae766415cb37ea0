//! Cache breaks: what an earlier request had made readable, and this one was billed for again; with the
//! first part that is not the same, and what it cost.

use std::time::Duration;

use langley_model::{Finding, FindingKind, FindingUnit, Severity, Tokens};
use langley_store::StoreError;

use super::words::{by_agent, finding, grouped, lasting, number, span};
use crate::findings::facts::{Facts, between};
use crate::findings::limits::Limits;
use crate::findings::prompt::{Change, Diverged, Prompt, Spot};
use crate::findings::session_memory::Asked;
use crate::findings::sources::Sources;

/// Less of a request than so many of a thousand that is known and was not read is within what bytes tell
/// of tokens.
const DOUBT_PERMILLE: u64 = 250;

/// Why a cached beginning was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    /// It was kept long enough, and nobody asked in that time.
    Expired { idle: Duration, life: Duration },
    /// A part is not the same.
    Diverged(Diverged),
    /// All is the same, and it should still have been there.
    Evicted,
}

impl Cause {
    /// The word in the finding's subject, and in what is told of causes.
    const fn word(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "ttl_expired",
            Self::Evicted => "provider_evicted",
            Self::Diverged(diverged) => match diverged.spot {
                Spot::Tool(_) => "tools_changed",
                Spot::System(_) => "system_changed",
                Spot::Turn(_) => "history_edited",
                Spot::Parameter(_) => "parameters_changed",
            },
        }
    }
}

/// A cache break; none where nothing was readable, where this is no continuation of it, or where all of it
/// was read.
pub(super) fn broken(
    facts: &Facts,
    earlier: &[Asked],
    limits: &Limits,
    sources: &dyn Sources,
) -> Result<Option<Finding>, StoreError> {
    let Some(Tokens(read)) = facts.flow.usage.cache_read.filter(|_| facts.is_answered()) else {
        return Ok(None);
    };
    let mut now = None;
    for before in earlier.iter().rev() {
        let lost = before.readable.saturating_sub(read);
        // What another request of the same moment wrote could not be read yet.
        if lost < limits.cache_break_tokens || before.readable_at > facts.flow.started_at {
            continue;
        }
        if now.is_none() {
            now = sources.prompt(facts.flow.id)?;
        }
        let Some(now) = &now else { return Ok(None) };
        let Some(prompt) = sources.prompt(before.flow)? else { continue };
        if now.goes_on_from(&prompt) {
            let wasted = lost.min(facts.billed_again());
            let is_one =
                wasted >= limits.cache_break_tokens && is_sent_again(facts, now, &prompt, read);
            let cause = Cause::of(facts, before, now, &prompt);
            return Ok(is_one.then(|| worded(facts, before, &cause, wasted, sources)));
        }
    }
    Ok(None)
}

/// Whether what was readable is still part of the request: of a conversation that was taken up at an earlier
/// place, or that was compacted, only what is left could be read.
fn is_sent_again(facts: &Facts, now: &Prompt, before: &Prompt, read: u64) -> bool {
    let Some(context) = facts.context() else { return false };
    let is_rewritten = now.turn_count() < before.turn_count()
        || matches!(now.diverged(before), Some(Diverged { spot: Spot::Turn(_), .. }));
    let known = context.saturating_mul(now.known_permille(before)) / 1_000;
    !is_rewritten || known.saturating_sub(read) > context * DOUBT_PERMILLE / 1_000
}

impl Cause {
    fn of(facts: &Facts, before: &Asked, now: &Prompt, prompt: &Prompt) -> Self {
        let idle = between(before.started_at, facts.flow.started_at).unwrap_or_default();
        if idle > before.life {
            return Self::Expired { idle, life: before.life };
        }
        now.diverged(prompt).map_or(Self::Evicted, Self::Diverged)
    }

    /// What it is about; the same cause in the same place is the same finding, however often it comes.
    fn subject(&self) -> String {
        match self {
            // Each turn has a place of its own.
            Self::Diverged(Diverged { spot: Spot::Turn(_), .. })
            | Self::Expired { .. }
            | Self::Evicted => self.word().to_owned(),
            Self::Diverged(diverged) => format!("{} {}", self.word(), diverged.spot),
        }
    }

    fn why(&self) -> String {
        match self {
            Self::Expired { idle, life } => format!(
                "Nothing was asked for {}; the cache keeps what was written for {}.",
                lasting(*idle),
                lasting(*life)
            ),
            Self::Evicted => String::from(
                "The request begins as the one before it, within the cache's life: the provider gave it up, or looked for it no further back than 20 blocks.",
            ),
            Self::Diverged(Diverged { spot, change }) => match (spot, change) {
                (Spot::Tool(name), change) => {
                    format!("The tools changed: {name} was {}.", change.as_str())
                }
                (Spot::System(_), _) => {
                    format!("The system prompt changed: {spot} is not what it was.")
                }
                (Spot::Turn(_), Change::Removed) => {
                    format!("The history was edited: {spot} was removed.")
                }
                (Spot::Turn(_), _) => format!("The history was edited: {spot} is not what it was."),
                (Spot::Parameter(name), _) => {
                    format!("The parameter {name} changed, which the cache compares as well.")
                }
            },
        }
    }

    const fn next(&self) -> &'static str {
        match self {
            Self::Expired { .. } => {
                "Where work often rests for longer, a cache of an hour costs less than writing it again."
            }
            Self::Evicted => {
                "One by itself happens; if it goes on, look at how the agent marks what is to be cached."
            }
            Self::Diverged(diverged) => match diverged.spot {
                Spot::Tool(_) => {
                    "Connect servers before a session begins, and keep the list of tools as it is."
                }
                Spot::System(_) => {
                    "Keep what changes (time, state of files) out of the system prompt."
                }
                Spot::Turn(_) => {
                    "Add to a conversation at its end; look at what the agent, or a hook, changes in it."
                }
                Spot::Parameter(_) => "Choose it when a session begins, and leave it.",
            },
        }
    }
}

fn worded(
    facts: &Facts,
    before: &Asked,
    cause: &Cause,
    wasted: u64,
    sources: &dyn Sources,
) -> Finding {
    let mut found = finding(facts, FindingKind::CacheBreak, by_agent(facts, &cause.subject()));
    let read = facts.flow.usage.cache_read.map_or(0, |Tokens(read)| read);
    found.severity = match cause {
        Cause::Diverged(_) => Severity::Warning,
        Cause::Expired { .. } | Cause::Evicted => Severity::Info,
    };
    found.title = match cause {
        Cause::Expired { .. } => format!("The cache expired: {} tokens again", grouped(wasted)),
        Cause::Evicted => format!("The provider gave a cache up: {} tokens again", grouped(wasted)),
        Cause::Diverged(diverged) => {
            format!("{} broke the cache: {} tokens again", diverged.spot, grouped(wasted))
        }
    };
    found.what = format!(
        "{} tokens could be read from the cache, {} were; {} were billed again.",
        grouped(before.readable),
        grouped(read),
        grouped(wasted)
    );
    found.why = Some(cause.why());
    found.next = cause.next().to_owned();
    found.numbers = vec![
        number("readable", before.readable, FindingUnit::Tokens),
        number("cache_read", read, FindingUnit::Tokens),
        number("wasted", wasted, FindingUnit::Tokens),
    ];
    found
        .numbers
        .extend(between(before.started_at, facts.flow.started_at).map(|idle| span("idle", idle)));
    found.baseline = Some(number("readable", before.readable, FindingUnit::Tokens));
    found.beside = vec![before.flow];
    found.cost =
        sources.prices().pricing(&facts.flow).wasted(&facts.flow, wasted).filter(|cost| cost.0 > 0);
    found
}
