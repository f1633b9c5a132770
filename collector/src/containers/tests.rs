use serde_json::{Value, json};

use super::*;
use crate::attention::AttentionSeverity;
use crate::devices::SHAPE;
use crate::overview::host::tests::{layout, row};

const NOW: i64 = 1_795_161_600_000;
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn fact(id: &str, doc: Value) -> Arc<ContainerFact> {
    let row = FactRow { host: 1, kind: FACT_KIND.to_owned(), id: id.to_owned(), since: NOW - 5_000, doc };
    Arc::new(ContainerFact::new(&row))
}

fn host<'a>(facts: &'a [Arc<ContainerFact>], latest: &'a Latest) -> HostContainers<'a> {
    HostContainers { host: "nas1", silent: false, facts, latest, seen_ms: NOW, now_ms: NOW }
}

fn web() -> Value {
    json!({"name": "web", "container_id": ID, "image": "nginx:1.27", "state": "running", "health": "healthy",
        "started_at": "2026-11-20T07:00:00Z", "image_created_at": "2026-10-21T08:00:00Z", "restart_count": 2,
        "finished_at": "0001-01-01T00:00:00Z", "compose_project": "site", "ports": ["0.0.0.0:80->80/tcp"]})
}

#[test]
fn usage_is_made_of_what_grew() {
    let base = [("id", "/docker/0123456789abcdef0123456789abcdef"), ("image", "nginx:1.27"), ("name", "web")];
    let of = |name: &'static str, value: &'static str| {
        let mut labels = base.to_vec();
        labels.push((name, value));
        labels.sort_unstable();
        labels
    };
    let (cpu, eth0, eth1) = (of("cpu", "total"), of("interface", "eth0"), of("interface", "eth1"));
    let other = [("id", "/docker/ffff"), ("name", "web")];
    let docker = layout(
        "docker",
        &[
            ("container_cpu_usage_seconds_total", &cpu),
            ("container_memory_working_set_bytes", &base),
            ("container_spec_memory_limit_bytes", &base),
            ("container_network_receive_bytes_total", &eth0),
            ("container_network_receive_bytes_total", &eth1),
            ("container_threads", &base),
            ("container_memory_working_set_bytes", &other),
        ],
    );
    let mut latest = Latest::new(&SHAPE);
    latest.apply(&row(&docker, NOW - 10_000, &[10.0, 50.0, 100.0, 1_000.0, 0.0, 5.0, 7.0]));
    latest.apply(&row(&docker, NOW, &[15.0, 60.0, 100.0, 2_000.0, 500.0, 6.0, 8.0]));
    let facts = [fact("web", web())];
    let list = host(&facts, &latest).list(|_| true);
    let web = &list[0];
    assert_eq!((web.id.as_str(), web.key.as_str()), ("nas1:web", "web"));
    assert_eq!((web.cpu_cores, web.memory_bytes), (Some(0.5), Some(60.0)));
    assert_eq!((web.memory_limit_bytes, web.memory_ratio), (Some(100.0), Some(0.6)));
    assert_eq!((web.network_receive_bytes_per_second, web.pids), (Some(150.0), Some(6.0)));
    assert_eq!((web.uptime_seconds, web.image_age_seconds), (Some(3_600.0), Some(30.0 * 86_400.0)));
    assert_eq!((web.finished_at, web.restart_count), (None, Some(2.0)));
    assert_eq!((web.condition, web.last_read.map(|at| at.0)), (StorageState::Ok, Some(NOW)));
}

#[test]
fn of_another_engine_the_name_has_the_engine_before_it() {
    let base = [("id", "/machine.slice/libpod-ffff"), ("name", "web")];
    let podman = layout("docker", &[("container_memory_working_set_bytes", &base)]);
    let mut latest = Latest::new(&SHAPE);
    latest.apply(&row(&podman, NOW, &[8.0]));
    let facts = [
        fact("podman/web", json!({"name": "web", "container_id": "ffff", "state": "running"})),
        fact("web", web()),
    ];
    let list = host(&facts, &latest).list(|_| true);
    assert_eq!((list[0].memory_bytes, list[1].memory_bytes), (Some(8.0), None));
}

#[test]
fn what_is_wrong_is_told_in_words() {
    let with = |more: Value| {
        let mut doc = web();
        for (key, value) in more.as_object().unwrap() {
            doc[key] = value.clone();
        }
        let facts = [fact("web", doc)];
        let found = attention(&host(&facts, &Latest::new(&SHAPE)));
        found.into_iter().map(|item| (item.severity, item.message)).collect::<Vec<_>>()
    };
    let warning = |message: &str| vec![(AttentionSeverity::Warning, message.to_owned())];
    assert_eq!(with(json!({})), []);
    assert_eq!(
        with(json!({"health": "unhealthy", "health_output": "curl: (7)\n refused"})),
        warning("unhealthy: curl: (7) refused")
    );
    assert_eq!(
        with(json!({"state": "restarting", "exit_code": 3})),
        warning("ends and is started again, 2 times with exit code 3")
    );
    assert_eq!(
        with(json!({"state": "exited", "oom_killed": true, "exit_code": 137})),
        warning("was killed: it wanted more memory than it may have")
    );
    let policy = |policy: &str| with(json!({"state": "exited", "exit_code": 1, "restart_policy": policy}));
    assert_eq!((policy("on-failure"), policy("no")), (warning("ended with exit code 1"), vec![]));
    for stopped in [0, 137, 143] {
        let doc = json!({"state": "exited", "exit_code": stopped, "restart_policy": "unless-stopped"});
        assert_eq!(with(doc), [], "stopped by hand");
    }
    assert_eq!(with(json!({"state": "paused", "health": "none"})), []);
}

#[test]
fn a_container_is_found_by_any_of_its_names() {
    let fact = fact("web", web());
    for text in ["web", "nginx", "site"] {
        assert!(fact.contains(text), "{text}");
    }
    assert!(!fact.contains("postgres"));
}

/// Layout of these containers, with their CPU time, memory and received bytes; series are numbered as the containers are.
fn docker(numbers: std::ops::Range<i32>) -> Arc<crate::model::Layout> {
    const METRICS: [&str; 3] = [
        "container_cpu_usage_seconds_total",
        "container_memory_working_set_bytes",
        "container_network_receive_bytes_total",
    ];
    let info = |(number, index): (i32, usize)| {
        let labels = [("id", format!("/docker/{number:064}")), ("name", format!("c{number}"))];
        Some(crate::model::SeriesInfo {
            id: number * METRICS.len() as i32 + index as i32 + 1,
            host: 1,
            metric: Arc::from(METRICS[index]),
            kind: hi_common::metric::Kind::Counter,
            labels: labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        })
    };
    let all = numbers.flat_map(|number| (0..METRICS.len()).map(move |index| (number, index)));
    Arc::new(crate::model::Layout::new(1, Arc::from("docker"), 1, all.map(info).collect()))
}

#[test]
fn ten_thousand_containers_leave_nothing_behind() {
    let mut latest = Latest::new(&SHAPE);
    for generation in 0..2_000 {
        let layout = docker(generation * 5..generation * 5 + 10);
        let values = vec![1.0; layout.infos.len()];
        latest.apply(&row(&layout, NOW + i64::from(generation), &values));
        assert_eq!(latest.len(), 30);
    }
    assert_eq!(latest.subjects("container_").len(), 10);
}

#[test]
fn a_thousand_containers_are_put_together_at_once() {
    let layout = docker(0..1_000);
    let mut latest = Latest::new(&SHAPE);
    for tick in 0..2 {
        let values = vec![f64::from(tick); layout.infos.len()];
        latest.apply(&row(&layout, NOW - 10_000 + i64::from(tick) * 10_000, &values));
    }
    let of = |number: i32| {
        let mut doc = web();
        doc["name"] = json!(format!("c{number}"));
        doc["container_id"] = json!(format!("{number:064}"));
        fact(&format!("c{number}"), doc)
    };
    let facts: Vec<Arc<ContainerFact>> = (0..1_000).map(of).collect();
    let begun = std::time::Instant::now();
    let list = host(&facts, &latest).list(|_| true);
    println!("1,000 containers put together in {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    assert!(list.iter().all(|one| one.cpu_cores == Some(0.1)));
}
