//! What a host published, as the API shows it. Real database, real broker.

use hi_collector::moment::now_ms;
use hi_common::catalog::SourceOutcome;
use hi_common::fact::FactValue;
use hi_common::metric::Kind::{Counter, Gauge};
use hi_common::metric::Unit;
use hi_harness::{BOUND, Database, NatsServer, Proxy, wait_for};
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::bench::Bench;
use crate::client::{Live, encode, get};

pub(crate) struct World {
    pub(crate) bench: Bench,
    pub(crate) nats: NatsServer,
    pub(crate) database: Database,
    /// Start of the minute before the last, Unix milliseconds.
    pub(crate) t0: i64,
}

impl World {
    pub(crate) async fn start() -> Self {
        let (nats, database) = (NatsServer::start().unwrap(), Database::fresh().await.unwrap());
        let bench = Bench::complete(database.url(), &nats).await;
        Self { bench, nats, database, t0: now_ms() / 60_000 * 60_000 - 120_000 }
    }

    pub(crate) async fn agent(&self, host: &str) -> Agent {
        Agent::connect(&self.nats.url(), host, self.t0 - 3_600_000).await
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let reply = get(self.bench.address, path).await;
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    /// Waits until an answer is as wanted: catalogs and facts come some moments after they were published.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_for(path, BOUND, || async { Some(self.json(path).await).filter(&wanted) }).await
    }

    fn samples(&self, selector: &str, more: &str) -> String {
        let (start, end) = (self.t0 / 1000, self.t0 / 1000 + 60);
        format!("/api/samples?match={}&start={start}&end={end}{more}", encode(selector))
    }
}

/// Seven readings, ten seconds apart: two processors, of which the first is half busy, and a load of 0 to 6.
async fn publish_minute(world: &World, agent: &mut Agent) {
    for tick in 0..=6 {
        let at = world.t0 + tick * 10_000;
        let n = tick as f64;
        agent
            .read(
                "cpu",
                at,
                &[
                    ("node_cpu_seconds_total", Counter, &[("cpu", "0"), ("mode", "idle")], 5.0 * n),
                    ("node_cpu_seconds_total", Counter, &[("cpu", "0"), ("mode", "user")], 5.0 * n),
                    ("node_cpu_seconds_total", Counter, &[("cpu", "1"), ("mode", "idle")], 10.0 * n),
                    ("node_cpu_seconds_total", Counter, &[("cpu", "1"), ("mode", "user")], 0.0),
                ],
            )
            .await;
        agent.read("load", at, &[("node_load1", Gauge, &[], n)]).await;
    }
    world.bench.taken(14).await;
}

#[tokio::test]
async fn samples_are_read_as_asked() {
    let mut world = World::start().await;
    let mut agent = world.agent("nas").await;
    publish_minute(&world, &mut agent).await;
    // Once from memory, once from the database.
    for place in ["head", "store"] {
        let raw = world.json(&world.samples("node_load1", "")).await;
        let series = &raw["series"][0];
        assert_eq!(
            (&raw["step_seconds"], &raw["resolution"], &raw["partial"]),
            (&Value::Null, &json!("raw"), &json!(false))
        );
        assert_eq!(series["values"], json!([0, 1, 2, 3, 4, 5]), "{place}");
        assert_eq!(series["times_unix_ms"][1], world.t0 + 10_000);
        assert_eq!(series["labels"], json!({"instance": "nas", "job": "node"}));

        let stepped = world.json(&world.samples("node_load1", "&step_seconds=30")).await;
        let series = &stepped["series"][0];
        assert_eq!((&series["avg"], &series["min"]), (&json!([1, 4]), &json!([0, 3])));
        assert_eq!((&series["max"], &series["last"]), (&json!([2, 5]), &json!([2, 5])));

        let selector = r#"node_cpu_seconds_total{mode!="idle"}"#;
        let busy = world.json(&world.samples(selector, "&step_seconds=20&mode=rate&sum_by=instance")).await;
        assert_eq!(busy["series"].as_array().unwrap().len(), 1);
        let series = &busy["series"][0];
        assert_eq!((&series["id"], &series["labels"]), (&Value::Null, &json!({"instance": "nas"})));
        assert_eq!(series["avg"], json!([0.5, 0.5, 0.5]), "{place}");

        let rates = world.json(&world.samples(r#"node_cpu_seconds_total{cpu="1"}"#, "&mode=rate")).await;
        assert_eq!(rates["series"][0]["values"], json!([1, 1, 1, 1, 1]));
        assert_eq!(rates["series"][1]["values"], json!([0, 0, 0, 0, 0]));
        if place == "head" {
            world.bench.stop_ingest().await;
            let config_url = world.database.url().to_owned();
            world.bench = Bench::complete(&config_url, &world.nats).await;
            assert_eq!(world.bench.ingest.head.stats().samples, 0, "all is written");
        }
    }
}

#[tokio::test]
async fn hosts_show_what_they_are() {
    let world = World::start().await;
    let mut agent = world.agent("nas").await;
    publish_minute(&world, &mut agent).await;
    let root = [("device", "/dev/sda1"), ("fstype", "ext4"), ("mountpoint", "/")];
    agent
        .read(
            "filesystem",
            world.t0 + 60_000,
            &[
                ("node_filesystem_size_bytes", Gauge, &root, 100.0),
                ("node_filesystem_free_bytes", Gauge, &root, 4.0),
                ("node_filesystem_avail_bytes", Gauge, &root, 4.0),
            ],
        )
        .await;
    agent.fact("host", "host", world.t0, &[("os", FactValue::Text("Debian".to_owned()))]).await;
    agent.fact("disk", "sda", world.t0, &[("model", FactValue::Text("Disk 1".to_owned()))]).await;
    let sources = [("cpu", SourceOutcome::Read), ("smart", SourceOutcome::Error)];
    agent.catalog(world.t0, &sources, &[("node_load1", Unit::None)]).await;

    let complete = |page: &Value| {
        let host = &page["hosts"][0];
        host["os"] == "Debian"
            && host["agent_version"] == "9.9.9"
            && host["disk_count"] == 1
            && host["attention"] == 2
    };
    let page = world.until("/api/hosts", complete).await;
    let host = &page["hosts"][0];
    assert_eq!((&host["host"], &host["state"], &host["cpu_count"]), (&json!("nas"), &json!("ok"), &json!(2)));
    assert_eq!((&host["cpu_busy_ratio"], &host["load1"]), (&json!(0.25), &json!(6.0)));
    assert_eq!(host["cpu_busy_history"].as_array().unwrap().len(), 60);
    assert!(host["cpu_busy_history"].as_array().unwrap().contains(&json!(0.25)));
    assert_eq!(host["filesystem_fullest"]["used_ratio"], 0.96);
    assert_eq!(host["sources_failing"], 1);

    let detail = world.json("/api/hosts/nas").await;
    assert_eq!(detail["filesystems"][0]["fstype"], "ext4");
    assert_eq!(detail["disks"][0]["model"], "Disk 1");
    // What else exists on it is asked for by itself.
    assert_eq!((detail["facts"].as_array().unwrap().len(), &detail["facts"][0]["kind"]), (1, &json!("host")));
    assert_eq!(detail["fact_counts"], json!({"disk": 1, "host": 1}));
    let page = world.json("/api/hosts/nas/facts?limit=1").await;
    assert_eq!((&page["facts"][0]["id"], &page["next_cursor"]), (&json!("sda"), &json!("disk:sda")));
    let page = world.json("/api/hosts/nas/facts?limit=1&cursor=disk%3Asda").await;
    assert_eq!((&page["facts"][0]["kind"], &page["next_cursor"]), (&json!("host"), &Value::Null));
    assert_eq!(world.json("/api/hosts/nas/facts?kind=none").await["facts"], json!([]));
    assert_eq!(get(world.bench.address, "/api/hosts/none/facts").await.problem()["status"], 404);
    assert_eq!(get(world.bench.address, "/api/hosts/nas/facts?cursor=x").await.problem()["status"], 400);
    let smart =
        detail["sources"].as_array().unwrap().iter().find(|source| source["source"] == "smart").unwrap();
    assert_eq!((&smart["outcome"], &smart["reason"]), (&json!("error"), &json!("permission")));
    assert_eq!(get(world.bench.address, "/api/hosts/none").await.problem()["status"], 404);

    let items = world.json("/api/attention").await["items"].clone();
    let kinds: Vec<&str> =
        items.as_array().unwrap().iter().filter_map(|item| item["kind"].as_str()).collect();
    assert_eq!(kinds, ["filesystem_full", "source_failing"]);
    assert_eq!(world.json("/readyz").await, json!({"status": "ok"}));
}

#[tokio::test]
async fn lists_are_paged() {
    let world = World::start().await;
    for host in ["a", "b", "c"] {
        let mut agent = world.agent(host).await;
        agent
            .read("load", world.t0, &[("node_load1", Gauge, &[], 1.0), ("node_load5", Gauge, &[], 1.0)])
            .await;
        for n in 0..3 {
            agent.event("source_changed", world.t0 + n).await;
        }
    }
    world.bench.taken(3).await;
    world.until("/api/hosts", |page| page["hosts"].as_array().is_some_and(|hosts| hosts.len() == 3)).await;
    let page = world.json("/api/hosts?limit=2").await;
    assert_eq!((&page["hosts"][1]["host"], &page["next_cursor"]), (&json!("b"), &json!("b")));
    let rest = world.json("/api/hosts?limit=2&cursor=b").await;
    assert_eq!((&rest["hosts"][0]["host"], &rest["next_cursor"]), (&json!("c"), &Value::Null));

    let path = format!("/api/series?match={}&limit=4", encode(r#"{__name__=~"node_load.*"}"#));
    let first = world.json(&path).await;
    assert_eq!(first["series"].as_array().unwrap().len(), 4);
    let next = world.json(&format!("{path}&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((next["series"].as_array().unwrap().len(), &next["next_cursor"]), (2, &Value::Null));

    let path = "/api/events?type=source_changed&limit=5";
    let ours = |page: &Value| {
        page["events"].as_array().is_some_and(|events| events.len() == 5) && !page["next_cursor"].is_null()
    };
    let first = world.until(path, ours).await;
    let next = world.json(&format!("{path}&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((next["events"].as_array().unwrap().len(), &next["next_cursor"]), (4, &Value::Null));
    let mut ids: Vec<&str> = Vec::new();
    for event in first["events"].as_array().unwrap().iter().chain(next["events"].as_array().unwrap()) {
        ids.push(event["id"].as_str().unwrap());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9, "every event is on one page");
    let of_host = world.json("/api/events?type=source_changed&host=b").await;
    assert_eq!(of_host["events"].as_array().unwrap().len(), 3);
    assert_eq!(of_host["events"][0]["data"], json!({"key": "value"}));
}

#[tokio::test]
async fn limits_say_how_to_narrow() {
    let world = World::start().await;
    let mut agent = world.agent("nas").await;
    agent.read("load", world.t0, &[("node_load1", Gauge, &[], 1.0)]).await;
    world.bench.taken(1).await;
    let path =
        "/api/samples?match=node_load1&start=2026-01-01T00:00:00Z&end=2026-03-01T00:00:00Z&step_seconds=1";
    let problem = get(world.bench.address, path).await.problem();
    assert_eq!(problem["status"], 422);
    assert!(problem["detail"].as_str().unwrap().contains("take a longer step"), "{problem}");
}

#[tokio::test]
async fn live_readings_come_at_once() {
    let world = World::start().await;
    let mut agent = world.agent("nas").await;
    let mut live = Live::open(world.bench.address, "/api/live?match=node_load1").await;
    agent.read("load", world.t0, &[("node_load1", Gauge, &[], 7.0)]).await;
    let (_, series) = live.event().await.unwrap();
    let (name, samples) = live.event().await.unwrap();
    let id = &series["series"][0]["id"];
    assert_eq!((name.as_str(), &samples["samples"]), ("samples", &json!([[id, 7]])));
}

#[tokio::test]
async fn without_its_database_the_page_keeps_what_it_knew() {
    let (nats, database) = (NatsServer::start().unwrap(), Database::fresh().await.unwrap());
    let proxy = Proxy::start(database.address()).await.unwrap();
    let bench = Bench::complete(&database.url_through(proxy.address()), &nats).await;
    let world = World { bench, nats, database, t0: now_ms() / 60_000 * 60_000 - 120_000 };
    let mut agent = world.agent("nas").await;
    publish_minute(&world, &mut agent).await;
    world.until("/api/hosts", |page| page["hosts"][0]["cpu_busy_ratio"] == 0.25).await;
    proxy.cut();
    let system = world.until("/api/system", |system| system["database"]["connected"] == false).await;
    assert!(system["database"]["error"].is_string());
    assert_eq!(world.json("/api/hosts").await["hosts"][0]["cpu_busy_ratio"], 0.25);
    assert_eq!(get(world.bench.address, "/readyz").await.status, 503);
    assert_eq!(get(world.bench.address, &world.samples("node_load1", "")).await.status, 503);
    proxy.restore();
    world.until("/api/system", |system| system["database"]["connected"] == true).await;
    wait_for("samples again", BOUND, || async {
        (get(world.bench.address, &world.samples("node_load1", "")).await.status == 200).then_some(())
    })
    .await;
}
