//! How many of the last hour's exchanges (of the newest, where there were more) failed, and what most of them failed by.

use std::collections::BTreeMap;

use langley_model::{Flow, Micros, Outcome};
use langley_proxy::Authority;
use langley_store::{FlowFilter, Store, StoreError};

use super::check::Check;
use crate::place;

const HOUR: i64 = 60 * 60 * 1_000_000;
/// Flows that are looked at, the newest.
const LOOKED_AT: usize = 500;
/// Fewer failures are no pattern, and a smaller share is everyday.
const FEWEST: usize = 3;
const SHARE_PERCENT: usize = 20;

/// A finding where many failed; an agent that went away by itself is no failure.
pub(super) fn check(store: &Store, now: Micros) -> Result<Option<Check>, StoreError> {
    let filter = FlowFilter { since: Some(Micros(now.0 - HOUR)), ..FlowFilter::default() };
    let page = store.flows(&filter, None, LOOKED_AT)?;
    let flows: Vec<_> = page.items.into_iter().filter(|flow| !flow.is_own_check()).collect();
    let ended = flows.iter().filter(|flow| !flow.is_open()).count();
    let failed: Vec<&Flow> = flows.iter().map(|flow| &**flow).filter(|flow| fails(flow)).collect();
    if failed.len() < FEWEST || failed.len() * 100 < ended * SHARE_PERCENT {
        return Ok(None);
    }
    // Newest first: the words of a kind are those of its newest.
    let mut kinds: BTreeMap<String, (usize, &Flow)> = BTreeMap::new();
    for flow in &failed {
        kinds.entry(kind(flow)).or_insert((0, flow)).0 += 1;
    }
    let Some((kind, (count, newest))) = kinds.into_iter().max_by_key(|(_, (count, _))| *count)
    else {
        return Ok(None);
    };
    let which = if page.next_cursor.is_some() { "newest" } else { "last hour's" };
    let what = format!(
        "{} of the {which} {ended} flows failed; most often ({count}): {kind}",
        failed.len()
    );
    let why = newest.reason.as_deref().or(newest.error_message.as_deref());
    let check = Check::warned("failures", what);
    let check = match why {
        Some(why) => check.why(why),
        None => check,
    };
    Ok(Some(check.next("see each with its reason: `langley flows --since 1h`, or the dashboard")))
}

fn fails(flow: &Flow) -> bool {
    match flow.outcome {
        Some(
            Outcome::ProviderError
            | Outcome::UpstreamGone
            | Outcome::TimedOut
            | Outcome::Refused
            | Outcome::Lost,
        ) => true,
        Some(Outcome::Completed | Outcome::ClientGone) | None => false,
    }
}

/// What failures that are told together have in common: outcome, status, the error's word, and the place.
fn kind(flow: &Flow) -> String {
    let mut words = vec![flow.outcome.map_or("open", Outcome::as_str).to_owned()];
    words.extend(flow.status.map(|status| status.to_string()));
    words.extend(flow.error_kind.clone());
    let place = Authority::new(&flow.host, flow.port);
    format!("{} at {}", words.join(" "), place::short(&flow.scheme, &place))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use langley_model::{ConnectionId, FlowId, Record};

    use super::super::recent::tests::recorded;
    use super::*;

    const NOW: Micros = Micros(784_111_777_000_000);

    fn flow(seconds_ago: i64, outcome: Option<Outcome>, status: u16, kind: &str) -> Record {
        let started = Micros(NOW.0 - seconds_ago * 1_000_000);
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), started);
        (flow.scheme, flow.host, flow.port) = ("https".into(), "a.example".into(), 443);
        (flow.outcome, flow.status) = (outcome, Some(status));
        flow.error_kind = (!kind.is_empty()).then(|| kind.to_owned());
        flow.error_message = flow.error_kind.as_ref().map(|kind| format!("{kind}, it says"));
        Record::Flow(Arc::new(flow))
    }

    fn said(flows: Vec<Record>) -> Option<String> {
        let (_folder, store) = recorded(flows);
        check(&store, NOW).unwrap().map(|check| check.to_string())
    }

    #[test]
    fn many_failures_are_told_with_what_most_of_them_failed_by() {
        let limited = || flow(9, Some(Outcome::ProviderError), 429, "rate_limit_error");
        let told = said(vec![
            limited(),
            limited(),
            flow(5, Some(Outcome::TimedOut), 504, ""),
            flow(4, Some(Outcome::Completed), 200, ""),
            flow(3, Some(Outcome::ClientGone), 200, ""),
            flow(2, None, 200, ""),
        ]);
        insta::assert_snapshot!(told.unwrap(), @r"
        warn  failures       3 of the last hour's 5 flows failed; most often (2): provider_error 429 rate_limit_error at a.example
                             why:   rate_limit_error, it says
                             next:  see each with its reason: `langley flows --since 1h`, or the dashboard
        ");
    }

    #[test]
    fn few_a_small_share_or_those_of_long_ago_are_not_told() {
        let failed = |ago| flow(ago, Some(Outcome::ProviderError), 500, "api_error");
        assert_eq!(said(vec![failed(1), failed(2)]), None, "two are no pattern");
        assert_eq!(said(vec![failed(3601), failed(3602), failed(3603)]), None, "long ago");
        let well = (0..13).map(|ago| flow(ago, Some(Outcome::Completed), 200, ""));
        assert_eq!(said(well.chain([failed(1), failed(2), failed(3)]).collect()), None);
    }

    #[test]
    fn our_own_checks_are_no_failures_and_a_cut_hour_is_not_told_as_a_whole_one() {
        let failed = |ago| flow(ago, Some(Outcome::Refused), 502, "");
        let own = |ago| {
            let Record::Flow(flow) = failed(ago) else { unreachable!() };
            let mut flow = (*flow).clone();
            flow.user_agent = Some(langley_model::CHECK_AGENT.into());
            Record::Flow(Arc::new(flow))
        };
        assert_eq!(said((1..5).map(own).collect()), None);
        let many = i64::try_from(LOOKED_AT).unwrap() + 1;
        let told = said((1..=many).map(failed).collect()).unwrap();
        assert!(told.contains("500 of the newest 500 flows failed"), "{told}");
    }
}
