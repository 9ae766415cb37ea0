//! Providers that could not be reached lately: nothing of an agent's request came to them.

use std::collections::BTreeMap;

use langley_model::{Flow, Micros, Outcome, TunnelReason};
use langley_store::{FlowFilter, Store, StoreError};

use super::check::Check;
use super::recent::ago;

const HOUR: i64 = 60 * 60 * 1_000_000;
/// Records that are looked at, of each kind.
const LOOKED_AT: usize = 500;

/// What is known of one host.
#[derive(Debug, Default)]
struct Host {
    flows: usize,
    tunnels: usize,
    last: Option<Micros>,
    cause: Option<String>,
    reached: Option<Micros>,
}

impl Host {
    fn failed(&mut self, at: Micros, cause: Option<&str>) {
        if self.last.is_none_or(|last| last < at) {
            self.last = Some(at);
            self.cause = cause.map(str::to_owned).or_else(|| self.cause.take());
        }
    }
}

/// Hosts that could not be reached within the last hour, and were not reached since.
pub(super) fn check(store: &Store, now: Micros) -> Result<Option<Check>, StoreError> {
    let since = Micros(now.0 - HOUR);
    let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
    let filter = FlowFilter { since: Some(since), ..FlowFilter::default() };
    for flow in store.flows(&filter, None, LOOKED_AT)?.items {
        let host = hosts.entry(format!("{}:{}", flow.host, flow.port)).or_default();
        if is_unreached(&flow) {
            host.flows += 1;
            let cause = flow.reason.as_deref().or(flow.error_message.as_deref());
            host.failed(flow.started_at, cause);
        } else if flow.connect.is_some() || flow.outcome == Some(Outcome::Completed) {
            host.reached = host.reached.max(Some(flow.started_at));
        }
    }
    for tunnel in store.tunnels(LOOKED_AT)? {
        if tunnel.started_at < since {
            continue;
        }
        let host = hosts.entry(format!("{}:{}", tunnel.host, tunnel.port)).or_default();
        if tunnel.why == TunnelReason::DialFailed {
            host.tunnels += 1;
            host.failed(tunnel.started_at, tunnel.reason.as_deref());
        } else {
            host.reached = host.reached.max(Some(tunnel.started_at));
        }
    }
    hosts.retain(|_, host| host.last.is_some() && host.reached < host.last);
    let lines: Vec<String> = hosts
        .iter()
        .map(|(name, host)| {
            // One attempt may be both a tunnel and a flow.
            let count = host.flows.max(host.tunnels);
            let last = host.last.map(|last| ago(last, now)).unwrap_or_default();
            let cause = host.cause.as_deref().map_or(String::new(), |cause| format!(": {cause}"));
            let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
            format!("{name} ({times}, last {last}){cause}")
        })
        .collect();
    Ok((!lines.is_empty()).then(|| {
        let name = hosts.keys().next().map_or("", |name| name.split(':').next().unwrap_or(name));
        Check::warned("reach", format!("in the last hour could not be reached: {}", lines.join("\n")))
            .why("agents got an error from Langley instead of an answer")
            .next(format!("see whether this machine reaches it without Langley: `curl -sSI https://{name}`"))
            .next("where only a proxy leads out, name it: `proxy.upstream_proxy` or HTTPS_PROXY, and start Langley again")
    }))
}

/// Whether Langley answered by itself because it came to no connection.
fn is_unreached(flow: &Flow) -> bool {
    matches!(flow.outcome, Some(Outcome::UpstreamGone | Outcome::TimedOut))
        && flow.error_kind.as_deref().is_some_and(|kind| kind.starts_with("upstream_"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use langley_model::{ConnectionId, FlowId, Record, Tunnel};

    use super::super::recent::tests::recorded;
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
        let started_at = Micros(NOW.0 + at * 1_000_000);
        Record::Tunnel(Tunnel {
            connection: ConnectionId::new(),
            started_at,
            ended_at: Some(started_at),
            host: host.into(),
            port: 443,
            client_addr: "127.0.0.1:5".into(),
            bytes_up: 0,
            bytes_down: 0,
            why: TunnelReason::DialFailed,
            reason: Some(String::from("no such host")),
        })
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
}
