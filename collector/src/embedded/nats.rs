//! The private nats-server with JetStream.

use super::child::DeathSignal;
use super::folder::DataFolder;
use super::server::{Ready, Spec, StopPlan};
use super::{EmbeddedConfig, EmbeddedError, binaries, orphan};
use rustix::process::Signal;
use std::path::PathBuf;
use std::time::Duration;

/// The one user, for the collector and the agent of this machine.
pub(super) const USER: &str = "hi";
/// JetStream reads its stores before it listens.
const READY_WITHIN: Duration = Duration::from_secs(120);
const STOP: StopPlan = &[(Signal::TERM, Duration::from_secs(15)), (Signal::KILL, Duration::from_secs(5))];
/// A soft limit of its garbage collector: a small machine has other uses for memory.
const ENV: &[(&str, &str)] = &[("PATH", "/usr/bin:/bin"), ("GOMEMLIMIT", "128MiB")];

/// A broker that is ready to be started.
#[derive(Debug)]
pub(super) struct Broker {
    program: PathBuf,
    pub(super) password: String,
}

/// Finds nats-server and ends a leftover one.
pub(super) async fn prepare(folder: &DataFolder, config: &EmbeddedConfig) -> Result<Broker, EmbeddedError> {
    let home = folder.nats();
    let program = binaries::nats_server(config.nats_server.as_deref())?;
    orphan::end("nats-server", &home.join("nats.pid"), &home, STOP).await;
    let password = folder.password(&home.join("password"))?;
    Ok(Broker { program, password })
}

impl Broker {
    /// Writes the configuration for this port and says how to start.
    pub(super) fn spec(&self, folder: &DataFolder, port: u16) -> Result<Spec, EmbeddedError> {
        let home = folder.nats();
        folder.write_private(&home.join("nats.conf"), &configuration(port, &self.password), true)?;
        Ok(Spec {
            name: "nats-server",
            program: self.program.clone(),
            arguments: vec!["-c".into(), "nats.conf".into()],
            env: ENV,
            folder: home,
            in_folder: true,
            run_as: folder.run_as(),
            death_signal: DeathSignal::Terminate,
            log: folder.log("nats.log"),
            ready: Ready::Nats(port),
            ready_within: READY_WITHIN,
            stop_plan: STOP,
        })
    }
}

/// Paths are relative: it runs in its folder. `max_file_store` only bounds what streams may reserve together; its default is
/// three quarters of the free disk, which on a small one refuses our stream limits.
fn configuration(port: u16, password: &str) -> String {
    format!(
        "\
# Written at each start.
server_name: \"hi-embedded\"
listen: \"127.0.0.1:{port}\"
pid_file: \"nats.pid\"
max_payload: 1MB
jetstream {{
  store_dir: \"store\"
  max_memory_store: 64MB
  max_file_store: 64GB
}}
authorization {{
  user: \"{USER}\"
  password: \"{password}\"
}}
"
    )
}
