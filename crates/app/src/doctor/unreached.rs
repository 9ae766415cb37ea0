//! Providers that could not be reached lately: nothing of an agent's request came to them.

use std::collections::BTreeMap;

use langley_model::{Flow, Micros, Outcome, TunnelReason};
use langley_proxy::Authority;
use langley_store::{FlowFilter, Store, StoreError};

use super::check::Check;
use super::recent::ago;
use crate::place;

const HOUR: i64 = 60 * 60 * 1_000_000;
/// Records that are looked at, of each kind.
const LOOKED_AT: usize = 500;

/// What is known of one place.
#[derive(Debug, Default)]
struct Attempts {
    flows: usize,
    tunnels: usize,
    /// Of the requests; what is asked for by CONNECT alone most probably speaks TLS.
    scheme: Option<String>,
    last: Option<Micros>,
    cause: Option<String>,
    reached: Option<Micros>,
}

impl Attempts {
    fn failed(&mut self, at: Micros, cause: Option<&str>) {
        if self.last.is_none_or(|last| last < at) {
            self.last = Some(at);
            self.cause = cause.map(str::to_owned).or_else(|| self.cause.take());
        }
    }

    fn line(&self, place: &Authority, now: Micros) -> String {
        // One attempt may be both a tunnel and a flow.
        let count = self.flows.max(self.tunnels);
        let last = self.last.map(|last| ago(last, now)).unwrap_or_default();
        let cause = self.cause.as_deref().map_or(String::new(), |cause| format!(": {cause}"));
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        format!("{place} ({times}, last {last}){cause}")
    }
}

/// Hosts that could not be reached within the last hour, and were not reached since.
pub(super) fn check(store: &Store, now: Micros) -> Result<Option<Check>, StoreError> {
    let since = Micros(now.0 - HOUR);
    let mut places: BTreeMap<Authority, Attempts> = BTreeMap::new();
    let filter = FlowFilter { since: Some(since), ..FlowFilter::default() };
    for flow in store.flows(&filter, None, LOOKED_AT)?.items {
        let place = Authority::new(&flow.host, flow.port);
        let attempts = places.entry(place).or_default();
        if flow.is_unreached() {
            attempts.flows += 1;
            attempts.scheme.get_or_insert_with(|| flow.scheme.clone());
            let cause = flow.reason.as_deref().or(flow.error_message.as_deref());
            attempts.failed(flow.started_at, cause);
        } else if is_reached(&flow) {
            attempts.reached = attempts.reached.max(Some(flow.started_at));
        }
    }
    for tunnel in store.tunnels(LOOKED_AT)? {
        if tunnel.started_at < since {
            continue;
        }
        let place = Authority::new(&tunnel.host, tunnel.port);
        let attempts = places.entry(place).or_default();
        if tunnel.why == TunnelReason::DialFailed {
            attempts.tunnels += 1;
            attempts.failed(tunnel.started_at, tunnel.reason.as_deref());
        } else {
            attempts.reached = attempts.reached.max(Some(tunnel.started_at));
        }
    }
    places.retain(|_, attempts| attempts.last.is_some() && attempts.reached < attempts.last);
    let Some((first, attempts)) = places.first_key_value() else { return Ok(None) };
    let url = place::url(attempts.scheme.as_deref().unwrap_or("https"), first);
    let lines: Vec<String> =
        places.iter().map(|(place, attempts)| attempts.line(place, now)).collect();
    Ok(Some(
        Check::warned("reach", format!("in the last hour could not be reached: {}", lines.join("\n")))
            .why("agents got an error from Langley instead of an answer")
            .next(format!("see whether this machine reaches it without Langley: `curl -sSI {url}`"))
            .next("where only a proxy leads out, name it: `proxy.upstream_proxy` or HTTPS_PROXY, and start Langley again"),
    ))
}

/// Whether a flow that is not an unreached one shows that the provider was there: a connection was made
/// for it, or something came back.
fn is_reached(flow: &Flow) -> bool {
    let came_back = matches!(
        flow.outcome,
        Some(Outcome::Completed | Outcome::ProviderError | Outcome::UpstreamGone)
    );
    !flow.is_unreached_connect() && (flow.connect.is_some() || came_back)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use langley_model::{ConnectionId, FlowId, Record, Tunnel};

    use super::super::recent::tests::{recorded, tunnelled};
    use super::*;

    const NOW: Micros = Micros(784_111_777_000_000);

    fn flow(host: &str, at: i64, outcome: Outcome) -> Record {
        let mut flow =
            Flow::new(FlowId::new(), ConnectionId::new(), Micros(NOW.0 + at * 1_000_000));
        (flow.host, flow.port) = (host.to_owned(), 443);
        flow.outcome = Some(outcome);
        if outcome == Outcome::UpstreamGone {
            flow.status = Some(502);
            flow.error_kind = Some(String::from("upstream_unreachable"));
            flow.reason = Some(format!("{host} refused the connection"));
        } else {
            (flow.status, flow.connect) = (Some(200), Some(Duration::from_millis(1)));
        }
        Record::Flow(Arc::new(flow))
    }

    fn tunnel(host: &str, at: i64) -> Record {
        let why = TunnelReason::DialFailed;
        let tunnel = tunnelled(host, why, Micros(NOW.0 + at * 1_000_000));
        Record::Tunnel(Tunnel { reason: Some(String::from("no such host")), ..tunnel })
    }

    #[test]
    fn hosts_that_cannot_be_reached_are_told_until_they_can() {
        let (_folder, store) = recorded(vec![
            flow("a.example", -300, Outcome::UpstreamGone),
            flow("a.example", -200, Outcome::UpstreamGone),
            tunnel("b.example", -60),
            flow("mended.example", -300, Outcome::UpstreamGone),
            flow("mended.example", -100, Outcome::Completed),
            flow("long.ago", -4000, Outcome::UpstreamGone),
        ]);
        let said = check(&store, NOW).unwrap().unwrap().to_string();
        assert!(
            said.contains(
                "a.example:443 (2 times, last 3 min ago): a.example refused the connection"
            ),
            "{said}"
        );
        assert!(said.contains("b.example:443 (once, last 1 min ago): no such host"), "{said}");
        assert!(!said.contains("mended") && !said.contains("long.ago"), "{said}");
        assert!(said.contains("`curl -sSI https://a.example`"), "{said}");
        assert!(check(&store, Micros(NOW.0 + HOUR)).unwrap().is_none());
    }

    #[test]
    fn a_provider_that_does_not_keep_to_the_protocol_was_reached() {
        let mut broken = Flow::new(FlowId::new(), ConnectionId::new(), Micros(NOW.0 - 1_000_000));
        (broken.host, broken.outcome) = ("a.example".into(), Some(Outcome::UpstreamGone));
        broken.error_kind = Some("upstream_protocol_error".into());
        let alone = vec![Record::Flow(Arc::new(broken.clone()))];
        let (_folder, store) = recorded(alone);
        assert!(check(&store, NOW).unwrap().is_none());
        let (_folder, store) = recorded(vec![
            flow("a.example", -300, Outcome::UpstreamGone),
            Record::Flow(Arc::new(broken)),
        ]);
        assert!(check(&store, NOW).unwrap().is_none(), "it is there again");
    }

    #[test]
    fn what_to_try_has_the_scheme_the_host_and_the_port_that_failed() {
        for (scheme, host, port, url) in [
            ("https", "a.example", 8443, "https://a.example:8443"),
            ("http", "127.0.0.1", 11434, "http://127.0.0.1:11434"),
            ("http", "a.example", 80, "http://a.example"),
            ("https", "fd00::1", 443, "https://[fd00::1]"),
            ("http", "::1", 8080, "http://[::1]:8080"),
        ] {
            let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(NOW.0 - 1));
            (flow.scheme, flow.host, flow.port) = (scheme.into(), host.into(), port);
            flow.outcome = Some(Outcome::UpstreamGone);
            flow.error_kind = Some("upstream_unreachable".into());
            let (_folder, store) = recorded(vec![Record::Flow(Arc::new(flow))]);
            let said = check(&store, NOW).unwrap().unwrap().to_string();
            assert!(said.contains(&format!("`curl -sSI {url}`")), "{said}");
        }
    }
}
