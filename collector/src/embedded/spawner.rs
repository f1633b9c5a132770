//! The thread that starts servers.
//!
//! The kernel sends a parent-death signal when the *thread* that spawned a child ends, not the process: a pool thread of
//! the runtime would take the database down with it. This thread ends when the [`Spawner`] is dropped.

use super::EmbeddedError;
use super::child::{ChildArgs, SUBCOMMAND};
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

/// Handle of the thread.
#[derive(Debug)]
pub(super) struct Spawner {
    requests: mpsc::Sender<Request>,
    program: PathBuf,
}

struct Request {
    command: Command,
    reply: mpsc::Sender<io::Result<Child>>,
}

impl Spawner {
    pub(super) fn start(program: &Path) -> Result<Self, EmbeddedError> {
        let (requests, received) = mpsc::channel::<Request>();
        std::thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || {
                for mut request in received {
                    let _ = request.reply.send(request.command.spawn());
                }
            })
            .map_err(|source| EmbeddedError::Spawn { server: "the thread that starts servers", source })?;
        Ok(Self { requests, program: program.to_owned() })
    }

    /// Starts a server whose output goes to `log`. Takes about a millisecond.
    pub(super) fn spawn(&self, args: &ChildArgs, env: &[(&str, &str)], log: &File) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .arg(SUBCOMMAND)
            .args(args.to_args())
            // The user's PGDATA, PGPORT, LC_ALL … are not for these servers.
            .env_clear()
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            // A Ctrl-C in the terminal is for the collector alone, which then stops its servers in order.
            .process_group(0);
        let (reply, answer) = mpsc::channel();
        let gone = || io::Error::other("the thread that starts servers is gone");
        self.requests.send(Request { command, reply }).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}
