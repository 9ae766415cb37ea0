//! A server that acknowledges what only the mirrored hello asked for: rustls, with one extension put into
//! its own flight and its own transcript.

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::crypto::aws_lc_rs;
use rustls::crypto::cipher::{
    AeadKey, Iv, MessageDecrypter, MessageEncrypter, OutboundChunks, OutboundOpaqueMessage,
    OutboundPlainMessage, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::hash::{Context, Hash, HashAlgorithm, Output};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::{
    CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, ServerConfig,
    SupportedCipherSuite, Tls13CipherSuite,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::profile::Acknowledgements;
use super::Captured;
use super::certificates::{Authority, Key};
use super::wire::{Mirrored, Writes};

const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE: u8 = 11;

/// An extension (type, length, body) to put into messages of one kind.
#[derive(Clone, Debug)]
struct Extra {
    kind: u8,
    extension: Vec<u8>,
}

impl Extra {
    /// The message with the extension; itself when it is of another kind.
    fn put(&self, message: &[u8]) -> Vec<u8> {
        if message.first() != Some(&self.kind) || message.len() < 6 {
            return message.to_vec();
        }
        let mut body = message[4..].to_vec();
        // EncryptedExtensions begin with their length; the first certificate's stand behind it.
        let at = match self.kind {
            CERTIFICATE => 4 + 3 + usize::from(u16::from_be_bytes([body[5], body[6]])),
            _ => 0,
        };
        let grow = |bytes: &mut [u8]| {
            let len = u16::from_be_bytes([bytes[0], bytes[1]]);
            let len = len + u16::try_from(self.extension.len()).unwrap();
            bytes.copy_from_slice(&len.to_be_bytes());
        };
        grow(&mut body[at..at + 2]);
        if self.kind == CERTIFICATE {
            grow(&mut body[2..4]);
        }
        body.splice(at + 2..at + 2, self.extension.iter().copied());
        let len = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[self.kind, 0], len.as_slice(), &body].concat()
    }
}

/// Leaves `inner` for ever, as the library wants it.
struct ExtraHash(&'static dyn Hash, Extra);
struct ExtraContext(Box<dyn Context>, Extra);
struct ExtraAead(&'static dyn Tls13AeadAlgorithm, Extra);
struct ExtraEncrypter(Box<dyn MessageEncrypter>, Extra);

impl Hash for ExtraHash {
    fn start(&self) -> Box<dyn Context> {
        Box::new(ExtraContext(self.0.start(), self.1.clone()))
    }
    fn hash(&self, data: &[u8]) -> Output {
        self.0.hash(data)
    }
    fn output_len(&self) -> usize {
        self.0.output_len()
    }
    fn algorithm(&self) -> HashAlgorithm {
        self.0.algorithm()
    }
}

impl Context for ExtraContext {
    fn fork_finish(&self) -> Output {
        self.0.fork_finish()
    }
    fn fork(&self) -> Box<dyn Context> {
        Box::new(Self(self.0.fork(), self.1.clone()))
    }
    fn finish(self: Box<Self>) -> Output {
        self.0.finish()
    }
    fn update(&mut self, data: &[u8]) {
        self.0.update(&self.messages(data));
    }
}

impl ExtraContext {
    fn messages(&self, data: &[u8]) -> Vec<u8> {
        each_message(data, &self.1)
    }
}

impl Tls13AeadAlgorithm for ExtraAead {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(ExtraEncrypter(self.0.encrypter(key, iv), self.1.clone()))
    }
    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        self.0.decrypter(key, iv)
    }
    fn key_len(&self) -> usize {
        self.0.key_len()
    }
    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }
}

impl MessageEncrypter for ExtraEncrypter {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        if message.typ != ContentType::Handshake {
            return self.0.encrypt(message, sequence);
        }
        let payload = each_message(&message.payload.to_vec(), &self.1);
        let OutboundPlainMessage { typ, version, .. } = message;
        let payload = OutboundChunks::Single(&payload);
        self.0.encrypt(OutboundPlainMessage { typ, version, payload }, sequence)
    }
    fn encrypted_payload_len(&self, len: usize) -> usize {
        self.0.encrypted_payload_len(len) + self.1.extension.len()
    }
}

/// Every whole message with the extension; what is none stays.
fn each_message(mut bytes: &[u8], extra: &Extra) -> Vec<u8> {
    let mut out = Vec::new();
    while let [_, 0, high, low, ..] = bytes {
        let len = 4 + usize::from(u16::from_be_bytes([*high, *low]));
        let Some((message, rest)) = bytes.split_at_checked(len) else { break };
        out.extend(extra.put(message));
        bytes = rest;
    }
    out.extend_from_slice(bytes);
    out
}

/// A server that acknowledges; accepted connections are kept until it is dropped.
async fn server(authority: &Authority, extra: &Extra) -> std::net::SocketAddr {
    let mut provider = aws_lc_rs::default_provider();
    let suites = provider.cipher_suites.iter().filter_map(SupportedCipherSuite::tls13);
    provider.cipher_suites = suites
        .map(|suite| {
            let hash = ExtraHash(suite.common.hash_provider, extra.clone());
            let common = CipherSuiteCommon {
                suite: suite.common.suite,
                hash_provider: Box::leak(Box::new(hash)),
                confidentiality_limit: suite.common.confidentiality_limit,
            };
            let aead = ExtraAead(suite.aead_alg, extra.clone());
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common,
                hkdf_provider: suite.hkdf_provider,
                aead_alg: Box::leak(Box::new(aead)),
                quic: None,
            })))
        })
        .collect();
    let words = authority.server(Key::Ecdsa).await;
    let certificate = CertificateDer::from_pem_file(&words[1]).unwrap();
    let key = PrivateKeyDer::from_pem_file(&words[3]).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let kept = Arc::<Mutex<Vec<_>>>::default();
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, kept) = (acceptor.clone(), Arc::clone(&kept));
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let (mut reader, mut writer) = tokio::io::split(&mut stream);
                    let _echo = tokio::io::copy(&mut reader, &mut writer).await;
                    kept.lock().push(stream);
                }
            });
        }
    });
    address
}

/// Whether `name`'s hello gets through to a server that acknowledges with `extra`.
async fn gets_through(name: &str, extra: &Extra, acknowledgements: Acknowledgements) -> bool {
    let authority = Authority::new();
    let address = server(&authority, extra).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let profile = Captured::of(name).profile().with(acknowledgements);
    let connected = Mirrored::connect(stream, profile, &authority.trust(), Writes::Whole).await;
    match connected {
        Ok(mut mirrored) => mirrored.echo().await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn what_was_asked_for_is_taken_out_and_only_where_that_is_wanted() {
    let timestamps = Extra { kind: CERTIFICATE, extension: vec![0, 18, 0, 4, 0, 2, 0, 0] };
    let retry = Extra { kind: ENCRYPTED_EXTENSIONS, extension: vec![0xfe, 0x0d, 0, 3, 1, 2, 3] };
    let settings = Extra { kind: ENCRYPTED_EXTENSIONS, extension: vec![0x44, 0xcd, 0, 0] };
    let limit = Extra { kind: ENCRYPTED_EXTENSIONS, extension: vec![0, 28, 0, 2, 0x40, 1] };
    let none = Extra { kind: 0, extension: Vec::new() };
    for (name, extra, stripped) in [
        ("chromium", &timestamps, true),
        ("bun", &timestamps, true),
        ("node", &timestamps, false),
        ("chromium", &retry, true),
        ("bun", &retry, false),
        ("chromium", &settings, false),
        ("chromium", &limit, false),
    ] {
        let passes = gets_through(name, extra, Acknowledgements::Strip).await;
        assert_eq!(passes, stripped, "{name} {extra:?}");
        assert!(!gets_through(name, extra, Acknowledgements::Break).await, "{name} {extra:?}");
        assert!(gets_through(name, &none, Acknowledgements::Break).await, "{name}");
        assert!(gets_through(name, &none, Acknowledgements::Strip).await, "{name}");
    }
}
