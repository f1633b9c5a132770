//! The only place where the stages are put together: sampler → assembler → publisher; and taken apart, in that order.

mod stages;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hi_common::config::ConfigError;
use hi_common::limits::AT_MS_MIN;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::assembler::lock;
use crate::clock::Clock;
use crate::config::Config;
use crate::exposition;
use crate::host::HostRoot;
use crate::host_id::{self, IdentityError};
use crate::nats::{self, NatsError};
use crate::outbox::fs::{Fs, RealFs};
use crate::outbox::{Limits, Outbox};
use crate::sampler::Slot;
use crate::self_metrics::VERSION;
use stages::Stages;

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
    /// The disk of the spool.
    pub disk: Option<Box<dyn Fs>>,
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
    lock(&stages.link.losses).load(&state_dir);
    let outbox = Outbox::open(
        &state_dir.join(SPOOL),
        parts.disk.unwrap_or_else(|| Box::new(RealFs)),
        limits(config),
        stages.on_drop(),
        Instant::now(),
    );
    let link = Arc::clone(&stages.link);
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
    if tokio::time::timeout(PUBLISHER_END_MAX, join(running.publishing, "publisher")).await.is_err() {
        tracing::error!("unsent messages are lost: the disk does not answer");
        return Ok(());
    }
    if let Err(error) = lock(&link.losses).save(&state_dir) {
        tracing::error!(state_dir = %state_dir.display(), %error, "what was lost cannot be kept for the next start to announce");
    }
    Ok(())
}

/// How long runs that are under way at the end may take: less than systemd and the publisher's last words need.
const LAST_RUNS_MAX: Duration = Duration::from_secs(1);

/// How long the publisher may take at the end: sending its last, and writing the rest to the disk.
const PUBLISHER_END_MAX: Duration = Duration::from_secs(10);

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
