//! WebSockets over HTTP/2 (RFC 8441): the agent is offered what the provider offers, and both streams
//! end as the other one does.

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream};
use http::{Method, Request, Response, StatusCode};
use langley_fixture::FixtureOptions;
use langley_model::{Ending, HttpVersion};
use langley_testkit::Client;
use tokio::sync::mpsc;

use crate::origin::Origin;
use crate::setup::{Setup, setup, setup_with};

/// A masked text frame "Hello" (RFC 6455 §5.7), and the same unmasked.
const MASKED: &[u8] = &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
const HELLO: &[u8] = b"\x81\x05Hello";

/// A stream that carries a WebSocket.
struct Socket {
    send: SendStream<Bytes>,
    recv: RecvStream,
}

impl Socket {
    fn say(&mut self, bytes: &'static [u8]) {
        self.send.send_data(Bytes::from_static(bytes), false).expect("bytes are sent");
    }

    fn end(&mut self) {
        self.send.send_data(Bytes::new(), true).expect("an end is sent");
    }

    /// Reads until `wanted` has come.
    async fn hear(&mut self, wanted: &[u8]) {
        let mut heard = Vec::new();
        while heard.len() < wanted.len() {
            heard.extend(self.next().await.expect("no break").expect("more bytes"));
        }
        assert_eq!(heard, wanted);
    }

    async fn next(&mut self) -> Result<Option<Bytes>, h2::Error> {
        while let Some(piece) = self.recv.data().await.transpose()? {
            self.recv.flow_control().release_capacity(piece.len())?;
            // The end may come as a frame of its own.
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// The reason of the reset that must come next.
    async fn reset(&mut self) -> Option<Reason> {
        let ended = self.next().await;
        ended.expect_err("a reset").reason()
    }
}

/// An HTTP/2 connection through the proxy, and whether the far side offers extended CONNECT.
async fn connect(setup: &Setup, url: &str) -> (h2::client::SendRequest<Bytes>, bool) {
    let client = Client::through(setup.proxy, url).trusting(&setup.ca).alpn(&["h2"]);
    let stream = client.stream().await.expect("a TLS stream");
    let (sender, connection) = h2::client::handshake(stream).await.expect("a connection");
    tokio::spawn(async move {
        let _broken_by_the_test = connection.await;
    });
    let mut sender = sender.ready().await.expect("it takes requests");
    // With an answer, the settings have come before.
    let asked = Request::get(format!("{url}/v1/models")).body(()).expect("a request");
    let (answer, _) = sender.send_request(asked, true).expect("it is sent");
    answer.await.expect("an answer");
    let sender = sender.ready().await.expect("it takes requests");
    let offered = sender.is_extended_connect_protocol_enabled();
    (sender, offered)
}

async fn open(sender: &mut h2::client::SendRequest<Bytes>, url: &str) -> Socket {
    let (answer, send) = ask(sender, url).await;
    assert_eq!(answer.status(), StatusCode::OK);
    Socket { send, recv: answer.into_body() }
}

async fn ask(
    sender: &mut h2::client::SendRequest<Bytes>,
    url: &str,
) -> (Response<RecvStream>, SendStream<Bytes>) {
    let asked = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("{url}/ws"))
        .extension(h2::ext::Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-extensions", "permessage-deflate")
        .body(())
        .expect("a request");
    let (answer, send) = sender.send_request(asked, false).expect("it is sent");
    (answer.await.expect("an answer"), send)
}

/// An origin that answers requests with 204 and hands over the WebSockets that it accepts.
async fn origin(offers: bool) -> (Origin, mpsc::Receiver<Socket>) {
    answering(offers, 200).await
}

/// The same, which answers CONNECT with `answer`.
async fn answering(offers: bool, answer: u16) -> (Origin, mpsc::Receiver<Socket>) {
    let (tell, told) = mpsc::channel(4);
    let origin = Origin::start("h2", move |stream| {
        let tell = tell.clone();
        async move {
            let mut builder = h2::server::Builder::new();
            if offers {
                builder.enable_connect_protocol();
            }
            let mut connection = builder.handshake(stream).await.expect("a connection");
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let is_websocket = request.method() == Method::CONNECT;
                let status = if is_websocket { answer } else { 204 };
                let head = Response::builder().status(status).body(()).expect("a head");
                let send = respond.send_response(head, !is_websocket).expect("it is sent");
                if is_websocket {
                    let protocol = request.extensions().get::<h2::ext::Protocol>();
                    assert_eq!(protocol.map(h2::ext::Protocol::as_str), Some("websocket"));
                    let socket = Socket { send, recv: request.into_body() };
                    assert!(tell.send(socket).await.is_ok(), "the test waits for it");
                }
            }
        }
    });
    (origin.await, told)
}

async fn in_front_of(origin: &Origin) -> Setup {
    let ca = origin.ca();
    setup_with(FixtureOptions::default(), |options, _| options.upstream_ca = Some(ca)).await
}

#[tokio::test]
async fn the_agent_is_offered_what_the_provider_offers() {
    for offers in [true, false] {
        let (origin, _sockets) = origin(offers).await;
        let setup = in_front_of(&origin).await;
        for _ in 0..2 {
            let (_sender, offered) = connect(&setup, &origin.url()).await;
            assert_eq!(offered, offers);
        }
        setup.recording.endings_do_not_matter();
    }
}

#[tokio::test]
async fn a_websocket_is_recorded_as_one_over_http1_is() {
    let setup = setup().await;
    let url = setup.fixture.https_url();
    let (mut sender, offered) = connect(&setup, &url).await;
    assert!(offered);
    setup.recording.endings_do_not_matter();
    let mut socket = open(&mut sender, &url).await;
    socket.say(MASKED);
    socket.hear(HELLO).await;
    socket.end();
    assert_eq!(socket.next().await.expect("no break"), None);
    let flow = setup.recording.assert_ending(1, Ending::Whole).await;
    assert_eq!(flow.opened.method, "CONNECT");
    assert_eq!(flow.opened.target, "/ws");
    assert_eq!(flow.opened.version_out, HttpVersion::Http2);
    assert_eq!(flow.opened.protocol.as_deref(), Some("websocket"));
    assert_eq!(flow.frames_up, MASKED);
    assert_eq!(flow.frames_down, HELLO);
    let head = flow.head.expect("a head");
    assert_eq!(head.status, 200);
    assert_eq!(head.headers.value("sec-websocket-extensions"), Some("permessage-deflate"));
    // The connection goes on.
    let mut socket = open(&mut sender, &url).await;
    socket.say(MASKED);
    socket.hear(HELLO).await;
    drop((socket, sender));
    setup.recording.assert_ending(2, Ending::ClientGone).await;
}

#[tokio::test]
async fn a_provider_that_does_not_agree_is_heard() {
    for (answer, wanted) in [(403, 403), (204, 502)] {
        let (origin, _sockets) = answering(true, answer).await;
        let setup = in_front_of(&origin).await;
        let (mut sender, _) = connect(&setup, &origin.url()).await;
        let (head, _send) = ask(&mut sender, &origin.url()).await;
        assert_eq!(head.status(), wanted);
        setup.recording.endings_do_not_matter();
    }
}

#[tokio::test]
async fn each_direction_ends_by_itself() {
    let (origin, mut sockets) = origin(true).await;
    let setup = in_front_of(&origin).await;
    let (mut sender, _) = connect(&setup, &origin.url()).await;
    let mut agent = open(&mut sender, &origin.url()).await;
    let mut provider = sockets.recv().await.expect("a websocket");
    agent.say(MASKED);
    agent.end();
    provider.hear(MASKED).await;
    assert_eq!(provider.next().await.expect("no break"), None);
    provider.say(HELLO);
    agent.hear(HELLO).await;
    provider.end();
    assert_eq!(agent.next().await.expect("no break"), None);
    setup.recording.assert_ending(1, Ending::Whole).await;
    setup.recording.endings_do_not_matter();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_of_either_side_resets_the_other() {
    let (origin, mut sockets) = origin(true).await;
    let setup = in_front_of(&origin).await;
    let (mut sender, _) = connect(&setup, &origin.url()).await;
    // RFC 8441 §5: CANCEL stands for a TCP reset.
    for (index, reason) in [(1, Reason::CANCEL), (2, Reason::INTERNAL_ERROR)] {
        let mut agent = open(&mut sender, &origin.url()).await;
        let mut provider = sockets.recv().await.expect("a websocket");
        provider.say(HELLO);
        agent.hear(HELLO).await;
        provider.send.send_reset(reason);
        assert_eq!(agent.reset().await, Some(Reason::CANCEL));
        setup.recording.assert_ending(index, Ending::UpstreamGone).await;
    }
    for (index, reason) in [(3, Reason::CANCEL), (4, Reason::PROTOCOL_ERROR)] {
        let mut agent = open(&mut sender, &origin.url()).await;
        let mut provider = sockets.recv().await.expect("a websocket");
        agent.say(MASKED);
        provider.hear(MASKED).await;
        agent.send.send_reset(reason);
        assert_eq!(provider.reset().await, Some(Reason::CANCEL));
        setup.recording.assert_ending(index, Ending::ClientGone).await;
    }
    setup.recording.endings_do_not_matter();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_words_before_a_reset_arrive() {
    let (origin, mut sockets) = origin(true).await;
    let setup = in_front_of(&origin).await;
    let (mut sender, _) = connect(&setup, &origin.url()).await;
    for _ in 0..20 {
        let mut agent = open(&mut sender, &origin.url()).await;
        let mut provider = sockets.recv().await.expect("a websocket");
        // RFC 9113 §8.1: a server that is done may end its answer and reset the stream at once.
        provider.say(HELLO);
        provider.end();
        drop(provider);
        agent.hear(HELLO).await;
    }
    setup.recording.endings_do_not_matter();
}

#[tokio::test]
async fn a_reset_after_an_end_is_still_passed_on() {
    let (origin, mut sockets) = origin(true).await;
    let setup = in_front_of(&origin).await;
    let (mut sender, _) = connect(&setup, &origin.url()).await;
    let mut agent = open(&mut sender, &origin.url()).await;
    let mut provider = sockets.recv().await.expect("a websocket");
    agent.end();
    assert_eq!(provider.next().await.expect("no break"), None);
    agent.send.send_reset(Reason::CANCEL);
    let reset = std::future::poll_fn(|cx| provider.send.poll_reset(cx)).await;
    assert_eq!(reset.expect("a reset"), Reason::CANCEL);
    setup.recording.assert_ending(1, Ending::ClientGone).await;
    setup.recording.endings_do_not_matter();
}

#[tokio::test]
async fn a_provider_that_is_gone_breaks_off_the_agents_connection() {
    let (origin, mut sockets) = origin(true).await;
    let setup = in_front_of(&origin).await;
    let (mut sender, _) = connect(&setup, &origin.url()).await;
    let mut agent = open(&mut sender, &origin.url()).await;
    let _provider = sockets.recv().await.expect("a websocket");
    origin.drop_connections();
    let error = agent.next().await.expect_err("a break");
    assert!(error.is_io(), "{error}");
    setup.recording.assert_ending(1, Ending::UpstreamGone).await;
    setup.recording.endings_do_not_matter();
}
