//! Child processes that end with the test process.

use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A server process and its watcher.
pub(crate) struct Server {
    child: Child,
    /// The watcher reads from this pipe. It closes when the test process ends in whatever way, then the watcher kills
    /// the server and removes its folder.
    _lifeline: ChildStdin,
    watcher: Child,
}

impl Server {
    /// Starts `command`; `folder` is removed when the test process ends.
    pub(crate) fn start(mut command: Command, folder: &std::path::Path) -> Result<Self> {
        let child = command.stdin(Stdio::null()).spawn().with_context(|| format!("start {command:?}"))?;
        let mut watcher = Command::new("sh")
            .arg("-c")
            .arg(r#"trap '' INT TERM HUP; read -r keep && exit 0; kill -9 "$1" 2>/dev/null; sleep 0.2; rm -rf "$2""#)
            .arg("watcher")
            .arg(child.id().to_string())
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start the watcher")?;
        let lifeline = watcher.stdin.take().context("pipe to the watcher")?;
        Ok(Self { child, _lifeline: lifeline, watcher })
    }

    /// Whether it still runs.
    pub(crate) fn running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and waits for its end.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// `kill -9` of it and its children, and waits for their end: a server that starts again must not meet them.
    pub(crate) fn kill_all(self) {
        let children = children(self.pid());
        self.kill();
        let begun = Instant::now();
        // Nobody here is their parent, so that no wait tells their end: it is looked for.
        loop {
            let left: Vec<_> = children.iter().filter(|pid| is_running(pid)).collect();
            if left.is_empty() {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "killed, but still there: {left:?}");
            let _ = Command::new("kill").arg("-9").args(left).stderr(Stdio::null()).status();
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn end(&mut self) {
        use std::io::Write;
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Tells the watcher to leave the folder alone: the owner decides about it.
        let _ = self._lifeline.write_all(b"x\n");
        let _ = self.watcher.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.running() {
            self.end();
        }
    }
}

/// Children of a process (`proc_pid_task_children(5)`).
fn children(pid: u32) -> Vec<String> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(str::to_owned).collect()
}

/// Whether it is there and no zombie.
fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("find a free port")?.local_addr()?.port())
}

/// Waits until `ready` says so, or the server has ended.
pub(crate) fn wait_ready(server: &mut Server, what: &str, mut ready: impl FnMut() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !ready() {
        if !server.running() {
            bail!("{what} ended while starting");
        }
        if begun.elapsed() > Duration::from_secs(30) {
            bail!("{what} did not start within 30 s");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
