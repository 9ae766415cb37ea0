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
async fn a_head_that_is_too_large_is_on_record_with_what_was_wrong_and_what_was_answered() {
    let setup = limited().await;
    let port: u16 = setup.fixture.https_url().rsplit(':').next().unwrap().parse().expect("a port");
    let own = (setup.proxy.ip().to_string(), setup.proxy.port());
    let clients = [
        (setup.forward(), "/v1/models", ("localhost".to_owned(), port)),
        (setup.reverse(), "/to/plain/v1/models", own),
    ];
    let wrongs = [
        (60, 4, "too_many_headers", "more than 40 header lines"),
        (3, 20_000, "header_too_large", "larger than 32768 bytes"),
    ];
    let mut index = 0;
    for (client, target, place) in clients {
        for (count, size, code, why) in wrongs {
            let mut connection = client.connect().await.expect("a connection");
            let answer = connection.fetch(with_headers(target, count, size)).await;
            let answer = answer.expect("an answer");
            assert_eq!(answer.headers.value("x-langley-error"), Some(code));
            assert!(answer.text().contains(r#""error":{"#), "{}", answer.text());
            assert!(answer.text().contains(why), "{}", answer.text());
            let flow = setup.recording.assert_ending(index, Ending::Refused).await;
            let closed = flow.closed.expect("it ended");
            assert_eq!((closed.status, closed.code), (Some(431), Some(code)));
            assert!(closed.reason.expect("a reason").contains(why));
            assert_eq!((flow.opened.host, flow.opened.port), place);
            assert_eq!((flow.opened.method.as_str(), flow.opened.target.as_str()), ("GET", target));
            assert_eq!(flow.response, answer.body);
            index += 1;
        }
    }
}
