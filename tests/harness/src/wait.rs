//! Waiting for a level instead of sleeping.

use std::future::Future;
use std::time::{Duration, Instant};

/// Bound for what takes milliseconds on an idle machine.
pub const BOUND: Duration = Duration::from_secs(30);

/// Waits until `condition` yields a value; polls it every 20 ms.
///
/// # Panics
/// When it has not within `bound`; `what` says what was waited for.
pub async fn wait_for<T, F: Future<Output = Option<T>>>(
    what: &str,
    bound: Duration,
    mut condition: impl FnMut() -> F,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        #[expect(clippy::panic, reason = "a test that waits in vain has failed")]
        if begun.elapsed() > bound {
            panic!("waited {bound:?} in vain for: {what}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// As [`wait_for`].
pub async fn wait_until(what: &str, bound: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(what, bound, || {
        let holds = condition();
        async move { holds.then_some(()) }
    })
    .await;
}
