//! The private PostgreSQL: made at the first start, tuned for little memory and few writes.

use super::child::{DeathSignal, FOLDER};
use super::folder::DataFolder;
use super::server::{Ready, Server, Spec, StopPlan};
use super::spawner::Spawner;
use super::{EmbeddedConfig, EmbeddedError, NO_SPACE, binaries, orphan};
use rustix::process::Signal;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Superuser of the cluster: it is ours alone.
const USER: &str = "hi";
/// The database that `initdb` makes; a cluster of one purpose needs no other.
const DATABASE: &str = "postgres";
/// Recovery after a crash replays up to `max_wal_size` of journal.
const READY_WITHIN: Duration = Duration::from_secs(600);
const INITDB_WITHIN: Duration = Duration::from_secs(300);
/// Fast shutdown, immediate shutdown, the end.
const STOP: StopPlan = &[
    (Signal::INT, Duration::from_secs(60)),
    (Signal::QUIT, Duration::from_secs(10)),
    (Signal::KILL, Duration::from_secs(5)),
];
const STOP_TOOL: StopPlan = &[(Signal::TERM, Duration::from_secs(5)), (Signal::KILL, Duration::from_secs(5))];
const ENV: &[(&str, &str)] = &[("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8"), ("TZ", "UTC")];

/// What `initdb` says to a user that is a mere number, in the language that [`ENV`] sets.
const NAMELESS: &str = "could not look up effective user ID";

/// Only with the password, from this machine.
const PG_HBA: &str = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n";

/// Why each: memory first (a homelab's smallest machine), then bytes written (SD cards).
const POSTGRESQL_CONF: &str = "\
# Written at each start. Put your own settings into local.conf beside this file.
listen_addresses = '127.0.0.1'
max_connections = 20
shared_buffers = 32MB
work_mem = 8MB
maintenance_work_mem = 32MB
huge_pages = off
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
jit = off
wal_level = minimal
max_wal_senders = 0
wal_compression = on
wal_init_zero = off
synchronous_commit = on
checkpoint_timeout = 30min
max_wal_size = 1GB
min_wal_size = 80MB
autovacuum_max_workers = 1
autovacuum_naptime = 5min
log_min_messages = warning
log_checkpoints = off
timezone = 'UTC'
log_timezone = 'UTC'
password_encryption = 'scram-sha-256'
";
/// The key came with PostgreSQL 18, whose default starts worker processes for reading.
const POSTGRESQL_CONF_18: &str = "io_method = sync\n";
const TIMESCALEDB_CONF: &str = "\
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
";
const LOCAL_CONF: &str = "include_if_exists 'local.conf'\n";

/// A cluster that is ready to be started.
#[derive(Debug)]
pub(super) struct Database {
    installed: binaries::Postgres,
    password: String,
}

/// Finds PostgreSQL, ends a leftover server, makes the cluster at the first start, writes the configuration.
pub(super) async fn prepare(
    folder: &DataFolder,
    config: &EmbeddedConfig,
    spawner: &Spawner,
) -> Result<Database, EmbeddedError> {
    let home = folder.postgres();
    let cluster = home.join("cluster");
    let installed =
        binaries::postgres(config.postgres_bin_dir.as_deref(), cluster_major(&cluster), &cluster)?;
    orphan::end("PostgreSQL", &cluster.join("postmaster.pid"), &cluster, STOP).await;
    remove_sockets(&home);
    let password = folder.password(&home.join("password"))?;
    if !cluster.exists() {
        create_cluster(folder, &installed, spawner).await?;
    }
    folder.write_private(&home.join("postgresql.conf"), &configuration(&installed), true)?;
    folder.write_private(&home.join("pg_hba.conf"), PG_HBA, true)?;
    Ok(Database { installed, password })
}

impl Database {
    pub(super) fn url(&self, port: u16) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{port}/{DATABASE}?sslmode=disable", self.password)
    }

    pub(super) fn spec(&self, folder: &DataFolder, port: u16) -> Spec {
        let settings = [
            format!("config_file={FOLDER}/postgresql.conf"),
            format!("hba_file={FOLDER}/pg_hba.conf"),
            format!("unix_socket_directories={FOLDER}"),
            format!("port={port}"),
        ];
        let mut arguments: Vec<OsString> = vec!["-D".into(), format!("{FOLDER}/cluster").into()];
        for setting in settings {
            arguments.extend(["-c".into(), setting.into()]);
        }
        Spec {
            name: "PostgreSQL",
            program: self.installed.bin.join("postgres"),
            arguments,
            env: ENV,
            folder: folder.postgres(),
            in_folder: false,
            run_as: folder.run_as(),
            death_signal: DeathSignal::Interrupt,
            log: folder.log("postgres.log"),
            ready: Ready::Postmaster(folder.postgres().join("cluster/postmaster.pid")),
            ready_within: READY_WITHIN,
            stop_plan: STOP,
        }
    }
}

/// `initdb` into a folder beside the final one, which gets its name only when complete.
async fn create_cluster(
    folder: &DataFolder,
    installed: &binaries::Postgres,
    spawner: &Spawner,
) -> Result<(), EmbeddedError> {
    let home = folder.postgres();
    let unfinished = home.join("cluster.new");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(EmbeddedError::folder("remove", &unfinished))?;
    }
    let arguments = [
        "-D".to_owned(),
        format!("{FOLDER}/cluster.new"),
        format!("--username={USER}"),
        format!("--pwfile={FOLDER}/password"),
        "--auth=scram-sha-256".to_owned(),
        "--data-checksums".to_owned(),
        "--encoding=UTF8".to_owned(),
        "--locale=C.UTF-8".to_owned(),
    ];
    tracing::info!(major = installed.major, "making a new database cluster");
    let initdb = Server::new(Spec {
        name: "initdb",
        program: installed.bin.join("initdb"),
        arguments: arguments.map(OsString::from).to_vec(),
        env: ENV,
        folder: home.clone(),
        in_folder: false,
        run_as: folder.run_as(),
        death_signal: DeathSignal::Terminate,
        log: folder.log("initdb.log"),
        ready: Ready::Ends,
        ready_within: INITDB_WITHIN,
        stop_plan: STOP_TOOL,
    });
    let made = initdb.start(spawner).await;
    initdb.stop().await;
    match made {
        Err(EmbeddedError::Ended { log, .. }) if log.contains(NO_SPACE) => {
            let error = folder.disk_full();
            let _ = std::fs::remove_dir_all(&unfinished);
            return Err(error);
        }
        Err(EmbeddedError::Ended { log, .. }) if log.contains(NAMELESS) => {
            let uid = folder.run_as().map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
            let _ = std::fs::remove_dir_all(&unfinished);
            return Err(EmbeddedError::NamelessUser { uid });
        }
        other => other?,
    }
    let cluster = home.join("cluster");
    std::fs::rename(&unfinished, &cluster).map_err(EmbeddedError::folder("create", cluster))
}

/// The major version that made the cluster; `None` without a cluster.
fn cluster_major(cluster: &Path) -> Option<u32> {
    std::fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
}

fn configuration(installed: &binaries::Postgres) -> String {
    let mut text = POSTGRESQL_CONF.to_owned();
    if installed.major >= 18 {
        text.push_str(POSTGRESQL_CONF_18);
    }
    // Debian and source builds keep libraries in ../lib of the programs; without the library the setting is fatal.
    if installed.bin.with_file_name("lib").join("timescaledb.so").exists() {
        text.push_str(TIMESCALEDB_CONF);
    }
    text + LOCAL_CONF
}

/// A killed server leaves its socket, named after a port that the next one may not have.
fn remove_sockets(home: &Path) {
    let Ok(entries) = std::fs::read_dir(home) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(".s.PGSQL.") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_keys_are_only_for_newer_servers() {
        let of = |major| configuration(&binaries::Postgres { bin: "/nowhere/bin".into(), major });
        assert!(!of(15).contains("io_method"));
        assert!(of(18).contains("io_method = sync"));
        assert!(of(15).ends_with("include_if_exists 'local.conf'\n"), "the user's settings come last");
        assert!(!of(15).contains("timescaledb"));
    }
}
