//! How fast batches go through broker and ingest into the database, all on this machine, and what they take there.
//!
//! `cargo run --release --example ingest_speed -- [hosts] [series] [ticks] [ticks per flush]`: simulated hosts publish as
//! fast as the broker takes it; 4 of 5 series stay constant, the rest are counters, gauges and noise. Afterwards all days
//! are merged as if they were over.

#![allow(clippy::unwrap_used, reason = "a measurement ends where it fails")]

use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use hi_collector::config::{CoreConfig, DatabaseConfig, NatsConfig, StoreConfig};
use hi_collector::housekeeping::run_once;
use hi_collector::ingest::{self, Ingest};
use hi_collector::store::Store;
use hi_common::batch::{BATCH_VERSION, Batch, Family, Reading};
use hi_common::ids::{HostId, HostName};
use hi_common::metric::Kind;
use hi_common::subject;
use hi_common::wire::{encode, layout_hash};
use hi_harness::{Database, NatsServer};
use sqlx::{Connection, PgConnection};
use tokio::sync::watch;

const SOURCES: usize = 10;
const INTERVAL_MS: i64 = 10_000;

struct Plan {
    hosts: usize,
    series: usize,
    ticks: usize,
    per_flush: usize,
    start: i64,
}

fn main() {
    let argument = |n: usize, default: usize| std::env::args().nth(n).map_or(default, |a| a.parse().unwrap());
    let plan = Plan {
        hosts: argument(1, 1000),
        series: argument(2, 500),
        ticks: argument(3, 60),
        per_flush: argument(4, 120),
        start: 1_700_000_000_000 / 86_400_000 * 86_400_000,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(tokio::task::LocalSet::new().run_until(measure(plan)));
}

async fn measure(plan: Plan) {
    let nats = NatsServer::start().unwrap();
    let database = Database::fresh().await.unwrap();
    let mut sql = PgConnection::connect(database.url()).await.unwrap();
    sqlx::query("ALTER SYSTEM SET full_page_writes = on").execute(&mut sql).await.unwrap();
    sqlx::query("SELECT pg_reload_conf()").execute(&mut sql).await.unwrap();
    let config = CoreConfig {
        nats: NatsConfig { url: nats.url(), ..NatsConfig::default() },
        database: DatabaseConfig { url: database.url().to_owned(), ..DatabaseConfig::default() },
        store: StoreConfig {
            flush_interval_secs: 3600,
            raw_retention_days: 100_000,
            hour_retention_days: 100_000,
            ..StoreConfig::default()
        },
    };
    let ingest = Ingest::new(&config);
    let store = Store::connect_lazy(&config.database).unwrap();
    store.migrate().await.unwrap();
    let stop = watch::Sender::new(false);
    let running = tokio::task::spawn_local(ingest::run(
        ingest.clone(),
        store.clone(),
        config.clone(),
        stop.subscribe(),
    ));
    while !ingest.stats().connected || ingest.stats().broker_version.is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (url, batches) = (nats.url(), (plan.hosts * plan.ticks) as u64);
    let samples = batches * plan.series as u64;
    let per_flush = (plan.hosts * plan.per_flush) as u64;
    let begun = Instant::now();
    let cpu = cpu_seconds();
    let wal = wal_bytes(&mut sql).await;
    let sender = std::thread::spawn(move || generate(&plan, &url));
    let (mut flushed, mut registered) = (0, None);
    loop {
        let stats = ingest.stats();
        if registered.is_none() && stats.batches_total >= batches / 20 {
            registered = Some((Instant::now(), stats.samples_total));
        }
        if stats.batches_total / per_flush > flushed {
            flushed = stats.batches_total / per_flush;
            ingest.flush().await;
        }
        if stats.batches_total >= batches {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ingest.flush().await;
    let seconds = begun.elapsed().as_secs_f64();
    let (since, before) = registered.unwrap();
    println!("all: {:.0} samples/s over {seconds:.1} s", samples as f64 / seconds);
    println!(
        "after registration: {:.0} samples/s",
        (samples - before) as f64 / since.elapsed().as_secs_f64()
    );
    println!("this process (collector and generator): {:.1} CPU s", cpu_seconds() - cpu);
    println!("flushes: {:?}", ingest.stats().flush);
    println!("resident: {}", status("VmRSS:"));
    let payload = i64::try_from(sender.join().unwrap()).unwrap();
    println!("payload: {:.2} B/sample", payload as f64 / samples as f64);
    println!("WAL: {:.2} B/sample", (wal_bytes(&mut sql).await - wal) as f64 / samples as f64);
    merge(&store, &config.store, &mut sql, samples).await;
    stop.send_replace(true);
    running.await.unwrap().unwrap();
}

/// Merges all days as if they were over.
async fn merge(store: &Store, config: &StoreConfig, sql: &mut PgConnection, samples: u64) {
    sizes(sql, samples).await;
    let wal = wal_bytes(sql).await;
    let merging = Instant::now();
    run_once(store, config, i64::MAX / 4_000_000).await.unwrap();
    let wal = (wal_bytes(sql).await - wal) as f64 / samples as f64;
    println!("merged in {:.1} s, WAL {wal:.2} B/sample", merging.elapsed().as_secs_f64());
    sizes(sql, samples).await;
}

async fn wal_bytes(sql: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT (pg_current_wal_lsn() - '0/0')::int8").fetch_one(sql).await.unwrap()
}

async fn sizes(sql: &mut PgConnection, samples: u64) {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT coalesce(p.relname, c.relname)::text, sum(pg_table_size(c.oid))::int8, sum(pg_indexes_size(c.oid))::int8
         FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 2 DESC LIMIT 6",
    )
    .fetch_all(sql)
    .await
    .unwrap();
    for (name, table, index) in rows {
        let per = |bytes: i64| bytes as f64 / samples as f64;
        println!("  {name}: {:.3} + {:.3} B/sample", per(table), per(index));
    }
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn status(key: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("?").trim().to_owned()
}

/// Publishes everything; bytes of all payloads.
fn generate(plan: &Plan, url: &str) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(url).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        let mut window = std::collections::VecDeque::new();
        let mut bytes = 0;
        for tick in 0..plan.ticks {
            for host in 0..plan.hosts {
                let batch = batch(plan, host, tick);
                let payload = encode(&batch).unwrap();
                bytes += payload.len();
                let mut headers = HeaderMap::new();
                headers.insert(async_nats::header::NATS_MESSAGE_ID, batch.id().to_string());
                let sent =
                    jetstream.publish_with_headers(subject::metrics(&batch.host), headers, payload.into());
                window.push_back(sent.await.unwrap());
                if window.len() >= 500 {
                    window.pop_front().unwrap().await.unwrap();
                }
            }
        }
        for sent in window {
            sent.await.unwrap();
        }
        bytes
    })
}

fn batch(plan: &Plan, host: usize, tick: usize) -> Batch {
    let name = format!("host-{host}");
    let at = plan.start + (tick as i64 + 1) * INTERVAL_MS;
    let reading = |source: usize| {
        let width = plan.series / SOURCES;
        let family = Family {
            name: format!("node_bench_{source}_total"),
            kind: Kind::Counter,
            keys: vec!["device".to_owned()],
            rows: (0..width).map(|i| vec![format!("device-{i}")]).collect(),
        };
        let values = (0..width).map(|i| value(host, source * width + i, tick)).collect();
        let layout = layout_hash(std::slice::from_ref(&family)).unwrap();
        let series = (tick == 0).then(|| vec![family]);
        Reading { source: format!("source{source}"), at, layout, series, values }
    };
    Batch {
        v: BATCH_VERSION,
        host: HostName::from_any(&name),
        host_id: HostId::from_machine_id(&name),
        epoch: plan.start.cast_unsigned(),
        seq: tick as u64 + 1,
        lost: vec![],
        readings: (0..SOURCES).map(reading).collect(),
    }
}

fn value(host: usize, series: usize, tick: usize) -> f64 {
    let noise = (host * 7919 + series * 104_729 + tick * 1_299_709).wrapping_mul(2_654_435_761) >> 7 & 0xff;
    match series % 20 {
        0 => (tick * 100 + noise) as f64,
        1 => (tick * 1000) as f64 / 100.0 + noise as f64 / 100.0,
        2 => 1e9 + (noise * 4096) as f64,
        3 => noise as f64 / 256.0,
        _ => series as f64,
    }
}
