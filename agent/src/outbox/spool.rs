//! The part of the outbox that lies on disk: a queue of records in segment files. See the module above for the layout.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use super::fs::Fs;
use super::record::{self, Parsed, RECORD_BYTES_MAX};
use super::{DropReason, Dropped, Item};

const SUFFIX: &str = ".seg";
const CURSOR: &str = "cursor";
/// Acknowledged records after which the cursor file is written: what a crash may send twice.
const CURSOR_EVERY: u64 = 256;
/// Bytes read from a segment at a time.
const READ_BYTES: usize = 256 << 10;
/// Bytes appended in one write.
const WRITE_BYTES: usize = 256 << 10;

/// Where a record ends: everything up to here is done once it is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Position {
    /// Number of the segment.
    pub(super) segment: u64,
    /// Bytes from its beginning.
    pub(super) offset: u64,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    bytes: u64,
    /// Records in it that were not acknowledged; for a recovered segment not known before it is read: then 0.
    records: u64,
}

/// A queue of records on disk.
pub(super) struct Spool {
    fs: Box<dyn Fs>,
    dir: PathBuf,
    max_bytes: u64,
    segment_bytes: u64,
    segments: VecDeque<Segment>,
    next_number: u64,
    /// Whether the last segment may be appended to: not one found at start, whose end may be torn.
    open: bool,
    /// Everything before it is acknowledged.
    done: Position,
    /// Where the next read begins.
    read: Position,
    /// Bytes read ahead, beginning at `read`.
    ahead: Vec<u8>,
    ahead_used: usize,
    since_cursor: u64,
    bytes: u64,
}

impl Spool {
    /// Opens the queue and finds what an earlier start left.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub(super) fn open(
        fs: Box<dyn Fs>,
        dir: PathBuf,
        max_bytes: u64,
        segment_bytes: u64,
    ) -> io::Result<Self> {
        let mut segments: Vec<Segment> = Vec::new();
        for (name, bytes) in fs.list(&dir)? {
            let number = name.strip_suffix(SUFFIX).and_then(|hex| u64::from_str_radix(hex, 16).ok());
            if let Some(number) = number {
                segments.push(Segment { number, bytes, records: 0 });
            }
        }
        segments.sort_unstable_by_key(|segment| segment.number);
        let start = Position { segment: segments.first().map_or(0, |s| s.number), offset: 0 };
        let cursor = fs.read(&dir.join(CURSOR), 0, 64).ok().and_then(|bytes| parse_cursor(&bytes));
        let done = cursor.map_or(start, |cursor| cursor.max(start));
        let mut spool = Self {
            next_number: segments.last().map_or(1, |s| s.number + 1).max(done.segment + 1),
            bytes: segments.iter().map(|s| s.bytes).sum(),
            segments: segments.into(),
            fs,
            dir,
            max_bytes,
            segment_bytes,
            open: false,
            done,
            read: done,
            ahead: Vec::new(),
            ahead_used: 0,
            since_cursor: 0,
        };
        spool.drop_done();
        Ok(spool)
    }

    /// Whether every record is acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Bytes of all segments.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether this many bytes more can be kept without dropping any.
    pub(super) fn has_room(&self, more: u64) -> bool {
        self.bytes + more <= self.max_bytes
    }

    /// Records known to wait; those of an earlier start are not counted before they are read.
    pub(super) fn records(&self) -> u64 {
        self.segments.iter().map(|s| s.records).sum()
    }

    /// Appends items at the end, taking them from the front of `items` as they are safe; drops the oldest records when
    /// there is no room.
    ///
    /// # Errors
    /// What the disk says; the items that could not be written are still in `items`.
    pub(super) fn append(
        &mut self,
        items: &mut VecDeque<Item>,
        on_drop: &mut dyn FnMut(Dropped<'_>),
    ) -> io::Result<u64> {
        let mut written = 0;
        while !items.is_empty() {
            let mut buffer = Vec::new();
            let mut count = 0;
            for item in items.iter() {
                let full = buffer.len() + record::len(item) > WRITE_BYTES;
                if count > 0 && full {
                    break;
                }
                if !record::write(item, &mut buffer) {
                    on_drop(Dropped::Item { item, reason: DropReason::Refused });
                }
                count += 1;
            }
            self.make_room(buffer.len() as u64, on_drop);
            self.write(&buffer, count)?;
            items.drain(..usize::try_from(count).unwrap_or(usize::MAX).min(items.len()));
            written += count;
        }
        Ok(written)
    }

    fn write(&mut self, buffer: &[u8], count: u64) -> io::Result<()> {
        let full = self.segments.back().is_none_or(|s| s.bytes + buffer.len() as u64 > self.segment_bytes);
        if !self.open || full {
            self.fs.create_dir(&self.dir)?;
            if self.open {
                self.sync();
            }
            self.segments.push_back(Segment { number: self.next_number, bytes: 0, records: 0 });
            if self.segments.len() == 1 {
                let at = Position { segment: self.next_number, offset: 0 };
                (self.done, self.read) = (at, at);
                self.forget_ahead();
            }
            self.next_number += 1;
            self.open = true;
        }
        let Some(segment) = self.segments.back_mut() else { return Ok(()) };
        let path = self.dir.join(file_name(segment.number));
        if let Err(error) = self.fs.append(&path, buffer) {
            // A part may stand there: cut it off, or, if even that fails, leave this file alone from now on.
            self.open = self.fs.truncate(&path, segment.bytes).is_ok();
            if segment.bytes == 0 {
                let _ = self.fs.remove(&path);
                self.segments.pop_back();
                self.open = false;
            }
            return Err(error);
        }
        segment.bytes += buffer.len() as u64;
        segment.records += count;
        self.bytes += buffer.len() as u64;
        Ok(())
    }

    /// Drops the oldest segments until `more` bytes fit.
    fn make_room(&mut self, more: u64, on_drop: &mut dyn FnMut(Dropped<'_>)) {
        while !self.has_room(more) && !self.segments.is_empty() {
            self.read = self.done;
            self.forget_ahead();
            let oldest = self.done.segment;
            while let Some((item, position)) = self.next(on_drop)
                && position.segment == oldest
            {
                on_drop(Dropped::Item { item: &item, reason: DropReason::Full });
            }
            if self.segments.len() == 1 {
                self.open = false;
            }
            self.remove_front();
            let front = self.segments.front().map_or(self.next_number, |s| s.number);
            let at = Position { segment: front, offset: 0 };
            (self.done, self.read) = (at, at);
            self.forget_ahead();
        }
    }

    /// Reads the next record and where it ends. What is damaged is reported and passed over.
    pub(super) fn next(&mut self, on_drop: &mut dyn FnMut(Dropped<'_>)) -> Option<(Item, Position)> {
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

    /// Everything up to `position` is acknowledged.
    pub(super) fn advance(&mut self, position: Position) {
        if position <= self.done {
            return;
        }
        self.done = position;
        if let Some(segment) = self.segments.iter_mut().find(|s| s.number == position.segment) {
            segment.records = segment.records.saturating_sub(1);
        }
        self.since_cursor += 1;
        if self.drop_done() || self.since_cursor >= CURSOR_EVERY {
            self.save_cursor();
        }
    }

    /// What was damaged at the very end is never acknowledged by itself: nothing is left to read, nothing in flight.
    pub(super) fn finish(&mut self) {
        if self.read > self.done {
            self.advance(self.read);
        }
    }

    /// Reads again from the first record that is not acknowledged.
    pub(super) fn rewind(&mut self) {
        if self.read != self.done {
            self.read = self.done;
            self.forget_ahead();
        }
    }

    /// Writes the cursor and waits until everything is on the disk; for the end.
    pub(super) fn close(&mut self) {
        if !self.segments.is_empty() {
            self.save_cursor();
            self.sync();
        }
    }

    /// Removes segments of which every record is acknowledged; true when there were any.
    fn drop_done(&mut self) -> bool {
        let mut dropped = false;
        while let Some(front) = self.segments.front() {
            if (front.number, front.bytes) > (self.done.segment, self.done.offset) {
                break;
            }
            if self.segments.len() == 1 {
                self.open = false;
            }
            self.remove_front();
            dropped = true;
        }
        if let Some(front) = self.segments.front()
            && front.number > self.done.segment
        {
            self.done = Position { segment: front.number, offset: 0 };
        }
        self.read = self.read.max(self.done);
        if dropped && self.segments.is_empty() {
            let _ = self.fs.remove(&self.dir.join(CURSOR));
            self.since_cursor = 0;
            self.forget_ahead();
        }
        dropped
    }

    fn remove_front(&mut self) {
        if let Some(segment) = self.segments.pop_front() {
            self.bytes = self.bytes.saturating_sub(segment.bytes);
            let path = self.dir.join(file_name(segment.number));
            if let Err(error) = self.fs.remove(&path) {
                // It would be sent once more after a restart; the collector recognises that.
                tracing::warn!(path = %path.display(), %error, "sent data cannot be removed");
            }
        }
    }

    fn save_cursor(&mut self) {
        self.since_cursor = 0;
        if self.segments.is_empty() {
            return;
        }
        let mut bytes = Vec::with_capacity(20);
        bytes.extend_from_slice(&self.done.segment.to_le_bytes());
        bytes.extend_from_slice(&self.done.offset.to_le_bytes());
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        if let Err(error) = self.fs.replace(&self.dir.join(CURSOR), &bytes) {
            tracing::warn!(%error, "cursor of unsent data cannot be written; a crash would send some twice");
        }
    }

    fn sync(&self) {
        if let Some(segment) = self.segments.back() {
            let _ = self.fs.sync(&self.dir.join(file_name(segment.number)));
        }
    }

    fn forget_ahead(&mut self) {
        (self.ahead, self.ahead_used) = (Vec::new(), 0);
    }
}

fn file_name(number: u64) -> String {
    format!("{number:016x}{SUFFIX}")
}

fn parse_cursor(bytes: &[u8]) -> Option<Position> {
    let number = |range: std::ops::Range<usize>| Some(u64::from_le_bytes(bytes.get(range)?.try_into().ok()?));
    let crc = u32::from_le_bytes(bytes.get(16..20)?.try_into().ok()?);
    if bytes.len() != 20 || crc != crc32fast::hash(&bytes[..16]) {
        return None;
    }
    Some(Position { segment: number(0..8)?, offset: number(8..16)? })
}
