//! What was learnt a short time ago: a few things by key, forgotten after some minutes.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Keys that are remembered.
const KEPT: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// How long each is.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// The newest things learnt, by what they are about.
#[derive(Debug)]
pub(crate) struct Recent<K: Hash + Eq, V>(Mutex<LruCache<K, Learnt<V>>>);

#[derive(Debug)]
struct Learnt<V> {
    what: V,
    until: Instant,
}

impl<K: Hash + Eq, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    pub(crate) fn learn(&self, about: K, what: V) {
        self.0.lock().put(about, Learnt { what, until: Instant::now() + LIFE });
    }

    /// What is known about it still. Asking does not make it last longer.
    pub(crate) fn recall(&self, about: &K) -> Option<V> {
        let mut learnt = self.0.lock();
        let Learnt { what, until } = learnt.get(about)?;
        if Instant::now() < *until {
            return Some(what.clone());
        }
        learnt.pop(about);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_known_for_some_minutes_and_the_oldest_make_room() {
        let recent = Recent::default();
        recent.learn("a", 1);
        tokio::time::advance(LIFE / 2).await;
        assert_eq!((recent.recall(&"a"), recent.recall(&"b")), (Some(1), None));
        tokio::time::advance(LIFE / 2).await;
        assert_eq!(recent.recall(&"a"), None);
        assert!(recent.0.lock().is_empty());

        let recent = Recent::default();
        for number in 0..=KEPT.get() {
            recent.learn(number, ());
        }
        assert_eq!((recent.recall(&0), recent.recall(&1)), (None, Some(())));
    }
}
