//! One hello into another: what belongs to the connection comes from the library's hello (random,
//! session id, name, protocols, keys, cookie), everything else from the profile's, in the profile's
//! order.

use langley_protocol::client_hello::{
    Extension, HelloMessage, KeyShare, certificate_compression_body, is_grease, key_share_body,
};

use super::numbers::{
    ALPN, CLIENT_CERTIFICATE_TYPE, COMPRESS_CERTIFICATE, COOKIE, EARLY_DATA, KEY_SHARE, PADDING,
    PRE_SHARED_KEY, SERVER_CERTIFICATE_TYPE, SERVER_NAME, SESSION_TICKET,
};
use super::profile::Profile;

/// The longest hello that fits one record (RFC 8446 § 5.1).
const RECORD_MAX: usize = 1 << 14;

/// The longest GREASE key share that is copied; browsers send one byte.
const GREASE_KEY_MAX: usize = 4;

/// Which hello of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    First,
    /// After a HelloRetryRequest.
    Second,
}

impl Profile {
    /// The hello to send in place of `ours`, as a handshake message; none when that cannot be.
    pub(super) fn rewrite(&self, ours: &HelloMessage, turn: Turn) -> Option<Vec<u8>> {
        // Protocols that the profile has no place for would be agreed upon without being offered.
        if self.hello.extension(ALPN).is_none() && ours.extension(ALPN).is_some() {
            return None;
        }
        let mut hello = HelloMessage {
            legacy_version: self.hello.legacy_version,
            random: ours.random,
            session_id: ours.session_id.clone(),
            ciphers: self.hello.ciphers.clone(),
            compression: vec![0],
            extensions: Vec::with_capacity(self.hello.extensions.len() + 1),
        };
        for Extension { kind, body } in &self.hello.extensions {
            let body = match *kind {
                SERVER_NAME | ALPN => ours.extension(*kind).map(<[u8]>::to_vec),
                KEY_SHARE => Some(key_share_body(&self.key_shares(ours, turn))?),
                COMPRESS_CERTIFICATE => self.certificate_compression(ours),
                SESSION_TICKET | PADDING => Some(Vec::new()),
                PRE_SHARED_KEY
                | EARLY_DATA
                | COOKIE
                | CLIENT_CERTIFICATE_TYPE
                | SERVER_CERTIFICATE_TYPE => None,
                _ => Some(body.clone()),
            };
            hello.extensions.extend(body.map(|body| Extension { kind: *kind, body }));
            if *kind == KEY_SHARE
                && let Some(cookie) = ours.extension(COOKIE)
            {
                // Where OpenSSL puts it.
                hello.extensions.push(Extension { kind: COOKIE, body: cookie.to_vec() });
            }
        }
        self.pad(&mut hello)?;
        hello.encode().filter(|message| message.len() <= RECORD_MAX)
    }

    /// Our keys in the profile's order, with its GREASE; all of ours where it has none that we can make,
    /// and in the second hello, whose one share the server has named.
    fn key_shares<'a>(&'a self, ours: &'a HelloMessage, turn: Turn) -> Vec<KeyShare<'a>> {
        let own = ours.key_shares();
        if turn == Turn::Second || self.shared_groups().is_empty() {
            return own;
        }
        let mirrored = |theirs: KeyShare<'a>| {
            if is_grease(theirs.group) && theirs.key.len() <= GREASE_KEY_MAX {
                return Some(theirs);
            }
            own.iter().copied().find(|share| share.group == theirs.group)
        };
        self.hello.key_shares().into_iter().filter_map(mirrored).collect()
    }

    /// The algorithms that both know; none when there is no real one among them.
    fn certificate_compression(&self, ours: &HelloMessage) -> Option<Vec<u8>> {
        let known = ours.certificate_compression();
        let mut both = self.hello.certificate_compression();
        both.retain(|algorithm| known.contains(algorithm) || is_grease(*algorithm));
        let any = both.iter().any(|algorithm| !is_grease(*algorithm));
        any.then(|| certificate_compression_body(&both)).flatten()
    }

    /// Fills the padding, where the profile has one, up to the profile's length.
    fn pad(&self, hello: &mut HelloMessage) -> Option<()> {
        let len = hello.encode()?.len();
        let padding = hello.extensions.iter_mut().find(|extension| extension.kind == PADDING);
        if let Some(padding) = padding {
            padding.body = vec![0; self.len.saturating_sub(len)];
        }
        Some(())
    }
}
