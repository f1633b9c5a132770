//! The HTTP server: listens, bounds the connections, ends in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt;
use hi_common::error_chain::ErrorChain;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};

use crate::moment::now_ms;
use crate::overview::view::{HostState, HostSummary};

use super::state::App;

/// How often the states of hosts are compared while somebody watches.
const HOST_CHECK: std::time::Duration = std::time::Duration::from_secs(1);

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program has the port.
    #[error(
        "port {} on {} is taken by another program: end that one, or choose another port with --listen {}:PORT (0 takes any free one)",
        address.port(), address.ip(), address.ip()
    )]
    Taken {
        /// The address.
        address: SocketAddr,
    },
    /// Listening failed for another reason.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Takes the port.
///
/// # Errors
/// It is taken, or may not be used.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::Taken { address },
        _ => ServeError::Listen { address, source },
    })
}

/// Answers requests until the app's shutdown begins and those that run have ended.
pub async fn serve(listener: TcpListener, app: App) {
    let mut shutdown = app.shutdown.clone();
    let listener = listener.tap_io(|stream| {
        // Live events are small and must not wait for more.
        let _ = stream.set_nodelay(true);
    });
    let stop = async move {
        let _ = shutdown.wait_for(|stop| *stop).await;
    };
    let served = axum::serve(listener, super::router(app)).with_graceful_shutdown(stop).await;
    if let Err(error) = served {
        tracing::error!(error = %ErrorChain(&error), "HTTP server ended");
    }
}

/// Tells live clients of hosts whose state changed, until shutdown begins.
pub async fn watch_hosts(app: App) {
    let mut shutdown: watch::Receiver<bool> = app.shutdown.clone();
    let mut before: Vec<(String, HostState, u32)> = Vec::new();
    let mut tick = tokio::time::interval(HOST_CHECK);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = shutdown.wait_for(|stop| *stop) => return,
        }
        if app.live_clients() == 0 {
            before.clear();
            continue;
        }
        let directory = app.directory.get().await;
        let (hosts, _) = app.overview.judge(&directory, &app.ingest, now_ms());
        let fingerprint = |host: &HostSummary| (host.host.clone(), host.state, host.attention);
        let now: Vec<_> = hosts.iter().map(fingerprint).collect();
        if !before.is_empty() {
            for (host, print) in hosts.iter().zip(&now).filter(|(_, print)| !before.contains(print)) {
                tell(&app.host_changes, &print.0, host);
            }
        }
        before = now;
    }
}

fn tell(changes: &broadcast::Sender<(Arc<str>, bytes::Bytes)>, name: &str, host: &HostSummary) {
    if let Ok(json) = serde_json::to_vec(host) {
        // Nobody listening is no error.
        let _ = changes.send((Arc::from(name), json.into()));
    }
}
