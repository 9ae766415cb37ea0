//! A side that breaks off takes the other side with it, at once.

use std::io::ErrorKind;

use langley_fixture::FixtureOptions;
use langley_model::{Ending, Side, Tick};
use langley_testkit::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;

use crate::origin::{Origin, head};
use crate::setup::{Setup, setup_with};

/// An agent's and a provider's end of one tunnel.
async fn tunnel() -> (Setup, TcpStream, TcpStream) {
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        options.intercept = langley_proxy::HostList::parse(&["api.example.test"]).expect("a list");
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = format!("localhost:{}", listener.local_addr().expect("its address").port());
    let mut agent = TcpStream::connect(setup.proxy).await.expect("a connection");
    let head = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    agent.write_all(head.as_bytes()).await.expect("the head is sent");
    let mut established = [0; 39];
    agent.read_exact(&mut established).await.expect("established");
    let (mut provider, _) = listener.accept().await.expect("the tunnel");
    agent.write_all(b"up").await.expect("bytes are sent");
    provider.write_all(b"down").await.expect("bytes are sent");
    let (mut up, mut down) = ([0; 2], [0; 4]);
    provider.read_exact(&mut up).await.expect("bytes arrive");
    agent.read_exact(&mut down).await.expect("bytes arrive");
    (setup, agent, provider)
}

#[tokio::test]
async fn a_reset_of_either_end_of_a_tunnel_resets_the_other() {
    for agent_leaves in [true, false] {
        let (setup, agent, provider) = tunnel().await;
        let (leaves, mut stays) = if agent_leaves { (agent, provider) } else { (provider, agent) };
        leaves.set_zero_linger().expect("a socket that can be reset");
        drop(leaves);
        let error = stays.read_u8().await.expect_err("a break");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        // Both directions and the tunnel itself are over.
        setup.stop().await;
    }
}

#[tokio::test]
async fn an_end_of_one_direction_of_a_tunnel_leaves_the_other_open() {
    let (setup, mut agent, mut provider) = tunnel().await;
    agent.shutdown().await.expect("an end is sent");
    assert_eq!(provider.read(&mut [0; 8]).await.expect("no break"), 0);
    provider.write_all(b"still").await.expect("bytes are sent");
    drop(provider);
    let mut rest = Vec::new();
    agent.read_to_end(&mut rest).await.expect("a clean end");
    assert_eq!(rest, b"still");
    setup.stop().await;
}

/// An agent's and a provider's end of one WebSocket on HTTP/1.1.
async fn websocket() -> (Setup, Stream, TlsStream<TcpStream>) {
    websocket_with("").await
}

/// The same, whose provider sends `early` in one piece with its answer.
async fn websocket_with(early: &'static str) -> (Setup, Stream, TlsStream<TcpStream>) {
    let (tell, mut told) = mpsc::channel(1);
    let origin = Origin::start("http/1.1", move |mut stream| {
        let tell = tell.clone();
        async move {
            head(&mut stream).await.expect("a head");
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n{early}"
            );
            stream.write_all(answer.as_bytes()).await.expect("the head is sent");
            tell.send(stream).await.expect("the test waits for it");
        }
    })
    .await;
    let ca = origin.ca();
    let setup =
        setup_with(FixtureOptions::default(), |options, _| options.upstream_ca = Some(ca)).await;
    let (agent, answer) = setup.websocket_at(&origin.url()).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    (setup, agent, told.recv().await.expect("a WebSocket"))
}

#[tokio::test]
async fn an_agent_that_resets_its_websocket_resets_the_providers() {
    let (setup, agent, mut provider) = websocket().await;
    agent.reset();
    let error = provider.read_u8().await.expect_err("a break");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    setup.recording.assert_ending(0, Ending::ClientGone).await;
    setup.stop().await;
}

#[tokio::test]
async fn a_provider_that_resets_a_websocket_resets_the_agents() {
    let (setup, mut agent, provider) = websocket().await;
    provider.get_ref().0.set_zero_linger().expect("a socket that can be reset");
    drop(provider);
    let mut rest = Vec::new();
    let error = agent.read_to_end(&mut rest).await.expect_err("a break");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    setup.recording.assert_ending(0, Ending::UpstreamGone).await;
    setup.stop().await;
}

#[tokio::test]
async fn bytes_that_come_with_a_101_are_passed_on() {
    let (setup, mut agent, mut provider) = websocket_with("\x01early").await;
    let mut early = [0; 6];
    agent.read_exact(&mut early).await.expect("bytes arrive");
    assert_eq!(&early, b"\x01early");
    provider.shutdown().await.expect("an end is sent");
    agent.shutdown().await.expect("an end is sent");
    let flow = setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!(flow.frames_down, early);
    setup.stop().await;
}

#[tokio::test]
async fn an_end_of_one_direction_of_a_websocket_leaves_the_other_open() {
    let (setup, mut agent, mut provider) = websocket().await;
    agent.shutdown().await.expect("an end is sent");
    assert_eq!(provider.read(&mut [0; 8]).await.expect("no break"), 0);
    provider.write_all(b"\x81\x05Hello").await.expect("bytes are sent");
    provider.shutdown().await.expect("an end is sent");
    let mut rest = Vec::new();
    agent.read_to_end(&mut rest).await.expect("a clean end");
    assert_eq!(rest, b"\x81\x05Hello");
    setup.recording.assert_ending(0, Ending::Whole).await;
    setup.stop().await;
}

#[tokio::test]
async fn a_reset_after_an_end_of_ones_own_direction_ends_an_idle_websocket() {
    for agent_leaves in [true, false] {
        let (setup, mut agent, mut provider) = websocket().await;
        // The one that stays neither sends nor leaves.
        if agent_leaves {
            agent.shutdown().await.expect("an end is sent");
            assert_eq!(provider.read(&mut [0; 8]).await.expect("no break"), 0);
            agent.reset();
            setup.recording.assert_ending(0, Ending::ClientGone).await;
        } else {
            provider.shutdown().await.expect("an end is sent");
            assert_eq!(agent.read(&mut [0; 8]).await.expect("no break"), 0);
            provider.get_ref().0.set_zero_linger().expect("a socket that can be reset");
            drop(provider);
            setup.recording.assert_ending(0, Ending::UpstreamGone).await;
        }
        setup.stop().await;
    }
}

/// An agent's and a provider's end of one WebSocket without TLS on either side.
async fn plain_websocket() -> (Setup, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("its address"));
    let setup = setup_with(FixtureOptions::default(), |options, _| {
        let base = langley_proxy::BaseUrl::parse(&base).expect("a base URL");
        options.reverse.upstreams.insert("plain".into(), base);
    })
    .await;
    let mut agent = TcpStream::connect(setup.proxy).await.expect("a connection");
    let ask = b"GET /to/plain/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    agent.write_all(ask).await.expect("the head is sent");
    let (mut provider, _) = listener.accept().await.expect("a connection");
    let answer =
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    head(&mut provider).await.expect("a head");
    provider.write_all(answer).await.expect("the head is sent");
    head(&mut agent).await.expect("a head");
    (setup, agent, provider)
}

#[tokio::test]
async fn who_ends_a_websocket_first_and_when_is_told() {
    for first in [Side::Client, Side::Upstream] {
        let (setup, agent, provider) = plain_websocket().await;
        let (mut leaves, mut stays) =
            if first == Side::Client { (agent, provider) } else { (provider, agent) };
        // The middle of a frame, and the end of the direction.
        leaves.write_all(b"\x81\x05He").await.expect("bytes are sent");
        leaves.shutdown().await.expect("an end is sent");
        let mut seen = Vec::new();
        stays.read_to_end(&mut seen).await.expect("a clean end");
        assert_eq!(seen, b"\x81\x05He");
        let before = Tick::now();
        stays.shutdown().await.expect("an end is sent");
        let flow = setup.recording.assert_ending(0, Ending::Whole).await;
        let (side, at) = flow.closed.expect("its end").left.expect("one that left");
        assert_eq!(side, first);
        assert!(at <= before, "when it left, not when the other one did");
        setup.stop().await;
    }
}

#[tokio::test]
async fn a_reset_of_either_end_of_a_plain_websocket_resets_the_other() {
    for agent_leaves in [true, false] {
        let (setup, agent, provider) = plain_websocket().await;
        let (leaves, mut stays) = if agent_leaves { (agent, provider) } else { (provider, agent) };
        leaves.set_zero_linger().expect("a socket that can be reset");
        drop(leaves);
        let error = stays.read_u8().await.expect_err("a break");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let ending = if agent_leaves { Ending::ClientGone } else { Ending::UpstreamGone };
        setup.recording.assert_ending(0, ending).await;
    }
}
