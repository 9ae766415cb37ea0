//! The WebSocket echo, spoken to in raw frames.

use langley_fixture::{Fixture, FixtureOptions};
use langley_testkit::{Client, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn frames_come_back_unmasked_with_their_flags() {
    let fixture = Fixture::start(FixtureOptions::default()).await.unwrap();
    let mut connection = Client::direct(&fixture.http_url()).connect().await.unwrap();
    let request = Request::get("/ws")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
    let response = connection.send(request).await.unwrap();
    assert_eq!(response.status, 101);
    // The key and its answer are RFC 6455's own example.
    assert_eq!(
        response.headers.value("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert!(response.headers.value("sec-websocket-extensions").is_some());
    drop(response);
    let mut stream = connection.into_stream();
    // A text frame with RSV1 set, masked.
    stream.write_all(&[0xC1, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2]).await.unwrap();
    let mut echo = [0; 4];
    stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(echo, [0xC1, 2, b'h', b'i']);
    stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    let mut close = Vec::new();
    stream.read_to_end(&mut close).await.unwrap();
    assert_eq!(close, [0x88, 0]);
}
