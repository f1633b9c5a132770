//! The only wiring: what is started in which order, and how it ends.
//!
//! Two threads, each with a runtime of its own: *ingest* takes batches and writes them, *serve* answers requests and
//! watches over everything. A burst of batches so never keeps a page waiting, nor a large question a batch.
//!
//! Start: port, private servers, schema, ingest, page. End, at the first signal or when a part cannot go on: no new
//! requests, no new batches, what is in memory is written, private servers last. A second signal ends at once.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hi_common::error_chain::ErrorChain;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::api::serve::{self, ServeError};
use crate::api::state::App;
use crate::cli::{ConfigArgs, RunArgs, SettingsError};
use crate::config::{CoreConfig, EnergyConfig};
use crate::embedded::{Embedded, EmbeddedError};
use crate::housekeeping;
use crate::ingest::{self, Ingest, IngestError};
use crate::overview::{Overview, restore};
use crate::settings::Settings;
use crate::signals::Ending;
use crate::store::{Store, StoreError};

/// Longest wait for requests that run when the server stops.
const REQUESTS_END: Duration = Duration::from_secs(5);
/// Longest wait for what is in memory to be written when the collector stops.
const FLUSH_END: Duration = Duration::from_secs(60);
/// Longest wait for the database at the start; shorter than the pool's own, whose message says less.
const DATABASE_START: Duration = Duration::from_secs(4);

/// Wait before a database that went away during the start is asked again.
const DATABASE_RETRY: Duration = Duration::from_secs(1);

/// Why the collector does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The port.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The private servers.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The database at the start.
    #[error("the database at {address} cannot be used")]
    Database {
        /// Its address, without credentials.
        address: String,
        /// What it said.
        #[source]
        source: StoreError,
    },
    /// The database did not answer at the start.
    #[error("the database at {address} does not answer; start it, or set database.url")]
    NoDatabase {
        /// Its address, without credentials.
        address: String,
    },
    /// Ingest cannot go on.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The system refuses a thread, a runtime or a signal handler.
    #[error("{operation}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A part ended with a panic; the log says more.
    #[error("{part} ended unexpectedly")]
    Ended {
        /// Which part.
        part: &'static str,
    },
}

fn runtime() -> Result<tokio::runtime::Runtime, RunError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|source| RunError::System { operation: "start the runtime", source })
}

fn start_log(level: &str) {
    // What libraries say below a warning (notices of the database, reconnects we report ourselves) only when asked for.
    let filter = tracing_subscriber::EnvFilter::try_new(format!("sqlx=warn,async_nats=warn,{level}"))
        .unwrap_or_else(|_| "info".into());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second call, in tests, keeps the first log.
    let _ = log.try_init();
}

/// `hi-collector run`.
///
/// # Errors
/// What keeps it from running, one line each.
pub fn run(args: &RunArgs) -> Result<(), RunError> {
    let mut settings = args.load()?;
    // Two threads, each with half of the connections.
    settings.core.database.connections_max = settings.core.database.connections_max.div_ceil(2);
    start_log(&settings.log.level);
    let runtime = runtime()?;
    let ended = runtime.block_on(run_until_told(settings, args.exit_with_parent));
    // A question that still runs on a blocking thread must not hold up the end.
    runtime.shutdown_background();
    ended
}

/// `hi-collector migrate`.
///
/// # Errors
/// The configuration, the database.
pub fn migrate(args: &ConfigArgs) -> Result<(), RunError> {
    let settings = args.load()?;
    start_log(&settings.log.level);
    runtime()?.block_on(open_store(&settings.core)).map(|_| ())
}

async fn run_until_told(settings: Settings, exit_with_parent: bool) -> Result<(), RunError> {
    let mut ending = Ending::install(exit_with_parent)
        .map_err(|source| RunError::System { operation: "install signal handlers", source })?;
    let address = settings.listen().map_err(SettingsError::from)?;
    // Before anything slow or lasting is done: a taken port is the likeliest mistake.
    let listener = serve::listen(address).await?;
    let mut core = settings.core.clone();
    let embedded = if settings.embedded.enabled {
        let started = tokio::select! {
            started = Embedded::start(&settings.embedded) => started?,
            () = ending.told() => return Ok(()),
        };
        use_embedded(&mut core, &started, &settings.embedded.data_dir);
        Some(Arc::new(started))
    } else {
        None
    };
    let watcher = embedded.clone().map(|embedded| tokio::spawn(async move { embedded.watch().await }));
    let result = with_servers(&core, &settings.energy, listener, embedded.as_deref(), &mut ending).await;
    if let Some(embedded) = &embedded {
        tracing::info!("stopping the private servers");
        embedded.shutdown().await;
    }
    if let Some(watcher) = watcher {
        watcher.abort();
    }
    result
}

/// Points broker and database at the private servers.
fn use_embedded(core: &mut CoreConfig, embedded: &Embedded, data_dir: &str) {
    core.database.url = embedded.database_url().to_owned();
    core.database.password_file = None;
    core.nats.url = embedded.nats_url().to_owned();
    core.nats.user = Some(embedded.nats_user().to_owned());
    core.nats.password_file = Some(Path::new(data_dir).join("nats/password").display().to_string());
    core.nats.credentials_file = None;
    core.nats.ca_file = None;
}

/// Connects and brings the schema up to date.
async fn open_store(core: &CoreConfig) -> Result<Store, RunError> {
    let address = without_credentials(&core.database.url);
    let of_store = |source| RunError::Database { address: address.clone(), source };
    let store = Store::connect_lazy(&core.database).map_err(of_store)?;
    match tokio::time::timeout(DATABASE_START, store.database_info()).await {
        Ok(info) => info.map_err(of_store)?,
        Err(_) => return Err(RunError::NoDatabase { address }),
    };
    store.migrate().await.map_err(of_store)?;
    Ok(store)
}

/// The part of an address that may be shown.
fn without_credentials(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

async fn with_servers(
    core: &CoreConfig,
    energy: &EnergyConfig,
    listener: TcpListener,
    embedded: Option<&Embedded>,
    ending: &mut Ending,
) -> Result<(), RunError> {
    let store = tokio::select! {
        store = open_store(core) => store?,
        () = ending.told() => return Ok(()),
    };
    let ingest = Ingest::new(core);
    let (stop_serving, serving) = watch::channel(false);
    let overview = Arc::new(Overview::default());
    // Follows the live readings before the first can come.
    let follow = tokio::spawn(Arc::clone(&overview).run(ingest.live.subscribe(), serving.clone()));
    let mut intake = Intake::start(ingest.clone(), core.clone())?;
    let app = App::new(ingest, store.clone(), &core.store, energy, Arc::clone(&overview), serving);
    let local =
        listener.local_addr().map_err(|source| RunError::System { operation: "read the port", source })?;
    let tasks = [
        tokio::spawn(serve::serve(listener, app.clone())),
        tokio::spawn(serve::watch_hosts(app)),
        tokio::spawn(restore_overview(overview, store)),
        follow,
    ];
    announce(local, embedded)?;
    let result = tokio::select! {
        () = ending.told() => Ok(()),
        ended = intake.ended() => ended,
    };
    tracing::info!("stopping; a second signal ends at once");
    let orderly = async {
        let _ = stop_serving.send_replace(true);
        end_tasks(tasks).await;
        intake.stop().await
    };
    tokio::select! {
        stopped = orderly => result.and(stopped),
        () = ending.told() => {
            tracing::warn!("ended at once; what was in memory comes again from the broker");
            result
        }
    }
}

async fn restore_overview(overview: Arc<Overview>, store: Store) {
    if let Err(error) = restore::restore(&overview, &store).await {
        // The page fills as readings arrive.
        tracing::warn!(error = %ErrorChain(&error), "overview not restored");
    }
}

#[expect(
    clippy::print_stdout,
    reason = "the address is what the caller waits for; the log goes to standard error"
)]
fn announce(local: SocketAddr, embedded: Option<&Embedded>) -> Result<(), RunError> {
    let url = format!("http://{local}");
    if let Some(embedded) = embedded {
        embedded.announce(&url)?;
    }
    tracing::info!(url, "listening");
    println!("{url}");
    Ok(())
}

async fn end_tasks(tasks: [JoinHandle<()>; 4]) {
    let deadline = tokio::time::Instant::now() + REQUESTS_END;
    for mut task in tasks {
        if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// The ingest thread.
struct Intake {
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<Result<(), RunError>>,
}

impl Intake {
    /// Starts ingest and housekeeping on a thread of their own, with database connections of their own.
    fn start(ingest: Ingest, core: CoreConfig) -> Result<Self, RunError> {
        let (stop, stopping) = watch::channel(false);
        let (tell, ended) = oneshot::channel();
        let work = move || {
            let result = runtime().and_then(|runtime| runtime.block_on(take_in(ingest, core, stopping)));
            let _ = tell.send(result);
        };
        let started = std::thread::Builder::new().name("ingest".to_owned()).spawn(work);
        started.map_err(|source| RunError::System { operation: "start the ingest thread", source })?;
        Ok(Self { stop, ended })
    }

    /// Waits until ingest ends by itself, which it only does when it cannot go on.
    async fn ended(&mut self) -> Result<(), RunError> {
        (&mut self.ended).await.unwrap_or(Err(RunError::Ended { part: "ingest" }))
    }

    /// Stops taking batches, writes what is in memory.
    async fn stop(mut self) -> Result<(), RunError> {
        let _ = self.stop.send_replace(true);
        if self.ended.is_terminated() {
            return Ok(());
        }
        match tokio::time::timeout(FLUSH_END, self.ended()).await {
            Ok(ended) => ended,
            Err(_) => {
                tracing::warn!("what was in memory is not written; it comes again from the broker");
                Ok(())
            }
        }
    }
}

async fn take_in(
    ingest: Ingest,
    core: CoreConfig,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), RunError> {
    let address = without_credentials(&core.database.url);
    let store =
        Store::connect_lazy(&core.database).map_err(|source| RunError::Database { address, source })?;
    // The schema is up to date; this store only has to learn what kind of server it talks to.
    while let Err(error) = store.migrate().await {
        tracing::warn!(error = %ErrorChain(&error), "database not ready for ingest");
        let stopped = stopping.wait_for(|stop| *stop);
        if tokio::time::timeout(DATABASE_RETRY, stopped).await.is_ok() {
            return Ok(());
        }
    }
    let mut keep_house = tokio::spawn(housekeeping::run(store.clone(), core.store.clone(), stopping.clone()));
    let result = ingest::run(ingest, store, core, stopping).await;
    if tokio::time::timeout(REQUESTS_END, &mut keep_house).await.is_err() {
        // What it was doing is one transaction, which rolls back.
        keep_house.abort();
    }
    Ok(result?)
}

/// `hi-collector check-config`.
///
/// # Errors
/// What is wrong with the configuration.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub fn check_config(args: &ConfigArgs) -> Result<(), RunError> {
    let settings = args.load()?;
    let mut shown = settings.clone();
    shown.core.database.url = without_credentials(&settings.core.database.url);
    shown.core.nats.url = without_credentials(&settings.core.nats.url);
    for (name, section) in [
        ("nats", toml::Table::try_from(&shown.core.nats)),
        ("database", toml::Table::try_from(&shown.core.database)),
        ("store", toml::Table::try_from(&shown.core.store)),
        ("embedded", toml::Table::try_from(&shown.embedded)),
        ("http", toml::Table::try_from(&shown.http)),
        ("energy", toml::Table::try_from(&shown.energy)),
        ("log", toml::Table::try_from(&shown.log)),
    ] {
        println!("[{name}]\n{}", section.unwrap_or_default());
    }
    Ok(())
}
