//! The only place where the stages are put together: sampler → assembler → publisher; and taken apart, in that order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hi_common::config::ConfigError;
use hi_common::event::Severity;
use hi_common::limits::AT_MS_MIN;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::assembler::{Assembler, Link};
use crate::clock::{Clock, host_offset_ms};
use crate::config::{Config, all_sources};
use crate::documents;
use crate::exposition;
use crate::health::{self, Notifier};
use crate::history::History;
use crate::host::HostRoot;
use crate::host_id::{self, Identity, IdentityError};
use crate::nats::{self, Connection, NatsError};
use crate::outbox::fs::RealFs;
use crate::outbox::{Limits, Outbox};
use crate::pool::Pool;
use crate::publisher::{Publisher, on_drop};
use crate::sampler::{self, Mirror, Shared, Slot};
use crate::self_metrics::{AGENT, Counters, SelfSource, VERSION};
use crate::status::Board;

/// Outputs between sampler and assembler, items between assembler and publisher; beyond it the earlier stage waits.
const CHANNEL: usize = 64;
/// How long after the tick the agent reads itself: the other sources have reported by then.
const SELF_DELAY: Duration = Duration::from_millis(60);
/// Folder of the spool in the state folder.
const SPOOL: &str = "spool";

/// Why the agent does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The connection to the broker cannot even be tried.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// `/metrics` cannot be served.
    #[error("serve /metrics: {0}")]
    Exposition(String),
}

/// What a caller may put in place of the real thing.
#[derive(Default)]
pub struct Parts {
    /// Wall clock.
    pub clock: Clock,
    /// Sources beside the registered ones.
    pub extra: Vec<Slot>,
}

/// Runs the agent until `stop` is done, then ends it in order.
///
/// # Errors
/// What no retry would mend: configuration, identity, a taken port.
pub async fn run(
    config: &Config,
    host: HostRoot,
    parts: Parts,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let clock = parts.clock;
    clock.observe();
    let state_dir = host_id::state_dir(&config.agent, &host);
    let _claim = host_id::claim(&state_dir)?;
    // Not the epoch, which lies ahead of the clock when that was set back since the last start.
    let start_ms = clock.wall_ms();
    if start_ms < AT_MS_MIN {
        tracing::warn!("the clock of this host is not set: nothing is sent before it is");
    }
    let identity = host_id::identify(&config.agent, &host, &state_dir, start_ms)?;
    tracing::info!(version = VERSION, host = %identity.host, host_id = %identity.host_id, epoch = identity.epoch, state_dir = %state_dir.display(), "agent starts");

    let stages = Stages::new(config, host, clock, identity, start_ms, parts.extra)?;
    let listener = match &config.exposition.listen {
        Some(listen) => Some(listener(listen).await?),
        None => None,
    };
    let connection = nats::connect(&config.nats, &format!("hi-agent {}", stages.identity.host)).await?;
    let outbox = Outbox::open(
        &state_dir.join(SPOOL),
        Box::new(RealFs),
        limits(config),
        on_drop(Arc::clone(&stages.counters), Arc::clone(&stages.link), Arc::clone(&stages.undisclosed)),
        Instant::now(),
    );
    let mut running = stages.start(config, connection, outbox, listener).await?;

    stop.await;
    tracing::info!("agent stops");
    running.notifier.tell("STOPPING=1");
    running.stop.send_replace(true);
    // A run under way is a reading that was taken: it travels along, unless its source hangs.
    let finished = async { while running.samplers.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_RUNS_MAX, finished).await.is_err() {
        running.samplers.shutdown().await;
    }
    running.helpers.shutdown().await;
    join(running.assembling, "assembler").await;
    join(running.publishing, "publisher").await;
    Ok(())
}

/// How long runs that are under way at the end may take: less than systemd and the publisher's last words need.
const LAST_RUNS_MAX: Duration = Duration::from_secs(1);

/// What the stages share, before they start.
struct Stages {
    host: HostRoot,
    clock: Clock,
    identity: Identity,
    /// When this start of the agent was, Unix milliseconds.
    start_ms: i64,
    counters: Arc<Counters>,
    link: Arc<Link>,
    undisclosed: Arc<AtomicU64>,
    board: Arc<Board>,
    slots: Vec<Slot>,
}

/// The stages at work.
struct Running {
    notifier: Arc<Notifier>,
    stop: watch::Sender<bool>,
    samplers: JoinSet<()>,
    helpers: JoinSet<()>,
    assembling: JoinHandle<()>,
    publishing: JoinHandle<()>,
}

impl Stages {
    fn new(
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

    async fn start(
        self,
        config: &Config,
        connection: Connection,
        outbox: Outbox,
        listener: Option<TcpListener>,
    ) -> Result<Running, ConfigError> {
        let Self { host, clock, identity, start_ms, counters, link, undisclosed, board, slots } = self;
        let (items, item_queue) = mpsc::channel(CHANNEL);
        let (output, output_queue) = mpsc::channel(CHANNEL);
        let (stop, stopped) = watch::channel(false);
        if let Some(item) = started(&identity, start_ms) {
            // The channel is empty: there is room.
            let _ = items.send(item).await;
        }
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
            outbox,
            history: History::new(usize::try_from(config.outbox.history_max_bytes).unwrap_or(usize::MAX)),
            counters: Arc::clone(&counters),
            link: Arc::clone(&link),
            undisclosed,
            last_seq: 0,
        };
        let (own_board, own_counters) = (Arc::clone(&board), Arc::clone(&counters));
        let assembler = Assembler { identity, clock, board: own_board, counters: own_counters, link, items };
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

async fn join(task: JoinHandle<()>, name: &str) {
    if let Err(error) = task.await {
        tracing::error!(%error, name, "stage ended badly");
    }
}

async fn listener(listen: &str) -> Result<TcpListener, RunError> {
    let address = exposition::listen_address(listen).map_err(RunError::Exposition)?;
    exposition::bind(address).await.map_err(|error| RunError::Exposition(format!("{address}: {error}")))
}

fn limits(config: &Config) -> Limits {
    Limits {
        memory_max_bytes: usize::try_from(config.outbox.memory_max_bytes).unwrap_or(usize::MAX),
        spool_max_bytes: config.outbox.spool_max_bytes,
        spill_after: Duration::from_secs(config.outbox.spill_after_secs),
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

fn started(identity: &Identity, at: i64) -> Option<crate::outbox::Item> {
    let data = [("version", VERSION.to_owned()), ("epoch", identity.epoch.to_string())];
    let message = format!("agent {VERSION} started");
    documents::event(identity, at, "agent_started", Severity::Info, message, &data)
}
