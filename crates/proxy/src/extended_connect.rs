//! Whether a provider takes extended CONNECT on an HTTP/2 connection (RFC 8441), which is how a
//! WebSocket is opened there.
//!
//! An agent must be offered what the provider offers, and Langley's settings go out before the agent
//! says anything. So the provider's first frame, which holds its settings (RFC 9113 §3.4), is read on
//! its way to hyper, and the agent is served when it has come. Few providers offer it: one that was seen
//! not to is not waited for the next time. Should it have begun to, that is noted for the time after.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use tokio::io::AsyncRead;
use tokio::sync::oneshot;
use tokio_util::io::InspectReader;

use crate::authority::Authority;

/// Providers that are remembered.
const KEPT: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// How long an agent waits for the provider's settings before it is served without the offer.
const WAIT: Duration = Duration::from_secs(1);

/// Length of a frame's header (RFC 9113 §4.1).
const FRAME_HEADER: usize = 9;
/// The longest first frame: no other length was allowed yet (RFC 9113 §4.2).
const FRAME_MAX: usize = 16 * 1024;
/// A frame's type (RFC 9113 §6.5).
const SETTINGS: u8 = 4;
/// `SETTINGS_ENABLE_CONNECT_PROTOCOL` (RFC 8441 §3).
const ENABLE_CONNECT_PROTOCOL: u16 = 8;

/// What providers were seen to offer.
#[derive(Debug)]
pub(crate) struct Offers(Mutex<LruCache<Authority, bool>>);

impl Default for Offers {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

/// Whether one connection's provider offers it: known sooner or later.
#[derive(Debug)]
pub(crate) struct Offer {
    known: Option<bool>,
    seen: oneshot::Receiver<bool>,
}

impl Offers {
    /// Looks on as the provider at `authority` speaks on `stream`.
    pub(crate) fn watch<S>(
        self: &Arc<Self>,
        authority: &Authority,
        stream: S,
    ) -> (InspectReader<S, impl FnMut(&[u8]) + use<S>>, Offer)
    where
        S: AsyncRead,
    {
        let known = self.0.lock().get(authority).copied();
        let (tell, seen) = oneshot::channel();
        let first = First {
            bytes: Vec::with_capacity(64),
            offers: Arc::clone(self),
            authority: authority.clone(),
            tell,
        };
        let mut first = Some(Box::new(first));
        let look = move |bytes: &[u8]| {
            if !bytes.is_empty() {
                first = first.take().and_then(|first| first.feed(bytes));
            }
        };
        (InspectReader::new(stream, look), Offer { known, seen })
    }
}

impl Offer {
    /// Whether to offer it to the agent.
    pub(crate) async fn made(self) -> bool {
        if self.known == Some(false) {
            return false;
        }
        matches!(tokio::time::timeout(WAIT, self.seen).await, Ok(Ok(true)))
    }
}

/// The first frame, as far as it has come.
struct First {
    bytes: Vec<u8>,
    offers: Arc<Offers>,
    authority: Authority,
    tell: oneshot::Sender<bool>,
}

impl First {
    /// Keeps the frame's next bytes; hands itself back until it is whole.
    fn feed(mut self: Box<Self>, bytes: &[u8]) -> Option<Box<Self>> {
        let room = FRAME_HEADER + FRAME_MAX - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        match offers(&self.bytes) {
            Some(offers) => {
                self.offers.0.lock().put(self.authority, offers);
                let _nobody_asks = self.tell.send(offers);
                None
            }
            None => Some(self),
        }
    }
}

/// Whether the first frame in `bytes` makes the offer, if it is there.
fn offers(bytes: &[u8]) -> Option<bool> {
    let (header, rest) = bytes.split_at_checked(FRAME_HEADER)?;
    let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
    let length = usize::try_from(length).ok().filter(|length| *length <= FRAME_MAX);
    let Some(length) = length.filter(|_| header[3] == SETTINGS) else { return Some(false) };
    let settings = rest.get(..length)?.chunks_exact(6);
    // The last word on a setting counts (RFC 9113 §6.5.3).
    let mut values = settings
        .filter(|setting| setting[..2] == ENABLE_CONNECT_PROTOCOL.to_be_bytes())
        .map(|setting| setting[2..] == 1u32.to_be_bytes());
    Some(values.next_back().unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
        let length = u8::try_from(pairs.len() * 6).unwrap();
        let mut frame = vec![0, 0, length, SETTINGS, 0, 0, 0, 0, 0];
        for (id, value) in pairs {
            frame.extend(id.to_be_bytes());
            frame.extend(value.to_be_bytes());
        }
        frame
    }

    #[test]
    fn the_offer_is_read_from_the_first_frame_alone() {
        assert_eq!(offers(&settings(&[(3, 100), (8, 1)])), Some(true));
        assert_eq!(offers(&settings(&[(3, 100), (8, 0)])), Some(false));
        assert_eq!(offers(&settings(&[(8, 0), (8, 1)])), Some(true));
        assert_eq!(offers(&settings(&[])), Some(false));
        let later = [settings(&[(3, 1)]), settings(&[(8, 1)])].concat();
        assert_eq!(offers(&later), Some(false));
        assert_eq!(offers(b"HTTP/1.1 400 Bad Request\r\n"), Some(false));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_read_at_every_cut_and_remembered_when_there_is_none() {
        let authority = Authority::new("a.example", 443);
        let frame = settings(&[(3, 100), (8, 1), (4, 65_535)]);
        for cut in 0..=frame.len() {
            let offers = Arc::<Offers>::default();
            let (mut far, near) = tokio::io::duplex(1024);
            let (mut watched, offer) = offers.watch(&authority, near);
            far.write_all(&frame[..cut]).await.unwrap();
            let mut read = vec![0; frame.len()];
            watched.read_exact(&mut read[..cut]).await.unwrap();
            far.write_all(&frame[cut..]).await.unwrap();
            watched.read_exact(&mut read[cut..]).await.unwrap();
            assert_eq!(read, frame);
            assert!(offer.made().await, "cut at {cut}");
        }
        let offers = Arc::<Offers>::default();
        let (mut far, near) = tokio::io::duplex(1024);
        let (mut watched, offer) = offers.watch(&authority, near);
        far.write_all(&settings(&[(3, 100)])).await.unwrap();
        watched.read_u8().await.unwrap();
        let mut rest = [0; 14];
        watched.read_exact(&mut rest).await.unwrap();
        assert!(!offer.made().await);
        let (_silent, near) = tokio::io::duplex(1024);
        let (_watched, offer) = offers.watch(&authority, near);
        let begun = tokio::time::Instant::now();
        assert!(!offer.made().await);
        assert_eq!(begun.elapsed(), Duration::ZERO, "it was waited for");
        let (_silent, near) = tokio::io::duplex(1024);
        let (_watched, offer) = offers.watch(&Authority::new("b.example", 443), near);
        assert!(!offer.made().await);
        assert_eq!(begun.elapsed(), WAIT);
    }
}
