use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use hi_common::fact::FactValue;

use super::*;
use crate::engine::{About, Container, Happening, Image, Limits, Snapshot, What};

const WEB: &str = "02bda853e5db98c897e2bb5b016058aef992114a66e39f271eccc5bb6e6d9dc5";
const JOB: &str = "11bda853e5db98c897e2bb5b016058aef992114a66e39f271eccc5bb6e6d9dc5";

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn web() -> Container {
    Container {
        id: WEB.into(),
        name: "web".into(),
        image: "nginx:1".into(),
        image_id: "8a8ad0b1377fee3b".into(),
        state: "running".into(),
        health: "healthy".into(),
        restart_count: 2,
        started_ms: Some(1_795_197_149_106),
        labels: BTreeMap::from([("com.docker.compose.project".into(), "shop".into())]),
        limits: Limits {
            memory_bytes: 64 << 20,
            cpu_quota_us: 50_000,
            cpu_period_us: 100_000,
            ..Limits::default()
        },
        networks: vec![("front".into(), "172.18.0.2".into())],
        pid: 17972,
        ..Container::default()
    }
}

fn job() -> Container {
    Container {
        id: JOB.into(),
        name: "job".into(),
        image: "job".into(),
        state: "exited".into(),
        exit_code: Some(3),
        ..Container::default()
    }
}

fn snapshot(containers: Vec<Container>) -> Snapshot {
    let image = Image {
        id: "8a8ad0b1377fee3b".into(),
        tags: vec!["nginx:1".into()],
        digests: vec!["nginx@sha256:77".into()],
        created_ms: Some(1_700_000_000_000),
        size_bytes: 1000,
    };
    Snapshot {
        status: Status::Up,
        about: Some(Arc::new(About {
            product: "docker".into(),
            version: "20.10".into(),
            ..About::default()
        })),
        containers: containers.into_iter().map(Arc::new).collect(),
        images: Arc::new(vec![image]),
        ..Snapshot::default()
    }
}

/// Puts what an engine says into a capture.
fn engine(root: &Path, socket: &str, snapshot: &Snapshot) {
    put(root, socket, "");
    put(root, &format!("{socket}.ioctl/engine"), &serde_json::to_string(snapshot).unwrap());
}

/// The tree of cgroup v2 with systemd as driver.
fn unified(root: &Path) {
    let folder = format!("sys/fs/cgroup/system.slice/docker-{WEB}.scope");
    put(root, "sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
    put(root, "proc/17972/cgroup", &format!("0::/system.slice/docker-{WEB}.scope/init.scope\n"));
    for (file, text) in [
        (
            "cpu.stat",
            "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 4\nnr_throttled 2\nthrottled_usec 250000\n",
        ),
        ("memory.stat", "anon 10\nfile 20\ninactive_file 15\npgfault 7\npgmajfault 1\n"),
        ("memory.events", "max 5\noom_kill 2\n"),
        ("memory.current", "30\n"),
        ("memory.peak", "40\n"),
        ("memory.swap.current", "0\n"),
        ("pids.current", "3\n"),
        ("cgroup.procs", "17972\n17973\n"),
        ("io.stat", "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n"),
        (
            "memory.pressure",
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        ),
    ] {
        put(root, &format!("{folder}/{file}"), text);
    }
    put(root, "proc/17972/net/dev", "a\nb\n  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n");
    fs::create_dir_all(root.join("sys/dev/block")).unwrap();
    std::os::unix::fs::symlink("../../devices/pci/block/sda", root.join("sys/dev/block/8:0")).unwrap();
}

/// The tree of cgroup v1 with cgroupfs as driver.
fn split(root: &Path) {
    put(
        root,
        "proc/17972/cgroup",
        &format!(
            "4:memory:/docker/{WEB}\n3:pids:/docker/{WEB}\n2:cpu,cpuacct:/docker/{WEB}\n1:blkio:/docker/{WEB}\n"
        ),
    );
    for (file, text) in [
        ("cpu,cpuacct", "cpuacct.usage", "1500000000\n"),
        ("cpu,cpuacct", "cpuacct.stat", "user 100\nsystem 50\n"),
        ("cpu,cpuacct", "cpu.stat", "nr_periods 4\nnr_throttled 2\nthrottled_time 250000000\n"),
        ("memory", "memory.stat", "total_rss 10\ntotal_cache 20\ntotal_swap 0\ntotal_inactive_file 15\ntotal_pgfault 7\ntotal_pgmajfault 1\n"),
        ("memory", "memory.usage_in_bytes", "30\n"),
        ("memory", "memory.max_usage_in_bytes", "40\n"),
        ("memory", "memory.failcnt", "5\n"),
        ("memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
        ("pids", "pids.current", "3\n"),
        ("pids", "cgroup.procs", "17972\n17973\n"),
        ("blkio", "blkio.throttle.io_service_bytes_recursive", "8:0 Read 4096\n8:0 Write 8192\nTotal 12288\n"),
        ("blkio", "blkio.throttle.io_serviced_recursive", "8:0 Read 1\n8:0 Write 2\nTotal 3\n"),
    ]
    .map(|(mount, file, text)| (format!("{mount}/docker/{WEB}/{file}"), text))
    {
        put(root, &format!("sys/fs/cgroup/{file}"), text);
    }
    put(root, "proc/17972/net/dev", "a\nb\n  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n");
    fs::create_dir_all(root.join("sys/dev/block")).unwrap();
    std::os::unix::fs::symlink("../../devices/pci/block/sda", root.join("sys/dev/block/8:0")).unwrap();
}

fn source() -> Docker {
    Docker::new(&Config::default()).unwrap()
}

fn read(source: &mut Docker, root: &Path) -> (Readings, Result<Outcome, SourceError>) {
    let mut out = Readings::default();
    let result = source.read(&HostRoot::captured(root), &mut out);
    (out, result)
}

fn values(out: &Readings, metric: &str) -> Vec<(Vec<String>, f64)> {
    let samples = out.samples().filter(|(found, _, _)| found.name == metric);
    samples.map(|(_, labels, value)| (labels.into_iter().map(str::to_owned).collect(), value)).collect()
}

fn value(out: &Readings, metric: &str) -> f64 {
    match values(out, metric).as_slice() {
        [(_, value)] => *value,
        other => panic!("{metric}: {other:?}"),
    }
}

#[test]
fn both_versions_of_cgroups_yield_the_same_in_cadvisors_names() {
    for (tree, id) in [
        (unified as fn(&Path), format!("/system.slice/docker-{WEB}.scope")),
        (split, format!("/docker/{WEB}")),
    ] {
        let root = tempfile::tempdir().unwrap();
        tree(root.path());
        engine(root.path(), "var/run/docker.sock", &snapshot(vec![web(), job()]));
        let (out, result) = read(&mut source(), root.path());
        assert_eq!(result.unwrap(), Outcome::Read);
        let cpu = values(&out, "container_cpu_usage_seconds_total");
        assert_eq!(
            cpu,
            [(vec![id, "web".into(), "nginx:1".into(), "shop".into(), String::new(), "total".into()], 1.5)]
        );
        for (metric, expected) in [
            ("container_cpu_user_seconds_total", 1.0),
            ("container_cpu_system_seconds_total", 0.5),
            ("container_cpu_cfs_throttled_periods_total", 2.0),
            ("container_cpu_cfs_throttled_seconds_total", 0.25),
            ("container_memory_usage_bytes", 30.0),
            ("container_memory_working_set_bytes", 15.0),
            ("container_memory_rss", 10.0),
            ("container_memory_cache", 20.0),
            ("container_memory_swap", 0.0),
            ("container_memory_max_usage_bytes", 40.0),
            ("container_memory_failcnt", 5.0),
            ("container_oom_events_total", 2.0),
            ("container_processes", 2.0),
            ("container_threads", 3.0),
            ("container_fs_reads_bytes_total", 4096.0),
            ("container_fs_writes_total", 2.0),
            ("container_network_receive_bytes_total", 1000.0),
            ("container_network_transmit_packets_dropped_total", 4.0),
            ("container_spec_memory_limit_bytes", 67_108_864.0),
            ("container_spec_cpu_quota", 50_000.0),
            ("container_spec_cpu_shares", 1024.0),
            ("container_start_time_seconds", 1_795_197_149.0),
            ("container_health_state", 1.0),
        ] {
            assert_eq!(value(&out, metric), expected, "{metric}");
        }
        let device = &values(&out, "container_fs_reads_bytes_total")[0].0[5];
        assert_eq!(device, "/dev/sda");
        let exit = values(&out, "hi_container_exit_code");
        assert_eq!(exit, [(vec!["job".to_owned()], 3.0)]);
        let pressure = values(&out, "container_pressure_memory_waiting_seconds_total");
        assert_eq!(
            pressure.len(),
            usize::from(root.path().join("sys/fs/cgroup/cgroup.controllers").exists())
        );
    }
}

#[test]
fn facts_say_what_a_container_is_and_when_it_is_gone() {
    let root = tempfile::tempdir().unwrap();
    engine(root.path(), "var/run/docker.sock", &snapshot(vec![web(), job()]));
    engine(root.path(), "run/podman/podman.sock", &snapshot(vec![web()]));
    let mut source = source();
    let (out, _) = read(&mut source, root.path());
    let ids = |out: &Readings| -> Vec<String> {
        let facts = out.facts().iter().filter(|fact| fact.kind == "container");
        facts.map(|fact| fact.id.clone()).collect()
    };
    assert_eq!(ids(&out), ["web", "job", "podman/web"], "the default engine's go by their bare names");
    let doc = &out.facts().iter().find(|fact| fact.id == "web").unwrap().doc;
    let text = |key: &str| match doc.get(key) {
        Some(FactValue::Text(text)) => text.as_str(),
        other => panic!("{key}: {other:?}"),
    };
    for (key, expected) in [
        ("engine", "docker"),
        ("state", "running"),
        ("health", "healthy"),
        ("image_id", "8a8ad0b1377f"),
        ("image_digest", "sha256:77"),
        ("image_created_at", "2023-11-14T22:13:20Z"),
        ("started_at", "2026-11-20T17:52:29Z"),
        ("compose_project", "shop"),
    ] {
        assert_eq!(text(key), expected);
    }
    assert_eq!(doc["cpu_limit"], FactValue::Float(0.5));
    let kinds: Vec<&str> = out.facts().iter().map(|fact| fact.kind).collect();
    assert!(kinds.contains(&"container_engine") && kinds.contains(&"container_image"));

    let (out, _) = read(&mut source, root.path());
    assert_eq!(ids(&out), ["web", "job", "podman/web"], "a capture makes everything anew each time");
    engine(root.path(), "var/run/docker.sock", &snapshot(vec![web()]));
    let (out, _) = read(&mut source, root.path());
    assert!(out.gone().contains(&("container", "job".to_owned())), "{:?}", out.gone());
}

#[test]
fn a_part_that_lost_its_containers_says_so_once() {
    let root = tempfile::tempdir().unwrap();
    unified(root.path());
    engine(root.path(), "var/run/docker.sock", &snapshot(vec![web()]));
    let mut source = source();
    let (out, _) = read(&mut source, root.path());
    let parts: Vec<_> = out.parts().map(|(name, part)| (name, part.values().len())).collect();
    assert_eq!((parts.len(), parts[0].0), (2, None), "the engine, and the part of the container: {parts:?}");
    assert_eq!(parts.iter().map(|(_, count)| count).sum::<usize>(), out.len());
    engine(root.path(), "var/run/docker.sock", &snapshot(vec![]));
    let (out, _) = read(&mut source, root.path());
    assert!(hi_common::batch::is_absent(value(&out, "container_last_seen")));
    let (out, _) = read(&mut source, root.path());
    assert_eq!(out.parts().count(), 1);
}

#[test]
fn what_cannot_be_seen_is_taken_from_the_engine() {
    let root = tempfile::tempdir().unwrap();
    // The process of that number is another one here: the engine is another host's.
    put(root.path(), "proc/17972/cgroup", "0::/user.slice\n");
    let mut known = snapshot(vec![web()]);
    let mut usage = crate::engine::usage::Usage::default();
    usage.cpu.seconds = Some(7.0);
    known.usage.insert(WEB.into(), Arc::new(usage));
    engine(root.path(), "var/run/docker.sock", &known);
    let (out, _) = read(&mut source(), root.path());
    assert_eq!(value(&out, "container_cpu_usage_seconds_total"), 7.0);
    assert_eq!(values(&out, "container_cpu_usage_seconds_total")[0].0[0], WEB);
}

#[test]
fn filters_and_failures_are_kept_apart() {
    let root = tempfile::tempdir().unwrap();
    let (out, result) = read(&mut source(), root.path());
    assert_eq!((result.unwrap(), out.len()), (Outcome::Absent, 0));
    let down = |reason: &str| Snapshot {
        status: Status::Down(Trouble { reason: reason.into(), message: "m".into() }),
        ..Snapshot::default()
    };
    engine(root.path(), "var/run/docker.sock", &down("permission"));
    let (out, result) = read(&mut source(), root.path());
    assert_eq!(result.unwrap_err().reason(), "permission");
    assert_eq!(value(&out, "hi_container_engine_up"), 0.0);
    engine(root.path(), "run/podman/podman.sock", &snapshot(vec![web(), job()]));
    let config = Config { exclude: vec!["j*".into()], ..Config::default() };
    let (out, result) = read(&mut Docker::new(&config).unwrap(), root.path());
    assert_eq!(result.unwrap(), Outcome::Read, "one engine of two answers");
    assert!(out.notes()[0].starts_with("docker (/var/run/docker.sock): permission"), "{:?}", out.notes());
    let containers = out.facts().iter().filter(|fact| fact.kind == "container").count();
    assert_eq!(containers, 1);
    let config = Config { engines: vec!["x=ftp://y".into()], ..Config::default() };
    assert!(Docker::new(&config).is_err());
}

#[test]
fn happenings_become_events() {
    let root = tempfile::tempdir().unwrap();
    let mut known = snapshot(vec![web()]);
    let happening = |what, name: &str, detail: &str| Happening {
        what,
        at_ms: 1,
        id: WEB.into(),
        name: name.into(),
        image: "nginx:1".into(),
        detail: detail.into(),
    };
    known.happenings = vec![
        happening(What::Died, "web", "1"),
        happening(What::Started, "web", ""),
        happening(What::EngineGone, "", "timeout: no answer"),
    ];
    engine(root.path(), "var/run/docker.sock", &known);
    let (out, _) = read(&mut source(), root.path());
    let kinds: Vec<&str> = out.events().iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["container_die", "container_start", "engine_gone"]);
    let data = &out.events()[0].data;
    assert!(
        ["container", "image", "engine"]
            .iter()
            .all(|key| data.iter().any(|(found, text)| found == key && !text.is_empty()))
    );
}
