//! Waiting for the database: what must be known before a batch is taken is asked for until it is answered.

use std::time::Duration;

use super::engine::Engine;
use crate::signals::told_to_end;
use crate::store::StoreError;

/// Wait before the database is tried again: first and longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Repeats an operation on the database until it succeeds; leaves the function with `None` when told to end.
macro_rules! loop_until_stored {
    ($engine:expr, $call:expr) => {{
        let mut attempt = 0;
        loop {
            match $call.await {
                Ok(value) => {
                    if attempt > 0 {
                        $engine.shared.stats.update(|s| s.flush.last_error = None);
                    }
                    break value;
                }
                Err(error) => {
                    if !$engine.wait_for_database(&error, &mut attempt).await {
                        return None;
                    }
                }
            }
        }
    }};
}

pub(super) use loop_until_stored;

impl Engine {
    /// Waits before the database is tried again; false when told to end.
    pub(super) async fn wait_for_database(&mut self, error: &StoreError, attempt: &mut u32) -> bool {
        let text = hi_common::error_chain::ErrorChain(error).to_string();
        if *attempt == 0 {
            tracing::warn!(error = text, "waiting for the database");
        }
        self.shared.stats.update(|s| s.flush.last_error = Some(text));
        let wait = (RETRY.0 * 2u32.saturating_pow(*attempt)).min(RETRY.1);
        *attempt = attempt.saturating_add(1).min(10);
        let mut shutdown = self.shutdown.clone();
        tokio::select! {
            () = told_to_end(&mut shutdown) => false,
            () = tokio::time::sleep(wait) => true,
        }
    }
}
