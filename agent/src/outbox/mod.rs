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

pub mod fs;
mod item;
pub mod record;
mod spool;

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use fs::Fs;
pub use item::{DropReason, Dropped, Item, OnDrop};
use spool::{Position, Spool};

/// Most items in flight.
const WINDOW_ITEMS: usize = 64;
/// Most bytes in flight; one item may exceed it.
const WINDOW_BYTES: usize = 1 << 20;
/// How long a disk that failed is left alone.
const DISK_PAUSE: Duration = Duration::from_secs(30);
/// Largest segment file, in bytes.
const SEGMENT_BYTES_MAX: u64 = 4 << 20;

/// Names an item in flight. Void once the outbox has spilled or rewound: what it says then is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    generation: u64,
    number: u64,
}

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

struct Slot {
    number: u64,
    item: Item,
    /// Where it ends on disk; `None` when it came from memory.
    position: Option<Position>,
    sent: bool,
    acked: bool,
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

    /// The next item to send; `None` when all are in flight or nothing waits.
    pub fn send_next(&mut self) -> Option<(Ticket, Item)> {
        let generation = self.generation;
        if let Some(slot) = self.window.iter_mut().find(|slot| !slot.sent) {
            slot.sent = true;
            return Some((Ticket { generation, number: slot.number }, slot.item.clone()));
        }
        if self.window.len() >= WINDOW_ITEMS || self.window_bytes >= WINDOW_BYTES {
            return None;
        }
        let (item, position) = self.fetch()?;
        let number = self.next_number;
        self.next_number += 1;
        self.window_bytes += item.bytes();
        self.window.push_back(Slot { number, item: item.clone(), position, sent: true, acked: false });
        Some((Ticket { generation, number }, item))
    }

    fn fetch(&mut self) -> Option<(Item, Option<Position>)> {
        if let Some(spool) = &mut self.spool {
            if let Some((item, position)) = spool.next(&mut self.on_drop) {
                return Some((item, Some(position)));
            }
            if self.window.iter().all(|slot| slot.position.is_none()) {
                spool.finish();
            }
        }
        self.memory.pop_front().map(|item| (item, None))
    }

    /// The broker has this item. Returns it, the first time.
    pub fn ack(&mut self, ticket: Ticket, now: Instant) -> Option<Item> {
        let slot = self.slot(ticket)?;
        if std::mem::replace(&mut slot.acked, true) {
            return None;
        }
        let item = slot.item.clone();
        self.pop_acked();
        self.spilling = false;
        let empty = self.window.is_empty() && self.memory.is_empty() && self.spool_is_empty();
        self.waiting_since = (!empty).then_some(now);
        Some(item)
    }

    /// The item was not acknowledged and is to be sent again.
    pub fn retry(&mut self, ticket: Ticket) {
        if let Some(slot) = self.slot(ticket)
            && !slot.acked
        {
            slot.sent = false;
        }
    }

    /// Nothing in flight counts as sent any more: the connection is another one.
    pub fn unsend(&mut self) {
        for slot in self.window.iter_mut().filter(|slot| !slot.acked) {
            slot.sent = false;
        }
    }

    /// The broker will never take this item: it is dropped for good.
    pub fn refuse(&mut self, ticket: Ticket) {
        let Some(slot) = self.slot(ticket) else { return };
        if !std::mem::replace(&mut slot.acked, true) {
            let item = slot.item.clone();
            (self.on_drop)(Dropped::Item { item: &item, reason: DropReason::Refused });
        }
        self.pop_acked();
    }

    /// Whether what is said of this item still counts.
    pub fn is_current(&self, ticket: Ticket) -> bool {
        ticket.generation == self.generation && self.window.iter().any(|slot| slot.number == ticket.number)
    }

    fn slot(&mut self, ticket: Ticket) -> Option<&mut Slot> {
        if ticket.generation != self.generation {
            return None;
        }
        self.window.iter_mut().find(|slot| slot.number == ticket.number)
    }

    fn pop_acked(&mut self) {
        while self.window.front().is_some_and(|slot| slot.acked)
            && let Some(slot) = self.window.pop_front()
        {
            self.window_bytes -= slot.item.bytes();
            match (slot.position, &mut self.spool) {
                (Some(position), Some(spool)) => spool.advance(position),
                _ => self.memory_bytes -= slot.item.bytes(),
            }
        }
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

    /// Writes everything in memory to disk, now; for the end. Returns how many items could not be written.
    pub fn close(&mut self, now: Instant) -> usize {
        self.disk_failed = None;
        self.spill(now);
        if let Some(spool) = &mut self.spool {
            spool.close();
        }
        self.memory.len()
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

    /// Takes everything out of flight: back to where it came from. Tickets given so far are void.
    fn recall(&mut self) {
        self.generation += 1;
        while let Some(slot) = self.window.pop_back() {
            match (slot.position, slot.acked) {
                (None, false) => self.memory.push_front(slot.item),
                (None, true) => self.memory_bytes -= slot.item.bytes(),
                (Some(_), _) => {}
            }
        }
        self.window_bytes = 0;
        if let Some(spool) = &mut self.spool {
            spool.rewind();
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
