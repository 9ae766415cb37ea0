//! The rewritten hello of every captured client, without a server.

use langley_protocol::client_hello::HelloMessage;

use super::super::fuzz::written;
use super::super::named::Fingerprint;
use super::super::profile::{NotMirrored, Profile};
use super::super::rewriter::Rewriter;
use super::{Captured, facts, record};

/// The hello that is sent for `profile`, as a message.
fn sent(profile: Profile, alpn: &[Vec<u8>]) -> Vec<u8> {
    let bytes = written(&profile, alpn).unwrap();
    let mut out = Vec::new();
    Rewriter::new(profile).feed(&bytes, &mut out).unwrap();
    out.split_off(5)
}

#[test]
fn every_captured_hello_is_sent_as_the_client_sent_it() {
    for captured in Captured::all() {
        let sent = sent(captured.profile(), &captured.hello().alpn());
        captured.assert_mirrored(&sent);
        let hello = facts(&sent);
        assert_eq!(hello.sni.as_deref(), Some("api.example.test"), "{}", captured.name);
    }
}

#[test]
fn a_named_profile_offers_the_protocols_of_the_agent_at_hand() {
    for fingerprint in Fingerprint::ALL {
        for alpn in [vec!["h2"], vec!["http/1.1", "h2"], vec![]] {
            let alpn: Vec<Vec<u8>> = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
            let hello = facts(&sent(Profile::named(fingerprint).unwrap(), &alpn));
            assert_eq!(hello.alpn, alpn, "{fingerprint}");
            let known = fingerprint.hello().unwrap();
            assert_eq!(hello.ciphers, known.ciphers, "{fingerprint}");
        }
    }
}

#[test]
fn the_library_accepts_no_more_than_what_is_sent() {
    for captured in Captured::all() {
        let (profile, hello) = (captured.profile(), captured.hello());
        let bytes = written(&profile, &hello.alpn()).unwrap();
        let ours = HelloMessage::in_records(&bytes).unwrap();
        // Suites the library adds for every hello stand for renegotiation, not for encryption.
        let extra = ours.ciphers.iter().filter(|cipher| !hello.ciphers.contains(cipher));
        assert!(extra.copied().all(|cipher| cipher == 0x00ff), "{}", captured.name);
        assert!(ours.groups().iter().all(|group| hello.groups().contains(group)));
        assert!(ours.versions().iter().all(|version| hello.versions().contains(version)));
        assert_eq!(ours.extension(41), None);
    }
}

#[test]
fn what_belongs_to_one_connection_is_never_copied() {
    let captured = Captured::of("node");
    let mut hello = captured.hello();
    for kind in [41, 42, 44, 19, 20] {
        hello.extensions.push(langley_protocol::client_hello::Extension { kind, body: vec![0; 9] });
    }
    let ticket = hello.extensions.iter_mut().find(|it| it.kind == 35).unwrap();
    ticket.body = b"a ticket of the agent".to_vec();
    let sent = sent(Profile::new(hello).unwrap(), &captured.hello().alpn());
    captured.assert_mirrored(&sent);
    assert_eq!(HelloMessage::parse(&sent).unwrap().extension(35), Some([].as_slice()));
}

#[test]
fn a_hello_that_cannot_be_mirrored_says_why() {
    let node = Captured::of("node").hello();
    let refused = |change: fn(&mut HelloMessage)| {
        let mut hello = node.clone();
        change(&mut hello);
        Profile::new(hello).and_then(|profile| written(&profile, &[])).map(drop)
    };
    assert_eq!(refused(|_| {}), Ok(()));
    assert_eq!(refused(|hello| hello.legacy_version = 0x0301), Err(NotMirrored::TooOld));
    let common = |what| Err(NotMirrored::NothingInCommon(what));
    assert_eq!(refused(|hello| hello.ciphers = vec![0x002f]), common("cipher suite"));
    let no_groups: fn(&mut HelloMessage) = |hello| hello.extensions.retain(|it| it.kind != 10);
    assert_eq!(refused(no_groups), common("key exchange group"));
    let old: fn(&mut HelloMessage) = |hello| {
        let versions = hello.extensions.iter_mut().find(|it| it.kind == 43).unwrap();
        versions.body = vec![2, 3, 1];
    };
    assert_eq!(refused(old), common("version of TLS"));
    assert!(matches!(Profile::of_agent(b"\x16\x03\x01"), Err(NotMirrored::Malformed)));
}

#[test]
fn however_the_library_writes_it_the_same_is_sent() {
    let captured = Captured::of("bun");
    let profile = captured.profile();
    let mut bytes = written(&profile, &captured.hello().alpn()).unwrap();
    bytes.extend([20, 3, 3, 0, 1, 1]);
    let behind = [&[23, 3, 3, 0, 3][..], b"abc", b"and so on"].concat();
    let mut whole = Vec::new();
    let mut rewriter = Rewriter::new(profile);
    rewriter.feed(&bytes, &mut whole).unwrap();
    assert!(!rewriter.is_over());
    rewriter.feed(&behind, &mut whole).unwrap();
    assert!(rewriter.is_over() && whole.ends_with(&behind));
    bytes.extend_from_slice(&behind);
    let (mut out, mut rewriter) = (Vec::new(), Rewriter::new(captured.profile()));
    for byte in bytes {
        rewriter.feed(&[byte], &mut out).unwrap();
    }
    assert_eq!(out, whole);
}

#[test]
fn what_no_client_writes_is_refused() {
    let captured = Captured::of("curl");
    let hello = written(&captured.profile(), &captured.hello().alpn()).unwrap();
    let other = written(&captured.profile(), &captured.hello().alpn()).unwrap();
    let fed = |parts: &[&[u8]]| {
        let (mut rewriter, mut out) = (Rewriter::new(captured.profile()), Vec::new());
        parts.iter().try_for_each(|part| rewriter.feed(part, &mut out)).map_err(|e| e.to_string())
    };
    assert_eq!(fed(&[&hello, &hello]), Ok(()), "a second hello after a retry");
    assert!(fed(&[&hello, &hello, &hello]).is_err(), "a third one");
    assert!(fed(&[&hello, &other]).is_err(), "one of another connection");
    assert!(fed(&[&[23, 3, 3, 0, 1, 0]]).is_err(), "data before any hello");
    assert!(fed(&[&record(&hello[5..hello.len() - 1])]).is_err(), "half a hello");
}
