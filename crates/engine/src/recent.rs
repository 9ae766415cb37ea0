//! What was used of late, by a digest: bounded, and what was not used for longest goes first.
//!
//! Two generations in place of a list in order: when the young one is full it becomes the old one, and what
//! is used moves back to the young. So between half of the bound and all of it is remembered, and nothing
//! has to be kept in order.

use std::collections::HashMap;

/// Values by digest.
#[derive(Debug)]
pub(crate) struct Recent<V> {
    young: HashMap<u64, V>,
    old: HashMap<u64, V>,
    generation: usize,
}

impl<V> Recent<V> {
    /// Room for `bound` values.
    pub(crate) fn new(bound: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation: (bound / 2).max(1) }
    }

    /// The value under `key`, which counts as used.
    pub(crate) fn get(&mut self, key: u64) -> Option<&mut V> {
        if let Some(value) = self.old.remove(&key) {
            self.put(key, value);
        }
        self.young.get_mut(&key)
    }

    /// Remembers a value in place of whatever was there.
    pub(crate) fn put(&mut self, key: u64, value: V) {
        if self.young.len() >= self.generation && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }
}

impl<V: Default> Recent<V> {
    /// The value under `key`, which counts as used; an empty one where there was none.
    pub(crate) fn of(&mut self, key: u64) -> &mut V {
        if !self.young.contains_key(&key) {
            let value = self.old.remove(&key).unwrap_or_default();
            self.put(key, value);
        }
        self.young.entry(key).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let mut recent = Recent::new(8);
        recent.put(0, "kept");
        for key in 1..1_000 {
            recent.put(key, "passing");
            assert_eq!(recent.get(0).copied(), Some("kept"));
            assert!(recent.young.len() + recent.old.len() <= 8);
        }
        assert_eq!(recent.get(1), None);
        assert_eq!(recent.get(999).copied(), Some("passing"));
        recent.put(999, "anew");
        assert_eq!(recent.get(999).copied(), Some("anew"));
    }
}
