//! Containers that hosts told of, as the API shows them. Real database, real broker.

use std::collections::BTreeMap;

use hi_common::metric::Kind::{Counter, Gauge};
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::client::get;
use crate::data::World;
use crate::storage::tell;

const ID: &str = "0123456789abcdef0123456789abcdef";

fn container(name: &str, state: &str, project: &str) -> Value {
    json!({"name": name, "container_id": ID, "engine": "docker", "image": "nginx:1.27", "state": state,
        "health": "none", "compose_project": project, "labels": {"own": "yes"}, "command": "nginx -g",
        "mounts": [{"type": "bind", "source": "/srv", "destination": "/data", "read_only": true}],
        "networks": [{"name": "site", "address": "172.18.0.2"}]})
}

async fn usage(agent: &mut Agent, world: &World) {
    let own = [("id", "/docker/0123456789abcdef0123456789abcdef"), ("name", "web")];
    for tick in 0..2_i64 {
        let samples = [
            ("container_cpu_usage_seconds_total", Counter, &own[..], 5.0 * tick as f64),
            ("container_memory_working_set_bytes", Gauge, &own[..], 64.0),
        ];
        agent.read("docker", world.t0 + tick * 10_000, &samples).await;
    }
    world.bench.taken(2).await;
}

#[tokio::test]
async fn containers_are_listed_and_filtered() {
    let world = World::start().await;
    let mut nas = world.agent("nas1").await;
    let other = world.agent("pi").await;
    tell(&nas, "container", "web", world.t0, container("web", "running", "site")).await;
    tell(&nas, "container", "db", world.t0, container("db", "exited", "site")).await;
    let mut sick = container("app", "running", "app");
    sick["health"] = json!("unhealthy");
    tell(&other, "container", "podman/app", world.t0, sick).await;
    usage(&mut nas, &world).await;
    // A host is shown once it has sent a batch.
    let mut other = other;
    other.read("load", world.t0, &[("node_load1", Gauge, &[], 1.0)]).await;
    let page = world.until("/api/containers", |page| page["total"] == 3).await;
    let ids: Vec<&str> =
        page["containers"].as_array().unwrap().iter().filter_map(|own| own["id"].as_str()).collect();
    assert_eq!(ids, ["nas1:db", "nas1:web", "pi:podman/app"]);
    assert_eq!((&page["running"], &page["unhealthy"]), (&json!(2), &json!(1)));
    let web = &page["containers"][1];
    assert_eq!((&web["cpu_cores"], &web["memory_bytes"]), (&json!(0.5), &json!(64.0)));

    let count = async |query: &str| world.json(&format!("/api/containers?{query}")).await["total"].clone();
    for (query, expected) in [
        ("host=nas1", 2),
        ("state=running", 2),
        ("state=exited,paused", 1),
        ("health=unhealthy", 1),
        ("health=none", 2),
        ("project=site", 2),
        ("q=NGINX", 3),
        ("q=podman", 1),
        ("q=pi", 1),
        ("host=nas1&state=running&q=site", 1),
        ("host=none", 0),
    ] {
        assert_eq!(count(query).await, json!(expected), "{query}");
    }
    let first = world.json("/api/containers?limit=2").await;
    assert_eq!((&first["total"], &first["next_cursor"]), (&json!(3), &json!("nas1:web")));
    let rest = world.json("/api/containers?limit=2&cursor=nas1%3Aweb").await;
    assert_eq!((rest["containers"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    assert_eq!(get(world.bench.address, "/api/containers?sort=x").await.problem()["status"], 400);

    let hosts = world.json("/api/hosts").await;
    let of = |name: &str| {
        let hosts = hosts["hosts"].as_array().unwrap();
        hosts.iter().find(|host| host["host"] == name).unwrap().clone()
    };
    assert_eq!((&of("nas1")["container_count"], &of("nas1")["containers_running"]), (&json!(2), &json!(1)));
    assert_eq!(of("pi")["containers_unhealthy"], 1);
    let items = world.json("/api/attention").await["items"].clone();
    let is = |item: &&Value| item["kind"] == "container_failing";
    let item = items.as_array().unwrap().iter().find(is).unwrap();
    assert_eq!((&item["subject"], &item["message"]), (&json!("container podman/app"), &json!("unhealthy")));
    assert_eq!(item["target"], "container:pi:podman/app");
    let detail = world.json("/api/containers/pi/podman%2Fapp").await;
    assert_eq!(detail["name"], "app");
}

#[tokio::test]
async fn a_container_shows_what_is_in_it_and_what_happened() {
    let world = World::start().await;
    let mut agent = world.agent("nas1").await;
    usage(&mut agent, &world).await;
    tell(&agent, "container", "web", world.t0, container("web", "created", "site")).await;
    world.until("/api/containers", |page| page["containers"][0]["state"] == "created").await;
    tell(&agent, "container", "web", world.t0 + 1_000, container("web", "running", "site")).await;
    for (kind, name, at) in
        [("container_start", "web", 1), ("container_die", "db", 2), ("container_oom", "web", 3)]
    {
        let data = BTreeMap::from([("container".to_owned(), name.to_owned())]);
        agent.event_with(kind, world.t0 + at, data).await;
    }
    let complete =
        |page: &Value| page["state"] == "running" && page["events"].as_array().is_some_and(|e| e.len() == 2);
    // Listed anew within seconds.
    world.until("/api/containers", |page| page["containers"][0]["state"] == "running").await;
    let detail = world.until("/api/containers/nas1/web", complete).await;
    let kinds: Vec<&str> =
        detail["events"].as_array().unwrap().iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(kinds, ["container_oom", "container_start"]);
    assert_eq!((&detail["cpu_cores"], &detail["labels"]), (&json!(0.5), &json!({"own": "yes"})));
    assert_eq!(
        (&detail["mounts"][0]["destination"], &detail["mounts"][0]["type"]),
        (&json!("/data"), &json!("bind"))
    );
    assert_eq!(detail["networks"][0]["address"], "172.18.0.2");
    let changed =
        detail["history"].as_array().unwrap().iter().find(|change| change["event"] == "changed").unwrap();
    assert_eq!(changed["fields"][0]["field"], "state");
    assert_eq!(detail["readings"][0]["metric"], "container_cpu_usage_seconds_total");
    for none in ["/api/containers/nas1/none", "/api/containers/none/web", "/api/containers/none"] {
        assert_eq!(get(world.bench.address, none).await.problem()["status"], 404, "{none}");
    }
}

#[tokio::test]
async fn images_volumes_and_networks_are_shown_by_host() {
    let world = World::start().await;
    let mut agent = world.agent("nas1").await;
    usage(&mut agent, &world).await;
    let t0 = world.t0;
    tell(&agent, "container_engine", "docker", t0, json!({"version": "28.1"})).await;
    for (id, bytes) in [("sha256-a", 10), ("sha256-b", 20)] {
        let doc = json!({"size_bytes": bytes, "created_at": "2026-10-21T08:00:00Z", "tags": ["nginx:1.27"]});
        tell(&agent, "container_image", id, t0, doc).await;
    }
    tell(&agent, "container_volume", "data", t0, json!({"size_bytes": 5})).await;
    tell(&agent, "container_network", "site", t0, json!({"driver": "bridge"})).await;
    let complete = |page: &Value| {
        page["networks"][0].is_object() && page["images"].as_array().is_some_and(|i| i.len() == 2)
    };
    let page = world.until("/api/containers/nas1", complete).await;
    assert_eq!(
        (&page["images"][0]["key"], &page["images"][0]["size_bytes"]),
        (&json!("sha256-b"), &json!(20.0))
    );
    assert_eq!(page["images"][0]["created_at"], "2026-10-21T08:00:00Z");
    assert_eq!(
        (&page["engines"][0]["facts"]["version"], &page["volumes"][0]["key"]),
        (&json!("28.1"), &json!("data"))
    );
    assert_eq!(page["networks"][0]["facts"]["driver"], "bridge");
}

#[tokio::test]
async fn events_are_filtered() {
    let world = World::start().await;
    let mut agent = world.agent("nas1").await;
    usage(&mut agent, &world).await;
    for (kind, name) in [("container_start", "web"), ("container_die", "web"), ("bmc_log", "100%_Fan")] {
        let data = BTreeMap::from([("container".to_owned(), name.to_owned())]);
        agent.event_with(kind, world.t0, data).await;
    }
    let count = async |query: &str| {
        let path = format!("/api/events?{query}");
        world.json(&path).await["events"].as_array().unwrap().len()
    };
    world
        .until("/api/events?type=container_start,container_die,bmc_log", |page| {
            page["events"].as_array().is_some_and(|events| events.len() == 3)
        })
        .await;
    let kinds = "type=container_start,container_die,bmc_log";
    for (query, expected) in [
        ("type=container_start", 1),
        ("type=container_start,bmc_log", 2),
        ("container=web", 2),
        ("host=nas1&container=web&type=container_die", 1),
        (&format!("{kinds}&severity=warning"), 3),
        (&format!("{kinds}&severity=critical,info"), 0),
        (&format!("{kinds}&q=DIE"), 1),
        (&format!("{kinds}&q=100%25_f"), 1),
        (&format!("{kinds}&q=%25"), 1),
        (&format!("{kinds}&q=nothing"), 0),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    assert_eq!(get(world.bench.address, "/api/events?severity=bad").await.problem()["status"], 400);
}
