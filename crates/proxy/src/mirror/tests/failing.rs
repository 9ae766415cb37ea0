//! A handshake that fails when its transcript has begun and its keys are not derived yet.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConnection, ServerConfig, ServerConnection};

use super::super::inbound::begun;
use super::super::profile::Acknowledgements;
use super::super::rewriter::Rewriter;
use super::Captured;
use super::certificates::Authority;

/// A `key_share` of the server's hello with an X25519 key (RFC 8446 § 4.2.8), as far as the key.
const X25519_SHARE: [u8; 8] = [0, 51, 0, 36, 0, 29, 0, 32];

fn server() -> ServerConnection {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    ServerConnection::new(Arc::new(config)).unwrap()
}

#[test]
fn the_next_keys_on_this_thread_are_not_taken_for_its_own() {
    let trust = Authority::new().trust();
    let profile = Captured::of("chromium").profile().with(Acknowledgements::Strip);
    let config = profile.config(&[], &trust.roots, trust.certificates).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let (mut written, mut sent, mut flight) = (Vec::new(), Vec::new(), Vec::new());
    client.write_tls(&mut written).unwrap();
    let mut rewriter = Rewriter::new(profile);
    rewriter.feed(&written, &mut sent).unwrap();
    let mut server = server();
    server.read_tls(&mut sent.as_slice()).unwrap();
    server.process_new_packets().unwrap();
    server.write_tls(&mut flight).unwrap();
    let share = flight.windows(8).position(|bytes| bytes == X25519_SHARE).unwrap();
    // No key can be agreed upon with this one (RFC 7748 § 6.1).
    flight[share + 8..][..32].fill(0);
    client.read_tls(&mut flight.as_slice()).unwrap();
    client.process_new_packets().unwrap_err();
    assert!(begun().is_none(), "the rewriter, and so its entry, is still there");
    drop(rewriter);
}
