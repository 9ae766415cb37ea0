//! Heads of requests: how large they may be.

use langley_fixture::FixtureOptions;
use langley_model::Ending;
use langley_testkit::Request;

use crate::setup::{Setup, setup_with};

async fn limited() -> Setup {
    setup_with(FixtureOptions::default(), |options, _| {
        options.limits.header_bytes = 32 * 1024;
        options.limits.header_count = 40;
    })
    .await
}

fn with_headers(target: &str, count: usize, size: usize) -> Request {
    let value = "v".repeat(size);
    (0..count).fold(Request::get(target), |request, number| {
        request.header(&format!("x-{number}"), &value)
    })
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_431() {
    let setup = limited().await;
    let forward = setup.forward();
    let clients = [
        (forward.clone(), "/v1/models"),
        (forward.http2(), "/v1/models"),
        (setup.reverse(), "/to/plain/v1/models"),
        (setup.reverse().http2(), "/to/plain/v1/models"),
    ];
    for (client, target) in clients {
        for (count, size, wanted) in [(3, 100, 200), (60, 4, 431), (3, 20_000, 431)] {
            let request = with_headers(target, count, size);
            let mut connection = client.connect().await.expect("a connection");
            let answer = connection.fetch(request).await.expect("an answer");
            assert_eq!(answer.status, wanted, "{target} {count} of {size}");
        }
    }
    let seen = setup.fixture.exchanges();
    assert!(seen.iter().all(|exchange| exchange.headers.iter().count() < 10), "{seen:?}");
    setup.recording.endings_do_not_matter();
}

#[tokio::test]
async fn a_head_that_is_too_large_is_on_record() {
    let setup = limited().await;
    let mut connection = setup.forward().connect().await.expect("a connection");
    assert_eq!(
        connection.fetch(with_headers("/v1/models", 60, 4)).await.expect("an answer").status,
        431
    );
    let flow = setup.recording.assert_ending(0, Ending::Refused).await;
    assert!(flow.closed.and_then(|closed| closed.reason).expect("a reason").contains("refused"));
}
