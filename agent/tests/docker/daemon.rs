//! A Docker engine of a test's own: in a folder that goes away, ended by its process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a condition holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A running engine.
pub(crate) struct Daemon {
    folder: tempfile::TempDir,
    more: Vec<String>,
    child: Option<Child>,
}

impl Daemon {
    /// Starts one with the image `hi/test:1`; `None`, with a line that says why, where that is not possible.
    pub(crate) fn start(what: &str) -> Option<Self> {
        Self::start_with(what, &[])
    }

    pub(crate) fn start_with(what: &str, more: &[&str]) -> Option<Self> {
        if let Err(why) = possible() {
            println!("SKIPPED: {what}: {why}");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("hid").tempdir().unwrap();
        let more = more.iter().map(|&arg| arg.to_owned()).collect();
        let mut daemon = Self { folder, more, child: None };
        if !daemon.run() {
            // In a container without privileges, say.
            let log = std::fs::read_to_string(daemon.folder.path().join("log")).unwrap_or_default();
            println!("SKIPPED: {what}: dockerd does not start: {}", log.lines().last().unwrap_or_default());
            return None;
        }
        daemon.import();
        Some(daemon)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("d.sock")
    }

    fn run(&mut self) -> bool {
        let folder = self.folder.path();
        let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let at = |name: &str| folder.join(name).display().to_string();
        let child = Command::new("dockerd")
            .args(["--data-root", &at("data"), "--exec-root", &at("exec"), "--pidfile", &at("pid")])
            .args(["--iptables=false", "--ip6tables=false", "--bridge=none"])
            .args(["-H", &format!("unix://{}", at("d.sock"))])
            .args(&self.more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            if command(&self.socket(), &["version"]).output().is_ok_and(|output| output.status.success()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// Makes an image of busybox: no registry is needed.
    fn import(&self) {
        let root = self.folder.path().join("root");
        std::fs::create_dir_all(root.join("bin")).unwrap();
        std::fs::copy(busybox().unwrap(), root.join("bin/busybox")).unwrap();
        for name in ["sh", "cat", "rm", "sleep", "dd", "false"] {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).unwrap();
        }
        let tar = self.folder.path().join("root.tar");
        let made = Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg(".").status().unwrap();
        assert!(made.success());
        self.docker(&[
            "import",
            "--change",
            "ENV PATH=/bin",
            "--change",
            "CMD [\"sleep\",\"1000\"]",
            tar.to_str().unwrap(),
            "hi/test:1",
        ]);
    }

    /// Runs the client and returns what it printed.
    pub(crate) fn docker(&self, args: &[&str]) -> String {
        let output = command(&self.socket(), args).output().unwrap();
        assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Ends it, as an upgrade does.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let _ = kill_process(pid, Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if child.try_wait().unwrap().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Starts it anew in the same folder.
    pub(crate) fn again(&mut self) {
        assert!(self.run(), "dockerd starts again");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.child.is_some() {
            let _ = command(&self.socket(), &["ps", "-aq"]).output().map(|output| {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let ids: Vec<&str> = text.split_whitespace().collect();
                command(&self.socket(), &["rm", "-f"]).args(ids).output()
            });
        }
        self.stop();
    }
}

fn command(socket: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command.arg("-H").arg(format!("unix://{}", socket.display())).args(args).stdin(Stdio::null());
    command
}

fn busybox() -> Option<&'static str> {
    ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists())
}

fn possible() -> Result<(), String> {
    if !geteuid().is_root() {
        return Err("an engine needs root".to_owned());
    }
    for program in ["dockerd", "docker", "tar"] {
        if Command::new(program).arg("--version").output().is_err() {
            return Err(format!("{program} is not installed (docker.io)"));
        }
    }
    busybox().map(drop).ok_or_else(|| "busybox is not installed (busybox-static)".to_owned())
}

/// A folder with an authority, a certificate for 127.0.0.1 and one for a client; `None`, with a line, without openssl.
pub(crate) fn certificates() -> Option<tempfile::TempDir> {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("SKIPPED: an engine behind TLS: openssl is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let request = |args: &[&str]| openssl(&[&["req"], &new_key[..], args].concat());
    request(&["-x509", "-days", "2", "-subj", "/CN=test", "-keyout", "ca-key.pem", "-out", "ca.pem"]);
    for (name, key, certificate, more) in [
        (
            "server",
            "server-key.pem",
            "server.pem",
            "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth",
        ),
        ("client", "key.pem", "cert.pem", "extendedKeyUsage=clientAuth"),
    ] {
        request(&["-subj", &format!("/CN={name}"), "-keyout", key, "-out", "request.pem"]);
        std::fs::write(folder.path().join("extensions"), format!("basicConstraints=CA:FALSE\n{more}\n"))
            .unwrap();
        openssl(&[
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            "request.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca-key.pem",
            "-CAcreateserial",
            "-extfile",
            "extensions",
            "-out",
            certificate,
        ]);
    }
    Some(folder)
}
