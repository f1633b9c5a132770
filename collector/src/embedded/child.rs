//! The first moments of a server's process: ours until it becomes the server.
//!
//! `hi-collector embedded-child PARENT SIGNAL USER PLACE FOLDER PROGRAM ARGUMENT…` gives up privileges, asks the kernel for a
//! signal at the death of its parent, and executes PROGRAM. It is a process of its own because the safe way to run code
//! between `fork` and `exec` is to be a program.

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, set_parent_process_death_signal};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Name of the subcommand.
pub const SUBCOMMAND: &str = "embedded-child";

/// Stands in arguments for the server's folder, reached through a descriptor.
///
/// PostgreSQL changes into its folder by its absolute path, which its user may not be able to walk (`/root/…`).
pub(super) const FOLDER: &str = "{folder}";

/// Exit code when the program could not be executed; that of shells.
const CANNOT_EXECUTE: i32 = 127;

/// The death signal of a server: what makes it end in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeathSignal {
    /// PostgreSQL's fast shutdown.
    Interrupt,
    /// nats-server's shutdown.
    Terminate,
}

/// User and group of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunAs {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Everything that becomes the command line of the subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChildArgs {
    /// The process whose death ends this one.
    pub(super) parent: u32,
    pub(super) signal: DeathSignal,
    /// `None` keeps the user.
    pub(super) run_as: Option<RunAs>,
    /// Whether to start in the folder; otherwise in `/`.
    pub(super) in_folder: bool,
    pub(super) folder: PathBuf,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

impl ChildArgs {
    pub(super) fn to_args(&self) -> Vec<OsString> {
        let signal = match self.signal {
            DeathSignal::Interrupt => "interrupt",
            DeathSignal::Terminate => "terminate",
        };
        let user = self.run_as.map_or("-".to_owned(), |user| format!("{}:{}", user.uid, user.gid));
        let place = if self.in_folder { "folder" } else { "root" };
        let mut args: Vec<OsString> =
            vec![self.parent.to_string().into(), signal.into(), user.into(), place.into()];
        args.extend([self.folder.clone().into_os_string(), self.program.clone().into_os_string()]);
        args.extend(self.arguments.iter().cloned());
        args
    }

    fn from_args(args: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut args = args.into_iter();
        let mut text = || args.next()?.into_string().ok();
        let parent = text()?.parse().ok()?;
        let signal = match text()?.as_str() {
            "interrupt" => DeathSignal::Interrupt,
            "terminate" => DeathSignal::Terminate,
            _ => return None,
        };
        let run_as = match text()?.split_once(':') {
            Some((uid, gid)) => Some(RunAs { uid: uid.parse().ok()?, gid: gid.parse().ok()? }),
            None => None,
        };
        let in_folder = text()? == "folder";
        let (folder, program) = (args.next()?.into(), args.next()?.into());
        Some(Self { parent, signal, run_as, in_folder, folder, program, arguments: args.collect() })
    }
}

/// The subcommand: becomes the server named in `args` (those after `embedded-child`), or ends with a message.
///
/// Call it first thing in `main`: giving up privileges concerns the calling thread alone, so that there must be no other.
pub fn child_main(args: impl IntoIterator<Item = OsString>) -> ! {
    let (program, error) = match ChildArgs::from_args(args) {
        Some(args) => (args.program.clone(), become_server(&args)),
        None => (PathBuf::from(SUBCOMMAND), io::Error::other("only the collector itself starts this")),
    };
    #[expect(
        clippy::print_stderr,
        reason = "stderr is the log of the server that this process could not become"
    )]
    {
        eprintln!("{}: {error}", program.display());
    }
    std::process::exit(CANNOT_EXECUTE)
}

/// Returns only on failure.
fn become_server(args: &ChildArgs) -> io::Error {
    match prepare(args) {
        Ok(folder) => {
            let arguments = args.arguments.iter().map(|argument| with_folder(argument, &folder));
            Command::new(&args.program).args(arguments).exec()
        }
        Err(error) => error,
    }
}

/// Everything between the collector's process and the server's; returns the folder's path through its descriptor.
fn prepare(args: &ChildArgs) -> io::Result<PathBuf> {
    rustix::process::umask(Mode::from_raw_mode(0o077));
    // Without O_CLOEXEC: the server and its own children reach the folder through it.
    let folder = rustix::fs::open(&args.folder, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
    if args.in_folder {
        rustix::process::fchdir(&folder)?;
    } else {
        rustix::process::chdir("/")?;
    }
    if let Some(RunAs { uid, gid }) = args.run_as {
        let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
        set_thread_groups(&[gid])?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
    }
    // After the change of user, which clears it. `exec` keeps it.
    set_parent_process_death_signal(Some(match args.signal {
        DeathSignal::Interrupt => Signal::INT,
        DeathSignal::Terminate => Signal::TERM,
    }))?;
    // A parent that died before the line above sends nothing any more.
    if rustix::process::getppid().map(Pid::as_raw_nonzero).map(|pid| pid.get().unsigned_abs())
        != Some(args.parent)
    {
        return Err(io::Error::other("the collector that asked for this is gone"));
    }
    let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    // Stays open into the server.
    std::mem::forget(folder);
    Ok(path)
}

/// Puts the folder's path where the argument has its placeholder.
fn with_folder(argument: &OsStr, folder: &Path) -> OsString {
    match argument.to_str() {
        Some(text) => text.replace(FOLDER, &folder.to_string_lossy()).into(),
        None => argument.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_the_command_line() {
        let args = ChildArgs {
            parent: 7,
            signal: DeathSignal::Interrupt,
            run_as: Some(RunAs { uid: 1, gid: 2 }),
            in_folder: false,
            folder: "/a b".into(),
            program: "/bin/true".into(),
            arguments: vec!["-D".into(), "{folder}/cluster".into()],
        };
        assert_eq!(ChildArgs::from_args(args.to_args()), Some(args.clone()));
        let plain = ChildArgs { run_as: None, in_folder: true, signal: DeathSignal::Terminate, ..args };
        assert_eq!(ChildArgs::from_args(plain.to_args()), Some(plain));
        assert_eq!(ChildArgs::from_args(["1".into(), "stop".into()]), None);
    }

    #[test]
    fn the_folder_is_put_into_arguments() {
        assert_eq!(with_folder("{folder}/cluster".as_ref(), Path::new("/f")), "/f/cluster");
        assert_eq!(with_folder("-k".as_ref(), Path::new("/f")), "-k");
    }
}
