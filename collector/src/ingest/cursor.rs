//! Which batches of an agent's start have been taken. Pure.

/// Batches taken of one epoch: all below `next`, and ranges above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    next: u64,
    /// Sorted, disjoint, not touching, all above `next`; both ends included.
    seen: Vec<(u64, u64)>,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { next: 1, seen: Vec::new() }
    }
}

impl Cursor {
    /// From its stored form.
    pub(crate) fn restore(next: u64, seen: &[(u64, u64)]) -> Self {
        let mut cursor = Self { next: next.max(1), seen: Vec::new() };
        for (from, to) in seen {
            cursor.insert_range(*from, *to);
        }
        cursor
    }

    /// Lowest number not taken yet.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Ranges taken above it.
    pub(crate) fn seen(&self) -> &[(u64, u64)] {
        &self.seen
    }

    /// Highest number taken; 0 before the first.
    pub(crate) fn highest(&self) -> u64 {
        self.seen.last().map_or(self.next - 1, |(_, to)| *to)
    }

    /// Whether a number has been taken.
    pub(crate) fn contains(&self, seq: u64) -> bool {
        seq < self.next || self.seen.iter().any(|(from, to)| (*from..=*to).contains(&seq))
    }

    /// Takes a number; whether it is new.
    pub(crate) fn insert(&mut self, seq: u64) -> bool {
        if seq == self.next && self.seen.is_empty() {
            self.next += 1;
            return true;
        }
        let new = !self.contains(seq);
        if new {
            self.insert_range(seq, seq);
        }
        new
    }

    /// Takes a range; how many of it are new.
    pub(crate) fn insert_range(&mut self, from: u64, to: u64) -> u64 {
        let from = from.max(self.next);
        if from > to {
            return 0;
        }
        let mut new = to - from + 1;
        let (mut low, mut high) = (from, to);
        self.seen.retain(|(a, b)| {
            let touches = *a <= high.saturating_add(1) && low <= b.saturating_add(1);
            if touches {
                new -= (to.min(*b) + 1).saturating_sub(from.max(*a));
                low = low.min(*a);
                high = high.max(*b);
            }
            !touches
        });
        if low == self.next {
            self.next = high + 1;
        } else {
            let at = self.seen.partition_point(|(a, _)| *a < low);
            self.seen.insert(at, (low, high));
        }
        // `next` may now touch the first range.
        if let Some((a, b)) = self.seen.first().copied()
            && a <= self.next
        {
            self.next = b + 1;
            self.seen.remove(0);
        }
        new
    }

    /// Missing ranges below the highest number taken.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let starts = std::iter::once(self.next).chain(self.seen.iter().map(|(_, to)| to + 1));
        starts.zip(self.seen.iter().map(|(from, _)| from - 1))
    }

    /// Parts of a range that are missing.
    pub(crate) fn missing_of(&self, from: u64, to: u64) -> Vec<(u64, u64)> {
        let mut low = from.max(self.next);
        let mut missing = Vec::new();
        for (a, b) in &self.seen {
            if *a > to {
                break;
            }
            if low < *a {
                missing.push((low, a - 1));
            }
            low = low.max(b + 1);
        }
        if low <= to {
            missing.push((low, to));
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn takes_each_number_once_in_any_order() {
        let mut cursor = Cursor::default();
        for seq in [1, 2, 5, 4, 9] {
            assert!(cursor.insert(seq));
        }
        assert!(!cursor.insert(4));
        assert_eq!(cursor.gaps().collect::<Vec<_>>(), [(3, 3), (6, 8)]);
        assert_eq!(cursor.missing_of(2, 12), [(3, 3), (6, 8), (10, 12)]);
        assert!(cursor.insert(3));
        assert_eq!((cursor.next(), cursor.seen()), (6, &[(9, 9)][..]));
        assert_eq!(cursor.insert_range(1, 20), 14);
        assert_eq!((cursor.next(), cursor.highest()), (21, 20));
    }

    proptest! {
        #[test]
        fn agrees_with_a_set(ranges in prop::collection::vec((1u64..60, 0u64..6), 0..60)) {
            let mut cursor = Cursor::default();
            let mut model = BTreeSet::new();
            for (from, more) in ranges {
                let new = (from..=from + more).filter(|n| model.insert(*n)).count() as u64;
                if more == 0 {
                    prop_assert_eq!(cursor.insert(from), new == 1);
                } else {
                    prop_assert_eq!(cursor.insert_range(from, from + more), new);
                }
            }
            for n in 1..70 {
                prop_assert_eq!(cursor.contains(n), model.contains(&n), "{}", n);
            }
            let highest = model.last().copied().unwrap_or(0);
            prop_assert_eq!(cursor.highest(), highest);
            let missing: Vec<u64> = (1..=highest).filter(|n| !model.contains(n)).collect();
            let gaps: Vec<u64> = cursor.gaps().flat_map(|(a, b)| a..=b).collect();
            prop_assert_eq!(&gaps, &missing);
            let again: Vec<u64> = cursor.missing_of(1, highest).into_iter().flat_map(|(a, b)| a..=b).collect();
            prop_assert_eq!(&again, &missing);
            prop_assert_eq!(Cursor::restore(cursor.next(), cursor.seen()), cursor);
        }
    }
}
