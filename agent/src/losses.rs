//! What had to be dropped for good and is not yet announced: ranges of batches, merged.

use hi_common::batch::Lost;
use hi_common::ids::{Epoch, Seq};
use hi_common::limits::LOST_RANGES_MAX;

/// Ranges kept until they are announced; beyond it neighbours are merged over what lies between them, which the
/// collector then asks for in vain: loss is overstated, never hidden.
const RANGES_MAX: usize = 4 * LOST_RANGES_MAX;

/// Losses to announce.
#[derive(Debug, Default)]
pub struct Losses {
    ranges: Vec<Lost>,
}

impl Losses {
    /// Adds a range, both ends included.
    pub fn add(&mut self, lost: Lost) {
        self.ranges.push(lost);
        self.ranges.sort_unstable_by_key(|l| (l.epoch, l.from));
        let mut merged: Vec<Lost> = Vec::with_capacity(self.ranges.len());
        for range in self.ranges.drain(..) {
            match merged.last_mut() {
                Some(last) if last.epoch == range.epoch && range.from <= last.to.saturating_add(1) => {
                    last.to = last.to.max(range.to);
                }
                _ => merged.push(range),
            }
        }
        if merged.len() > RANGES_MAX
            && let Some(narrowest) = narrowest_gap(&merged)
        {
            merged[narrowest].to = merged[narrowest + 1].to;
            merged.remove(narrowest + 1);
        }
        self.ranges = merged;
    }

    /// Adds one batch.
    pub fn add_one(&mut self, epoch: Epoch, seq: Seq) {
        self.add(Lost { epoch, from: seq, to: seq });
    }

    /// Takes as many ranges as one batch may announce.
    pub fn take(&mut self) -> Vec<Lost> {
        let n = self.ranges.len().min(LOST_RANGES_MAX);
        self.ranges.drain(..n).collect()
    }

    /// Whether there is nothing to announce.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

fn narrowest_gap(ranges: &[Lost]) -> Option<usize> {
    let gap = |i: usize| {
        (ranges[i].epoch == ranges[i + 1].epoch).then(|| ranges[i + 1].from.saturating_sub(ranges[i].to))
    };
    (0..ranges.len().saturating_sub(1)).filter_map(|i| gap(i).map(|g| (g, i))).min().map(|(_, i)| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_merge() {
        let mut losses = Losses::default();
        for seq in [5, 3, 4, 9] {
            losses.add_one(1, seq);
        }
        losses.add_one(2, 6);
        let lost = |epoch, from, to| Lost { epoch, from, to };
        assert_eq!(losses.take(), [lost(1, 3, 5), lost(1, 9, 9), lost(2, 6, 6)]);
        assert!(losses.is_empty());
    }

    #[test]
    fn there_are_never_too_many() {
        let mut losses = Losses::default();
        for seq in 0..2_000 {
            losses.add_one(1, 1 + seq * 2);
        }
        assert!(losses.ranges.len() <= RANGES_MAX);
        let first = losses.take();
        assert_eq!(first.len(), LOST_RANGES_MAX);
        assert_eq!(first[0].from, 1);
    }
}
