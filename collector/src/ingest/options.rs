//! What only tests and measurements change.

use std::sync::Arc;

use tokio::sync::watch;

use hi_common::limits::SERIES_PER_HOST_MAX;

use super::Faults;

/// Switches that no user has.
#[derive(Clone)]
pub struct Options {
    /// Places at which ingest ends as if killed.
    pub faults: Faults,
    /// Most series of a host.
    pub series_per_host_max: usize,
    pub(crate) flush_now: FlushNow,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            faults: Faults::default(),
            series_per_host_max: SERIES_PER_HOST_MAX,
            flush_now: FlushNow(Arc::new(watch::Sender::new(false))),
        }
    }
}

/// A wish to write what is in the head before its time.
#[derive(Clone)]
pub(crate) struct FlushNow(Arc<watch::Sender<bool>>);

impl FlushNow {
    pub(crate) fn wanted(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) fn done(&self) {
        self.0.send_if_modified(std::mem::take);
    }

    pub(crate) async fn ask(&self) {
        self.0.send_replace(true);
        let _ = self.0.subscribe().wait_for(|wanted| !wanted).await;
    }
}
