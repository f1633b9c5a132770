//! A private PostgreSQL for a test process, and a database of its own for each test.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::process::{Server, free_port, wait_ready};

/// Names a server to use instead of a private one.
const URL_VARIABLE: &str = "HI_TEST_POSTGRES_URL";
/// Names the folder of PostgreSQL's programs to run instead of the newest installed.
const BIN_VARIABLE: &str = "HI_TEST_POSTGRES_BIN";
/// Names a server with the TimescaleDB extension.
const TIMESCALE_VARIABLE: &str = "HI_TEST_TIMESCALE_URL";

/// A PostgreSQL server; ends when dropped.
pub struct Postgres {
    server: Option<Server>,
    port: u16,
    folder: TempDir,
}

/// A database with the current schema, for one test.
pub struct Database {
    url: String,
}

impl Database {
    /// A fresh database on the server of this test process, or on the one `HI_TEST_POSTGRES_URL` names.
    ///
    /// # Errors
    /// PostgreSQL is not installed or does not start.
    pub async fn fresh() -> Result<Self> {
        static SHARED: OnceCell<(String, Option<Postgres>)> = OnceCell::const_new();
        let (url, _server) = SHARED
            .get_or_try_init(|| async {
                if let Ok(url) = std::env::var(URL_VARIABLE) {
                    make_template(&url).await?;
                    return anyhow::Ok((url, None));
                }
                let server = Postgres::start().await?;
                Ok((server.url(), Some(server)))
            })
            .await?;
        Self::clone_template(url).await
    }

    /// A fresh database on the server that `HI_TEST_TIMESCALE_URL` names; `None` when it names none.
    ///
    /// # Errors
    /// That server cannot be used.
    pub async fn fresh_timescale() -> Result<Option<Self>> {
        let Ok(url) = std::env::var(TIMESCALE_VARIABLE) else { return Ok(None) };
        let name = unique_name();
        execute(&url, &format!("CREATE DATABASE {name}")).await?;
        Ok(Some(Self { url: with_database(&url, &name) }))
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Host and port of its server.
    pub fn address(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
        authority.rsplit_once('@').map_or(authority, |(_, address)| address)
    }

    /// Its URL through another address, a [`crate::Proxy`].
    pub fn url_through(&self, address: std::net::SocketAddr) -> String {
        self.url.replace(self.address(), &address.to_string())
    }

    async fn clone_template(url: &str) -> Result<Self> {
        let name = unique_name();
        // An empty one becomes one of TimescaleDB when the collector first opens it.
        let template =
            if has_timescale() { String::new() } else { format!(" TEMPLATE {}", template_name()?) };
        execute(url, &format!("CREATE DATABASE {name}{template}")).await?;
        Ok(Self { url: with_database(url, &name) })
    }
}

impl Postgres {
    /// Starts one that is this caller's alone, with the template in it; for tests that kill it.
    ///
    /// # Errors
    /// As [`Database::fresh`].
    pub async fn start() -> Result<Self> {
        let cached = cached_cluster().await?;
        let folder = private_folder("hi-pg-")?;
        let data = folder.path().join("data");
        let copied = as_server_user("cp").arg("-a").arg(&cached).arg(&data).status()?;
        ensure!(copied.success(), "copy {}", cached.display());
        let mut this = Self { server: None, port: 0, folder };
        this.restart()?;
        Ok(this)
    }

    /// A fresh database on this server.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn database(&self) -> Result<Database> {
        Database::clone_template(&self.url()).await
    }

    /// URL of its maintenance database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `kill -9` of the server and of every process it has started.
    pub fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill_all();
        }
    }

    /// Starts it again, on the same port; kills it first when it runs.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        if self.port == 0 {
            self.port = free_port()?;
        }
        self.server = Some(start_server(&self.data(), self.folder.path(), self.port)?);
        Ok(())
    }
}

fn start_server(data: &Path, folder: &Path, port: u16) -> Result<Server> {
    // A server that was killed leaves this behind; its process id may belong to another process by now.
    let _ = std::fs::remove_file(data.join("postmaster.pid"));
    let mut command = as_server_user(&binary("postgres"));
    command.arg("-D").arg(data).args(["-p", &port.to_string()]);
    // No fsync: the machine does not crash. But a commit is written when it returns, or `kill -9` would take it back.
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=off",
        "full_page_writes=off",
        "shared_buffers=16MB",
        "max_connections=60",
        "dynamic_shared_memory_type=mmap",
        "shared_memory_type=mmap",
        "timezone=UTC",
    ] {
        command.args(["-c", setting]);
    }
    if has_timescale() {
        command.args(["-c", "shared_preload_libraries=timescaledb", "-c", "timescaledb.telemetry_level=off"]);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = Server::start(command, folder)?;
    wait_ready(&mut server, "postgres", || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
    Ok(server)
}

/// A cluster with the migrated template, made once per state of the migrations and user.
async fn cached_cluster() -> Result<PathBuf> {
    let root = is_root();
    let user =
        if root { "postgres".to_owned() } else { std::env::var("USER").unwrap_or_else(|_| "user".into()) };
    // One of another major version cannot be opened.
    let version = Command::new(binary("postgres")).arg("--version").output().context("run postgres")?;
    let version = String::from_utf8_lossy(&version.stdout);
    let major: String =
        version.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let cached = std::env::temp_dir().join(format!("hi-harness-{user}-{major}-{}", template_name()?));
    if cached.join("PG_VERSION").exists() {
        return Ok(cached);
    }
    let folder = private_folder("hi-pg-init-")?;
    let data = folder.path().join("data");
    let made = as_server_user(&binary("initdb"))
        .args(["-D"])
        .arg(&data)
        .args(["-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"])
        .stdout(Stdio::null())
        .status()
        .context("run initdb")?;
    ensure!(made.success(), "initdb failed");
    let port = free_port()?;
    let server = start_server(&data, folder.path(), port)?;
    make_template(&format!("postgres://postgres@127.0.0.1:{port}/postgres")).await?;
    let stopped = as_server_user(&binary("pg_ctl"))
        .args(["-s", "-w", "-m", "fast", "stop", "-D"])
        .arg(&data)
        .status()
        .context("run pg_ctl")?;
    ensure!(stopped.success(), "pg_ctl stop failed");
    drop(server);
    // Of two processes that get here at once, the second finds the place taken and uses what is there.
    if let Err(error) = std::fs::rename(&data, &cached) {
        ensure!(cached.join("PG_VERSION").exists(), "keep {}: {error}", cached.display());
    }
    Ok(cached)
}

/// Makes the template on a server, once; other processes that want the same wait.
async fn make_template(url: &str) -> Result<()> {
    let name = template_name()?;
    let mut connection = connect(url).await?;
    sqlx::query("SELECT pg_advisory_lock(4817002)").execute(&mut connection).await?;
    let found: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(&name)
        .fetch_optional(&mut connection)
        .await?;
    if found.is_none() {
        let draft = format!("{name}_draft");
        execute(url, &format!("DROP DATABASE IF EXISTS {draft}")).await?;
        execute(url, &format!("CREATE DATABASE {draft}")).await?;
        let mut inside = connect(&with_database(url, &draft)).await?;
        sqlx::migrate::Migrator::new(migrations()).await?.run(&mut inside).await?;
        inside.close().await?;
        execute(url, &format!("ALTER DATABASE {draft} RENAME TO {name}")).await?;
    }
    connection.close().await?;
    Ok(())
}

async fn connect(url: &str) -> Result<PgConnection> {
    // It listens before it is ready: "the database system is starting up".
    for _ in 0..500 {
        match PgConnection::connect(url).await {
            Err(sqlx::Error::Database(_)) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            other => return other.with_context(|| format!("connect to {url}")),
        }
    }
    PgConnection::connect(url).await.with_context(|| format!("connect to {url}"))
}

async fn execute(url: &str, statement: &str) -> Result<()> {
    let mut connection = connect(url).await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .with_context(|| statement.to_owned())?;
    connection.close().await?;
    Ok(())
}

fn migrations() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations")
}

/// Name of the template: changes with every change of a migration.
fn template_name() -> Result<String> {
    let mut files: Vec<_> = std::fs::read_dir(migrations())
        .context("list the migrations")?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .collect();
    files.sort();
    let mut text = Vec::new();
    for file in files {
        text.extend(std::fs::read(&file)?);
    }
    Ok(format!("hi_template_{:016x}", xxhash_rust::xxh3::xxh3_64(&text)))
}

fn unique_name() -> String {
    format!("hi_test_{}", uuid::Uuid::new_v4().simple())
}

fn with_database(url: &str, name: &str) -> String {
    url.rsplit_once('/').map_or_else(|| format!("{url}/{name}"), |(server, _)| format!("{server}/{name}"))
}

/// A temporary folder that the server's user may write to.
fn private_folder(prefix: &str) -> Result<TempDir> {
    let folder = TempDir::with_prefix(prefix).context("make a folder for PostgreSQL")?;
    if is_root() {
        let done = Command::new("chown").arg("postgres").arg(folder.path()).status().context("run chown")?;
        ensure!(done.success(), "give the folder to the user postgres");
    }
    Ok(folder)
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

/// PostgreSQL refuses to run as root: then it runs as its own user.
fn as_server_user(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", program]);
    command.current_dir("/");
    command
}

/// The folder of PostgreSQL's programs that `HI_TEST_POSTGRES_BIN` names, for tests that start private servers.
pub fn postgres_bin() -> Option<String> {
    std::env::var(BIN_VARIABLE).ok().filter(|folder| !folder.is_empty())
}

/// Whether [`postgres_bin`] was named and has the TimescaleDB extension.
fn has_timescale() -> bool {
    postgres_bin().is_some_and(|bin| Path::new(&bin).with_file_name("lib").join("timescaledb.so").exists())
}

/// The one in [`postgres_bin`], the newest installed where Debian and Ubuntu put it, otherwise the one in PATH.
fn binary(name: &str) -> String {
    if let Some(folder) = postgres_bin() {
        return format!("{folder}/{name}");
    }
    let newest = std::fs::read_dir("/usr/lib/postgresql").ok().and_then(|entries| {
        let versions = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok());
        versions.max()
    });
    newest.map_or_else(|| name.to_owned(), |version| format!("/usr/lib/postgresql/{version}/bin/{name}"))
}
