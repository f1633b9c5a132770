//! The outbox against a queue in memory: whatever happens to broker, disk and process, what comes out is what went in, in
//! order, and what does not come out was announced or was in the memory of a process that died.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hi_agent::outbox::fs::{Fs, RealFs};
use hi_agent::outbox::{Dropped, Item, Limits, Outbox, Ticket};
use proptest::prelude::*;

/// A disk that can be full, also in the middle of a write, and counts what it writes.
#[derive(Clone, Default)]
struct Disk {
    full: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
}

impl Disk {
    fn check(&self) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Fs for Disk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        RealFs.create_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        RealFs.list(dir)
    }
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) {
            // As a real one: what fits is written before the error comes.
            RealFs.append(path, &bytes[..bytes.len() / 2])?;
        }
        self.check()?;
        self.written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        RealFs.append(path, bytes)
    }
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        RealFs.truncate(path, len)
    }
    fn read(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        RealFs.read(path, offset, len)
    }
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.check()?;
        RealFs.replace(path, bytes)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealFs.remove(path)
    }
    fn sync(&self, path: &Path) -> io::Result<()> {
        RealFs.sync(path)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Send,
    /// Acknowledge the n-th of what is in flight.
    Ack(usize),
    Retry(usize),
    Reconnect,
    /// Time passes without acknowledgement.
    Wait,
    /// The process ends in order and starts again.
    Restart,
    /// The process is killed and starts again.
    Kill,
    DiskFull(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1usize..3000).prop_map(Step::Push),
        8 => Just(Step::Send),
        8 => (0usize..4).prop_map(Step::Ack),
        1 => (0usize..4).prop_map(Step::Retry),
        1 => Just(Step::Reconnect),
        2 => Just(Step::Wait),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
        1 => any::<bool>().prop_map(Step::DiskFull),
    ]
}

struct World {
    dir: tempfile::TempDir,
    disk: Disk,
    limits: Limits,
    outbox: Outbox,
    now: Instant,
    pushed: Vec<String>,
    flying: VecDeque<(Ticket, Item)>,
    sent: Vec<String>,
    acked: BTreeSet<String>,
    dropped: Arc<Mutex<BTreeSet<String>>>,
    /// Could not be written at an end in order.
    unsaved: usize,
    /// Could have been in memory when the process was killed.
    at_risk: BTreeSet<String>,
}

fn open(
    dir: &Path,
    disk: &Disk,
    limits: Limits,
    dropped: &Arc<Mutex<BTreeSet<String>>>,
    now: Instant,
) -> Outbox {
    let dropped = Arc::clone(dropped);
    let on_drop = Box::new(move |drop: Dropped<'_>| {
        if let Dropped::Item { item, .. } = drop {
            dropped.lock().unwrap().insert(item.id.clone());
        } else {
            panic!("nothing was damaged, and yet: {drop:?}");
        }
    });
    Outbox::open(&dir.join("spool"), Box::new(disk.clone()), limits, on_drop, now)
}

impl World {
    fn new(memory_max_bytes: usize, spool_max_bytes: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { memory_max_bytes, spool_max_bytes, spill_after: Duration::from_secs(5) };
        let (disk, dropped, now) = (Disk::default(), Arc::default(), Instant::now());
        let outbox = open(dir.path(), &disk, limits, &dropped, now);
        let (pushed, sent) = (Vec::new(), Vec::new());
        let (flying, acked, at_risk) = (VecDeque::new(), BTreeSet::new(), BTreeSet::new());
        Self { dir, disk, limits, outbox, now, pushed, flying, sent, acked, dropped, unsaved: 0, at_risk }
    }

    fn send(&mut self) -> bool {
        let Some((ticket, item)) = self.outbox.send_next() else { return false };
        // Nothing overtakes: all that is older has been acknowledged, is under way, or is gone.
        let dropped = self.dropped.lock().unwrap();
        let counts = |(ticket, _): &&(Ticket, Item)| self.outbox.is_current(*ticket);
        let under_way: BTreeSet<String> =
            self.flying.iter().filter(counts).map(|(_, item)| item.id.clone()).collect();
        for older in self.pushed.iter().take_while(|id| **id < item.id) {
            let passed = [&self.acked, &under_way, &self.at_risk, &*dropped];
            assert!(passed.iter().any(|set| set.contains(older)), "{} overtakes {older}", item.id);
        }
        drop(dropped);
        self.sent.push(item.id.clone());
        self.flying.push_back((ticket, item));
        true
    }

    fn ack(&mut self, n: usize) {
        if let Some((ticket, item)) = self.flying.remove(n)
            && self.outbox.ack(ticket, self.now).is_some()
        {
            self.acked.insert(item.id);
        }
    }

    fn restart(&mut self, in_order: bool) {
        if in_order {
            let before = self.dropped.lock().unwrap().len();
            let unsaved = self.outbox.close(self.now);
            self.unsaved += unsaved;
            let told = self.dropped.lock().unwrap().len() - before;
            assert!(told >= unsaved, "{told} of {unsaved} that could not be written are told as dropped");
        } else {
            self.at_risk = self.pushed.iter().filter(|id| !self.acked.contains(*id)).cloned().collect();
        }
        self.flying.clear();
        self.outbox = open(self.dir.path(), &self.disk, self.limits, &self.dropped, self.now);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Push(bytes) => {
                let id = format!("id-{:06}", self.pushed.len());
                let payload = Bytes::from(vec![self.pushed.len() as u8; *bytes]);
                self.outbox.push(Item { subject: "s".into(), id: id.clone(), payload }, self.now);
                self.pushed.push(id);
            }
            Step::Send => drop(self.send()),
            Step::Ack(n) => self.ack(*n),
            Step::Retry(n) => {
                if let Some((ticket, _)) = self.flying.remove(*n) {
                    self.outbox.retry(ticket);
                }
            }
            Step::Reconnect => {
                self.flying.clear();
                self.outbox.unsend();
            }
            Step::Wait => {
                self.now += Duration::from_secs(60);
                self.outbox.poll(self.now);
            }
            Step::Restart => self.restart(true),
            Step::Kill => self.restart(false),
            Step::DiskFull(full) => self.disk.full.store(*full, Ordering::SeqCst),
        }
        let level = self.outbox.level();
        assert!(level.memory_bytes <= self.limits.memory_max_bytes as u64 + (1 << 20), "{level:?}");
        assert!(level.disk_bytes <= self.limits.spool_max_bytes + (256 << 10), "{level:?}");
    }

    /// Everything goes out; then the books are balanced.
    fn settle(&mut self) {
        self.flying.clear();
        self.outbox.unsend();
        for _ in 0..100_000 {
            while self.send() {}
            while !self.flying.is_empty() {
                self.ack(0);
            }
            if self.outbox.is_empty() {
                break;
            }
        }
        assert!(self.outbox.is_empty(), "{:?}", self.outbox.level());
        let dropped = self.dropped.lock().unwrap().clone();
        for id in &self.pushed {
            let accounted = self.acked.contains(id) || dropped.contains(id) || self.at_risk.contains(id);
            assert!(accounted, "{id} is neither sent nor announced as dropped");
        }
        let mut first = BTreeSet::new();
        let firsts: Vec<&String> = self.sent.iter().filter(|id| first.insert((*id).clone())).collect();
        assert!(firsts.windows(2).all(|w| w[0] < w[1]), "sent out of order: {firsts:?}");
        let left = RealFs.list(&self.dir.path().join("spool")).unwrap();
        assert!(left.is_empty(), "what was sent is removed: {left:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_with_room_enough(steps in prop::collection::vec(step(), 1..150)) {
        let mut world = World::new(64 << 20, 64 << 20);
        for step in &steps {
            world.step(step);
        }
        world.settle();
        prop_assert_eq!(world.dropped.lock().unwrap().len(), world.unsaved, "but for what a full disk did not take");
    }

    #[test]
    fn what_does_not_fit_is_announced(steps in prop::collection::vec(step(), 1..250)) {
        let mut world = World::new(6_000, 48_000);
        for step in &steps {
            world.step(step);
        }
        world.settle();
    }
}

fn push(world: &mut World, n: usize) {
    for _ in 0..n {
        world.step(&Step::Push(1000));
    }
}

#[test]
fn while_the_broker_acknowledges_nothing_is_written() {
    let mut world = World::new(64 << 10, 64 << 20);
    for _ in 0..500 {
        push(&mut world, 3);
        while world.send() {}
        world.now += Duration::from_secs(10);
        while !world.flying.is_empty() {
            world.ack(0);
        }
        let now = world.now;
        world.outbox.poll(now);
    }
    assert_eq!(world.disk.written.load(Ordering::SeqCst), 0);
    world.settle();
}

#[test]
fn a_full_disk_costs_the_oldest_and_says_so() {
    let mut world = World::new(10_000, 1 << 20);
    world.step(&Step::DiskFull(true));
    push(&mut world, 50);
    assert!(world.dropped.lock().unwrap().contains("id-000000"));
    assert!(!world.dropped.lock().unwrap().contains("id-000049"));
    world.step(&Step::DiskFull(false));
    world.step(&Step::Wait);
    push(&mut world, 20);
    let before = world.dropped.lock().unwrap().len();
    push(&mut world, 20);
    assert_eq!(world.dropped.lock().unwrap().len(), before, "the disk is used again");
    world.settle();
}

#[test]
fn a_folder_that_cannot_be_made_leaves_memory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let limits =
        Limits { memory_max_bytes: 3_000, spool_max_bytes: 1 << 20, spill_after: Duration::from_secs(5) };
    let dropped: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let mut outbox = open(&file, &Disk::default(), limits, &dropped, Instant::now());
    for n in 0..5 {
        let item = Item { subject: "s".into(), id: n.to_string(), payload: Bytes::from(vec![0; 1000]) };
        outbox.push(item, Instant::now());
    }
    assert_eq!(outbox.level().memory_items, 2);
    assert_eq!(outbox.close(Instant::now()), 2);
    assert_eq!(dropped.lock().unwrap().len(), 5, "three had no room, and two are left at the end");
}

#[test]
fn a_lost_or_damaged_cursor_only_repeats() {
    for damage in [None, Some(vec![7; 20]), Some(vec![])] {
        let mut world = World::new(64 << 20, 64 << 20);
        push(&mut world, 400);
        world.step(&Step::Wait);
        for _ in 0..300 {
            world.send();
            world.ack(0);
        }
        world.restart(true);
        let cursor = world.dir.path().join("spool/cursor");
        match damage {
            None => std::fs::remove_file(&cursor).unwrap(),
            Some(bytes) => std::fs::write(&cursor, bytes).unwrap(),
        }
        world.restart(false);
        world.sent.clear();
        world.settle();
        assert_eq!(world.sent.first().map(String::as_str), Some("id-000000"), "all of it once more");
        assert_eq!(world.acked.len(), 400);
    }
}
