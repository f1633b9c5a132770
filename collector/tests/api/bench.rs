//! The server under test.

use std::net::SocketAddr;
use std::sync::Arc;

use hi_collector::api::serve;
use hi_collector::api::state::App;
use hi_collector::config::{CoreConfig, DatabaseConfig};
use hi_collector::ingest::{Ingest, LiveRow};
use hi_collector::model::{Layout, SeriesInfo};
use hi_collector::overview::Overview;
use hi_collector::store::Store;
use hi_common::metric::Kind;
use tokio::sync::watch;

/// A server on a free port, with everything behind it but ingest.
pub(crate) struct Bench {
    pub(crate) address: SocketAddr,
    pub(crate) ingest: Ingest,
    stop: watch::Sender<bool>,
}

impl Bench {
    /// Over a database at this URL, which need not be there.
    pub(crate) async fn start(database_url: &str) -> Self {
        let mut config = CoreConfig::default();
        config.database = DatabaseConfig { url: database_url.to_owned(), ..config.database };
        let store = Store::connect_lazy(&config.database).unwrap();
        let ingest = Ingest::new(&config);
        let overview = Arc::new(Overview::default());
        let (stop, stopping) = watch::channel(false);
        let app = App::new(ingest.clone(), store, &config.store, overview, stopping);
        let listener = serve::listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve::watch_hosts(app.clone()));
        tokio::spawn(serve::serve(listener, app));
        Self { address, ingest, stop }
    }

    /// Over no database at all.
    pub(crate) async fn without_database() -> Self {
        // Port 1 is nobody's.
        Self::start("postgres://nobody@127.0.0.1:1/none").await
    }

    pub(crate) fn stop(&self) {
        let _ = self.stop.send_replace(true);
    }

    /// Sends a reading to live clients.
    pub(crate) fn live(&self, row: LiveRow) {
        let _ = self.ingest.live.send(Arc::new(row));
    }
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
