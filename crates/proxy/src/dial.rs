//! Reaching the provider: name resolution, TCP, and the upstream proxy where one is set.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::authority::Authority;
use crate::dial_error::{Cause, DialError, Way};
use crate::no_proxy::NoProxy;
use crate::probe::Probe;
use crate::upstream_proxy::UpstreamProxy;

/// The longest answer head that an upstream proxy may give to CONNECT.
const PROXY_HEAD_MAX: usize = 16 * 1024;

/// How long an address has before the next one is tried beside it (RFC 8305 §8).
const STAGGER: Duration = Duration::from_millis(250);

/// How to reach a provider.
#[derive(Debug)]
pub(crate) struct Dialer {
    pub(crate) upstream_proxy: Option<UpstreamProxy>,
    pub(crate) no_proxy: NoProxy,
    pub(crate) timeout: Duration,
    /// Our own listener: a connection to it would be a loop.
    pub(crate) own: SocketAddr,
    /// A name that leads to an origin on this machine for a while.
    pub(crate) probe: Probe,
}

/// A connection to the provider.
#[derive(Debug)]
pub(crate) struct Dialed {
    pub(crate) stream: TcpStream,
    /// Bytes that came behind the upstream proxy's answer.
    pub(crate) early: Bytes,
}

impl Dialer {
    /// Connects to `target`, through the upstream proxy unless it is exempt or on this machine.
    pub(crate) async fn dial(&self, target: &Authority) -> Result<Dialed, DialError> {
        let near = target.is_loopback()
            || self.probe.address(target).is_some()
            || self.no_proxy.covers(target);
        let proxy = self.upstream_proxy.as_ref().filter(|_| !near);
        let connecting = async {
            match proxy {
                Some(proxy) => self.through(proxy, target).await,
                None => {
                    let stream = self.connect(target).await?;
                    Ok(Dialed { stream, early: Bytes::new() })
                }
            }
        };
        let failure = match tokio::time::timeout(self.timeout, connecting).await {
            Ok(Ok(dialed)) => return Ok(dialed),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::On(Cause::Silence(self.timeout)),
        };
        Err(match failure {
            Failure::Loop(target) => DialError::Loop { target },
            Failure::On(cause) => {
                let way = proxy.map_or(Way::Direct, Way::through);
                DialError::Unreached { target: target.clone(), way, cause }
            }
        })
    }

    async fn connect(&self, target: &Authority) -> Result<TcpStream, Failure> {
        let known = target.ip().map(|ip| SocketAddr::new(ip, target.port()));
        let addresses: Vec<SocketAddr> = match known.or_else(|| self.probe.address(target)) {
            Some(address) => vec![address],
            None => tokio::net::lookup_host((target.host(), target.port()))
                .await
                .map_err(|source| Cause::Name { host: target.host().to_owned(), source })?
                .collect(),
        };
        if addresses.iter().any(|address| self.is_own(*address)) {
            return Err(Failure::Loop(target.clone()));
        }
        match first_of(addresses.clone()).await {
            Ok(stream) => {
                // Without it, small writes wait for the other side's delayed acknowledgement.
                let _best_effort = stream.set_nodelay(true);
                Ok(stream)
            }
            Err(source) => Err(Cause::Socket { at: addresses, source }.into()),
        }
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        let same_host = address.ip() == self.own.ip()
            || (self.own.ip().is_unspecified() && address.ip().is_loopback());
        address.port() == self.own.port() && same_host
    }

    /// CONNECT through `proxy` (RFC 9110 §9.3.6).
    async fn through(&self, proxy: &UpstreamProxy, target: &Authority) -> Result<Dialed, Failure> {
        let mut stream = self.connect(proxy.address()).await?;
        let broken = |source| Cause::Socket { at: Vec::new(), source };
        let mut head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(authorization) = proxy.authorization() {
            head.push_str("Proxy-Authorization: ");
            head.push_str(authorization);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.map_err(broken)?;

        let refused = |answer: String| Failure::On(Cause::Answer(answer));
        let mut buffer = BytesMut::with_capacity(512);
        loop {
            let mut lines = [httparse::EMPTY_HEADER; 64];
            let mut answer = httparse::Response::new(&mut lines);
            match answer.parse(&buffer) {
                Ok(httparse::Status::Complete(length)) => {
                    let status = answer.code.unwrap_or(0);
                    if !(200..300).contains(&status) {
                        let reason = answer.reason.unwrap_or_default();
                        return Err(refused(format!("{status} {reason}")));
                    }
                    let early = buffer.split_off(length).freeze();
                    return Ok(Dialed { stream, early });
                }
                Ok(httparse::Status::Partial) if buffer.len() < PROXY_HEAD_MAX => {}
                Ok(httparse::Status::Partial) => return Err(refused("an endless head".into())),
                Err(error) => return Err(refused(format!("something unreadable ({error})"))),
            }
            if stream.read_buf(&mut buffer).await.map_err(broken)? == 0 {
                return Err(refused("a closed connection".into()));
            }
        }
    }
}

/// Why a connection did not come about, before it is known for whom it was.
enum Failure {
    /// The target was our own listener.
    Loop(Authority),
    On(Cause),
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self::On(cause)
    }
}

/// Connects to the address that answers first. The next one is tried when the one before it has failed,
/// or beside it when it has not answered within [`STAGGER`] (RFC 8305 §5).
async fn first_of(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    if let [only] = addresses[..] {
        return TcpStream::connect(only).await;
    }
    let mut waiting = alternating(addresses).into_iter().peekable();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(TcpStream::connect(address));
        } else if attempts.is_empty() {
            return Err(last);
        }
        let has_more = waiting.peek().is_some();
        tokio::select! {
            joined = attempts.join_next() => match joined {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => last = error,
                Some(Err(failed)) => last = io::Error::other(failed),
                None => {}
            },
            () = tokio::time::sleep(STAGGER), if has_more => {}
        }
    }
}

/// The addresses of both families in turn, in their order, so that a family without a way costs one
/// attempt (RFC 8305 §4).
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut other = other.into_iter();
    let mut turns: Vec<_> =
        one.into_iter().flat_map(|address| [Some(address), other.next()]).flatten().collect();
    turns.extend(other);
    turns
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn families_take_turns_and_none_is_left_out() {
        let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
        let of = |texts: &[&str]| texts.iter().map(|text| parse(text)).collect::<Vec<_>>();
        let mixed = of(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(alternating(mixed), of(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        let mixed = of(&["1.1.1.1:1", "[::1]:1", "[::2]:1"]);
        assert_eq!(alternating(mixed), of(&["1.1.1.1:1", "[::1]:1", "[::2]:1"]));
        assert!(alternating(Vec::new()).is_empty());
    }

    #[tokio::test]
    async fn a_loop_by_way_of_the_upstream_proxy_is_found_without_a_connection() {
        let target = Authority::new("api.anthropic.com", 443);
        for proxy in ["http://127.0.0.1:9", "http://localhost:9", "http://me:pw@127.0.0.1:9"] {
            for own in ["127.0.0.1:9", "0.0.0.0:9"] {
                let dialer = Dialer {
                    upstream_proxy: Some(UpstreamProxy::parse(proxy).unwrap()),
                    no_proxy: NoProxy::default(),
                    timeout: Duration::from_secs(10),
                    own: own.parse().unwrap(),
                    probe: Probe::new(""),
                };
                let found = tokio::time::timeout(Duration::from_secs(1), dialer.dial(&target));
                let error = found.await.expect("within a second").unwrap_err();
                assert_eq!(error.code(), "proxy_loop", "{proxy} {own}");
            }
        }
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_passed_over() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let stream = first_of(vec![closed, open, closed]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        let error = first_of(vec![closed, closed]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(first_of(Vec::new()).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
