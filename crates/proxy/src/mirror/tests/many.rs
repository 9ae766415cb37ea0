//! Many handshakes at once, some of them given up: every hello on its way is forgotten in the end.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use langley_fixture::{Fixture, FixtureOptions};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::super::pending;
use super::Captured;
use super::certificates::Authority;
use super::wire::{Mirrored, Writes};

/// Waits until no hello is on its way: other tests of the process have theirs.
pub(super) async fn none_is_pending() {
    let waiting = async {
        while pending::count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let over = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(over.is_ok(), "{} hellos were left behind", pending::count());
}

/// Polls `future` at most `polls` times and then drops it; what came of it.
async fn give_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut polled) = (pin!(future), 0);
    std::future::poll_fn(move |cx| {
        polled += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polled >= polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_hello_is_left_behind_by_many_and_cancelled_handshakes() {
    let fixture = Fixture::start(FixtureOptions::default()).await.unwrap();
    let port: u16 = fixture.https_url().rsplit(':').next().unwrap().parse().unwrap();
    let mut trust = Authority::new().trust();
    let mut roots = RootCertStore::empty();
    let pem = fixture.ca_pem().as_bytes();
    roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
    trust.roots = Arc::new(roots);
    let mut tasks = JoinSet::new();
    for turn in 0..400 {
        let trust = trust.clone();
        tasks.spawn(async move {
            let captured = Captured::all().swap_remove(turn % 8);
            let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let writes = if turn % 3 == 0 { Writes::Whole } else { Writes::Chopped };
            let connecting = Mirrored::connect(stream, captured.profile(), &trust, writes);
            if turn % 4 == 3 {
                return give_up_after(1 + turn / 4, connecting).await.is_none();
            }
            let mirrored = connecting.await.unwrap();
            captured.assert_mirrored(&mirrored.hellos[0]);
            false
        });
    }
    let given_up = tasks.join_all().await.into_iter().filter(|given_up| *given_up).count();
    assert!(given_up > 10, "only {given_up} were given up");
    none_is_pending().await;
}

#[tokio::test]
async fn a_hello_is_on_its_way_until_the_handshake_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let trust = Authority::new().trust();
    let mut waiting = Vec::new();
    for captured in Captured::all() {
        let trust = trust.clone();
        let stream = TcpStream::connect(address).await.unwrap();
        waiting.push(Box::pin(async move {
            Mirrored::connect(stream, captured.profile(), &trust, Writes::Whole).await.map(drop)
        }));
    }
    for connecting in &mut waiting {
        // The hello is sent at the first poll, and nobody answers.
        let polled = std::future::poll_fn(|cx| Poll::Ready(connecting.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
    }
    assert!(pending::count() >= waiting.len());
    waiting.clear();
    none_is_pending().await;
}
