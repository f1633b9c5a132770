//! The private servers, with the real ones: first and later starts, crashes of each process, and what goes wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use hi_collector::embedded::run_file::RunFile;
use hi_collector::embedded::{Embedded, EmbeddedConfig, EmbeddedError};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sqlx::{Connection, Row};
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Names the data folder for [`parent_process`].
const PARENT_FOLDER: &str = "HI_TEST_EMBEDDED_PARENT";
const BOUND: Duration = Duration::from_secs(60);

type Result<T> = anyhow::Result<T>;

fn config(folder: &Path) -> EmbeddedConfig {
    EmbeddedConfig {
        data_dir: folder.display().to_string(),
        postgres_bin_dir: hi_harness::postgres_bin(),
        ..EmbeddedConfig::default()
    }
}

async fn start(folder: &Path) -> std::result::Result<Embedded, EmbeddedError> {
    start_with(&config(folder)).await
}

async fn start_with(config: &EmbeddedConfig) -> std::result::Result<Embedded, EmbeddedError> {
    Embedded::start_with(config, Path::new(env!("CARGO_BIN_EXE_hi-collector"))).await
}

/// Says so where a server is not installed, rather than pass in silence.
fn missing(test: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let nats = std::env::split_paths(&path).any(|folder| folder.join("nats-server").exists())
        || Path::new("/usr/sbin/nats-server").exists();
    let postgres = hi_harness::postgres_bin().is_some() || Path::new("/usr/lib/postgresql").exists();
    if !(nats && postgres) {
        println!("SKIPPED: {test}: needs postgresql and nats-server");
    }
    !(nats && postgres)
}

async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut check: impl FnMut() -> F) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(value) = check().await {
            return Ok(value);
        }
        anyhow::ensure!(began.elapsed() < BOUND, "not within {BOUND:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn alive(pid: u32) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let zombie = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim().starts_with('Z')));
    test_kill_process(pid).is_ok() && !zombie
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
}

async fn sql(url: &str, query: &'static str) -> Result<String> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    let row = sqlx::query(query).fetch_one(&mut connection).await?;
    Ok(row.try_get::<String, _>(0)?)
}

async fn nats(embedded: &Embedded) -> Result<async_nats::Client> {
    let options = async_nats::ConnectOptions::with_user_and_password(
        embedded.nats_user().to_owned(),
        embedded.nats_password().to_owned(),
    );
    Ok(options.connect(embedded.nats_url()).await?)
}

#[tokio::test]
async fn both_serve_with_their_passwords_alone_and_keep_data_and_ports() -> Result<()> {
    if missing("embedded start") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let embedded = start(folder.path()).await?;
    let url = embedded.database_url().to_owned();
    assert_eq!(sql(&url, "select current_setting('data_checksums')").await?, "on");
    assert_eq!(sql(&url, "select current_setting('shared_buffers')").await?, "32MB");
    let wrong = url.replacen("hi:", "hi:x", 1);
    let refused = sql(&wrong, "select 'in'").await.unwrap_err().to_string();
    assert!(refused.contains("password authentication failed"), "{refused}");
    sql(&url, "create table kept as select 'here'::text as word; ").await.unwrap_err(); // no row comes back
    let client = nats(&embedded).await?;
    let stream = async_nats::jetstream::stream::Config {
        name: "T".to_owned(),
        subjects: vec!["t".to_owned()],
        max_bytes: 4 << 30,
        ..Default::default()
    };
    async_nats::jetstream::new(client.clone()).create_stream(stream).await?;
    assert!(async_nats::connect(embedded.nats_url()).await.is_err(), "without a password");

    let run = RunFile::read(&embedded.run_file())?;
    assert_eq!((run.database_url.as_str(), run.http_url), (url.as_str(), None));
    assert_eq!(std::fs::metadata(embedded.run_file())?.permissions().mode() & 0o777, 0o600);
    embedded.announce("http://127.0.0.1:1")?;
    assert_eq!(RunFile::read(&embedded.run_file())?.http_url.as_deref(), Some("http://127.0.0.1:1"));
    let (nats_url, pids) = (embedded.nats_url().to_owned(), embedded.pids());
    embedded.shutdown().await;
    assert!(!alive(pids.0.unwrap()) && !alive(pids.1.unwrap()));
    assert!(!embedded.run_file().exists());
    drop(embedded);

    let again = start(folder.path()).await?;
    assert_eq!((again.database_url(), again.nats_url()), (url.as_str(), nats_url.as_str()));
    assert_eq!(sql(&url, "select word from kept").await?, "here");
    let mut kept = async_nats::jetstream::new(nats(&again).await?).get_stream("T").await?;
    assert_eq!(kept.info().await?.config.max_bytes, 4 << 30);
    again.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_folder_that_the_servers_user_cannot_walk_to_serves() -> Result<()> {
    if missing("embedded below a closed folder") {
        return Ok(());
    }
    // As root the servers are another user, whom mode 0700 of the parent (as of /root) keeps out.
    let parent = tempfile::tempdir()?;
    std::fs::set_permissions(parent.path(), std::fs::Permissions::from_mode(0o700))?;
    let folder = parent.path().join("clone/data with a space");
    let embedded = start(&folder).await?;
    assert_eq!(sql(embedded.database_url(), "select 'up'").await?, "up");
    nats(&embedded).await?;
    let owner = |pid: Option<u32>| -> Result<u32> {
        let meta = std::fs::metadata(format!("/proc/{}", pid.unwrap_or(0)))?;
        Ok(std::os::unix::fs::MetadataExt::uid(&meta))
    };
    assert_ne!(owner(embedded.pids().0)?, 0, "PostgreSQL runs as root");
    assert_ne!(owner(embedded.pids().1)?, 0, "nats-server runs as root");
    embedded.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_user_without_a_name_is_told_what_is_missing() -> Result<()> {
    let test = "embedded as a user without a name";
    if missing(test) {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: {test}: needs root");
        return Ok(());
    }
    // The servers run as the owner of the folder: here a number that no user has, as where systemd made one up.
    let parent = tempfile::tempdir()?;
    let folder = parent.path().join("data");
    std::fs::create_dir_all(folder.join("postgres"))?;
    std::os::unix::fs::chown(folder.join("postgres"), Some(61_998), Some(61_998))?;
    let error = start(&folder).await.err().unwrap();
    assert!(matches!(error, EmbeddedError::NamelessUser { uid: 61_998 }), "{error}");
    assert!(error.to_string().contains("apt-get install libnss-systemd"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_killed_server_comes_back_on_its_port() -> Result<()> {
    if missing("embedded restart") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let embedded = start(folder.path()).await?;
    let scenario = async {
        for _ in 0..2 {
            let (postgres, nats_server) = embedded.pids();
            let (postgres, nats_server) = (postgres.unwrap(), nats_server.unwrap());
            kill(postgres);
            kill(nats_server);
            until("PostgreSQL is back", async || {
                let other = embedded.pids().0.is_some_and(|pid| pid != postgres);
                let answer = sql(embedded.database_url(), "select 'up'").await.ok();
                answer.filter(|_| other)
            })
            .await?;
            until("nats-server is back", async || {
                embedded.pids().1.filter(|pid| *pid != nats_server)?;
                nats(&embedded).await.ok()
            })
            .await?;
            until("the new process numbers are written", async || {
                let run = RunFile::read(&embedded.run_file()).ok()?;
                ((run.pids.postgres, run.pids.nats) == embedded.pids()).then_some(())
            })
            .await?;
        }
        Ok(())
    };
    let outcome: Result<()> = tokio::select! {
        outcome = scenario => outcome,
        () = embedded.watch() => anyhow::bail!("the watch ended before shutdown"),
    };
    embedded.shutdown().await;
    outcome
}

#[tokio::test]
async fn shutdown_ends_a_watch_that_runs() -> Result<()> {
    if missing("embedded shutdown") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let embedded = start(folder.path()).await?;
    let both = async { tokio::join!(embedded.watch(), embedded.shutdown()) };
    tokio::time::timeout(BOUND, both).await?;
    assert_eq!(embedded.pids(), (None, None));
    Ok(())
}

/// Not a test by itself: the process that [`nothing_outlives_a_killed_parent`] kills.
#[tokio::test]
async fn parent_process() -> Result<()> {
    let Some(folder) = std::env::var_os(PARENT_FOLDER) else { return Ok(()) };
    let embedded = start(&PathBuf::from(folder)).await?;
    embedded.announce("ready")?;
    std::future::pending().await
}

#[tokio::test]
async fn nothing_outlives_a_killed_parent() -> Result<()> {
    if missing("embedded kill -9 of the parent") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let run_file = folder.path().join("run/embedded.json");
    for _ in 0..2 {
        let mut parent = Command::new(std::env::current_exe()?)
            .args(["parent_process", "--exact", "--nocapture"])
            .env(PARENT_FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let run = until("the parent's servers are up", async || {
            let run = RunFile::read(&run_file).ok()?;
            (run.http_url.is_some() && run.pids.collector == parent.id()).then_some(run)
        })
        .await?;
        kill(parent.id());
        parent.wait()?;
        let (postgres, nats_server) = (run.pids.postgres.unwrap(), run.pids.nats.unwrap());
        until("both are gone", async || (!alive(postgres) && !alive(nats_server)).then_some(())).await?;
    }
    let embedded = start(folder.path()).await?;
    assert_eq!(sql(embedded.database_url(), "select 'up'").await?, "up");
    embedded.shutdown().await;
    Ok(())
}

#[test]
fn a_server_is_not_started_for_a_parent_that_is_gone() -> Result<()> {
    let child = |parent: u32| {
        Command::new(env!("CARGO_BIN_EXE_hi-collector"))
            .args([
                "embedded-child",
                &parent.to_string(),
                "terminate",
                "-",
                "folder",
                "/",
                "/bin/echo",
                "ran",
            ])
            .output()
    };
    let orphan = child(u32::MAX)?;
    assert_eq!((orphan.status.code(), orphan.stdout.as_slice()), (Some(127), &b""[..]));
    assert!(String::from_utf8_lossy(&orphan.stderr).contains("is gone"));
    assert_eq!(child(std::process::id())?.stdout, b"ran\n");
    Ok(())
}

#[tokio::test]
async fn a_server_left_by_an_earlier_run_is_ended() -> Result<()> {
    if missing("embedded leftover") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    start(folder.path()).await?.shutdown().await;
    let home = folder.path().join("nats");
    let mut stray = Command::new("nats-server")
        .args(["-c", "nats.conf"])
        .current_dir(&home)
        .stderr(Stdio::null())
        .spawn()?;
    until("the stray one serves", async || {
        std::fs::read_to_string(home.join("nats.pid")).ok().filter(|pid| pid.trim() == stray.id().to_string())
    })
    .await?;
    let embedded = start(folder.path()).await?;
    assert!(stray.try_wait()?.is_some(), "the stray server still runs");
    nats(&embedded).await?;
    embedded.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_second_collector_is_told_who_holds_the_folder() -> Result<()> {
    if missing("embedded lock") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let first = start(folder.path()).await?;
    let error = start(folder.path()).await.unwrap_err();
    assert!(
        matches!(&error, EmbeddedError::InUse { pid, .. } if *pid == std::process::id().to_string()),
        "{error}"
    );
    assert_eq!(sql(first.database_url(), "select 'unharmed'").await?, "unharmed");
    first.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_cluster_of_another_major_is_left_alone() -> Result<()> {
    if missing("embedded major version") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    start(folder.path()).await?.shutdown().await;
    let version = folder.path().join("postgres/cluster/PG_VERSION");
    std::fs::write(&version, "99\n")?;
    let error = start(folder.path()).await.unwrap_err();
    assert!(matches!(error, EmbeddedError::OtherMajor { major: 99, .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&version)?, "99\n");
    Ok(())
}

#[tokio::test]
async fn a_taken_port_is_named() -> Result<()> {
    if missing("embedded port") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let held = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = held.local_addr()?.port();
    let error = start_with(&EmbeddedConfig { nats_port: port, ..config(folder.path()) }).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("port {port} for nats-server is taken by another program: free it, or choose another port")
    );
    drop(held);
    start(folder.path()).await?.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    std::fs::write(&file, "")?;
    let error = start(&file.join("data")).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot create "), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_named_and_nothing_is_left_half_made() -> Result<()> {
    if missing("embedded full disk") {
        return Ok(());
    }
    let parent = tempfile::tempdir()?;
    let mount = |options: &str| {
        Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(parent.path()).status()
    };
    if !mount("size=64m").is_ok_and(|status| status.success()) {
        println!("SKIPPED: embedded full disk: needs the right to mount a small file system");
        return Ok(());
    }
    let full = start(parent.path()).await;
    let remounted = mount("remount,size=512m");
    let grown = match &full {
        Err(_) => start(parent.path()).await,
        Ok(_) => Err(EmbeddedError::NoNats { found: "started on a full disk".to_owned() }),
    };
    if let Ok(embedded) = &grown {
        embedded.shutdown().await;
    }
    Command::new("umount").arg("-l").arg(parent.path()).status()?;
    assert!(matches!(full, Err(EmbeddedError::DiskFull { .. })), "{full:?}");
    assert!(remounted?.success());
    assert!(grown.is_ok(), "{grown:?}");
    Ok(())
}
