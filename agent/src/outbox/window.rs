//! What is in flight: given out to be sent, and not yet acknowledged in order.

use std::time::Instant;

use super::spool::Position;
use super::{DropReason, Dropped, Item, Outbox};

/// Most items in flight.
const WINDOW_ITEMS: usize = 64;
/// Most bytes in flight; one item may exceed it.
const WINDOW_BYTES: usize = 1 << 20;
/// Names an item in flight. Void once the outbox has spilled or rewound: what it says then is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    generation: u64,
    number: u64,
}

pub(super) struct Slot {
    number: u64,
    pub(super) item: Item,
    /// Where it ends on disk; `None` when it came from memory.
    pub(super) position: Option<Position>,
    sent: bool,
    pub(super) acked: bool,
}

impl Outbox {
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

    /// Takes everything out of flight: back to where it came from. Tickets given so far are void.
    pub(super) fn recall(&mut self) {
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
}
