//! The part of the outbox that lies on disk: a queue of records in segment files. See the module above for the layout.

mod cursor;
mod read;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use super::fs::Fs;
use super::record;
use super::{DropReason, Dropped, Item};
use cursor::parse_cursor;

const SUFFIX: &str = ".seg";
const CURSOR: &str = "cursor";
/// Acknowledged records after which the cursor file is written: what a crash may send twice.
const CURSOR_EVERY: u64 = 256;
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

    fn sync(&self) {
        if let Some(segment) = self.segments.back() {
            let _ = self.fs.sync(&self.dir.join(file_name(segment.number)));
        }
    }
}

fn file_name(number: u64) -> String {
    format!("{number:016x}{SUFFIX}")
}
