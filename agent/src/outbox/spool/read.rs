//! Reading the records of segments, one after the other.

use std::io;

use super::super::Dropped;
use super::super::record::{self, Parsed, RECORD_BYTES_MAX};
use super::{Item, Position, Spool, file_name};

/// Bytes read from a segment at a time.
const READ_BYTES: usize = 256 << 10;

impl Spool {
    /// Reads the next record and where it ends. What is damaged is reported and passed over.
    pub(in super::super) fn next(
        &mut self,
        on_drop: &mut dyn FnMut(Dropped<'_>),
    ) -> Option<(Item, Position)> {
        loop {
            let index = self.segments.iter().position(|s| s.number >= self.read.segment)?;
            let (number, bytes) = (self.segments[index].number, self.segments[index].bytes);
            if self.read.segment != number {
                self.read = Position { segment: number, offset: 0 };
                self.forget_ahead();
            }
            if self.read.offset >= bytes {
                self.segments.get(index + 1)?;
                self.read = Position { segment: number + 1, offset: 0 };
                self.forget_ahead();
                continue;
            }
            if let Err(error) = self.fill(number, bytes) {
                tracing::error!(segment = number, %error, "unsent data cannot be read and is given up");
                on_drop(Dropped::Unreadable);
                self.read.offset = bytes;
                continue;
            }
            let parsed = record::parse(&self.ahead[self.ahead_used..]);
            let used = match &parsed {
                Parsed::Record(_, used) | Parsed::DamagedPayload(_, used) | Parsed::Garbage(used) => *used,
            };
            self.ahead_used += used;
            self.read.offset += used as u64;
            match parsed {
                Parsed::Record(item, _) => return Some((item, self.read)),
                Parsed::DamagedPayload(id, _) => on_drop(Dropped::Damaged { id: &id }),
                Parsed::Garbage(_) => on_drop(Dropped::Unreadable),
            }
        }
    }

    /// Makes sure that a whole record, if there is one, stands in `ahead`.
    fn fill(&mut self, number: u64, bytes: u64) -> io::Result<()> {
        let left = bytes - self.read.offset;
        let have = (self.ahead.len() - self.ahead_used) as u64;
        // A record that fails to parse from a part of the segment may be whole with more of it.
        let enough = have >= left
            || matches!(self.ahead.get(self.ahead_used..).map(record::parse), Some(Parsed::Record(..)) if have > 0);
        if enough && have > 0 {
            return Ok(());
        }
        let path = self.dir.join(file_name(number));
        for want in [READ_BYTES, RECORD_BYTES_MAX * 2] {
            let got = self.fs.read(&path, self.read.offset, want)?;
            let whole = got.len() as u64 >= left;
            if got.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            (self.ahead, self.ahead_used) = (got, 0);
            if whole || matches!(record::parse(&self.ahead), Parsed::Record(..)) {
                break;
            }
        }
        Ok(())
    }

    /// Reads again from the first record that is not acknowledged.
    pub(in super::super) fn rewind(&mut self) {
        if self.read != self.done {
            self.read = self.done;
            self.forget_ahead();
        }
    }

    pub(super) fn forget_ahead(&mut self) {
        (self.ahead, self.ahead_used) = (Vec::new(), 0);
    }
}
