//! The stages: what they share, and how they are started.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hi_common::config::ConfigError;
use hi_common::event::Severity;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::assembler::{Assembler, Link};
use crate::clock::{Clock, host_offset_ms};
use crate::config::{Config, all_sources};
use crate::documents;
use crate::exposition;
use crate::handover::{self, Handover};
use crate::health::{self, Notifier};
use crate::history::History;
use crate::host::HostRoot;
use crate::host_id::Identity;
use crate::nats::Connection;
use crate::outbox::{Aside, Item, OnDrop, Outbox};
use crate::pool::Pool;
use crate::publisher::{Publisher, on_drop};
use crate::sampler::{self, Mirror, Shared, Slot};
use crate::self_metrics::{AGENT, Counters, SelfSource, VERSION};
use crate::status::Board;

/// Outputs between sampler and assembler, items between assembler and publisher; beyond it the earlier stage waits.
const CHANNEL: usize = 64;
/// How long after the tick the agent reads itself: the other sources have reported by then.
const SELF_DELAY: Duration = Duration::from_millis(60);

/// What the stages share, before they start.
pub(super) struct Stages {
    host: HostRoot,
    clock: Clock,
    pub(super) identity: Identity,
    /// When this start of the agent was, Unix milliseconds.
    start_ms: i64,
    counters: Arc<Counters>,
    pub(super) link: Arc<Link>,
    undisclosed: Arc<AtomicU64>,
    board: Arc<Board>,
    slots: Vec<Slot>,
}

/// The stages at work.
pub(super) struct Running {
    pub(super) notifier: Arc<Notifier>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) samplers: JoinSet<()>,
    pub(super) helpers: JoinSet<()>,
    pub(super) assembling: JoinHandle<()>,
    pub(super) publishing: JoinHandle<()>,
}

impl Stages {
    pub(super) fn new(
        config: &Config,
        host: HostRoot,
        clock: Clock,
        identity: Identity,
        start_ms: i64,
        extra: Vec<Slot>,
    ) -> Result<Self, ConfigError> {
        let counters = Arc::new(Counters::default());
        counters.start_ms.store(start_ms, Ordering::Relaxed);
        let slots = slots(config, extra)?;
        let own = config.schedule(&AGENT)?;
        let names = slots.iter().map(|slot| (slot.name, slot.interval));
        let board = Arc::new(Board::new(names.chain(own.enabled.then_some((AGENT.name, own.interval)))));
        let (link, undisclosed) = (Arc::default(), Arc::default());
        Ok(Self { host, clock, identity, start_ms, counters, link, undisclosed, board, slots })
    }

    pub(super) fn on_drop(&self) -> OnDrop {
        on_drop(Arc::clone(&self.counters), Arc::clone(&self.link), Arc::clone(&self.undisclosed))
    }

    pub(super) async fn start(
        self,
        config: &Config,
        connection: Connection,
        outbox: Outbox,
        listener: Option<TcpListener>,
    ) -> Result<Running, ConfigError> {
        let (items, item_queue) = mpsc::channel(CHANNEL);
        let handover = Handover::new(items.clone(), self.on_drop(), handover::PATIENCE);
        let Self { host, clock, identity, start_ms, counters, link, undisclosed, board, slots } = self;
        let (output, output_queue) = mpsc::channel(CHANNEL);
        let (stop, stopped) = watch::channel(false);
        if let Some(item) = started(&identity, start_ms) {
            // The channel is empty: there is room.
            let _ = items.send(item).await;
        }
        drop(items);
        let mirror = listener.is_some().then(|| Mirror::new(vec![None; slots.len() + 1].into()));
        let shared = Shared {
            clock: clock.clone(),
            offset_ms: host_offset_ms(identity.host_id),
            first_at: start_ms,
            host,
            // As many as can hang, and one to go on with.
            pool: Pool::new(slots.len() + 2),
            board: Arc::clone(&board),
            output,
            mirror: mirror.clone(),
            stop: stopped,
        };
        let publisher = Publisher {
            identity: identity.clone(),
            clock: clock.clone(),
            outbox: Aside::new(outbox),
            history: History::new(usize::try_from(config.outbox.history_max_bytes).unwrap_or(usize::MAX)),
            counters: Arc::clone(&counters),
            link: Arc::clone(&link),
            undisclosed,
            last_seq: 0,
        };
        let (own_board, own_counters) = (Arc::clone(&board), Arc::clone(&counters));
        let assembler =
            Assembler { identity, clock, board: own_board, counters: own_counters, link, items: handover };
        let published = Arc::new(AtomicBool::new(false));
        let notifier = Arc::new(Notifier::from_env());
        let publishing = tokio::spawn(publisher.run(connection, item_queue, Arc::clone(&published)));
        let assembling = tokio::spawn(assembler.run(output_queue));
        let mut helpers = JoinSet::new();
        if let (Some(listener), Some(mirror)) = (listener, mirror) {
            helpers.spawn(exposition::serve(listener, mirror));
        }
        let samplers = sample(slots, shared, config, &counters, &board)?;
        helpers.spawn(health::run(Arc::clone(&notifier), board, counters, published));
        Ok(Running { notifier, stop, samplers, helpers, assembling, publishing })
    }
}

/// The enabled sources, the agent's own readings not among them.
fn slots(config: &Config, extra: Vec<Slot>) -> Result<Vec<Slot>, ConfigError> {
    let mut slots = Vec::new();
    for def in all_sources().filter(|def| def.name != AGENT.name) {
        let schedule = config.schedule(def)?;
        if !schedule.enabled {
            continue;
        }
        let config = config.clone();
        slots.push(Slot {
            name: def.name,
            interval: schedule.interval,
            timeout: schedule.timeout,
            delay: Duration::ZERO,
            make: Box::new(move || config.make(def).ok()),
        });
    }
    slots.extend(extra);
    Ok(slots)
}

/// Starts a task per source, the agent's own readings last.
fn sample(
    slots: Vec<Slot>,
    shared: Shared,
    config: &Config,
    counters: &Arc<Counters>,
    board: &Arc<Board>,
) -> Result<JoinSet<()>, ConfigError> {
    let mut tasks = JoinSet::new();
    let schedule = config.schedule(&AGENT)?;
    let own_index = slots.len();
    for (index, slot) in slots.into_iter().enumerate() {
        tasks.spawn(sampler::run(slot, index, shared.clone()));
    }
    if schedule.enabled {
        let (counters, board) = (Arc::clone(counters), Arc::clone(board));
        let slot = Slot {
            name: AGENT.name,
            interval: schedule.interval,
            timeout: schedule.timeout,
            delay: SELF_DELAY,
            make: Box::new(move || {
                Some(Box::new(SelfSource::new(Arc::clone(&counters), Arc::clone(&board))))
            }),
        };
        tasks.spawn(sampler::run(slot, own_index, shared));
    }
    Ok(tasks)
}

fn started(identity: &Identity, at: i64) -> Option<Item> {
    let data = [("version", VERSION.to_owned()), ("epoch", identity.epoch.to_string())];
    let message = format!("agent {VERSION} started");
    documents::event(identity, at, "agent_started", Severity::Info, message, &data)
}
