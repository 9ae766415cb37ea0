//! What is odd about a request by itself: its length, its price, and how often it was made.

use langley_model::{Finding, FindingKind, FindingUnit, MicroUsd, Micros, Severity};
use langley_store::StoreError;

use super::words::{by_agent, finding, grouped, lasting, model, number, span};
use crate::findings::facts::{Facts, between};
use crate::findings::limits::Limits;
use crate::findings::price::Prices;
use crate::findings::session_memory::{Asked, Loop, Storm, StormCause};
use crate::findings::sources::Sources;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// The day of UTC.
pub(in crate::findings) const fn day_of(at: Micros) -> i64 {
    at.0.div_euclid(DAY_US)
}

/// An amount in dollars and cents, or in as many places as it needs.
fn dollars(amount: MicroUsd) -> String {
    let MicroUsd(micro) = amount;
    let cents = (micro + 5_000) / 10_000;
    format!("${}.{:02}", cents / 100, cents % 100)
}

/// A request that fills much of what its model can read.
pub(super) fn large_context(
    facts: &Facts,
    limits: &Limits,
    prices: &dyn Prices,
) -> Option<Finding> {
    let context = facts.context()?;
    let window = prices.window(&facts.flow);
    let share = window.map(|window| window.saturating_mul(limits.context_percent) / 100);
    let is_full = share.is_some_and(|share| context >= share);
    if context < limits.context_tokens && !is_full {
        return None;
    }
    let mut found = finding(facts, FindingKind::LargeContext, by_agent(facts, "context"));
    found.severity = if is_full { Severity::Critical } else { Severity::Warning };
    found.title = format!("A request of {} tokens", grouped(context));
    found.what = match window {
        Some(window) => format!(
            "The request had {} tokens of the {} that {} can read.",
            grouped(context),
            grouped(window),
            model(facts)
        ),
        None => format!("The request had {} tokens.", grouped(context)),
    };
    found.why = Some(String::from(
        "Each turn sends all that was said before, and each result of a tool, again.",
    ));
    found.next = String::from(
        "Begin a new session for a new subject, or compact this one; `GET /api/analytics/context` shows what takes the room.",
    );
    found.numbers = vec![number("context", context, FindingUnit::Tokens)];
    found.numbers.extend(window.map(|window| number("window", window, FindingUnit::Tokens)));
    let bound =
        if is_full { share.unwrap_or(limits.context_tokens) } else { limits.context_tokens };
    found.baseline = Some(number("bound", bound, FindingUnit::Tokens));
    Some(found)
}

/// A request that is much longer than the one that it goes on from.
pub(super) fn spike(
    facts: &Facts,
    earlier: &[Asked],
    limits: &Limits,
    sources: &dyn Sources,
) -> Result<Option<Finding>, StoreError> {
    let Some(context) = facts.context().filter(|_| facts.is_answered()) else { return Ok(None) };
    let is_much = |before: u64| context >= before * 2 && context - before >= limits.spike_tokens;
    // Whatever it goes on from: where one of them was nearly as long, it is no spike, or not told apart.
    if earlier.is_empty() || !earlier.iter().all(|before| is_much(before.context)) {
        return Ok(None);
    }
    let Some(now) = sources.prompt(facts.flow.id)? else { return Ok(None) };
    for before in earlier.iter().rev() {
        let Some(prompt) = sources.prompt(before.flow)? else { continue };
        if !now.goes_on_from(&prompt) {
            continue;
        }
        let mut found = finding(facts, FindingKind::ContextSpike, by_agent(facts, "context"));
        found.title =
            format!("The context grew by {} tokens at once", grouped(context - before.context));
        found.what = format!(
            "This request has {} tokens; the one before it in the conversation had {}.",
            grouped(context),
            grouped(before.context)
        );
        found.next = String::from(
            "Look at what is new in this request: a large file or output stays in every later one.",
        );
        found.numbers = vec![number("context", context, FindingUnit::Tokens)];
        found.baseline = Some(number("before", before.context, FindingUnit::Tokens));
        found.beside = vec![before.flow];
        return Ok(Some(found));
    }
    Ok(None)
}

/// An exchange that cost much.
pub(super) fn expensive(facts: &Facts, bound: MicroUsd) -> Option<Finding> {
    let cost = facts.flow.cost.filter(|cost| *cost >= bound && bound.0 > 0)?;
    // By the model: what is said of one exchange holds for the next.
    let mut found = finding(facts, FindingKind::ExpensiveRequest, by_agent(facts, model(facts)));
    found.title = format!("One exchange cost {}", dollars(cost));
    found.what = format!("This exchange with {} cost {}.", model(facts), dollars(cost));
    found.next =
        String::from("Look at what made it long; a smaller model or a shorter context costs less.");
    found.numbers = vec![number("cost", cost.0, FindingUnit::MicroUsd)];
    found
        .numbers
        .extend(facts.context().map(|context| number("context", context, FindingUnit::Tokens)));
    found.baseline = Some(number("bound", bound.0, FindingUnit::MicroUsd));
    found.cost = Some(cost);
    Some(found)
}

/// The exchange with which a day went beyond its budget.
pub(in crate::findings) fn daily_budget(
    facts: &Facts,
    spent: MicroUsd,
    limit: MicroUsd,
) -> Option<Finding> {
    if spent <= limit {
        return None;
    }
    let day = day_of(facts.flow.started_at);
    let mut found = finding(facts, FindingKind::DailyBudget, day.to_string());
    (found.session, found.agent_id) = (None, None);
    found.severity = Severity::Critical;
    found.title = format!("The day's budget of {} is spent", dollars(limit));
    found.what = format!("All exchanges of this day (UTC) cost {} so far.", dollars(spent));
    found.next = String::from(
        "Look at `langley cost --by session`, or raise `analytics.anomaly_daily_cents`.",
    );
    found.numbers = vec![number("spent", spent.0, FindingUnit::MicroUsd)];
    found.baseline = Some(number("bound", limit.0, FindingUnit::MicroUsd));
    found.cost = Some(MicroUsd(spent.0 - limit.0));
    Some(found)
}

/// The same request, answered again and again: each answer but the first, which was needed, is evidence. Those before
/// the bound are told with the one that reaches it.
pub(super) fn request_loop(facts: &Facts, looped: &Loop, bound: usize) -> Vec<Finding> {
    let (times, bound) = (looped.times, bound.max(2));
    if times < bound {
        return Vec::new();
    }
    // By what it says: the first one of a long loop may not be remembered.
    let subject = format!("request {}", looped.body);
    let mut found = finding(facts, FindingKind::RequestLoop, subject);
    found.title = format!("The same request was answered {times} times");
    found.what = format!(
        "{times} requests that are the same to the last byte were sent and answered, each within ten minutes."
    );
    found.next = String::from(
        "Look at the program that sends them: it does not take in what it is answered.",
    );
    found.numbers = vec![number("requests", times, FindingUnit::Count)];
    found.baseline = Some(number("bound", bound, FindingUnit::Count));
    found.cost = facts.flow.cost;
    let others = || looped.flows.iter().filter(|(flow, _)| *flow != facts.flow.id);
    found.beside = others().map(|(flow, _)| *flow).collect();
    let repeats = others().skip(1).filter(|_| times == bound);
    let repeats = repeats.map(|(flow, cost)| Finding { flow: *flow, cost: *cost, ..found.clone() });
    let mut all: Vec<Finding> = repeats.collect();
    all.push(found);
    all
}

/// A request that failed on and on.
pub(super) fn storm(facts: &Facts, storm: &Storm, bound: usize) -> Option<Finding> {
    if storm.attempts < bound.max(2) {
        return None;
    }
    let lasted = between(storm.began, facts.ended()).unwrap_or_default();
    // By what it began with: a storm is one finding, and one of the same kind later its evidence.
    let subject = format!("{} {}", model(facts), storm.cause.as_str());
    let mut found = finding(facts, FindingKind::RetryStorm, by_agent(facts, &subject));
    found.title = format!("{} attempts in a row failed", storm.attempts);
    let reason = match (&facts.flow.error_kind, facts.flow.status) {
        (Some(kind), _) => kind.clone(),
        (None, Some(status)) => format!("status {status}"),
        (None, None) => String::from("no answer"),
    };
    found.what = format!(
        "{} requests to {} failed in a row within {}; the last with {reason}.",
        storm.attempts,
        model(facts),
        lasting(lasted)
    );
    let why = match StormCause::of(facts) {
        StormCause::Limit => "The provider's limit is reached.",
        StormCause::Provider => "The provider is overloaded, or has a fault.",
        StormCause::Connection => "The provider could not be reached, or broke off.",
    };
    found.why = Some(why.to_owned());
    found.next = String::from(
        "Wait, or use another model; the flow says what the provider told of its limits.",
    );
    found.numbers =
        vec![number("attempts", storm.attempts, FindingUnit::Count), span("lasted", lasted)];
    found.baseline = Some(number("bound", bound, FindingUnit::Count));
    found.beside = storm.flows.iter().copied().filter(|flow| *flow != facts.flow.id).collect();
    Some(found)
}
