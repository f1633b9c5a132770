use std::path::PathBuf;

use super::*;
use proptest::prelude::*;

fn all(_: &str) -> bool {
    true
}

/// Recorded answers of other projects' tests, which are not part of this repository.
fn recorded(path: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("HI_SHARED") else {
        println!("SKIPPED: recorded answers of engines: HI_SHARED names no folder");
        return None;
    };
    let file = PathBuf::from(folder).join("fixtures/04-containers").join(path);
    match std::fs::read(&file) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            println!("SKIPPED: {}: {error}", file.display());
            None
        }
    }
}

/// Answers recorded for this project, with their HTTP heads.
fn lab(name: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("HI_SHARED") else {
        println!("SKIPPED: answers of the lab's engine: HI_SHARED names no folder");
        return None;
    };
    let text = std::fs::read_to_string(PathBuf::from(folder).join("lab/fixtures/docker").join(name)).ok()?;
    Some(text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n"))?.1.as_bytes().to_vec())
}

#[test]
fn a_container_is_read_whole() {
    let answer = r#"{"Id":"02bd","Created":"2026-11-20T17:52:28.538879266Z","Path":"/bin/app","Args":["-v",7],"State":{"Status":"running",
        "Running":true,"OOMKilled":false,"Pid":17972,"ExitCode":0,"StartedAt":"2026-11-20T17:52:29Z","FinishedAt":"0001-01-01T00:00:00Z",
        "Health":{"Status":"unhealthy","FailingStreak":3,"Log":[{"Output":"old"},{"Output":" refused\n"}]}},"Image":"sha256:8a8a",
        "Name":"/web","RestartCount":2,"HostConfig":{"LogConfig":{"Type":"json-file"},"RestartPolicy":{"Name":"always"},
        "Privileged":true,"Memory":67108864,"NanoCpus":1500000000,"MemorySwap":-1,"CpuShares":0},
        "Mounts":[{"Type":"volume","Name":"data","Source":"/var/lib/x","Destination":"/data","RW":true},
        {"Type":"bind","Source":"/etc/x","Destination":"/x","RW":false}],
        "Config":{"Image":"nginx:1","Env":["PASSWORD=x"],"Labels":{"a":"1","b":"2"}},
        "NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}],"81/udp":null},
        "Networks":{"front":{"IPAddress":"172.18.0.2","GlobalIPv6Address":""}}}}"#;
    let one = inspect(answer.as_bytes(), &|key| key == "b").unwrap();
    assert_eq!(
        (one.name.as_str(), one.state.as_str(), one.pid, one.restart_count),
        ("web", "running", 17972, 2)
    );
    assert_eq!((one.health.as_str(), one.health_output.as_str()), ("unhealthy", "refused"));
    assert_eq!((one.exit_code, one.finished_ms, one.started_ms), (None, None, Some(1_795_197_149_000)));
    assert_eq!(one.ports, ["0.0.0.0:8080->80/tcp", "81/udp", "[::]:8080->80/tcp"]);
    assert_eq!((one.mounts[0].source.as_str(), one.mounts[0].read_only), ("data", false));
    assert_eq!((one.mounts[1].source.as_str(), one.mounts[1].read_only), ("/etc/x", true));
    assert_eq!(one.networks, [("front".to_owned(), "172.18.0.2".to_owned())]);
    assert_eq!(one.labels, BTreeMap::from([("b".to_owned(), "2".to_owned())]));
    let limits = one.limits;
    assert_eq!((limits.memory_bytes, limits.memory_swap_bytes), (64 << 20, 0));
    assert_eq!((limits.cpu_quota_us, limits.cpu_period_us), (150_000, 100_000));
    assert_eq!((one.command.as_str(), one.image_id.as_str()), ("/bin/app -v", "8a8a"));
    assert!(one.privileged && !format!("{one:?}").contains("PASSWORD"), "the environment is never read");
}

#[test]
fn odd_details_cost_only_themselves() {
    let odd = br#"{"Id":"x","Name":7,"State":"running","HostConfig":null,"Mounts":{},"RestartCount":"many","Config":{"Labels":[1]},
        "NetworkSettings":{"Networks":[],"Ports":7}}"#;
    let one = inspect(odd, &all).unwrap();
    assert_eq!((one.id.as_str(), one.state.as_str(), one.restart_count), ("x", "created", 0));
    for bytes in [&b"[]"[..], b"", b"{", b"null", b"{}", b"\xff"] {
        assert!(inspect(bytes, &all).is_err(), "{bytes:?}");
    }
    let listed = list(br#"[{"Id":"a","Names":["/b","/b/link"],"State":"running"},{"Id":7},"x",{"Id":"c","Status":"Up 3 hours (Paused)"}]"#, &all);
    let listed: Vec<_> = listed.unwrap().containers.into_iter().map(|one| (one.name, one.state)).collect();
    assert_eq!(listed, [("b".to_owned(), "running".to_owned()), ("c".to_owned(), "paused".to_owned())]);
}

#[test]
fn a_list_is_bounded() {
    let row = |n: usize| format!(r#"{{"Id":"{n:064}","Names":["/c{n}"],"State":"exited"}}"#);
    let rows: Vec<String> = (0..CONTAINERS_MAX + 7).map(row).collect();
    let listed = list(format!("[{}]", rows.join(",")).as_bytes(), &all).unwrap();
    assert_eq!((listed.containers.len(), listed.left_out), (CONTAINERS_MAX, 7));
}

#[test]
fn versions_of_both_products_are_read() {
    let docker = version(br#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"}"#).unwrap();
    assert_eq!((docker.product, docker.newest, docker.oldest), ("docker", Some((1, 41)), Some((1, 12))));
    let podman =
        br#"{"Components":[{"Name":"Podman Engine","Version":"5.2"}],"Version":"5.2.0","ApiVersion":"1.41"}"#;
    assert_eq!(version(podman).unwrap().product, "podman");
    assert!(version(b"nonsense").is_err());
}

#[test]
fn disk_space_is_joined_by_identity() {
    let usage = disk_usage(
        br#"{"LayersSize":1982263,"Images":[{"Id":"sha256:8a","SharedSize":-1,"Size":9},{"Id":"sha256:8b","SharedSize":5}],
        "Containers":[{"Id":"c1","SizeRw":77},{"Id":"c2","SizeRootFs":1982263}],
        "Volumes":[{"Name":"v","UsageData":{"Size":11,"RefCount":1}},{"Name":"w","UsageData":null}],
        "BuildCache":[{"Size":3,"Shared":false},{"Size":100,"Shared":true}],"BuilderSize":0}"#,
    )
    .unwrap();
    assert_eq!((usage.layers_bytes, usage.build_cache_bytes), (Some(1_982_263), Some(3)));
    assert_eq!(usage.images, BTreeMap::from([("8b".to_owned(), 5)]));
    assert_eq!(usage.containers, BTreeMap::from([("c1".to_owned(), 77), ("c2".to_owned(), 0)]));
    assert_eq!(usage.volumes["v"], (Some(11), Some(1)));
}

#[test]
fn recorded_containers_of_many_engines_are_understood() {
    for folder in ["docker-20.10.0", "docker-20.10.18"] {
        let Some(bytes) = recorded(&format!("glouton-docker/{folder}/docker-containers.json")) else {
            return;
        };
        let answers: Vec<serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
        assert!(!answers.is_empty());
        for answer in answers {
            let one = inspect(answer.to_string().as_bytes(), &all).unwrap();
            let text = |pointer: &str| {
                answer.pointer(pointer).and_then(|v| v.as_str()).unwrap_or_default().to_owned()
            };
            assert_eq!(format!("/{}", one.name), text("/Name"));
            assert_eq!(one.state, text("/State/Status"));
            assert_eq!(one.image, text("/Config/Image"));
            assert_eq!(one.log_driver, text("/HostConfig/LogConfig/Type"));
            assert_eq!(
                i64::from(one.pid),
                answer.pointer("/State/Pid").unwrap().as_i64().unwrap(),
                "{}",
                one.name
            );
            let ports =
                answer.pointer("/NetworkSettings/Ports").unwrap().as_object().map_or(0, serde_json::Map::len);
            assert!(one.ports.len() >= ports, "{:?}", one.ports);
            assert!(one.created_ms.is_some() && !one.command.is_empty());
        }
    }
    for name in ["full", "full_1_21", "full_1_26a", "full_1_26b"] {
        let path =
            format!("docker-java/com/github/dockerjava/api/command/inspectContainerResponse_{name}.json");
        let Some(bytes) = recorded(&path) else { return };
        let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        // Some were recorded by the client, which makes a list of one.
        let answer = answer.get(0).unwrap_or(&answer);
        let one = inspect(answer.to_string().as_bytes(), &all).unwrap();
        assert!(one.created_ms.is_some() && !one.name.is_empty() && !one.state.is_empty(), "{name}: {one:?}");
    }
}

#[test]
fn what_telegraf_makes_of_an_answer_is_made_of_it_here() {
    let folder = "telegraf-docker/testcases/memory_stats";
    let Some(bytes) = recorded(&format!("{folder}/data/inspect_123456789.json")) else { return };
    let expected = String::from_utf8(recorded(&format!("{folder}/expected.out")).unwrap()).unwrap();
    let says = |line: &str, field: &str| -> String {
        let line = expected.lines().find(|text| text.starts_with(line)).unwrap();
        let rest = line.split(&format!("{field}=")).nth(1).unwrap();
        rest.split([',', ' ']).next().unwrap().trim_matches(['"', 'i', 'u']).to_owned()
    };
    // The recorded answer has no identity of its own.
    let mut answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    answer["Id"] = "123456789".into();
    let one = inspect(answer.to_string().as_bytes(), &all).unwrap();
    assert_eq!(one.pid.to_string(), says("docker_container_status", "pid"));
    assert_eq!(one.restart_count.to_string(), says("docker_container_status", "restart_count"));
    assert_eq!(one.oom_killed.to_string(), says("docker_container_status", "oomkilled"));
    let started: i64 = says("docker_container_status", "started_at").parse().unwrap();
    assert_eq!(one.started_ms, Some(started / 1_000_000));
    assert_eq!(one.health, says("docker_container_health", "health_status").to_lowercase());
    let stats = recorded(&format!("{folder}/data/stats_123456789.json")).unwrap();
    let usage = super::super::stats::usage(&stats).unwrap();
    let number = |value: Option<u64>| value.unwrap().to_string();
    assert_eq!(number(usage.memory.max_usage), says("docker_container_mem", "max_usage"));
    assert_eq!(number(usage.memory.limit_hits), says("docker_container_mem", "fail_count"));
}

#[test]
fn recorded_lists_versions_and_infos_are_understood() {
    let Some(bytes) = recorded("telegraf-docker/testdata/list.json") else { return };
    let listed = list(&bytes, &all).unwrap();
    assert!(listed.containers.iter().any(|one| one.name == "etcd" && one.state == "running"));
    let bytes = recorded("docker-java/samples/1.22/containers/json/filter1.json").unwrap();
    assert!(list(&bytes, &all).unwrap().containers.iter().all(|one| !one.state.is_empty()));
    for path in [
        "docker-java/samples/1.22/info/1.json",
        "docker-java/samples/1.22/info/2.json",
        "beszel/system_info.json",
    ] {
        let mut about = About::default();
        info(&recorded(path).unwrap(), &mut about).unwrap();
        assert!(!about.os.is_empty(), "{path}");
    }
    let bytes = recorded("docker-java/samples/1.22/version/1.json").unwrap();
    assert_eq!(version(&bytes).unwrap().newest, Some((1, 22)));
    let bytes = recorded("telegraf-docker/testdata/disk.json").unwrap();
    let usage = disk_usage(&bytes).unwrap();
    assert_eq!(usage.layers_bytes, Some(10_000_000_000), "of version 1.52");
    assert!(usage.volumes.contains_key("some_volume") && usage.images.contains_key("some_imageid"));
    // Two answers one after the other: CPU time grows, network and memory are there.
    let read = |path: &str| super::super::stats::usage(&recorded(path).unwrap()).unwrap();
    let (first, second) = (read("beszel/container.json"), read("beszel/container2.json"));
    assert!(second.cpu.seconds > first.cpu.seconds && second.memory.working_set().is_some());
    let usage = read("docker-java/samples/1.27/containers/container/stats/stats1.json");
    assert!(usage.cpu.seconds.is_some() && !usage.interfaces.is_empty());
}

#[test]
fn the_labs_engine_is_understood() {
    let Some(bytes) = lab("version.http") else { return };
    assert_eq!(version(&bytes).unwrap().newest, Some((1, 41)));
    let listed = list(&lab("containers-json.http").unwrap(), &all).unwrap();
    assert_eq!(listed.containers[0].name, "web");
    for (file, health, state) in [
        ("web-json-healthy.http", "healthy", "running"),
        ("web-json-sick.http", "unhealthy", "running"),
        ("web-json-stop.http", "unhealthy", "exited"),
    ] {
        let one = inspect(&lab(file).unwrap(), &all).unwrap();
        assert_eq!((one.health.as_str(), one.state.as_str()), (health, state), "{file}");
    }
    let usage = super::super::stats::usage(&lab("web-stats.http").unwrap()).unwrap();
    assert!(usage.cpu.seconds.is_some() && usage.memory.working_set().is_some());
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = (inspect(&bytes, &all), list(&bytes, &all), version(&bytes), images(&bytes), volumes(&bytes));
        let _ = (networks(&bytes), disk_usage(&bytes), info(&bytes, &mut About::default()), super::super::stats::usage(&bytes));
    }

    #[test]
    fn no_json_of_the_right_names_panics(value in json(), key in prop::sample::select(vec![
        "Id", "Name", "State", "HostConfig", "Config", "NetworkSettings", "Mounts", "cpu_stats", "memory_stats", "blkio_stats",
    ])) {
        let text = format!(r#"{{"Id":"x","{key}":{value}}}"#);
        let _ = (inspect(text.as_bytes(), &all), super::super::stats::usage(text.as_bytes()));
        let _ = list(format!("[{text}]").as_bytes(), &all);
    }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["null", "1", "-7", "1e99", "\"x\"", "true", "[]", "{}"])
        .prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let keys = prop::sample::select(vec![
            "Health",
            "Log",
            "Labels",
            "Ports",
            "Networks",
            "Memory",
            "cpu_usage",
            "stats",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((keys, inner), 0..3).prop_map(|items| {
                let items: Vec<String> =
                    items.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", items.join(","))
            }),
        ]
    })
}
