//! The order of the anchors. The vectorised search looks at the first three bytes of each, in sixteen
//! buckets, and for a bucket only at which half-bytes stand where: anchors that share a bucket are
//! also looked for crosswise. In a bad order ordinary text stops the search six times as often.
//!
//! A bucket is given by a literal's position, modulo 16 (`aho_corasick::packed`, Teddy), except that
//! literals with equal lower halves, as both cases of a word have, share that of the first.

/// Buckets, and bytes that are looked at.
const BUCKETS: usize = 16;
const LOOKED_AT: usize = 3;

/// Which half-bytes stand where in the literals of a bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Masks {
    low: [u16; LOOKED_AT],
    high: [u16; LOOKED_AT],
}

impl Masks {
    fn with(mut self, literal: &str) -> Self {
        for (at, byte) in literal.bytes().take(LOOKED_AT).enumerate() {
            self.low[at] |= 1 << (byte & 15);
            self.high[at] |= 1 << (byte >> 4);
        }
        self
    }

    /// How often ordinary text has bytes with these halves, to compare by.
    fn cost(self) -> u64 {
        let at = |at: usize| -> u64 {
            let has = |byte: &u8| {
                self.low[at] & 1 << (byte & 15) != 0 && self.high[at] & 1 << (byte >> 4) != 0
            };
            (0..128).filter(has).map(weight).sum()
        };
        (0..LOOKED_AT).map(at).product()
    }
}

/// How often a byte stands in prose and code, roughly, in thousandths.
const fn weight(byte: u8) -> u64 {
    match byte {
        b' ' => 160,
        b'e' => 95,
        b't' => 70,
        b'a' | b'i' | b'n' | b'o' | b'r' | b's' => 55,
        b'c' | b'd' | b'h' | b'l' | b'm' | b'p' | b'u' => 28,
        b'b' | b'f' | b'g' | b'v' | b'w' | b'y' | b'_' => 14,
        b'(' | b')' | b',' | b'.' | b':' | b'"' | b'-' | b'=' | b'/' => 10,
        b'0'..=b'9' | b'A'..=b'Z' | b'j' | b'k' | b'q' | b'x' | b'z' => 4,
        _ => 2,
    }
}

/// Puts `items` in an order in which those that share a bucket have little to be confused with.
pub(super) fn spread<T>(items: Vec<T>, literal: impl Fn(&T) -> &str) -> Vec<T> {
    let lows = |item: &T| -> Vec<u8> {
        literal(item).bytes().take(LOOKED_AT).map(|byte| byte & 15).collect()
    };
    let (mut firsts, mut others): (Vec<T>, Vec<T>) = (Vec::new(), Vec::new());
    for item in items {
        let is_new = firsts.iter().all(|first| lows(first) != lows(&item));
        if is_new { firsts.push(item) } else { others.push(item) }
    }
    let masks = |item: &T| {
        let mut masks = Masks::default().with(literal(item));
        for other in others.iter().filter(|other| lows(other) == lows(item)) {
            masks = masks.with(literal(other));
        }
        masks
    };
    firsts.sort_by_key(|item| std::cmp::Reverse(masks(item).cost()));
    let rounds = firsts.len().div_ceil(BUCKETS);
    // So many buckets have one literal more than the rest.
    let mut roomy = firsts.len() - BUCKETS * rounds.saturating_sub(1);
    let mut buckets: Vec<(Masks, Vec<T>)> = Vec::new();
    buckets.resize_with(BUCKETS, || (Masks::default(), Vec::new()));
    for item in firsts {
        let own = masks(&item);
        let join = |masks: Masks| {
            let or =
                |a: [u16; LOOKED_AT], b: [u16; LOOKED_AT]| std::array::from_fn(|at| a[at] | b[at]);
            Masks { low: or(masks.low, own.low), high: or(masks.high, own.high) }
        };
        let limit = if roomy > 0 { rounds } else { rounds - 1 };
        let open = buckets.iter_mut().filter(|(_, held)| held.len() < limit);
        let Some((masks, held)) = open.min_by_key(|(masks, _)| join(*masks).cost() - masks.cost())
        else {
            continue;
        };
        *masks = join(*masks);
        held.push(item);
        roomy -= usize::from(held.len() == rounds);
    }
    buckets.sort_by_key(|(_, held)| std::cmp::Reverse(held.len()));
    let mut columns: Vec<_> = buckets.into_iter().map(|(_, held)| held.into_iter()).collect();
    let rows =
        (0..rounds).flat_map(|_| columns.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>());
    let mut ordered: Vec<T> = rows.collect();
    ordered.extend(others);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::anchor::listed;

    #[test]
    fn every_anchor_is_kept() {
        let mut ordered = spread(listed(), |(literal, _)| literal);
        let mut listed = listed();
        assert!(listed.len() > 3 * BUCKETS);
        ordered.sort_by(|(one, _), (other, _)| one.cmp(other));
        listed.sort_by(|(one, _), (other, _)| one.cmp(other));
        assert_eq!(ordered, listed);
    }

    #[test]
    fn nothing_is_lost_and_what_looks_alike_shares_a_bucket() {
        let literals: Vec<String> = (0..40).map(|n| format!("{n:03}x")).collect();
        let mut upper: Vec<String> = vec!["key".into(), "KEY".into()];
        upper.extend(literals);
        let mut ordered = spread(upper.clone(), |literal| literal);
        assert_eq!(ordered.last().map(String::as_str), Some("KEY"));
        assert!(ordered.contains(&"key".to_owned()));
        ordered.sort();
        upper.sort();
        assert_eq!(ordered, upper);
    }
}
