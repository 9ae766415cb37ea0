//! What must hold when a hello or a server's messages are damaged; for the tests, and for `fuzz/`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "not in the product: what fails here is found"
)]

use std::sync::Arc;

use langley_protocol::client_hello::HelloMessage;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, RootCertStore};

use super::inbound::Inbound;
use super::named::Fingerprint;
use super::profile::{NotMirrored, Profile};
use super::rewriter::Rewriter;

/// Mirrors the hello in `bytes`, as the proxy would.
///
/// # Panics
///
/// Where it says something else, or the mirror does.
pub fn mirror(bytes: &[u8]) {
    let Ok(profile) = Profile::of_agent(bytes) else { return };
    let (alpn, theirs) = (profile.hello.alpn(), profile.hello.clone());
    // rustls asserts that protocols have a name.
    if alpn.iter().any(Vec::is_empty) {
        return;
    }
    let Ok(ours) = written(&profile, &alpn) else { return };
    let mut out = Vec::new();
    if Rewriter::new(profile).feed(&ours, &mut out).is_err() {
        return;
    }
    let sent = HelloMessage::in_records(&out).expect("a hello that can be read");
    let ours = HelloMessage::in_records(&ours).expect("the library's hello");
    assert_eq!((sent.random, &sent.ciphers), (ours.random, &theirs.ciphers));
    assert!(sent.extension(41).is_none() && sent.extension(42).is_none());
    assert_eq!(sent.extension(0), ours.extension(0).filter(|_| theirs.extension(0).is_some()));
}

/// What the library writes for `profile`.
pub(super) fn written(profile: &Profile, alpn: &[Vec<u8>]) -> Result<Vec<u8>, NotMirrored> {
    let certificates = rustls::ClientConfig::builder_with_provider(
        rustls::crypto::aws_lc_rs::default_provider().into(),
    )
    .with_safe_default_protocol_versions()
    .expect("what is always there")
    .with_root_certificates(RootCertStore::empty())
    .with_no_client_auth()
    .client_auth_cert_resolver;
    let config = profile.config(alpn, &Arc::new(RootCertStore::empty()), certificates)?;
    let name = ServerName::try_from("api.example.test").expect("what is always there");
    let mut connection = ClientConnection::new(Arc::new(config), name)?;
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).expect("what is always there");
    Ok(bytes)
}

/// Takes acknowledgements out of `record`, as a decrypter would.
///
/// # Panics
///
/// Where more is taken out, or the stripping does.
pub fn strip(record: &[u8]) {
    let inbound =
        Inbound::of(&Fingerprint::Chrome.hello().expect("a hello")).expect("it asks for both");
    if let Some(stripped) = inbound.strip(record).record {
        assert!(stripped.len() < record.len());
        assert_eq!(put_back(&stripped, record), record);
    }
}

/// `stripped` with the acknowledgements of `record` where they stood, and every length around them.
fn put_back(mut stripped: &[u8], mut record: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let (Some((short, behind)), Some((long, rest))) = (message(stripped), message(record)) {
        assert_eq!(short[0], long[0]);
        out.push(long[0]);
        let body = match long[0] {
            _ if short == long => long[4..].to_vec(),
            8 => list_back(&mut &short[4..], &mut &long[4..], 0xfe0d),
            11 => certificates_back(&short[4..], &long[4..]),
            kind => panic!("a message of type {kind} was changed"),
        };
        out.extend(length(&body));
        out.extend(body);
        (stripped, record) = (behind, rest);
    }
    [&out, stripped].concat()
}

/// Every certificate's list (RFC 8446 § 4.4.2).
fn certificates_back(short: &[u8], long: &[u8]) -> Vec<u8> {
    let (context, mut long) = long.split_at(1 + usize::from(long[0]));
    let mut short = short.strip_prefix(context).expect("the same context");
    assert_eq!((number(&short[..3]), number(&long[..3])), (short.len() - 3, long.len() - 3));
    (short, long) = (&short[3..], &long[3..]);
    let mut certificates = Vec::new();
    while !short.is_empty() {
        let (certificate, rest) = short.split_at(3 + number(&short[..3]));
        certificates.extend_from_slice(certificate);
        long = long.strip_prefix(certificate).expect("the same certificate");
        short = rest;
        certificates.extend(list_back(&mut short, &mut long, 18));
    }
    [context, length(&certificates).as_slice(), &certificates].concat()
}

/// The list of extensions that `long` begins with: those of `kind` from it, the others from `short`.
fn list_back(short: &mut &[u8], long: &mut &[u8], kind: usize) -> Vec<u8> {
    let mut stayed = list(short).into_iter();
    let all = list(long).into_iter().map(|extension| match number(&extension[..2]) == kind {
        true => extension,
        false => stayed.next().expect("one that stayed"),
    });
    let all = all.collect::<Vec<_>>().concat();
    assert_eq!(stayed.next(), None);
    [u16::try_from(all.len()).expect("a short list").to_be_bytes().as_slice(), &all].concat()
}

/// The first whole message, and what is behind it.
fn message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(4 + number(bytes.get(1..4)?))
}

/// Takes the extensions of a list, header and all, from behind its length.
fn list<'a>(bytes: &mut &'a [u8]) -> Vec<&'a [u8]> {
    let (mut list, behind) = bytes[2..].split_at(number(&bytes[..2]));
    *bytes = behind;
    let mut extensions = Vec::new();
    while !list.is_empty() {
        let (extension, rest) = list.split_at(4 + number(&list[2..4]));
        extensions.push(extension);
        list = rest;
    }
    extensions
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// A length of three bytes.
fn length(bytes: &[u8]) -> [u8; 3] {
    let [0, a, b, c] = u32::try_from(bytes.len()).expect("a length").to_be_bytes() else {
        panic!("too long")
    };
    [a, b, c]
}
