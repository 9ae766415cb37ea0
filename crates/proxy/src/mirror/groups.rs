//! Key exchange: how many key shares rustls makes, and of which groups, is the agent's choice.

use std::collections::HashMap;
use std::sync::LazyLock;

use parking_lot::Mutex;
use rustls::crypto::aws_lc_rs::ALL_KX_GROUPS;
use rustls::crypto::{ActiveKeyExchange, CompletedKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, ProtocolVersion, SupportedProtocolVersion};

/// X25519MLKEM768, which brings an X25519 share of its own.
const HYBRID: u16 = 0x11ec;
const X25519: u16 = 0x001d;

/// What was made for a first and a second group.
type Made = HashMap<(u16, Option<u16>), &'static Sharing>;

static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);

/// The library's group with this number.
pub(super) fn group(number: u16) -> Option<&'static dyn SupportedKxGroup> {
    ALL_KX_GROUPS.iter().copied().find(|group| u16::from(group.name()) == number)
}

/// `first`, for which exactly one share is sent, or two with `second`'s; none when the library lacks
/// one of them.
pub(super) fn sharing(first: u16, second: Option<u16>) -> Option<&'static dyn SupportedKxGroup> {
    if (first, second) == (HYBRID, Some(X25519)) {
        return group(first);
    }
    let with = match second {
        Some(number) => Some(group(number)?),
        None => None,
    };
    let alone = group(first)?;
    // Once for each pair of the library's few groups, because the library wants them for ever.
    let mut made = MADE.lock();
    let sharing = made
        .entry((first, second))
        .or_insert_with(|| Box::leak(Box::new(Sharing { first: alone, second: with })));
    Some(*sharing)
}

#[derive(Debug)]
struct Sharing {
    first: &'static dyn SupportedKxGroup,
    second: Option<&'static dyn SupportedKxGroup>,
}

impl SupportedKxGroup for Sharing {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let second = self.second.map(SupportedKxGroup::start).transpose()?;
        Ok(Box::new(Shares { first: self.first.start()?, second }))
    }

    fn start_and_complete(&self, peer: &[u8]) -> Result<CompletedKeyExchange, Error> {
        self.first.start_and_complete(peer)
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        self.first.ffdhe_group()
    }

    fn name(&self) -> NamedGroup {
        self.first.name()
    }

    fn fips(&self) -> bool {
        self.first.fips()
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        self.first.usable_for_version(version)
    }
}

/// Key exchanges under way. To the library the second is the hybrid's component, whether it is or not:
/// a share beside the first, to be completed by itself.
struct Shares {
    first: Box<dyn ActiveKeyExchange>,
    second: Option<Box<dyn ActiveKeyExchange>>,
}

impl ActiveKeyExchange for Shares {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        self.first.complete(peer)
    }

    fn complete_for_tls_version(
        self: Box<Self>,
        peer: &[u8],
        version: &SupportedProtocolVersion,
    ) -> Result<SharedSecret, Error> {
        self.first.complete_for_tls_version(peer, version)
    }

    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        self.second.as_ref().map(|second| (second.group(), second.pub_key()))
    }

    fn complete_hybrid_component(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        match self.second {
            Some(second) => second.complete(peer),
            None => Err(Error::General("no second key share was sent".into())),
        }
    }

    fn pub_key(&self) -> &[u8] {
        self.first.pub_key()
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        self.first.ffdhe_group()
    }

    fn group(&self) -> NamedGroup {
        self.first.group()
    }
}
