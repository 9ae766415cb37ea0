//! Streams of one connection do not starve each other.

use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use langley_testkit::Client;

use crate::setup::setup;

#[tokio::test]
async fn however_many_streams_nobody_reads_there_is_room_for_one_that_somebody_does() {
    let setup = setup().await;
    let url = setup.fixture.https_url();
    let client = Client::through(setup.proxy, &url).trusting(&setup.ca).alpn(&["h2"]);
    let stream = client.stream().await.expect("a TLS stream");
    let mut builder = h2::client::Builder::new();
    // The agent itself has room for all of them.
    builder.initial_window_size(64 * 1024).initial_connection_window_size(64 << 20);
    let (mut sender, connection) =
        builder.handshake::<_, Bytes>(stream).await.expect("a connection");
    tokio::spawn(async move {
        let _broken_by_the_end = connection.await;
    });
    let read = ask(&mut sender, &format!("{url}/download?bytes=1")).await;
    assert_eq!(length(read).await, 1);
    // As many as may be open, but for the one that is read.
    let most = sender.current_max_send_streams();
    assert!((100..1000).contains(&most), "{most} streams");
    let mut stalled = Vec::new();
    for _ in 1..most {
        let body = ask(&mut sender, &format!("{url}/download?bytes=67108864")).await;
        stalled.push(body);
    }
    // Until the provider has sent nothing but the piece that was read: the stalled ones are full.
    let reading = async {
        loop {
            let before = setup.fixture.stats().events;
            let read = ask(&mut sender, &format!("{url}/download?bytes=64000")).await;
            assert_eq!(length(read).await, 64_000);
            if setup.fixture.stats().events == before + 1 {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("it is starved");
    drop(stalled);
    setup.recording.endings_do_not_matter();
}

async fn ask(sender: &mut SendRequest<Bytes>, url: &str) -> h2::RecvStream {
    *sender = sender.clone().ready().await.expect("it takes requests");
    let request = Request::get(url).body(()).expect("a request");
    let (answer, _) = sender.send_request(request, true).expect("it is sent");
    answer.await.expect("an answer").into_body()
}

async fn length(mut body: h2::RecvStream) -> usize {
    let mut read = 0;
    while let Some(piece) = body.data().await {
        let piece = piece.expect("no break");
        read += piece.len();
        body.flow_control().release_capacity(piece.len()).expect("room is given back");
    }
    read
}
