//! What is gathered over a transaction under keys, so that a row is written for each key and not for each
//! flow.

use std::collections::HashMap;
use std::hash::Hash;

/// Values by key, in the order in which the keys came.
#[derive(Debug)]
pub(crate) struct Places<K, V> {
    rows: Vec<(K, V)>,
    places: HashMap<K, usize>,
    /// Where the one before belonged: the next mostly belongs there as well.
    last: usize,
}

impl<K, V> Default for Places<K, V> {
    fn default() -> Self {
        Self { rows: Vec::new(), places: HashMap::new(), last: 0 }
    }
}

impl<K: Clone + Eq + Hash, V: Default> Places<K, V> {
    /// The value under the key that `make` makes; `is_it` tells whether a key is that one, which costs less
    /// than making it.
    pub(crate) fn of(
        &mut self,
        is_it: impl FnOnce(&K) -> bool,
        make: impl FnOnce() -> K,
    ) -> &mut V {
        if !self.rows.get(self.last).is_some_and(|(key, _)| is_it(key)) {
            let key = make();
            self.last = match self.places.get(&key) {
                Some(place) => *place,
                None => {
                    self.places.insert(key.clone(), self.rows.len());
                    self.rows.push((key, V::default()));
                    self.rows.len() - 1
                }
            };
        }
        &mut self.rows[self.last].1
    }

    /// All of them.
    pub(crate) fn rows(&self) -> &[(K, V)] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_one_place_however_they_alternate() {
        let mut places: Places<String, u32> = Places::default();
        for key in ["a", "a", "b", "a", "b", "c", "c"] {
            *places.of(|known| known == key, || key.to_owned()) += 1;
        }
        let rows: Vec<_> = places.rows().iter().map(|(key, n)| (key.as_str(), *n)).collect();
        assert_eq!(rows, [("a", 3), ("b", 2), ("c", 2)]);
    }
}
