//! Everything that runs: broker, database, collector, in one folder that goes away with them.

use std::path::Path;

use anyhow::{Context as _, Result};
use hi_harness::{Database, NatsServer, Postgres, wait_for};
use tempfile::TempDir;

use crate::blocks;
use crate::collector::{Collector, PATIENCE};
use crate::oracle::{Difference, Samples};
use crate::tap::Tap;

/// A stack of real processes.
pub struct Stack {
    /// The collector. First, so that it ends first.
    pub collector: Collector,
    /// What passed the broker.
    pub tap: Tap,
    /// The broker.
    pub nats: NatsServer,
    /// The database server, of this stack alone.
    pub postgres: Postgres,
    /// The database on it.
    pub database: Database,
    folder: TempDir,
}

impl Stack {
    /// Starts all of it and waits until the collector is ready.
    ///
    /// # Errors
    /// Something does not start.
    pub async fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let folder = TempDir::with_prefix("hi-e2e-").context("make a folder")?;
        let nats = NatsServer::start()?;
        let postgres = Postgres::start().await?;
        let database = postgres.database().await?;
        let tap = Tap::start(&nats.url()).await?;
        let collector = Collector::start(folder.path(), &nats.url(), database.url(), settings).await?;
        let stack = Self { collector, tap, nats, postgres, database, folder };
        stack.collector.ready().await;
        Ok(stack)
    }

    /// Folder for configuration, state and logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until the API shows exactly these samples of these hosts.
    ///
    /// # Panics
    /// When it does not within [`PATIENCE`]; says what differs.
    pub async fn expect_readable(&self, hosts: &[&str], want: &Samples) {
        let mut last = String::new();
        let begun = std::time::Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.readable(hosts, want).await {
                Ok(difference) if difference.is_none() => return,
                Ok(difference) => last = difference.to_string(),
                Err(error) => last = format!("{error:#}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        let seen = want.count();
        #[expect(clippy::panic, reason = "a test that waits in vain has failed")]
        {
            panic!("waited {PATIENCE:?} in vain until {seen} samples can be read: {last}");
        }
    }

    async fn readable(&self, hosts: &[&str], want: &Samples) -> Result<Difference> {
        let (start, end) = want.range().context("nothing is expected")?;
        let mut found = Samples::default();
        for host in hosts {
            found.merge(self.collector.samples(host, start, end).await?);
        }
        Ok(want.compare(&found))
    }

    /// The oracle: waits until every sample can be read, stops the collector, which makes it write what it holds, and
    /// counts in the blocks of the database, where no reader hides a double.
    ///
    /// # Panics
    /// When a sample is missing, doubled, invented or changed.
    pub async fn expect_conserved(&mut self, hosts: &[&str], want: &Samples) {
        self.expect_readable(hosts, want).await;
        let stopped = self.collector.terminate().await;
        assert!(
            stopped.as_ref().is_ok_and(std::process::ExitStatus::success),
            "collector ended: {stopped:?}"
        );
        let kept = blocks::read(self.database.url()).await;
        let kept = kept
            .unwrap_or_default()
            .filtered(|key| hosts.iter().any(|host| key.0.contains(&format!("instance={host:?}"))));
        let difference = want.compare(&kept);
        assert!(difference.is_none(), "in the blocks of the database: {difference}");
    }

    /// Waits until the collector has taken this many batches since it started.
    ///
    /// # Panics
    /// When it has not within [`PATIENCE`].
    pub async fn batches_taken(&self, count: u64) {
        self.collector.wait_figure("/ingest/batches_total", |taken| taken >= count as f64).await;
    }

    /// Waits until the tap has seen a batch of `host` numbered `seq` or higher in its newest epoch.
    ///
    /// # Panics
    /// When it has not within [`PATIENCE`].
    pub async fn agent_sent(&self, host: &str, seq: u64) {
        let what = format!("batch {seq} of {host} passes the broker");
        wait_for(&what, PATIENCE, || {
            let record = self.tap.record();
            let newest =
                record.batches.values().filter(|b| b.host.as_str() == host).map(|b| (b.epoch, b.seq)).max();
            async move { newest.filter(|(_, sent)| *sent >= seq) }
        })
        .await;
    }
}
