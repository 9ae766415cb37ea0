//! ClientHellos as real clients send them: recorded by us from local clients on a loopback socket.

use langley_protocol::client_hello::{ClientHello, HelloMessage, Peek, key_share_body, peek};
use langley_testkit::{captured_hellos, hex_bytes as bytes};

/// curl 7.88 with OpenSSL 3.0, `https://example.test/`.
const CURL: &str = "\
    1603010200010001fc03034bee49f5f945e0b89b1e0a48f2213b70314251f9ade58c35259c39cb4b6fb1bb20\
    3acf0ceb998815d73c3881c7d0fcf3bc727ada5474ae5ab307c829b2455440c4003e130213031301c02cc030\
    009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d\
    003c0035002f00ff0100017500000011000f00000c6578616d706c652e74657374000b000403000102000a00\
    160014001d0017001e00190018010001010102010301040010000e000c02683208687474702f312e31001600\
    000017000000310000000d002a0028040305030603080708080809080a080b08040805080604010501060103\
    0303010302040205020602002b0009080304030303020301002d00020101003300260024001d00201ee9613c\
    2bf80b918daf735b9ce756369397f6d2c0ca53d24b4513ec7c567831001500b1000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    000000000000000000000000000000000000000000000000000000000000000000";

/// Node.js 20, `https.get` with ALPN `http/1.1`.
const NODE: &str = "\
    160301017c0100017803035f8c77fe0e78a954780541598b0c2284f87147e7f5c3370ef7eb3dbd9a11bff720\
    043c201e8a6f95771fdfad28bc502aafba8ade2d650e4f9836833054c4dd6cd00076130213031301c02fc02b\
    c030c02c009ec0270067c028006b00a3009fcca9cca8ccaac0afc0adc0a3c09fc05dc061c057c05300a2c0ae\
    c0acc0a2c09ec05cc060c056c052c024006ac0230040c00ac01400390038c009c01300330032009dc0a1c09d\
    c051009cc0a0c09cc050003d003c0035002f00ff010000b900000011000f00000c6578616d706c652e746573\
    74000b000403000102000a00160014001d0017001e0019001801000101010201030104002300000010000b00\
    0908687474702f312e310016000000170000000d002a0028040305030603080708080809080a080b08040805\
    0806040105010601030303010302040205020602002b00050403040303002d00020101003300260024001d00\
    20ce0d57620a7c73cc4ed8b5ef857f0bb490169cbc972b05e2999cbf8a8ad1d122";

/// `openssl s_client -tls1_2 -noservername` of OpenSSL 3.0.
const OPENSSL: &str = "\
    16030100b7010000b303033c9f2db92d43d5f626eea70911415779302eb93a04c2eef21c6dc642d366416700\
    0038c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033\
    009d009c003d003c0035002f00ff01000052000b000403000102000a000c000a001d0017001e001900180023\
    00000016000000170000000d002a0028040305030603080708080809080a080b080408050806040105010601\
    030303010302040205020602";

#[track_caller]
fn hello(bytes: &[u8]) -> ClientHello {
    match peek(bytes) {
        Peek::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

#[test]
fn known_clients_have_their_known_fingerprints() {
    assert_eq!(hello(&bytes(CURL)).ja4(), "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6");
    assert_eq!(hello(&bytes(NODE)).ja4(), "t13d5911h1_a33745022dd6_1f22a2ca17c4");
}

#[test]
fn every_captured_hello_is_put_together_as_it_was() {
    let known = [
        ("chromium-156", "t13d1517h2_"),
        ("claude-code-2.1.329", "t13d1713h1_5b57614c22b0_7f527383e249"),
        ("curl-7.88", "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6"),
        ("node-20", "t13d5911h1_a33745022dd6_1f22a2ca17c4"),
        ("node-20-without-alpn", "t13d591000_a33745022dd6_1f22a2ca17c4"),
        ("python-3.11-httpx", "t13d1812h1_85036bcba153_d41ae481755e"),
        ("python-3.11-httpx-h2", "t13d1812h1_85036bcba153_d41ae481755e"),
        ("python-3.11-urllib", "t13d1813h1_85036bcba153_d339722ba4af"),
    ];
    let captured = captured_hellos();
    assert_eq!(captured.len(), known.len());
    for ((name, record), (expected, ja4)) in captured.iter().zip(known) {
        assert_eq!(name, expected);
        let facts = hello(record);
        assert!(facts.ja4().starts_with(ja4), "{name}: {}", facts.ja4());
        let message = HelloMessage::in_records(record).expect("a whole hello");
        assert_eq!(message.encode().as_deref(), Some(&record[5..]), "{name}");
        assert_eq!(message.groups(), facts.groups);
        assert_eq!(message.versions(), facts.versions);
        assert_eq!(message.alpn(), facts.alpn);
        let shares = key_share_body(&message.key_shares());
        assert_eq!(shares.as_deref(), message.extension(51), "{name}");
    }
}

#[test]
fn a_hello_that_may_not_be_sent_is_not_taken_apart() {
    let whole = &bytes(NODE)[5..];
    let message = HelloMessage::parse(whole).expect("a hello");
    assert_eq!(HelloMessage::parse(&whole[..whole.len() - 1]), None);
    assert_eq!(HelloMessage::parse(&[whole, &[0]].concat()), None);
    let mut twice = message.clone();
    twice.extensions.push(twice.extensions[0].clone());
    assert_eq!(HelloMessage::parse(&twice.encode().expect("it fits")), None);
    let mut long = message;
    long.extensions[0].body = vec![0; 70_000];
    assert_eq!(long.encode(), None);
}

#[test]
fn a_hello_without_sni_alpn_and_tls13_is_read() {
    let hello = hello(&bytes(OPENSSL));
    assert_eq!(hello.sni, None);
    assert!(hello.alpn.is_empty() && hello.versions.is_empty());
    assert!(hello.ja4().starts_with("t12i280600_"), "{}", hello.ja4());
}

#[test]
fn names_protocols_and_versions_are_read() {
    let hello = hello(&bytes(CURL));
    assert_eq!(hello.sni.as_deref(), Some("example.test"));
    assert_eq!(hello.alpn, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    assert_eq!(hello.versions, [0x0304, 0x0303, 0x0302, 0x0301]);
    assert_eq!(hello.legacy_version, 0x0303);
    assert_eq!(hello.groups.first(), Some(&0x001d));
}

#[test]
fn a_hello_is_found_however_it_is_cut_into_reads() {
    for hex in [CURL, NODE, OPENSSL] {
        let whole = bytes(hex);
        for end in 0..whole.len() {
            assert_eq!(peek(&whole[..end]), Peek::NeedMore, "{end}");
        }
        let mut more = whole.clone();
        more.extend_from_slice(&[20, 3, 3, 0, 1, 1]);
        assert_eq!(peek(&more), peek(&whole));
    }
}

#[test]
fn a_hello_is_found_however_it_is_cut_into_records() {
    let whole = bytes(CURL);
    let message = &whole[5..];
    let record = |part: &[u8]| {
        let len = u16::try_from(part.len()).expect("a short part").to_be_bytes();
        [&[22, 3, 1], len.as_slice(), part].concat()
    };
    for cut in 1..message.len() {
        let cut = [record(&message[..cut]), record(&message[cut..])].concat();
        assert_eq!(peek(&cut), peek(&whole));
        assert_eq!(peek(&cut[..cut.len() - 1]), Peek::NeedMore);
    }
    let bytewise: Vec<u8> = message.chunks(1).flat_map(record).collect();
    assert_eq!(peek(&bytewise), peek(&whole));
}

/// `hello` with GREASE in every list, as browsers send it.
fn greased(mut hello: ClientHello) -> ClientHello {
    hello.ciphers.insert(0, 0x1a1a);
    hello.extensions.insert(0, 0xdada);
    hello.extensions.push(0x0a0a);
    hello.versions.insert(0, 0xfafa);
    hello.signature_algorithms.push(0x3a3a);
    hello
}

#[test]
fn grease_leaves_no_mark_on_the_fingerprint() {
    let plain = hello(&bytes(CURL));
    assert_eq!(greased(plain.clone()).ja4(), plain.ja4());
}

#[test]
fn fingerprints_at_the_edges_follow_the_description() {
    let nothing = ClientHello { legacy_version: 0x0301, ..ClientHello::default() };
    assert_eq!(nothing.ja4(), "t10i000000_000000000000_000000000000");
    let alpn = |name: &[u8]| {
        let hello = ClientHello { alpn: vec![name.to_vec()], ..ClientHello::default() };
        hello.ja4()[8..10].to_owned()
    };
    assert_eq!(alpn(b"h2"), "h2");
    assert_eq!(alpn(b"x"), "xx");
    assert_eq!(alpn(b""), "00");
    assert_eq!(alpn(&[0xab, 0x30, 0xcd]), "ad");
    let many = ClientHello { ciphers: (0x0100..0x0200).collect(), ..ClientHello::default() };
    assert!(many.ja4().starts_with("t00i9900"));
}

#[test]
fn what_is_not_tls_is_told_from_the_first_byte() {
    assert_eq!(peek(b"GET / HTTP/1.1\r\n"), Peek::NotTls);
    assert_eq!(peek(b"P"), Peek::NotTls);
    assert_eq!(peek(b"\x16\x02"), Peek::NotTls);
    assert_eq!(peek(b""), Peek::NeedMore);
    assert_eq!(peek(b"\x16"), Peek::NeedMore);
}

#[test]
fn damaged_hellos_are_refused_and_never_waited_for() {
    let malformed = |bytes: &[u8]| matches!(peek(bytes), Peek::Malformed(_));
    assert!(malformed(&[22, 3, 1, 0, 0, 22]), "empty record");
    assert!(malformed(&[22, 3, 1, 0x40, 1]), "record too long");
    assert!(malformed(&[22, 3, 1, 0, 4, 2, 0, 0, 0]), "a ServerHello");
    assert!(malformed(&[22, 3, 1, 0, 4, 1, 2, 0, 0]), "128 KiB announced");
    assert!(malformed(&[22, 3, 1, 0, 1, 1, 21, 3, 1, 0, 2, 1, 0]), "an alert inside");
    let mut lengths = bytes(CURL);
    lengths[43] = 255; // the session id's length
    assert!(malformed(&lengths));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_answered(damage in proptest::collection::vec((0_usize..517, 0_u8..), 0..8)) {
        let mut bytes = bytes(CURL);
        for (at, value) in damage {
            bytes[at] = value;
        }
        if let Peek::Hello(hello) = peek(&bytes) {
            assert_eq!(hello.ja4().len(), 36);
        }
    }
}
