//! Against OpenSSL: a stack of its own checks every hash, signature and key of the mirrored handshake.

use langley_testkit::OpensslServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::certificates::{Authority, Key};
use super::wire::{Mirrored, Writes};
use super::{Captured, facts};

/// Handshakes and talks with every captured hello, whole and chopped; `hellos` are sent each time.
async fn every_client_gets_through(key: Key, words: &[&str], hellos: usize) {
    let authority = Authority::new();
    let ca = authority.pem();
    let mut all = authority.server(key).await;
    all.extend(words.iter().map(|word| {
        let word = if *word == "CA" { ca.to_str().unwrap() } else { word };
        word.to_owned()
    }));
    let server = OpensslServer::start(&all).await;
    let trust = authority.trust();
    for captured in Captured::all() {
        for writes in [Writes::Chopped, Writes::Whole] {
            let what = format!("{} {writes:?} {key:?} {words:?}", captured.name);
            let stream = TcpStream::connect(server.address).await.unwrap();
            let connected = Mirrored::connect(stream, captured.profile(), &trust, writes).await;
            let mut mirrored = connected.unwrap_or_else(|error| panic!("{what}: {error}"));
            mirrored.talk().await.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(mirrored.ja4, Some(facts(&captured.message).ja4()), "{what}");
            assert_eq!(mirrored.hellos.len(), hellos, "{what}");
            captured.assert_mirrored(&mirrored.hellos[0]);
            if let [first, second] = mirrored.hellos.as_slice() {
                // RFC 8446 § 4.1.2: only key shares, cookie and padding may change.
                let (first, second) = (facts(first), facts(second));
                assert_eq!(first.ciphers, second.ciphers, "{what}");
                assert_eq!(first.extensions, second.extensions, "{what}");
            }
        }
    }
    super::many::none_is_pending().await;
}

#[tokio::test]
async fn every_client_is_mirrored_over_tls13_with_ecdsa() {
    every_client_gets_through(Key::Ecdsa, &["-tls1_3"], 1).await;
}

#[tokio::test]
async fn every_client_is_mirrored_over_tls13_with_rsa() {
    every_client_gets_through(Key::Rsa, &["-tls1_3"], 1).await;
}

#[tokio::test]
async fn every_client_is_mirrored_over_tls12_with_ecdsa() {
    every_client_gets_through(Key::Ecdsa, &["-tls1_2", "-groups", "P-256"], 1).await;
}

#[tokio::test]
async fn every_client_is_mirrored_over_tls12_with_rsa() {
    every_client_gets_through(Key::Rsa, &["-tls1_2", "-groups", "P-256"], 1).await;
}

#[tokio::test]
async fn every_client_is_mirrored_over_tls12_with_chacha() {
    let cipher = "ECDHE-ECDSA-CHACHA20-POLY1305";
    every_client_gets_through(Key::Ecdsa, &["-tls1_2", "-cipher", cipher], 1).await;
}

#[tokio::test]
async fn a_retry_for_another_group_is_mirrored_too() {
    every_client_gets_through(Key::Ecdsa, &["-tls1_3", "-groups", "P-384"], 2).await;
}

#[tokio::test]
async fn a_retry_with_another_hash_is_mirrored_too() {
    let suite = "TLS_AES_128_GCM_SHA256";
    let words = ["-tls1_3", "-groups", "P-256", "-ciphersuites", suite];
    every_client_gets_through(Key::Rsa, &words, 2).await;
}

const VERIFY: [&str; 5] = ["-Verify", "1", "-verify_return_error", "-CAfile", "CA"];

#[tokio::test]
async fn a_client_certificate_is_accepted_over_tls13() {
    every_client_gets_through(Key::Ecdsa, &[["-tls1_3"].as_slice(), &VERIFY].concat(), 1).await;
}

#[tokio::test]
async fn a_client_certificate_is_accepted_over_tls13_behind_a_retry() {
    let words = [["-tls1_3", "-groups", "P-384"].as_slice(), &VERIFY].concat();
    every_client_gets_through(Key::Ecdsa, &words, 2).await;
}

#[tokio::test]
async fn a_client_certificate_is_accepted_over_tls12() {
    every_client_gets_through(Key::Ecdsa, &[["-tls1_2"].as_slice(), &VERIFY].concat(), 1).await;
}

/// Whether a handshake with `name`'s hello, and one line behind it, fail.
async fn fails(server: std::net::SocketAddr, name: &str, authority: &Authority) -> bool {
    let stream = TcpStream::connect(server).await.unwrap();
    let profile = Captured::of(name).profile();
    match Mirrored::connect(stream, profile, &authority.trust(), Writes::Whole).await {
        // In TLS 1.3 the server finds fault only after the client is done.
        Ok(mut mirrored) => mirrored.talk().await.is_err(),
        Err(_) => true,
    }
}

#[tokio::test]
async fn an_untrusted_certificate_fails() {
    for version in ["-tls1_3", "-tls1_2"] {
        let authority = Authority::new();
        let mut words = authority.server(Key::Ecdsa).await;
        words.push(version.to_owned());
        let server = OpensslServer::start(&words).await;
        for name in ["node", "bun", "curl", "httpx", "chromium"] {
            assert!(!fails(server.address, name, &authority).await, "{name} {version}");
            assert!(fails(server.address, name, &Authority::new()).await, "{name} {version}");
        }
    }
}

#[tokio::test]
async fn what_is_advertised_and_not_understood_fails_when_the_server_takes_it() {
    let authority = Authority::new();
    for (cipher, version) in
        [("AES128-SHA", "-tls1_2"), ("ECDHE-RSA-AES128-SHA", "-tls1_2"), ("DHE", "-tls1_2")]
    {
        let mut words = authority.server(Key::Rsa).await;
        words.extend([version.to_owned(), "-cipher".to_owned(), cipher.to_owned()]);
        let server = OpensslServer::start(&words).await;
        for name in ["node", "bun", "curl", "httpx"] {
            assert!(fails(server.address, name, &authority).await, "{name} {cipher}");
        }
    }
    let mut words = authority.server(Key::Rsa).await;
    words.extend(["-tls1_3", "-groups", "P-521"].map(str::to_owned));
    let server = OpensslServer::start(&words).await;
    for name in ["node", "curl", "httpx"] {
        assert!(fails(server.address, name, &authority).await, "{name} P-521");
    }
}

/// What somebody on the way does to the hello.
type Tamper = fn(&mut langley_protocol::client_hello::HelloMessage);

/// Stands before `server` and tampers with one connection's hello.
async fn tampering(server: std::net::SocketAddr, tamper: Tamper) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut header = [0; 5];
        client.read_exact(&mut header).await.unwrap();
        let mut message = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        client.read_exact(&mut message).await.unwrap();
        let mut hello = langley_protocol::client_hello::HelloMessage::parse(&message).unwrap();
        tamper(&mut hello);
        let mut server = TcpStream::connect(server).await.unwrap();
        server.write_all(&super::record(&hello.encode().unwrap())).await.unwrap();
        let _either = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    });
    address
}

#[tokio::test]
async fn a_hello_that_was_tampered_with_fails() {
    let tampers: [(&str, Tamper); 5] = [
        ("nothing", |_| {}),
        ("TLS 1.3 taken out", |hello| hello.extensions.retain(|it| it.kind != 43)),
        ("signature algorithms in another order", |hello| {
            let found = hello.extensions.iter_mut().find(|it| it.kind == 13).unwrap();
            found.body[2..].chunks_exact_mut(2).for_each(|pair| pair.rotate_left(0));
            let len = found.body.len();
            found.body[2..].rotate_left(2);
            assert_eq!(found.body.len(), len);
        }),
        ("ciphers in another order", |hello| hello.ciphers.rotate_left(1)),
        ("extended master secret taken out", |hello| hello.extensions.retain(|it| it.kind != 23)),
    ];
    for version in ["-tls1_3", "-tls1_2", ""] {
        let authority = Authority::new();
        let mut words = authority.server(Key::Ecdsa).await;
        words.extend((!version.is_empty()).then(|| version.to_owned()));
        let server = OpensslServer::start(&words).await;
        for (what, tamper) in tampers {
            for name in ["node", "bun", "curl", "httpx"] {
                let address = tampering(server.address, tamper).await;
                let failed = fails(address, name, &authority).await;
                assert_eq!(failed, what != "nothing", "{name} {version} {what}");
            }
        }
    }
}
