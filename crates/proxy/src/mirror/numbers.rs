//! Numbers of TLS that mirroring knows, in order: records, handshake messages, extensions.

// Content types of records (RFC 8446 § 5.1).
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;

// Types of handshake messages (RFC 8446 § 4, RFC 8879 § 4); the last one stands for the first hello
// after a HelloRetryRequest.
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const CERTIFICATE_REQUEST: u8 = 13;
pub(super) const COMPRESSED_CERTIFICATE: u8 = 25;
pub(super) const MESSAGE_HASH: u8 = 254;

// Types of extensions (IANA, TLS ExtensionType Values).
pub(super) const SERVER_NAME: u16 = 0;
pub(super) const ALPN: u16 = 16;
pub(super) const SIGNED_CERTIFICATE_TIMESTAMP: u16 = 18;
pub(super) const CLIENT_CERTIFICATE_TYPE: u16 = 19;
pub(super) const SERVER_CERTIFICATE_TYPE: u16 = 20;
pub(super) const PADDING: u16 = 21;
pub(super) const COMPRESS_CERTIFICATE: u16 = 27;
pub(super) const SESSION_TICKET: u16 = 35;
pub(super) const PRE_SHARED_KEY: u16 = 41;
pub(super) const EARLY_DATA: u16 = 42;
pub(super) const COOKIE: u16 = 44;
pub(super) const KEY_SHARE: u16 = 51;
pub(super) const ENCRYPTED_CLIENT_HELLO: u16 = 65037;
