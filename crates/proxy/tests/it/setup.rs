//! A proxy on loopback in front of a fixture, with a recording tap.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use langley_fixture::{Exchange, Fixture, FixtureOptions};
use langley_proxy::{BaseUrl, CertificateAuthority, HostList, Proxy, ProxyOptions, ReverseOptions};
use langley_testkit::{Client, Recording, Stream};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::origin;

/// A running proxy with its provider.
pub(crate) struct Setup {
    pub(crate) fixture: Fixture,
    pub(crate) recording: Recording,
    pub(crate) proxy: SocketAddr,
    pub(crate) ca: String,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

pub(crate) async fn setup() -> Setup {
    setup_with(FixtureOptions::default(), |_, _| {}).await
}

/// A setup whose proxy options are changed by `change` (the folder is a private one).
pub(crate) async fn setup_with(
    fixture: FixtureOptions,
    change: impl FnOnce(&mut ProxyOptions, &Fixture),
) -> Setup {
    let fixture = Fixture::start(fixture).await.expect("a fixture");
    setup_around(fixture, change).await
}

/// A setup with a fixture that runs already.
pub(crate) async fn setup_around(
    fixture: Fixture,
    change: impl FnOnce(&mut ProxyOptions, &Fixture),
) -> Setup {
    let dir = tempfile::tempdir().expect("a folder");
    let upstream_ca: PathBuf = dir.path().join("upstream.pem");
    std::fs::write(&upstream_ca, fixture.ca_pem()).expect("the upstream's CA");
    let list = HostList::parse(&["localhost", "127.0.0.1", "*.example.test"]).expect("a list");
    let authority =
        CertificateAuthority::open_or_create(&dir.path().join("ca"), &list).expect("a CA");
    let ca = authority.certificate_pem().to_owned();
    let base = |url: String| BaseUrl::parse(&url).expect("a base URL");
    let mut options = ProxyOptions::new(list);
    options.upstream_ca = Some(upstream_ca);
    options.reverse = ReverseOptions {
        upstreams: [
            ("anthropic".to_owned(), base(fixture.https_url())),
            ("plain".to_owned(), base(fixture.http_url())),
        ]
        .into(),
        default: None,
    };
    change(&mut options, &fixture);
    let recording = Recording::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("its address");
    let proxy = Proxy::new(options, authority, recording.sink(), address).expect("a proxy");
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(proxy.serve(listener, shutdown.clone()));
    Setup { fixture, recording, proxy: address, ca, shutdown, serving, _dir: dir }
}

impl Setup {
    /// A client that goes through the proxy to the provider's TLS port.
    pub(crate) fn forward(&self) -> Client {
        Client::through(self.proxy, &self.fixture.https_url()).trusting(&self.ca)
    }

    /// A client that takes the proxy for the provider.
    pub(crate) fn reverse(&self) -> Client {
        Client::direct(&format!("http://{}", self.proxy))
    }

    /// A client without any proxy.
    pub(crate) fn direct(&self) -> Client {
        Client::direct(&self.fixture.https_url()).trusting(self.fixture.ca_pem())
    }

    /// Asks through the proxy for a WebSocket; the stream behind the answer's head, and that head.
    pub(crate) async fn websocket(&self) -> (Stream, String) {
        self.websocket_at(&self.fixture.https_url()).await
    }

    /// The same, of another provider.
    pub(crate) async fn websocket_at(&self, url: &str) -> (Stream, String) {
        let client = Client::through(self.proxy, url).trusting(&self.ca).alpn(&["http/1.1"]);
        let mut stream = client.stream().await.expect("a TLS stream");
        let host = url.strip_prefix("https://").expect("an https URL");
        // The key is the sample nonce of RFC 6455 §1.3.
        let head = format!(
            "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("the head is sent");
        let answer = origin::head(&mut stream).await.expect("a head");
        (stream, String::from_utf8(answer).expect("text"))
    }

    /// Waits until the provider's side of things satisfies `look`.
    pub(crate) async fn provider_saw<T>(&self, look: impl FnMut(&[Exchange]) -> Option<T>) -> T {
        let found = self.fixture.wait_for(Duration::from_secs(10), look).await;
        found.unwrap_or_else(|| panic!("ten seconds passed: {:#?}", self.fixture.exchanges()))
    }

    /// Stops the proxy and waits until it has.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.expect("the proxy stops by itself");
    }
}
