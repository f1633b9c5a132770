//! The server under test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use hi_collector::api::serve;
use hi_collector::api::state::App;
use hi_collector::config::{CoreConfig, EnergyConfig};
use hi_collector::ingest::{self, Ingest, IngestError, LiveRow};
use hi_collector::model::{Layout, SeriesInfo};
use hi_collector::overview::{Overview, restore};
use hi_collector::store::Store;
use hi_common::metric::Kind;
use hi_harness::{BOUND, NatsServer, wait_until};
use tokio::sync::watch;

/// A server on a free port, with everything behind it.
pub(crate) struct Bench {
    pub(crate) address: SocketAddr,
    pub(crate) ingest: Ingest,
    overview: Arc<Overview>,
    stop: watch::Sender<bool>,
    taking: Option<JoinHandle<Result<(), IngestError>>>,
}

impl Bench {
    /// Over a database at this URL, which need not be there, and no broker.
    pub(crate) async fn start(config: CoreConfig) -> Self {
        let store = Store::connect_lazy(&config.database).unwrap();
        let ingest = Ingest::new(&config);
        let overview = Arc::new(Overview::default());
        let energy = EnergyConfig { price_per_kwh: 0.4, ..EnergyConfig::default() };
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(Arc::clone(&overview).run(ingest.live.subscribe(), stopping.clone()));
        let app = App::new(ingest.clone(), store, &config.store, &energy, Arc::clone(&overview), stopping);
        let listener = serve::listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve::watch_hosts(app.clone()));
        tokio::spawn(serve::serve(listener, app));
        Self { address, ingest, overview, stop, taking: None }
    }

    /// Over no database at all.
    pub(crate) async fn without_database() -> Self {
        // Port 1 is nobody's.
        Self::start(config("postgres://nobody@127.0.0.1:1/none", "nats://127.0.0.1:1")).await
    }

    /// Over a real database and a real broker, with ingest between them.
    pub(crate) async fn complete(database_url: &str, nats: &NatsServer) -> Self {
        let config = config(database_url, &nats.url());
        let mut bench = Self::start(config.clone()).await;
        let (ingest, stopping) = (bench.ingest.clone(), bench.stop.subscribe());
        // On a thread of its own, as the collector has it.
        bench.taking = Some(std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let store = Store::connect_lazy(&config.database).unwrap();
                store.migrate().await.unwrap();
                ingest::run(ingest, store, config, stopping).await
            })
        }));
        wait_until("the broker is connected", BOUND, || bench.ingest.stats().connected).await;
        bench
    }

    /// Reads back what the overview needs, as the collector does when it starts.
    pub(crate) async fn restore(&self, database_url: &str) {
        let store = Store::connect_lazy(&config(database_url, "").database).unwrap();
        restore::restore(&self.overview, &store).await.unwrap();
    }

    pub(crate) fn stop(&self) {
        let _ = self.stop.send_replace(true);
    }

    /// Stops ingest, which writes what is in memory.
    pub(crate) async fn stop_ingest(&mut self) {
        self.stop();
        if let Some(taking) = self.taking.take() {
            tokio::task::spawn_blocking(|| taking.join().unwrap()).await.unwrap().unwrap();
        }
    }

    /// Waits until so many batches were taken.
    pub(crate) async fn taken(&self, batches: u64) {
        wait_until("batches are taken", BOUND, || self.ingest.stats().batches_total >= batches).await;
    }

    /// Sends a reading to live clients.
    pub(crate) fn live(&self, row: LiveRow) {
        let _ = self.ingest.live.send(Arc::new(row));
    }
}

fn config(database_url: &str, nats_url: &str) -> CoreConfig {
    let mut config = CoreConfig::default();
    database_url.clone_into(&mut config.database.url);
    nats_url.clone_into(&mut config.nats.url);
    config
}

/// A layout of gauges without labels, numbered from `first`.
pub(crate) fn layout(first: i32, metrics: &[&str]) -> Arc<Layout> {
    let info = |(index, metric): (usize, &&str)| {
        Some(SeriesInfo {
            id: first + index as i32,
            host: 1,
            metric: Arc::from(*metric),
            kind: Kind::Gauge,
            labels: Arc::from([]),
        })
    };
    Arc::new(Layout::new(1, Arc::from("test"), 1, metrics.iter().enumerate().map(info).collect()))
}

/// A reading of that layout.
pub(crate) fn row(host_name: &str, layout: &Arc<Layout>, at: i64, values: &[f64]) -> LiveRow {
    LiveRow {
        host: 1,
        host_name: Arc::from(host_name),
        at,
        layout: Arc::clone(layout),
        values: Arc::from(values),
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop();
    }
}
