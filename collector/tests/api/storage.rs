//! Disks, arrays and pools that hosts told of, as the API shows them. Real database, real broker.

use std::collections::BTreeMap;

use hi_common::fact::FactValue;
use hi_common::metric::Kind::Gauge;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::bench::Bench;
use crate::client::{encode, get};
use crate::data::World;

/// A document of a fact as JSON has it.
fn doc(value: &Value) -> Vec<(&str, FactValue)> {
    value.as_object().unwrap().iter().map(|(key, value)| (key.as_str(), fact_value(value))).collect()
}

fn fact_value(value: &Value) -> FactValue {
    match value {
        Value::Bool(value) => FactValue::Bool(*value),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| FactValue::Float(number.as_f64().unwrap()), FactValue::Int)
        }
        Value::String(text) => FactValue::Text(text.clone()),
        Value::Array(values) => FactValue::List(values.iter().map(fact_value).collect()),
        Value::Object(map) => {
            let parts = map.iter().map(|(key, value)| (key.clone(), fact_value(value)));
            FactValue::Map(parts.collect::<BTreeMap<_, _>>())
        }
        Value::Null => panic!("facts have no null"),
    }
}

pub(crate) async fn tell(agent: &Agent, kind: &str, id: &str, at: i64, value: Value) {
    agent.fact(kind, id, at, &doc(&value)).await;
}

const WWN: &str = "wwn-0x5000c500a1b2c3d4";

fn disk(device: &str, slot: &str) -> Value {
    json!({"device": device, "model": "WDC WD40EFRX", "serial": "WD-1", "wwn": "0x5000c500a1b2c3d4", "slot": slot,
        "size_bytes": 4_000_787_030_016_i64, "rotational": true, "transport": "sata"})
}

fn pool(state: &str, member: &str) -> Value {
    json!({"guid": "12", "state": state, "status": "faulted_device",
        "reason": "A device has failed; others stand in for it.", "vdevs": [
            {"name": "mirror-0", "type": "mirror", "state": state, "children": [
                {"name": "sda", "type": "disk", "state": member, "device": "sda1", "read_errors": 0},
                {"name": "sdb", "type": "disk", "state": "ONLINE", "device": "sdb1"}]}]})
}

async fn publish(world: &World, agent: &mut Agent) {
    let t0 = world.t0;
    tell(agent, "disk", WWN, t0, disk("sdc", "1")).await;
    // The stream keeps the last of each fact: what is to be history must have been taken.
    world.until("/api/disks", |page| page["disks"][0]["slot"] == "1").await;
    tell(agent, "disk", WWN, t0 + 1_000, disk("sda", "4")).await;
    let health = json!({"device": "sda", "state": "read", "protocol": "ATA", "verdict": "passed", "passed": true,
        "self_tests": [{"kind": "Short offline", "result": "Completed without error", "passed": true, "at_hours": 7}],
        "errors": [{"number": 1, "text": "Error: UNC at LBA = 0x1", "at_hours": 5}]});
    tell(agent, "disk_health", WWN, t0, health).await;
    tell(agent, "disk", "path-pci-0000:00:02.0", t0, json!({"device": "vda"})).await;
    let array = json!({"state": "active, degraded", "level": "raid1", "raid_disks": 2, "degraded": 1, "failed": false,
        "members": [{"device": "sda2", "role": "active", "slot": 0}]});
    tell(agent, "array", "md0", t0, array).await;
    tell(agent, "pool", "tank", t0, pool("DEGRADED", "FAULTED")).await;
    tell(agent, "btrfs", "uuid-7", t0, json!({"label": "data", "devices": [{"id": 1, "device": "sda3"}]}))
        .await;
    tell(agent, "raid_controller", "0000:03:00.0", t0, json!({"family": "MegaRAID", "volumes": ["sdx"]}))
        .await;
    let sda = [("device", "sda")];
    let current = [("device", "sda"), ("temperature_type", "current")];
    let attribute = |kind: &'static str| {
        [
            ("attribute_id", "9"),
            ("attribute_name", "Power_On_Hours"),
            ("attribute_value_type", kind),
            ("device", "sda"),
        ]
    };
    agent
        .read(
            "smart",
            t0 + 5_000,
            &[
                ("smartctl_device_temperature", Gauge, &current, 31.0),
                ("smartctl_device_power_on_seconds", Gauge, &sda, 7_200.0),
                ("smartctl_device_attribute", Gauge, &attribute("value"), 98.0),
                ("smartctl_device_attribute", Gauge, &attribute("raw"), 2.0),
                ("hi_smart_wear_ratio", Gauge, &sda, 0.95),
                ("hi_smart_reading_age_seconds", Gauge, &sda, 2.0),
            ],
        )
        .await;
    let tank = [("pool", "tank")];
    agent
        .read(
            "zfs",
            t0 + 5_000,
            &[
                ("hi_zfs_pool_size_bytes", Gauge, &tank, 1_000.0),
                ("hi_zfs_pool_allocated_bytes", Gauge, &tank, 250.0),
            ],
        )
        .await;
    world.bench.taken(2).await;
}

/// All facts and readings have come.
fn complete(page: &Value) -> bool {
    let disk = &page["disks"][1];
    disk["device"] == "sda" && disk["verdict"] == "passed" && page["controllers"][0].is_object()
}

#[tokio::test]
async fn disks_arrays_and_pools_are_shown() {
    let world = World::start().await;
    let mut agent = world.agent("nas1").await;
    publish(&world, &mut agent).await;
    let page = world.until("/api/disks", complete).await;
    let (bare, disk) = (&page["disks"][0], &page["disks"][1]);
    assert_eq!((&bare["id"], &bare["state"]), (&json!("nas1:path-pci-0000:00:02.0"), &json!("unknown")));
    assert_eq!((&disk["id"], &disk["slot"]), (&json!(format!("nas1:{WWN}")), &json!("4")));
    assert_eq!((&disk["temperature_celsius"], &disk["wear_ratio"]), (&json!(31.0), &json!(0.95)));
    assert_eq!(disk["used_by"], json!(["array md0", "pool tank"]));
    assert_eq!(disk["state"], "warning");
    assert_eq!(page["controllers"][0]["id"], "nas1:0000:03:00.0");

    let arrays = world.until("/api/arrays", |page| page["arrays"][0].is_object()).await;
    let array = &arrays["arrays"][0];
    assert_eq!((&array["id"], &array["state"]), (&json!("nas1:md0"), &json!("critical")));
    assert_eq!(array["members"][0]["disk"], disk["id"]);

    let degraded = |page: &Value| page["pools"][0]["words"] == "DEGRADED" && page["pools"][1].is_object();
    let pools = world.until("/api/pools", degraded).await;
    let tank = &pools["pools"][0];
    assert_eq!((&tank["used_ratio"], &tank["type"]), (&json!(0.25), &json!("zfs")));
    assert_eq!(tank["findings"][0]["message"], "degraded: sda faulted");
    assert_eq!(tank["vdevs"][0]["children"][0]["disk"], disk["id"]);
    assert_eq!((&pools["pools"][1]["name"], &pools["pools"][1]["type"]), (&json!("data"), &json!("btrfs")));

    let items = world.json("/api/attention").await["items"].clone();
    let lines: Vec<String> = items
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["target"].is_string())
        .map(|item| format!("{} {}", item["subject"].as_str().unwrap(), item["message"].as_str().unwrap()))
        .collect();
    assert_eq!(
        lines,
        [
            "array md0 degraded: 1 of 2 members missing",
            "pool tank degraded: sda faulted",
            "disk sda 95 % of its rated endurance is used up",
        ]
    );
    let hosts = world.json("/api/hosts").await;
    assert_eq!(
        (&hosts["hosts"][0]["disk_count"], &hosts["hosts"][0]["disks_worst"]),
        (&json!(2), &json!("warning"))
    );
}

#[tokio::test]
async fn a_disk_shows_its_attributes_logs_and_past() {
    let world = World::start().await;
    let mut agent = world.agent("nas1").await;
    publish(&world, &mut agent).await;
    world.until("/api/disks", complete).await;
    // The same disk was in another host before.
    let before = world.agent("old").await;
    tell(&before, "disk", WWN, world.t0 - 60_000, disk("sdb", "9")).await;
    let path = format!("/api/disks/{}", encode(&format!("nas1:{WWN}")));
    let detail = world.until(&path, |disk| disk["places"].as_array().is_some_and(|p| p.len() == 3)).await;
    assert_eq!(detail["attributes"][0]["name"], "Power_On_Hours");
    assert_eq!(
        (&detail["attributes"][0]["value"], &detail["attributes"][0]["raw"]),
        (&json!(98.0), &json!(2.0))
    );
    assert_eq!(detail["self_tests"][0]["result"], "Completed without error");
    assert_eq!(detail["error_log"][0]["number"], 1);
    assert_eq!(detail["facts"]["disk_health"]["protocol"], "ATA");
    let metrics: Vec<&str> =
        detail["readings"].as_array().unwrap().iter().filter_map(|r| r["metric"].as_str()).collect();
    assert!(metrics.contains(&"hi_smart_wear_ratio") && !metrics.contains(&"smartctl_device_attribute"));

    let slots: Vec<(&str, &str)> = detail["places"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|place| Some((place["host"].as_str()?, place["slot"].as_str()?)))
        .collect();
    assert_eq!(slots, [("nas1", "4"), ("nas1", "1"), ("old", "9")]);
    let moved =
        detail["history"].as_array().unwrap().iter().find(|change| change["event"] == "changed").unwrap();
    let fields: Vec<&str> =
        moved["fields"].as_array().unwrap().iter().filter_map(|field| field["field"].as_str()).collect();
    assert_eq!(fields, ["device", "slot"]);

    for none in ["/api/disks/nas1", "/api/disks/nas1%3Anone", "/api/disks/none%3Anone"] {
        assert_eq!(get(world.bench.address, none).await.problem()["status"], 404, "{none}");
    }
}

#[tokio::test]
async fn datasets_of_a_pool_are_listed_as_a_tree() {
    let world = World::start().await;
    let mut agent = world.agent("nas1").await;
    let (t0, filesystem) = (world.t0, json!({"pool": "tank", "type": "filesystem"}));
    for name in ["tank", "tank/a-b", "tank/a", "tank/a/b", "other/a"] {
        tell(&agent, "dataset", name, t0, filesystem.clone()).await;
    }
    tell(&agent, "pool", "tank", t0, pool("ONLINE", "ONLINE")).await;
    tell(&agent, "btrfs", "uuid-7", t0, json!({"label": "data"})).await;
    let a = [("dataset", "tank/a"), ("pool", "tank")];
    agent.read("zfs", t0 + 5_000, &[("hi_zfs_dataset_used_bytes", Gauge, &a, 7.0)]).await;
    world.bench.taken(1).await;
    world.until("/api/pools", |page| page["pools"].as_array().is_some_and(|pools| pools.len() == 2)).await;
    let path = "/api/pools/nas1%3Atank/datasets";
    let names = |page: &Value| -> Vec<String> {
        let datasets = page["datasets"].as_array().into_iter().flatten();
        datasets.filter_map(|dataset| Some(dataset["name"].as_str()?.to_owned())).collect()
    };
    let page = world.until(path, |page| names(page).len() == 4).await;
    assert_eq!(names(&page), ["tank", "tank/a", "tank/a/b", "tank/a-b"]);
    assert_eq!((&page["datasets"][1]["used_bytes"], &page["truncated"]), (&json!(7.0), &json!(false)));
    let page = world.json(&format!("{path}?limit=2")).await;
    assert_eq!((names(&page).len(), &page["next_cursor"]), (2, &json!("tank/a")));
    let rest = world.json(&format!("{path}?limit=2&cursor=tank%2Fa")).await;
    assert_eq!(
        (names(&rest), &rest["next_cursor"]),
        (vec!["tank/a/b".into(), "tank/a-b".into()], &Value::Null)
    );
    assert_eq!(world.json("/api/pools/nas1%3Auuid-7/datasets").await["datasets"], json!([]));
    for none in ["/api/pools/nas1/datasets", "/api/pools/nas1%3Ax/datasets", "/api/pools/x%3Atank/datasets"] {
        assert_eq!(get(world.bench.address, none).await.problem()["status"], 404, "{none}");
    }
}

#[tokio::test]
async fn lists_of_storage_are_paged_and_filtered_by_host() {
    let world = World::start().await;
    for host in ["a", "b"] {
        let agent = world.agent(host).await;
        for device in ["sda", "sdb"] {
            tell(&agent, "disk", &format!("wwn-{device}"), world.t0, json!({"device": device})).await;
        }
    }
    let four = |page: &Value| page["disks"].as_array().is_some_and(|disks| disks.len() == 4);
    world.until("/api/disks", four).await;
    let page = world.json("/api/disks?limit=3").await;
    assert_eq!((&page["disks"][2]["id"], &page["next_cursor"]), (&json!("b:wwn-sda"), &json!("b:wwn-sda")));
    let rest = world.json("/api/disks?limit=3&cursor=b%3Awwn-sda").await;
    assert_eq!((rest["disks"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    let of_host = world.json("/api/disks?host=b").await;
    assert_eq!((of_host["disks"].as_array().unwrap().len(), &of_host["disks"][0]["host"]), (2, &json!("b")));
    assert_eq!(get(world.bench.address, "/api/pools?limit=0").await.problem()["status"], 400);
    assert_eq!(get(world.bench.address, "/api/arrays?sort=x").await.problem()["status"], 400);
}

#[tokio::test]
async fn storage_is_known_again_after_a_restart() {
    let mut world = World::start().await;
    let mut agent = world.agent("nas1").await;
    publish(&world, &mut agent).await;
    world.until("/api/disks", complete).await;
    world.bench.stop_ingest().await;
    let url = world.database.url().to_owned();
    world.bench = Bench::complete(&url, &world.nats).await;
    world.bench.restore(&url).await;
    let known = |page: &Value| complete(page) && page["disks"][1]["temperature_celsius"] == 31.0;
    world.until("/api/disks", known).await;
}

#[tokio::test]
async fn without_a_database_storage_says_so() {
    let bench = Bench::without_database().await;
    for path in ["/api/disks", "/api/arrays", "/api/pools", "/api/disks/a%3Ab", "/api/pools/a%3Ab/datasets"] {
        assert_eq!(get(bench.address, path).await.problem()["status"], 503, "{path}");
    }
}
