//! Ends what a crashed run left behind: we hold the folder's lock, so whatever still serves from it is nobody's.

use super::server::StopPlan;
use rustix::process::{Pid, kill_process};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How often it is looked at whether the process is gone.
const GONE_CHECK: Duration = Duration::from_millis(20);

/// Ends the process named in `pid_file` when it works in `folder`; otherwise the file is stale and is removed.
///
/// A number alone proves nothing: after a reboot it may be anybody's.
pub(super) async fn end(server: &'static str, pid_file: &Path, folder: &Path, plan: StopPlan) {
    let Some(pid) = read_pid(pid_file) else { return };
    if works_in(pid, folder) {
        tracing::warn!(server, pid = pid.as_raw_nonzero().get(), "ending a server of an earlier run");
        for (signal, patience) in plan {
            let _ = kill_process(pid, *signal);
            let gone = async {
                while works_in(pid, folder) {
                    sleep(GONE_CHECK).await;
                }
            };
            if timeout(*patience, gone).await.is_ok() {
                break;
            }
        }
    }
    let _ = std::fs::remove_file(pid_file);
}

/// First line of PostgreSQL's and nats-server's files alike.
fn read_pid(path: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(path).ok()?;
    Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
}

fn works_in(pid: Pid, folder: &Path) -> bool {
    let own = std::fs::metadata(format!("/proc/{}/cwd", pid.as_raw_nonzero()));
    match (own, std::fs::metadata(folder)) {
        (Ok(own), Ok(folder)) => (own.dev(), own.ino()) == (folder.dev(), folder.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_number_that_became_somebody_elses_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postmaster.pid");
        std::fs::write(&file, format!("{}\n", std::process::id())).unwrap();
        // We do not work in that folder: were we taken for its server, the signal would end this test.
        end("PostgreSQL", &file, folder.path(), &[(rustix::process::Signal::KILL, Duration::ZERO)]).await;
        assert!(!file.exists());
    }
}
