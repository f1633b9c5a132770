//! A collector that can be killed, agents that remember what they sent, and the comparison of both.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::HeaderMap;
use async_nats::jetstream;
use hi_collector::block;
use hi_collector::config::{CoreConfig, DatabaseConfig, NatsConfig, StoreConfig};
use hi_collector::ingest::{self, Ingest, Options};
use hi_collector::store::Store;
use hi_common::batch::{BATCH_VERSION, Batch, Family, Lost, Reading, is_absent};
use hi_common::ids::{HostId, HostName};
use hi_common::metric::Kind;
use hi_common::subject;
use hi_common::wire::{encode, layout_hash};
use hi_harness::{BOUND, Database, NatsServer, wait_for};
use sqlx::{Connection, Row};
use tokio::sync::{oneshot, watch};

/// What is known of a sample: identity of the host, metric with labels, time, bits of the value.
pub(crate) type Sample = (String, String, i64, u64);

pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Servers and configuration of one test.
pub(crate) struct Setup {
    pub(crate) nats: NatsServer,
    pub(crate) database: Database,
    pub(crate) config: CoreConfig,
    pub(crate) options: Options,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        Self::with(Database::fresh().await.unwrap())
    }

    pub(crate) fn with(database: Database) -> Self {
        let nats = NatsServer::start().unwrap();
        let config = CoreConfig {
            nats: NatsConfig { url: nats.url(), ..NatsConfig::default() },
            database: DatabaseConfig { url: database.url().to_owned(), ..DatabaseConfig::default() },
            // Flushes are asked for by the tests.
            store: StoreConfig { flush_interval_secs: 3600, ..StoreConfig::default() },
        };
        Self { nats, database, config, options: Options::default() }
    }

    pub(crate) fn start(&self) -> Collector {
        Collector::start(&self.config, self.options.clone())
    }

    pub(crate) async fn jetstream(&self) -> jetstream::Context {
        let client = async_nats::connect(self.nats.url()).await.unwrap();
        jetstream::new(client)
    }

    /// Waits for the collector to have made its streams.
    pub(crate) async fn streams(&self) {
        let jetstream = self.jetstream().await;
        wait_for("the streams", BOUND, || async {
            for stream in [subject::STREAM_METRICS, subject::STREAM_FACTS, subject::STREAM_EVENTS] {
                jetstream.get_stream(stream).await.ok()?;
            }
            Some(())
        })
        .await;
    }

    pub(crate) async fn sql(&self) -> sqlx::PgConnection {
        sqlx::PgConnection::connect(self.database.url()).await.unwrap()
    }

    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut self.sql().await).await.unwrap()
    }

    /// Makes the database refuse to be written, or take it again; ends all connections, so that each notices.
    pub(crate) async fn read_only(&self, on: bool) {
        let statement = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {on}', current_database());
             PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid(); END $$"
        );
        let mut sql = self.sql().await;
        sqlx::raw_sql("SET default_transaction_read_only = false").execute(&mut sql).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut sql).await.unwrap();
    }

    /// Every sample in the database, each as often as it is there, in order.
    pub(crate) async fn stored(&self) -> Vec<Sample> {
        let mut sql = self.sql().await;
        let names = sqlx::query(
            "SELECT s.id, h.host_id::text AS host, m.name || s.labels::text AS series
             FROM series s JOIN host h ON h.id = s.host_id JOIN metric m ON m.id = s.metric_id",
        )
        .fetch_all(&mut sql)
        .await
        .unwrap();
        let names: HashMap<i32, (String, String)> =
            names.iter().map(|row| (row.get("id"), (row.get("host"), row.get("series")))).collect();
        let mut samples = Vec::new();
        let mut add = |id: i32, data: &[u8]| {
            let (mut times, mut values) = (vec![], vec![]);
            block::decode(data, &mut times, &mut values).unwrap();
            let (host, series) = &names[&id];
            let pairs = times.into_iter().zip(values);
            samples.extend(pairs.map(|(at, value)| (host.clone(), series.clone(), at, value.to_bits())));
        };
        for row in sqlx::query("SELECT bundle, data FROM sample_block").fetch_all(&mut sql).await.unwrap() {
            for block in block::bundle::blocks(row.get("bundle"), row.get("data")).unwrap() {
                let block = block.unwrap();
                add(block.id, &block.block());
            }
        }
        for row in sqlx::query("SELECT series_id, data FROM sample_day").fetch_all(&mut sql).await.unwrap() {
            add(row.get("series_id"), row.get("data"));
        }
        samples.sort();
        samples
    }

    /// Compares what is stored with what the agents sent.
    pub(crate) async fn assert_stored_once(&self, agents: &[&Agent]) {
        let mut sent: Vec<Sample> =
            agents.iter().flat_map(|agent| agent.sent.values().flatten()).cloned().collect();
        sent.sort();
        let stored = self.stored().await;
        let missing: Vec<_> = sent
            .iter()
            .filter(|s| stored.binary_search(s).is_err())
            .take(30)
            .map(|s| (s.0[..4].to_owned(), s.1.clone(), s.2 / 10_000, f64::from_bits(s.3)))
            .collect();
        let twice = stored.windows(2).filter(|pair| pair[0] == pair[1]).count();
        assert!(
            sent == stored,
            "sent {}, stored {}, first missing {missing:?}, twice {twice}",
            sent.len(),
            stored.len()
        );
    }
}

/// A collector in a runtime of its own, so that killing it ends all it started.
pub(crate) struct Collector {
    pub(crate) ingest: Ingest,
    pub(crate) store: Store,
    shutdown: watch::Sender<bool>,
    kill: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Collector {
    pub(crate) fn start(config: &CoreConfig, options: Options) -> Self {
        let ingest = Ingest::with_options(config, options);
        let shutdown = watch::Sender::new(false);
        let (kill, killed) = oneshot::channel();
        // The pool belongs to the runtime it is used in: the test has its own.
        let store = Store::connect_lazy(&config.database).unwrap();
        let (shared, config, stop) = (ingest.clone(), config.clone(), shutdown.subscribe());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let store = Store::connect_lazy(&config.database).unwrap();
                tokio::select! {
                    ended = ingest::run(shared, store, config, stop) => ended.unwrap(),
                    _ = killed => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { ingest, store, shutdown, kill: Some(kill), thread: Some(thread) }
    }

    /// As `kill -9`.
    pub(crate) fn kill(mut self) {
        let _ = self.kill.take().unwrap().send(());
        self.thread.take().unwrap().join().unwrap();
    }

    pub(crate) fn stop(mut self) {
        self.shutdown.send_replace(true);
        self.thread.take().unwrap().join().unwrap();
    }

    /// Waits for it to end by itself.
    pub(crate) async fn ended(mut self) {
        let thread = self.thread.take().unwrap();
        wait_for("its end", BOUND, || async { thread.is_finished().then_some(()) }).await;
        thread.join().unwrap();
    }

    pub(crate) async fn taken(&self, batches: u64) {
        let what = format!("{batches} batches taken");
        wait_for(&what, BOUND, || async { (self.ingest.stats().batches_total >= batches).then_some(()) })
            .await;
    }

    pub(crate) async fn flush(&self) {
        let flushed = tokio::time::timeout(BOUND, self.ingest.flush());
        assert!(flushed.await.is_ok(), "no flush: {:?}", self.ingest.stats());
    }
}

static EPOCHS: AtomicU64 = AtomicU64::new(0);

/// An agent that remembers every sample it sent.
pub(crate) struct Agent {
    pub(crate) jetstream: jetstream::Context,
    pub(crate) name: HostName,
    pub(crate) host_id: HostId,
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) families: Vec<Family>,
    /// Samples by epoch and number of the batch.
    pub(crate) sent: BTreeMap<(u64, u64), Vec<Sample>>,
    /// Payloads by epoch and number of the batch.
    pub(crate) payloads: BTreeMap<(u64, u64), Vec<u8>>,
}

impl Agent {
    pub(crate) async fn new(setup: &Setup, name: &str) -> Self {
        Self::with_identity(setup, name, name).await
    }

    pub(crate) async fn with_identity(setup: &Setup, name: &str, identity: &str) -> Self {
        let rows = |n: usize| (0..n).map(|i| vec![format!("cpu{i}"), "x".to_owned()]).collect();
        let keys = vec!["cpu".to_owned(), "mode".to_owned()];
        Self {
            jetstream: setup.jetstream().await,
            name: HostName::from_any(name),
            host_id: HostId::from_machine_id(identity),
            epoch: now_ms().cast_unsigned() + EPOCHS.fetch_add(1, Ordering::Relaxed),
            seq: 0,
            at: (now_ms() / 10_000 - 60) * 10_000,
            families: vec![
                Family {
                    name: "node_cpu_seconds_total".into(),
                    kind: Kind::Counter,
                    keys: keys.clone(),
                    rows: rows(4),
                },
                Family { name: "node_load1".into(), kind: Kind::Gauge, keys: vec![], rows: vec![vec![]] },
                Family { name: "hi_many".into(), kind: Kind::Gauge, keys, rows: rows(5) },
            ],
            sent: BTreeMap::new(),
            payloads: BTreeMap::new(),
        }
    }

    fn value(&self, column: usize) -> f64 {
        match (self.seq + column as u64) % 7 {
            0 if column > 5 => hi_common::batch::ABSENT,
            n if column.is_multiple_of(2) => (self.seq * 100 + n) as f64,
            n => (self.at % 1_000_000) as f64 / 7.0 + n as f64,
        }
    }

    /// Makes the next batch and remembers its samples. The first of an epoch carries its series.
    pub(crate) fn next(&mut self) -> Batch {
        self.next_with(self.seq == 0)
    }

    pub(crate) fn next_with(&mut self, series: bool) -> Batch {
        self.seq += 1;
        self.at += 10_000;
        let count: usize = self.families.iter().map(|f| f.rows.len()).sum();
        let values: Vec<f64> = (0..count).map(|column| self.value(column)).collect();
        let mut samples = Vec::new();
        let described = self.families.iter().flat_map(|f| f.rows.iter().map(move |row| (f, row)));
        for ((family, row), value) in described.zip(&values).filter(|(_, value)| !is_absent(**value)) {
            let labels: BTreeMap<_, _> = family.keys.iter().zip(row).collect();
            let labels: Vec<String> = labels.iter().map(|(k, v)| format!("\"{k}\": \"{v}\"")).collect();
            let series = format!("{}{{{}}}", family.name, labels.join(", "));
            samples.push((self.host_id.to_string(), series, self.at, value.to_bits()));
        }
        let batch = Batch {
            v: BATCH_VERSION,
            host: self.name.clone(),
            host_id: self.host_id,
            epoch: self.epoch,
            seq: self.seq,
            lost: vec![],
            readings: vec![Reading {
                source: "test".into(),
                at: self.at,
                layout: layout_hash(&self.families).unwrap(),
                series: series.then(|| self.families.clone()),
                values,
            }],
        };
        self.sent.insert((self.epoch, self.seq), samples);
        self.payloads.insert((self.epoch, self.seq), encode(&batch).unwrap());
        batch
    }

    /// Announces batches as dropped; they are not expected any more.
    pub(crate) fn forget(&mut self, from: u64, to: u64) -> Lost {
        for seq in from..=to {
            self.sent.remove(&(self.epoch, seq));
        }
        Lost { epoch: self.epoch, from, to }
    }

    pub(crate) async fn publish(&self, batch: &Batch) {
        self.publish_as(batch, &batch.id().to_string()).await;
    }

    pub(crate) async fn publish_as(&self, batch: &Batch, id: &str) {
        self.publish_bytes(encode(batch).unwrap(), id).await;
    }

    pub(crate) async fn publish_bytes(&self, payload: Vec<u8>, id: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(async_nats::header::NATS_MESSAGE_ID, id);
        let subject = subject::metrics(&self.name);
        let acked = wait_for("the broker's acknowledgement", BOUND, || async {
            let sent =
                self.jetstream.publish_with_headers(subject.clone(), headers.clone(), payload.clone().into());
            sent.await.ok()?.await.ok()
        });
        acked.await;
    }

    /// Makes and publishes batches.
    pub(crate) async fn send(&mut self, batches: usize) {
        for _ in 0..batches {
            let batch = self.next();
            self.publish(&batch).await;
        }
    }
}

/// Options whose fault strikes once at a place.
pub(crate) fn once_at(point: ingest::Point) -> Options {
    let struck = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let faults = ingest::Faults::new(move |at| at == point && !struck.swap(true, Ordering::SeqCst));
    let mut options = Options::default();
    options.faults = faults;
    options
}
