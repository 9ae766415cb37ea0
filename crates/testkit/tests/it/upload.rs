//! What the fixture takes in.

use std::time::Duration;

use langley_fixture::{Ended, Fixture, FixtureOptions};
use langley_testkit::{Client, Request};

const BOUND: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_first_piece_of_an_upload_is_seen_before_the_last_is_sent() {
    let fixture = Fixture::start(FixtureOptions::default()).await.unwrap();
    let tls = Client::direct(&fixture.https_url()).trusting(fixture.ca_pem());
    for client in [Client::direct(&fixture.http_url()), tls.clone(), tls.http2()] {
        fixture.clear();
        let mut connection = client.connect().await.unwrap();
        let request = Request::new("POST", "/upload").chunked();
        let mut upload = connection.begin(request).await.unwrap();
        upload.data("first ").await.unwrap();
        let seen = fixture.wait_for(BOUND, |seen| {
            seen.first().filter(|exchange| exchange.body_bytes == 6).map(|e| e.body_complete)
        });
        assert_eq!(seen.await, Some(false));
        upload.data("last").await.unwrap();
        let trailers = [("x-checksum".to_owned(), "42".to_owned())];
        upload.finish(&trailers).await.unwrap();
        let answer = upload.response().await.unwrap().whole().await.unwrap();
        assert!(answer.text().starts_with(r#"{"bytes":10,"#), "{}", answer.text());
        let exchange = fixture.exchanges().pop().unwrap();
        assert_eq!(exchange.body, "first last");
        assert_eq!(exchange.trailers.value("x-checksum"), Some("42"));
    }
}

#[tokio::test]
async fn an_early_answer_does_not_wait_for_the_upload() {
    let fixture = Fixture::start(FixtureOptions::default()).await.unwrap();
    let tls = Client::direct(&fixture.https_url()).trusting(fixture.ca_pem());
    for client in [Client::direct(&fixture.http_url()), tls.clone().http2()] {
        let mut connection = client.connect().await.unwrap();
        let request = Request::new("POST", "/v1/messages").chunked().fixture("early;status=413");
        let mut upload = connection.begin(request).await.unwrap();
        upload.data("beginning").await.unwrap();
        let answer = upload.response().await.unwrap().whole().await.unwrap();
        assert_eq!(answer.status, 413);
    }
}

#[tokio::test]
async fn an_upload_that_is_abandoned_is_recorded_as_such() {
    let fixture = Fixture::start(FixtureOptions::default()).await.unwrap();
    let mut connection = Client::direct(&fixture.http_url()).connect().await.unwrap();
    let mut upload = connection.begin(Request::new("POST", "/upload").chunked()).await.unwrap();
    upload.data("only this").await.unwrap();
    drop(upload);
    connection.reset();
    let gone = fixture.wait_for(BOUND, |seen| {
        seen.iter().any(|exchange| exchange.ended == Ended::ClientGone).then_some(())
    });
    assert!(gone.await.is_some());
}
