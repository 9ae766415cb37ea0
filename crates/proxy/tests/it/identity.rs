//! Providers that ask who is there, and hosts that are trusted without a check.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use langley_fixture::FixtureOptions;
use langley_model::{Ending, Tunnel, TunnelReason};
use langley_proxy::{ClientCertificate, HostList};
use langley_testkit::{Client, Request};
use tokio::io::AsyncWriteExt;

use crate::origin::{Asks, Origin, head};
use crate::setup::{Setup, setup_with};

/// An origin that asks for a certificate, and counts the connections on which one was shown.
async fn origin(asks: Asks) -> (Origin, Arc<AtomicUsize>) {
    let shown = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&shown);
    let origin = Origin::asking(asks, move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            if stream.get_ref().1.peer_certificates().is_some() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
            if head(&mut stream).await.is_none() {
                return;
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            stream.write_all(answer).await.expect("the answer is sent");
            stream.shutdown().await.expect("an end is sent");
        }
    });
    (origin.await, shown)
}

async fn in_front_of(origin: &Origin, hosts: &str) -> Setup {
    let (ca, (certificate, key)) = (origin.ca(), origin.client_certificate());
    let hosts = HostList::parse(&[hosts]).expect("a list");
    setup_with(FixtureOptions::default(), |options, _| {
        options.upstream_ca = Some(ca);
        options.client_certificates = vec![ClientCertificate { hosts, certificate, key }];
    })
    .await
}

async fn fetch(client: &Client) -> String {
    let mut connection = client.connect().await.expect("a connection");
    connection.fetch(Request::get("/")).await.expect("an answer").text().to_owned()
}

/// Tunnels that have ended, once there are that many.
async fn tunnels(setup: &Setup, count: usize) -> Vec<Tunnel> {
    loop {
        let mut tunnels = setup.recording.tunnels();
        tunnels.retain(|tunnel| tunnel.ended_at.is_some());
        if tunnels.len() >= count {
            return tunnels;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_certificate_for_the_host_is_presented_when_it_asks() {
    let (origin, shown) = origin(Asks::Always).await;
    let setup = in_front_of(&origin, "localhost").await;
    let client = Client::through(setup.proxy, &origin.url()).trusting(&setup.ca);
    assert_eq!(fetch(&client).await, "ok");
    setup.recording.assert_ending(0, Ending::Whole).await;
    assert_eq!(shown.load(Ordering::SeqCst), 1);
    // A resumed session has an identity of its own, and is resumed all the same.
    assert_eq!(fetch(&client).await, "ok");
    assert!(setup.recording.tunnels().is_empty());
    setup.recording.endings_do_not_matter();
}

#[tokio::test]
async fn who_asks_and_gets_nothing_is_tunnelled_so_that_the_agent_is_asked() {
    for asks in [Asks::Always, Asks::Tls12, Asks::Politely, Asks::PolitelyTls12] {
        let (origin, shown) = origin(asks).await;
        let setup = in_front_of(&origin, "elsewhere.example").await;
        let roots = std::fs::read_to_string(origin.ca()).expect("its certificate");
        let client = Client::through(setup.proxy, &origin.url()).trusting(&roots);
        let (certificate, key) = origin.client_certificate();
        let client = client.presenting(&read(certificate), &read(key));
        for times in 1..=4 {
            assert_eq!(fetch(&client).await, "ok", "{asks:?}");
            assert_eq!(shown.load(Ordering::SeqCst), times, "{asks:?}");
            let tunnel = tunnels(&setup, times).await.remove(times - 1);
            assert_eq!(tunnel.why, TunnelReason::ClientCertificateAsked);
            assert!(tunnel.bytes_up > 300 && tunnel.bytes_down > 300, "{tunnel:?}");
        }
        assert!(setup.recording.flows().is_empty());
        // One handshake was in vain: the provider is known after it.
        assert_eq!(origin.connections(), 4 + 1, "{asks:?}");
    }
}

fn read(path: PathBuf) -> String {
    std::fs::read_to_string(path).expect("a file")
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_concerns_its_own_hosts_only() {
    let (origin, _) = origin(Asks::Never).await;
    for (hosts, wanted) in [("localhost", 502), ("elsewhere.example", 200)] {
        let ca = origin.ca();
        let setup = setup_with(FixtureOptions::default(), |options, _| {
            options.client_certificates = vec![ClientCertificate {
                hosts: HostList::parse(&[hosts]).expect("a list"),
                certificate: ca.with_file_name("missing.pem"),
                key: ca.with_file_name("missing.key"),
            }];
            options.upstream_ca = Some(ca);
        })
        .await;
        let client = Client::through(setup.proxy, &origin.url()).trusting(&setup.ca);
        let mut connection = client.connect().await.expect("a connection");
        let answer = connection.fetch(Request::get("/")).await.expect("an answer");
        assert_eq!(answer.status, wanted, "{}", answer.text());
        if wanted == 502 {
            let code = answer.headers.value("x-langley-error");
            assert_eq!(code, Some("client_certificate_unusable"));
            assert!(answer.text().contains("missing.pem"), "{}", answer.text());
        }
        setup.recording.endings_do_not_matter();
    }
}

#[tokio::test]
async fn only_the_named_host_is_trusted_without_a_check() {
    let (origin, _) = origin(Asks::Never).await;
    for (named, wanted) in [("LocalHost.", 200), ("other.localhost", 502), ("calhost", 502)] {
        let setup = setup_with(FixtureOptions::default(), |options, _| {
            options.upstream_ca = None;
            options.insecure_hosts = vec![named.to_owned()];
        })
        .await;
        let client = Client::through(setup.proxy, &origin.url()).trusting(&setup.ca);
        let mut connection = client.connect().await.expect("a connection");
        let answer = connection.fetch(Request::get("/")).await.expect("an answer");
        assert_eq!(answer.status, wanted, "{named}: {}", answer.text());
        setup.recording.endings_do_not_matter();
    }
}
