//! What the last day's record tells: agents that did not trust us, and a clock that is wrong.

use std::collections::BTreeMap;

use jiff::fmt::rfc2822::DateTimeParser;
use langley_model::{Micros, Mode, Side, TunnelReason};
use langley_store::{FlowFilter, Store, StoreError, Unrecorded};

use super::check::Check;
use super::{failures, unreached};
use crate::error::AppError;
use crate::home::Home;
use crate::missing;

const DAY: i64 = 24 * 60 * 60 * 1_000_000;
/// Records that are looked at.
const LOOKED_AT: usize = 50;
const TUNNELS: usize = 500;
/// A difference to the providers' clocks that certificates and signatures may not bear, in seconds.
const SKEW: i64 = 120;

/// Every check of the record; none while nothing was recorded, or the database has a check that says what is wrong.
pub(super) fn checks(home: &Home) -> Vec<Check> {
    if !home.database().exists() {
        return Vec::new();
    }
    let Ok(store) = Store::open_read_only(home.database()) else { return Vec::new() };
    let now = Micros::now();
    let rejected = rejected(&store, now).unwrap_or_default();
    let unreached = unreached::check(&store, now).unwrap_or_default();
    let failures = failures::check(&store, now).unwrap_or_default();
    let skew = skew(&store, now).unwrap_or_default();
    let unrecorded = store.unrecorded();
    rejected
        .into_iter()
        .chain(missing(unrecorded, now))
        .chain(unreached)
        .chain(failures)
        .chain(skew.map(clock))
        .collect()
}

/// Hosts for which an agent refused our certificate, with how often and when last. One whose TLS was
/// opened since is left out: somebody trusts the certificate now.
fn rejected(store: &Store, now: Micros) -> Result<Option<Check>, StoreError> {
    let mut hosts: BTreeMap<String, (usize, Micros)> = BTreeMap::new();
    for tunnel in store.tunnels(TUNNELS)? {
        let recent = tunnel.started_at.0 >= now.0 - DAY;
        if recent && tunnel.why == TunnelReason::ClientRejectedCertificate {
            let (count, last) = hosts.entry(tunnel.host.clone()).or_insert((0, tunnel.started_at));
            *count += 1;
            *last = (*last).max(tunnel.started_at);
        }
    }
    let mut said = Vec::new();
    for (host, (count, last)) in hosts {
        if !opened_since(store, &host, last)? {
            said.push(format!("{host} ({count}, last {})", ago(last, now)));
        }
    }
    Ok((!said.is_empty()).then(|| {
        Check::warned("trust", format!("an agent refused Langley's certificate for {}", said.join(", ")))
            .why("it was pointed at the proxy, but did not trust its certificate, or trusted an earlier one")
            .next("start it by `langley run -- CMD`, again if it was running before the certificate changed")
            .next("see what each client needs: `langley run --list`; or install it: `langley ca install`")
    }))
}

/// Whether TLS to `host` was opened for an agent after `then`.
fn opened_since(store: &Store, host: &str, then: Micros) -> Result<bool, StoreError> {
    let filter = FlowFilter {
        host: Some(host.to_owned()),
        since: Some(Micros(then.0 + 1)),
        ..FlowFilter::default()
    };
    let flows = store.flows(&filter, None, LOOKED_AT)?.items;
    Ok(flows.iter().any(|flow| {
        flow.mode == Mode::Forward && flow.scheme == "https" && !flow.is_unreached_connect()
    }))
}

/// Flows that passed and are not in the record at all.
fn missing(lost: Result<Unrecorded, StoreError>, now: Micros) -> Option<Check> {
    let lost = match lost {
        Ok(lost) => lost,
        Err(error) => {
            let what = "which flows are missing cannot be read";
            return Some(Check::failed("record", &AppError::failed(what).said_by(&error)));
        }
    };
    let (last, said) = (lost.last_at?, missing::missing(lost.flows, lost.more)?);
    Some(
        Check::warned("record", format!("{said}, the last {}", ago(last, now)))
            .why("the database took no writes (a full disk, a lock), or more flows were open than can be recorded; the agents lost nothing")
            .next("see that the disk has room; `GET /api/drops` says when and why each was lost"),
    )
}

/// How long before `now` that was, in words.
pub(super) fn ago(then: Micros, now: Micros) -> String {
    match (now.0 - then.0) / 1_000_000 {
        ..60 => "less than a minute ago".to_owned(),
        seconds @ 60..7200 => format!("{} min ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3600),
    }
}

/// Seconds by which the newest provider's clock is ahead of ours, from the `Date` of its answer.
fn skew(store: &Store, now: Micros) -> Result<Option<i64>, StoreError> {
    let filter = FlowFilter { since: Some(Micros(now.0 - DAY)), ..FlowFilter::default() };
    for flow in store.flows(&filter, None, LOOKED_AT)?.items {
        let headers = store.headers(flow.id, Side::Upstream)?;
        let lines = headers.as_ref().and_then(|stored| stored.headers.as_ref());
        let date = lines.and_then(|lines| lines.value("date"));
        let said = date.and_then(|text| DateTimeParser::new().parse_timestamp(text).ok());
        let Some(said) = said else { continue };
        let waited = flow.ttfb.and_then(|ttfb| i64::try_from(ttfb.as_micros()).ok()).unwrap_or(0);
        let here = (flow.started_at.0 + waited) / 1_000_000;
        return Ok(Some(said.as_second() - here));
    }
    Ok(None)
}

fn clock(skew: i64) -> Check {
    if skew.abs() <= SKEW {
        return Check::passed("clock", format!("within {SKEW} s of the last provider's"));
    }
    let way = if skew > 0 { "behind" } else { "ahead of" };
    let error = AppError::failed(format!("it is {} s {way} the last provider's", skew.abs()))
        .why("certificates may count as not yet or no longer valid, and AWS refuses signatures")
        .next("set the clock by the network: `timedatectl set-ntp true` (Linux), System Settings (macOS)");
    Check::failed("clock", &error)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use langley_model::{
        ConnectionId, Drop, DropReason, Flow, FlowId, HeaderBlock, Headers, Outcome, Record,
        Redactor, RedactorOptions, Tunnel,
    };
    use langley_store::StoreOptions;

    use super::super::check::Verdict;
    use super::*;

    /// A store that holds `records`.
    pub(in super::super) fn recorded(records: Vec<Record>) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| {})).unwrap();
        let sealed = records.into_iter().map(|record| redactor.seal(record)).collect();
        assert!(store.submit(sealed).is_ok());
        store.flush().unwrap();
        (folder, store)
    }

    /// An ended tunnel.
    pub(in super::super) fn tunnelled(host: &str, why: TunnelReason, started_at: Micros) -> Tunnel {
        Tunnel {
            connection: ConnectionId::new(),
            started_at,
            ended_at: Some(started_at),
            host: host.into(),
            port: 443,
            client_addr: "127.0.0.1:5".into(),
            bytes_up: 0,
            bytes_down: 0,
            why,
            reason: None,
        }
    }

    fn answer(started_at: Micros, date: &str) -> Vec<Record> {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), started_at);
        flow.mode = Mode::Forward;
        let mut lines = HeaderBlock::new();
        lines.push("Date", date.as_bytes());
        let headers = Headers { flow: flow.id, side: Side::Upstream, trailers: false, lines };
        vec![Record::Flow(Arc::new(flow)), Record::Headers(headers)]
    }

    #[test]
    fn a_clock_that_differs_from_a_providers_is_found() {
        // 1994-11-06 08:49:37 UTC, the sample date of RFC 9110 §5.6.7.
        let then = Micros(784_111_777_000_000);
        let (_folder, store) = recorded(answer(then, "Sun, 06 Nov 1994 08:59:37 GMT"));
        assert_eq!(skew(&store, Micros(then.0 + 5)).unwrap(), Some(600));
        assert_eq!(skew(&store, Micros(then.0 + DAY + 1)).unwrap(), None, "long ago");
        let (_folder, store) = recorded(answer(then, "nonsense"));
        assert_eq!(skew(&store, then).unwrap(), None);
        assert_eq!((clock(600).verdict, clock(-121).verdict), (Verdict::Fail, Verdict::Fail));
        assert_eq!(clock(-120).verdict, Verdict::Pass);
        assert!(clock(600).to_string().contains("600 s behind"));
    }

    #[test]
    fn flows_that_are_not_in_the_record_at_all_are_told() {
        let now = Micros(784_111_777_000_000);
        let (stored, gone) = (Flow::new(FlowId::new(), ConnectionId::new(), now), FlowId::new());
        let dropped = |flow| {
            let (at, reason) = (Micros(now.0 - DAY / 4), DropReason::WriteFailed);
            Record::Drop(Drop { at, flow: Some(flow), reason, count: 9, bytes: 1 })
        };
        let (id, of) = (stored.id, Record::Flow(Arc::new(stored)));
        let (_folder, store) = recorded(vec![of, dropped(id), dropped(gone), dropped(gone)]);
        let said = missing(store.unrecorded(), now).unwrap().to_string();
        assert!(said.contains("1 flow passed and is not in the record, the last 6 h"), "{said}");
        assert!(missing(Ok(Unrecorded::default()), now).is_none());
        let unreadable = missing(Err(StoreError::Decode { what: "row" }), now).unwrap();
        assert_eq!(unreadable.verdict, Verdict::Fail, "unknown is not none");
    }

    #[test]
    fn hosts_whose_agents_refused_the_certificate_are_counted() {
        let now = Micros(784_111_777_000_000);
        let tunnel = |host, why, at| Record::Tunnel(tunnelled(host, why, at));
        let opened = |host: &str, started_at| {
            let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), started_at);
            (flow.mode, flow.scheme, flow.host) = (Mode::Forward, "https".into(), host.into());
            Record::Flow(Arc::new(flow))
        };
        let unreached = |host: &str, started_at| {
            let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), started_at);
            (flow.mode, flow.method, flow.host) = (Mode::Forward, "CONNECT".into(), host.into());
            flow.outcome = Some(Outcome::UpstreamGone);
            flow.error_kind = Some("upstream_unreachable".into());
            Record::Flow(Arc::new(flow))
        };
        let refused = TunnelReason::ClientRejectedCertificate;
        let (_folder, store) = recorded(vec![
            tunnel("api.anthropic.com", refused, Micros(now.0 - DAY / 2)),
            tunnel("api.anthropic.com", refused, Micros(now.0 - DAY / 8)),
            tunnel("mended.example", refused, Micros(now.0 - DAY / 8)),
            opened("mended.example", Micros(now.0 - DAY / 9)),
            opened("api.anthropic.com", Micros(now.0 - DAY / 4)),
            // Nobody was reached, so no certificate was shown.
            unreached("api.anthropic.com", Micros(now.0 - DAY / 9)),
            tunnel("long.ago", refused, Micros(now.0 - DAY - 1)),
            tunnel("not.listed", TunnelReason::NotListed, now),
        ]);
        let said = rejected(&store, now).unwrap().unwrap().to_string();
        assert!(said.contains("for api.anthropic.com (2, last 3 h ago)\n"), "{said}");
        assert!(rejected(&store, Micros(now.0 + 2 * DAY)).unwrap().is_none());
    }
}
