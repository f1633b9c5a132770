//! A database that is away, read-only or full for a while.

use std::path::Path;
use std::process::Command;

use hi_e2e::collector::Collector;
use hi_harness::Proxy;
use sqlx::{Connection as _, PgConnection};

use crate::flow::Flow;

async fn execute(url: &str, statements: &[&str]) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for statement in statements {
        let text = sqlx::AssertSqlSafe((*statement).to_owned());
        sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

async fn flush_fails(collector: &Collector) {
    collector.wait_value("/flush/last_error", serde_json::Value::is_string).await;
}

async fn flush_works(collector: &Collector) {
    collector.wait_value("/flush/last_error", serde_json::Value::is_null).await;
}

#[tokio::test]
async fn the_database_is_read_only_for_a_while() {
    let mut flow = Flow::start(&[], 3, 200).await;
    flow.publisher.publish_all(1..=50).await;
    flow.expect_readable(1..=50).await;
    let url = flow.stack.postgres.url();
    execute(&url, &["ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"]).await;
    flow.publisher.publish_all(51..=150).await;
    flush_fails(&flow.stack.collector).await;
    flow.expect_readable(1..=150).await;
    let writable = "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE";
    let reset = "ALTER SYSTEM RESET default_transaction_read_only";
    execute(&url, &[writable, reset, "SELECT pg_reload_conf()"]).await;
    flow.publisher.publish_all(151..=200).await;
    flush_works(&flow.stack.collector).await;
    flow.expect_conserved(1..=200).await;
}

#[tokio::test]
async fn the_database_is_cut_off_for_a_while() {
    let mut flow = Flow::start(&[], 3, 250).await;
    let proxy = Proxy::start(flow.stack.database.address()).await.unwrap();
    let url = flow.stack.database.url_through(proxy.address());
    let nats = flow.stack.nats.url();
    flow.stack.collector.kill().unwrap();
    flow.stack.collector = Collector::start(flow.stack.folder(), &nats, &url, &[]).await.unwrap();
    flow.stack.collector.ready().await;
    flow.publisher.publish_all(1..=50).await;
    flow.expect_readable(1..=50).await;
    proxy.cut();
    flow.publisher.publish_all(51..=150).await;
    flow.stack.collector.wait_value("/database/connected", |connected| connected == false).await;
    flow.stack.batches_taken(3 * 150).await;
    proxy.restore();
    flow.publisher.publish_all(151..=200).await;
    flow.expect_readable(1..=200).await;
    // A cut in which the collector itself is killed: nothing that was acknowledged may hang on its memory.
    proxy.cut();
    flow.publisher.publish_all(201..=250).await;
    flow.stack.collector.kill().unwrap();
    proxy.restore();
    flow.stack.collector.restart().unwrap();
    flow.expect_conserved(1..=250).await;
}

#[tokio::test]
async fn the_database_is_full_for_a_while() {
    let mut flow = Flow::start(&[], 3, 200).await;
    let Some(volume) = Volume::mount(flow.stack.folder(), 24) else {
        println!("SKIPPED: full database: a small file system cannot be mounted here");
        return;
    };
    let name = flow.stack.database.url().rsplit('/').next().unwrap().to_owned();
    flow.stack.collector.terminate().await.unwrap();
    let create = format!("CREATE TABLESPACE tiny LOCATION '{}'", volume.path().display());
    let moved = format!("ALTER DATABASE {name} SET TABLESPACE tiny");
    execute(&flow.stack.postgres.url(), &[&create, &moved]).await;
    flow.stack.collector.restart().unwrap();
    flow.stack.collector.ready().await;
    flow.publisher.publish_all(1..=50).await;
    flow.expect_readable(1..=50).await;
    volume.fill();
    flow.publisher.publish_all(51..=150).await;
    flush_fails(&flow.stack.collector).await;
    flow.expect_readable(1..=150).await;
    volume.free();
    flush_works(&flow.stack.collector).await;
    flow.publisher.publish_all(151..=200).await;
    flow.expect_conserved(1..=200).await;
    // The server must let go of the volume before it can be unmounted.
    flow.stack.postgres.kill();
}

/// A small file system of its own.
struct Volume {
    path: std::path::PathBuf,
}

impl Volume {
    fn mount(folder: &Path, megabytes: u32) -> Option<Self> {
        let path = folder.join("volume");
        std::fs::create_dir(&path).ok()?;
        let size = format!("size={megabytes}m,mode=0777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(&path).status();
        mounted.is_ok_and(|status| status.success()).then_some(())?;
        Some(Self { path: path.clone() }).filter(|_| {
            Command::new("chown").arg("postgres").arg(&path).status().is_ok_and(|status| status.success())
        })
    }

    fn path(&self) -> &Path {
        &self.path
    }

    /// Takes all space that is left.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.path.join("ballast")).unwrap();
        let block = vec![1_u8; 4096];
        while file.write_all(&block).is_ok() {}
    }

    /// Gives it back.
    fn free(&self) {
        std::fs::remove_file(self.path.join("ballast")).unwrap();
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.path).status().ok();
    }
}
