//! What had to be dropped for good and is not yet announced: ranges of batches, merged. What is left when the agent ends is
//! kept in a file of its state folder, and announced by the next start.

use std::path::Path;
use std::{fs, io};

use hi_common::batch::Lost;
use hi_common::ids::{Epoch, Seq};
use hi_common::limits::LOST_RANGES_MAX;

/// Ranges kept until they are announced; beyond it neighbours are merged over what lies between them, which the
/// collector then asks for in vain: loss is overstated, never hidden.
const RANGES_MAX: usize = 4 * LOST_RANGES_MAX;

/// File in the state folder: a line of epoch, first and last number for each range.
const FILE: &str = "losses";
/// Most bytes of it that are read.
const FILE_BYTES_MAX: u64 = 1 << 20;

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

    /// Reads what the last end left, beside what is there. The file stays until the next end: announcing twice does no harm,
    /// and this start may not live long enough to announce anything. A line that is none is passed over.
    pub fn load(&mut self, state_dir: &Path) {
        let path = state_dir.join(FILE);
        if fs::metadata(&path).is_ok_and(|meta| meta.len() <= FILE_BYTES_MAX) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            text.lines().filter_map(parse).for_each(|lost| self.add(lost));
        }
    }

    /// Keeps what is left for the next start; without anything left there is no file.
    ///
    /// # Errors
    /// The state folder cannot be written.
    pub fn save(&self, state_dir: &Path) -> io::Result<()> {
        let path = state_dir.join(FILE);
        if self.ranges.is_empty() {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let line = |lost: &Lost| format!("{} {} {}\n", lost.epoch, lost.from, lost.to);
        let text: String = self.ranges.iter().map(line).collect();
        let temporary = path.with_extension("tmp");
        fs::write(&temporary, text)?;
        fs::rename(&temporary, &path)
    }

    /// Whether there is nothing to announce.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

fn parse(line: &str) -> Option<Lost> {
    let mut numbers = line.split(' ').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    let (epoch, from, to) = (next()?, next()?, next()?);
    (from > 0 && from <= to && numbers.next().is_none()).then_some(Lost { epoch, from, to })
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
    fn what_is_left_at_the_end_is_there_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let mut losses = Losses::default();
        losses.save(dir.path()).unwrap();
        assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "nothing left, no file");
        let ranges =
            [(1, 3, 5), (2, 6, 6), (2, 9, u64::MAX)].map(|(epoch, from, to)| Lost { epoch, from, to });
        ranges.into_iter().for_each(|lost| losses.add(lost));
        losses.save(dir.path()).unwrap();

        let mut next = Losses::default();
        next.add(ranges[0]);
        next.load(dir.path());
        assert_eq!(next.take(), ranges);
        next.save(dir.path()).unwrap();
        next.load(dir.path());
        assert!(next.is_empty(), "all is announced: no file");
    }

    #[test]
    fn a_damaged_file_costs_the_damaged_lines() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "1 3 5\n1 9\n1 9 8\n1 0 2\nx 1 2\n1 7 7 7\n2 4 4\n5 1").unwrap();
        let mut losses = Losses::default();
        losses.load(dir.path());
        assert_eq!(losses.take(), [(1, 3, 5), (2, 4, 4)].map(|(epoch, from, to)| Lost { epoch, from, to }));
        fs::write(dir.path().join(FILE), [0xff, 0xfe]).unwrap();
        losses.load(dir.path());
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
