//! What waits for the broker's acknowledgement. It knows items — subject, message id, bytes — and nothing of batches.
//!
//! # Order
//!
//! ```text
//! push → [ memory ] ──spill──→ [ spool: segments on disk ] ─┐
//!             └──────────────── only when the spool is empty ┴→ [ window: in flight ] → ack
//! ```
//!
//! Everything on disk is older than everything in memory, so the order of pushes is the order of sending: the window is
//! filled from the spool first, from memory only when the spool has been read to its end. Spilling appends all of memory,
//! and what of it is in flight, to the spool.
//!
//! # When it writes
//!
//! Connected, never. It spills when nothing was acknowledged for `spill_after`, when memory is over its limit, and at
//! shutdown; from the first of these on, every push goes to disk at once, until the broker acknowledges again. Files are
//! synced when a segment is full and at shutdown: a power cut during an outage of the broker may cost what the kernel had
//! not written back, the death of this process costs nothing that was spilled.
//!
//! # Layout on disk
//!
//! `<state_dir>/spool/<16 hex digits>.seg` are numbered segments of records (see [`record`]); `cursor` holds segment (8
//! bytes), offset (8 bytes), both little-endian, and their CRC-32: everything before it is acknowledged. Only this module
//! writes there. A segment is removed when all of it is acknowledged, the cursor with the last one. At start the segments
//! found are read from the cursor on; new records go to a new segment, since the end of an old one may be torn. A cursor that
//! is missing, old or damaged means that some is sent twice, which the broker and the collector recognise.
//!
//! # Limits
//!
//! `memory_max_bytes` and `spool_max_bytes`; beyond the latter the oldest segment goes, and without a disk the oldest item
//! in memory. Every item dropped is told to `on_drop`, with its bytes as far as they are known.

mod aside;
pub mod fs;
mod item;
pub mod record;
mod spool;
mod window;

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

pub use aside::Aside;
use fs::Fs;
pub use item::{DropReason, Dropped, Item, OnDrop};
use spool::Spool;
use window::Slot;
pub use window::Ticket;

/// How long a disk that failed is left alone.
const DISK_PAUSE: Duration = Duration::from_secs(30);
/// Largest segment file, in bytes.
const SEGMENT_BYTES_MAX: u64 = 4 << 20;

/// Limits of an outbox.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes in memory.
    pub memory_max_bytes: usize,
    /// Most bytes on disk; 0 never writes.
    pub spool_max_bytes: u64,
    /// How long nothing may be acknowledged before it spills.
    pub spill_after: Duration,
}

/// How much waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Level {
    /// Bytes in memory, in flight included.
    pub memory_bytes: u64,
    /// Items in memory, in flight included.
    pub memory_items: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Items on disk, as far as known.
    pub disk_items: u64,
    /// Items written to disk since the start.
    pub spooled: u64,
}

/// The outbox.
pub struct Outbox {
    limits: Limits,
    memory: VecDeque<Item>,
    /// Of `memory` and of what is in flight from memory.
    memory_bytes: usize,
    window: VecDeque<Slot>,
    window_bytes: usize,
    spool: Option<Spool>,
    disk_failed: Option<Instant>,
    disk_complained: bool,
    generation: u64,
    next_number: u64,
    /// Since when something waits without any acknowledgement.
    waiting_since: Option<Instant>,
    spilling: bool,
    spooled: u64,
    on_drop: OnDrop,
}

impl Outbox {
    /// Opens the outbox, with what an earlier start left in `dir`. A folder that cannot be used is logged: then there is
    /// memory only.
    pub fn open(dir: &Path, fs: Box<dyn Fs>, limits: Limits, on_drop: OnDrop, now: Instant) -> Self {
        let segment = (limits.spool_max_bytes / 8).clamp(16 << 10, SEGMENT_BYTES_MAX);
        let spool = if limits.spool_max_bytes == 0 {
            None
        } else {
            match Spool::open(fs, dir.to_owned(), limits.spool_max_bytes, segment) {
                Ok(spool) => Some(spool),
                Err(error) => {
                    tracing::error!(dir = %dir.display(), %error, "spool cannot be used: unsent data is kept in memory only");
                    None
                }
            }
        };
        let waiting = spool.as_ref().is_some_and(|spool| !spool.is_empty());
        Self {
            limits,
            memory: VecDeque::new(),
            memory_bytes: 0,
            window: VecDeque::new(),
            window_bytes: 0,
            spool,
            disk_failed: None,
            disk_complained: false,
            generation: 0,
            next_number: 0,
            waiting_since: waiting.then_some(now),
            spilling: false,
            spooled: 0,
            on_drop,
        }
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: Item, now: Instant) {
        self.waiting_since.get_or_insert(now);
        self.memory_bytes += item.bytes();
        self.memory.push_back(item);
        if self.spilling || self.memory_bytes > self.limits.memory_max_bytes {
            self.spill(now);
        }
        self.trim();
    }

    /// When [`Outbox::poll`] has something to do; `None` while nothing waits.
    pub fn deadline(&self) -> Option<Instant> {
        if self.memory.is_empty() && self.window.iter().all(|slot| slot.position.is_some()) {
            return None;
        }
        let due = self.waiting_since? + self.limits.spill_after;
        Some(self.disk_failed.map_or(due, |failed| due.max(failed + DISK_PAUSE)))
    }

    /// Spills if nothing was acknowledged for too long.
    pub fn poll(&mut self, now: Instant) {
        if self.deadline().is_some_and(|due| now >= due) {
            self.spill(now);
            self.trim();
        }
    }

    /// Writes everything in memory to disk, now; for the end. What cannot be written is dropped, and told as such; returns how
    /// many items.
    pub fn close(&mut self, now: Instant) -> usize {
        self.disk_failed = None;
        self.spill(now);
        if self.window.iter().any(|slot| slot.position.is_none()) {
            self.recall();
        }
        if let Some(spool) = &mut self.spool {
            spool.close();
        }
        let unsaved = std::mem::take(&mut self.memory);
        self.memory_bytes = 0;
        unsaved.iter().for_each(|item| (self.on_drop)(Dropped::Item { item, reason: DropReason::Full }));
        unsaved.len()
    }

    /// Moves memory, and what of it is in flight, to the end of the spool.
    fn spill(&mut self, now: Instant) {
        let resting = self.disk_failed.is_some_and(|failed| now < failed + DISK_PAUSE);
        if self.spool.is_none() || resting {
            return;
        }
        // What is in flight from the disk can stay so: what is appended comes after it. Not what the disk may drop.
        let more: u64 = self.memory.iter().map(|item| record::len(item) as u64).sum();
        let stays = self.window.iter().all(|slot| slot.position.is_some());
        if !stays || self.spool.as_ref().is_none_or(|spool| !spool.has_room(more)) {
            self.recall();
        }
        let Some(spool) = &mut self.spool else { return };
        self.spilling = true;
        let before = self.memory.len();
        let result = spool.append(&mut self.memory, &mut self.on_drop);
        self.spooled += (before - self.memory.len()) as u64;
        self.memory_bytes = self.memory.iter().map(Item::bytes).sum();
        match result {
            Ok(_) => {
                self.disk_failed = None;
                if std::mem::take(&mut self.disk_complained) {
                    tracing::info!("spool can be written again");
                }
            }
            Err(error) => {
                self.disk_failed = Some(now);
                if !std::mem::replace(&mut self.disk_complained, true) {
                    tracing::error!(%error, "spool cannot be written: unsent data is kept in memory only");
                }
            }
        }
    }

    /// Drops the oldest items in memory while it is over its limit: the disk did not help.
    fn trim(&mut self) {
        while self.memory_bytes > self.limits.memory_max_bytes
            && let Some(item) = self.memory.pop_front()
        {
            self.memory_bytes -= item.bytes();
            (self.on_drop)(Dropped::Item { item: &item, reason: DropReason::Full });
        }
    }

    fn spool_is_empty(&self) -> bool {
        self.spool.as_ref().is_none_or(Spool::is_empty)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.window.is_empty() && self.spool_is_empty()
    }

    /// Whether what is done next may touch the disk; `more` are the bytes it brings.
    fn may_use_disk(&self, more: usize, now: Instant) -> bool {
        let full = self.memory_bytes + more > self.limits.memory_max_bytes;
        let due = self.deadline().is_some_and(|due| now >= due);
        self.spool.as_ref().is_some_and(|spool| !spool.is_empty() || self.spilling || full || due)
    }

    /// Whether an item waits in memory or in flight; `None` when it may be on disk.
    pub fn holds(&self, id: &str) -> Option<bool> {
        let here = self.window.iter().any(|slot| slot.item.id == id && !slot.acked)
            || self.memory.iter().any(|item| item.id == id);
        if here || self.spool_is_empty() { Some(here) } else { None }
    }

    /// How much waits.
    pub fn level(&self) -> Level {
        let in_flight = self.window.iter().filter(|slot| slot.position.is_none()).count();
        Level {
            memory_bytes: self.memory_bytes as u64,
            memory_items: (self.memory.len() + in_flight) as u64,
            disk_bytes: self.spool.as_ref().map_or(0, Spool::bytes),
            disk_items: self.spool.as_ref().map_or(0, Spool::records),
            spooled: self.spooled,
        }
    }
}
