//! Tells systemd that the agent is ready, how it fares, and that it is alive (`sd_notify(3)`): datagrams on the socket that
//! `NOTIFY_SOCKET` names. Without one, nothing is done.
//!
//! The watchdog is answered only while the sampler's clockwork turns; a process that is merely alive is restarted.

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hi_common::catalog::SourceOutcome;

use crate::self_metrics::Counters;
use crate::status::Board;

/// How often ready and status are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where systemd listens.
#[derive(Debug)]
pub struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
}

impl Notifier {
    /// The socket named in the environment.
    pub fn from_env() -> Self {
        Self { socket: std::env::var_os("NOTIFY_SOCKET").and_then(|name| open(&name)) }
    }

    /// Whether anybody listens.
    pub fn is_active(&self) -> bool {
        self.socket.is_some()
    }

    /// Sends lines such as `READY=1`. A listener that is gone is nothing to stop for.
    pub fn tell(&self, lines: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(lines.as_bytes(), address)
        {
            tracing::debug!(%error, "systemd cannot be told");
        }
    }
}

/// A path, or with a leading `@` a name in the abstract namespace.
fn open(name: &OsString) -> Option<(UnixDatagram, SocketAddr)> {
    let bytes = name.as_bytes();
    let address = match bytes.strip_prefix(b"@") {
        Some(rest) => SocketAddr::from_abstract_name(rest),
        None => SocketAddr::from_pathname(name),
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    Some((socket, address.ok()?))
}

/// Half of the time after which systemd gives up on this process; `None` when it does not watch it.
fn watchdog_interval() -> Option<Duration> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let watched = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    number("WATCHDOG_USEC").filter(|usec| watched && *usec > 0).map(|usec| Duration::from_micros(usec / 2))
}

/// Keeps systemd informed until aborted. Ready is said once the sampler runs; the broker may come later.
pub async fn run(
    notifier: Arc<Notifier>,
    board: Arc<Board>,
    counters: Arc<Counters>,
    ready: Arc<AtomicBool>,
) {
    if !notifier.is_active() {
        return;
    }
    notifier.tell("READY=1\nSTATUS=reading, not connected yet");
    let watchdog = watchdog_interval();
    let shortest = board.states().iter().map(|s| s.interval).min().unwrap_or(Duration::from_secs(10));
    let patience = shortest * 3 + Duration::from_secs(10);
    let pause = watchdog.map_or(Duration::from_secs(10), |interval| interval.min(Duration::from_secs(10)));
    let mut told = String::new();
    loop {
        tokio::time::sleep(pause.max(LOOK)).await;
        let status = status(&board, &counters, ready.load(Ordering::Relaxed));
        if status != told {
            notifier.tell(&format!("STATUS={status}"));
            told = status;
        }
        if watchdog.is_some() && board.last_progress().elapsed() < patience {
            notifier.tell("WATCHDOG=1");
        }
    }
}

fn status(board: &Board, counters: &Counters, published: bool) -> String {
    let states = board.states();
    let count = |outcome| states.iter().filter(|state| state.outcome == outcome).count();
    let failing = count(SourceOutcome::Error) + count(SourceOutcome::Stalled);
    let broker = match (counters.connected.load(Ordering::Relaxed) > 0, published) {
        (true, _) => "connected",
        (false, true) => "not connected, keeping what is read",
        (false, false) => "not connected yet",
    };
    format!("{} sources read, {failing} failing; {broker}", count(SourceOutcome::Read))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hears(name: &OsString, listener: &UnixDatagram) {
        let notifier = Notifier { socket: open(name) };
        assert!(notifier.is_active());
        notifier.tell("READY=1");
        let mut buffer = [0; 64];
        let n = listener.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..n], b"READY=1");
    }

    #[test]
    fn systemd_hears_by_path_and_by_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        hears(&path.clone().into(), &UnixDatagram::bind(&path).unwrap());
        let name = format!("hi-agent-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        hears(&format!("@{name}").into(), &UnixDatagram::bind_addr(&address).unwrap());
    }

    #[test]
    fn without_a_listener_nothing_happens() {
        Notifier { socket: None }.tell("READY=1");
        let gone = OsString::from("/nonexistent/notify");
        Notifier { socket: open(&gone) }.tell("READY=1");
    }
}
