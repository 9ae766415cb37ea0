//! The proxy that Langley itself goes through: while it is dead, nothing can leave.

use std::net::SocketAddr;
use std::time::Duration;

use langley_proxy::UpstreamProxy;
use tokio::net::TcpStream;

use super::check::Check;
use super::in_force::InForce;
use crate::config::Loaded;
use crate::error::AppError;
use crate::state::{State, reachable};

const NAME: &str = "upstream proxy";
const KEY: &str = "proxy.upstream_proxy";
const PATIENCE: Duration = Duration::from_secs(2);

/// Connects to the one that is in force; nothing to say where there is none.
pub(super) async fn check(loaded: &Loaded, running: Option<(&State, &InForce)>) -> Option<Check> {
    let (url, origin) = match running {
        Some((state, server)) => {
            let (url, source) = server.value(KEY)?;
            let url = url.as_str().filter(|url| *url != "none")?;
            // A server that was started inside `langley run` leaves itself out.
            if source == "environment" && leads_to(url, state.proxy) {
                return None;
            }
            let origin = server.origin(KEY).unwrap_or(source);
            (url.to_owned(), format!("the running server has it from: {origin}"))
        }
        None => {
            let origin = &loaded.layers.entry(KEY)?.origin;
            (loaded.config.upstream_proxy.clone()?, format!("set by: {origin}"))
        }
    };
    // What cannot be parsed is the configuration's finding.
    let proxy = UpstreamProxy::parse(&url).ok()?;
    Some(probe(&proxy, &origin, PATIENCE).await)
}

/// Whether `url` is Langley's own listener.
pub(crate) fn leads_to(url: &str, own: SocketAddr) -> bool {
    UpstreamProxy::parse(url).is_ok_and(|proxy| {
        let address = proxy.address();
        let is_loopback =
            address.host() == "localhost" || address.ip().is_some_and(|ip| ip.is_loopback());
        is_loopback && address.port() == reachable(own).port()
    })
}

async fn probe(proxy: &UpstreamProxy, origin: &str, patience: Duration) -> Check {
    let address = proxy.address();
    let host = address.host().trim_start_matches('[').trim_end_matches(']');
    let connecting = TcpStream::connect((host, address.port()));
    let why = match tokio::time::timeout(patience, connecting).await {
        Ok(Ok(_)) => return Check::passed(NAME, format!("{address} answers ({origin})")),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", patience.as_secs()),
    };
    let error = AppError::failed(format!("{address} cannot be reached, so nothing can leave"))
        .why(format!("{why}; {origin}"))
        .next("start that proxy, or correct its address")
        .next("or go without one: LANGLEY_UPSTREAM_PROXY=none, or `proxy.upstream_proxy: none` in the file; then start Langley again");
    Check::failed(NAME, &error)
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[tokio::test]
    async fn a_proxy_that_is_dead_is_told_with_its_address_and_the_way_out() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = UpstreamProxy::parse(&format!("http://me:pw@{address}")).unwrap();
        let alive = probe(&proxy, "set by: flag", PATIENCE).await;
        assert_eq!(alive.verdict, Verdict::Pass);
        drop(listener);
        let dead = probe(&proxy, "set by: environment HTTPS_PROXY", PATIENCE).await;
        assert_eq!(dead.verdict, Verdict::Fail);
        let said = dead.to_string();
        assert!(said.contains(&format!("{address} cannot be reached")), "{said}");
        assert!(said.contains("environment HTTPS_PROXY") && said.contains("next:"), "{said}");
        assert!(!said.contains("pw@"), "{said}");
    }

    #[test]
    fn langleys_own_listener_is_no_upstream_proxy() {
        let own = "0.0.0.0:9090".parse().unwrap();
        assert!(leads_to("http://localhost:9090", own) && leads_to("127.0.0.1:9090", own));
        assert!(!leads_to("http://127.0.0.1:3128", own) && !leads_to("http://corp:9090", own));
    }
}
