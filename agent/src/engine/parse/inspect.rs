//! Details of a container (`/containers/<id>/json`).

use serde::Deserialize;

use super::super::lenient::{Entries, UpTo, cut, lenient};
use super::super::model::{Container, LABELS_MAX, Limits, Mount, PARTS_MAX};
use super::{Keep, digest, kept, ms, short};

/// Nanoseconds of CPU time that are one CPU for a second.
const NANO_CPUS: u64 = 1_000_000_000;
/// Period of the CPU quota that a limit in CPUs means, in microseconds.
const PERIOD_US: u64 = 100_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InspectAnswer {
    #[serde(rename = "Id", deserialize_with = "lenient")]
    id: String,
    #[serde(rename = "Name", deserialize_with = "lenient")]
    name: String,
    #[serde(rename = "Created", deserialize_with = "lenient")]
    created: String,
    #[serde(rename = "Path", deserialize_with = "lenient")]
    path: String,
    #[serde(rename = "Args", deserialize_with = "lenient")]
    args: UpTo<String, 64>,
    #[serde(rename = "Image", deserialize_with = "lenient")]
    image_id: String,
    #[serde(rename = "RestartCount", deserialize_with = "lenient")]
    restart_count: u64,
    #[serde(rename = "State", deserialize_with = "lenient")]
    state: StateAnswer,
    #[serde(rename = "Config", deserialize_with = "lenient")]
    config: ConfigAnswer,
    #[serde(rename = "HostConfig", deserialize_with = "lenient")]
    host: HostAnswer,
    #[serde(rename = "Mounts", deserialize_with = "lenient")]
    mounts: UpTo<MountAnswer, PARTS_MAX>,
    #[serde(rename = "NetworkSettings", deserialize_with = "lenient")]
    network: NetworkAnswer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct StateAnswer {
    #[serde(deserialize_with = "lenient")]
    status: String,
    #[serde(deserialize_with = "lenient")]
    running: bool,
    #[serde(deserialize_with = "lenient")]
    paused: bool,
    #[serde(deserialize_with = "lenient")]
    restarting: bool,
    #[serde(deserialize_with = "lenient")]
    dead: bool,
    #[serde(rename = "OOMKilled", deserialize_with = "lenient")]
    oom_killed: bool,
    #[serde(deserialize_with = "lenient")]
    pid: u32,
    #[serde(deserialize_with = "lenient")]
    exit_code: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    started_at: String,
    #[serde(deserialize_with = "lenient")]
    finished_at: String,
    #[serde(deserialize_with = "lenient")]
    health: HealthAnswer,
    /// Podman 3.
    #[serde(rename = "Healthcheck", deserialize_with = "lenient")]
    healthcheck: HealthAnswer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HealthAnswer {
    #[serde(deserialize_with = "lenient")]
    status: String,
    #[serde(deserialize_with = "lenient")]
    log: UpTo<HealthRun, 16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HealthRun {
    #[serde(deserialize_with = "lenient")]
    output: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ConfigAnswer {
    #[serde(deserialize_with = "lenient")]
    image: String,
    #[serde(deserialize_with = "lenient")]
    labels: Entries<String, LABELS_MAX>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HostAnswer {
    #[serde(deserialize_with = "lenient")]
    memory: i64,
    #[serde(deserialize_with = "lenient")]
    memory_swap: i64,
    #[serde(deserialize_with = "lenient")]
    memory_reservation: i64,
    #[serde(deserialize_with = "lenient")]
    nano_cpus: i64,
    #[serde(deserialize_with = "lenient")]
    cpu_quota: i64,
    #[serde(deserialize_with = "lenient")]
    cpu_period: i64,
    #[serde(deserialize_with = "lenient")]
    cpu_shares: i64,
    #[serde(deserialize_with = "lenient")]
    privileged: bool,
    #[serde(deserialize_with = "lenient")]
    log_config: LogAnswer,
    #[serde(deserialize_with = "lenient")]
    restart_policy: NamedAnswer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LogAnswer {
    #[serde(rename = "Type", deserialize_with = "lenient")]
    kind: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct NamedAnswer {
    #[serde(deserialize_with = "lenient")]
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MountAnswer {
    #[serde(rename = "Type", deserialize_with = "lenient")]
    kind: String,
    #[serde(rename = "Name", deserialize_with = "lenient")]
    name: String,
    #[serde(rename = "Source", deserialize_with = "lenient")]
    source: String,
    #[serde(rename = "Destination", deserialize_with = "lenient")]
    destination: String,
    #[serde(rename = "RW", deserialize_with = "lenient")]
    writable: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct NetworkAnswer {
    #[serde(deserialize_with = "lenient")]
    networks: Entries<EndpointAnswer, PARTS_MAX>,
    #[serde(deserialize_with = "lenient")]
    ports: Entries<Option<UpTo<PortAnswer, PARTS_MAX>>, PARTS_MAX>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EndpointAnswer {
    #[serde(rename = "IPAddress", deserialize_with = "lenient")]
    ip: String,
    #[serde(rename = "GlobalIPv6Address", deserialize_with = "lenient")]
    ip6: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PortAnswer {
    #[serde(rename = "HostIp", deserialize_with = "lenient")]
    ip: String,
    #[serde(rename = "HostPort", deserialize_with = "lenient")]
    port: String,
}

/// Reads `/containers/<id>/json`.
///
/// # Errors
/// It is no JSON object, or one without an identity.
pub(in crate::engine) fn inspect(bytes: &[u8], keep: Keep<'_>) -> Result<Container, String> {
    let answer: InspectAnswer = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if answer.id.is_empty() {
        return Err("it has no `Id`".to_owned());
    }
    let state = state_word(&answer.state);
    let ended = !matches!(state.as_str(), "running" | "paused" | "created");
    let health =
        if answer.state.health.status.is_empty() { answer.state.healthcheck } else { answer.state.health };
    let limits = limits(&answer.host);
    let words = std::iter::once(answer.path).chain(answer.args.items);
    let output = health.log.items.into_iter().next_back().map(|run| run.output).unwrap_or_default();
    Ok(Container {
        id: cut(answer.id, 64),
        name: short(answer.name.trim_start_matches('/').to_owned()),
        image: short(answer.config.image),
        image_id: digest(&answer.image_id),
        // Docker says `none` for a container whose health check is switched off.
        health: Some(health.status.to_lowercase())
            .filter(|word| word != "none")
            .map(short)
            .unwrap_or_default(),
        health_output: short(output.trim().to_owned()),
        exit_code: answer.state.exit_code.filter(|_| ended),
        oom_killed: answer.state.oom_killed,
        restart_count: answer.restart_count,
        restart_policy: short(answer.host.restart_policy.name),
        created_ms: ms(&answer.created),
        started_ms: ms(&answer.state.started_at),
        finished_ms: ms(&answer.state.finished_at),
        command: short(words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")),
        ports: ports(answer.network.ports),
        mounts: answer.mounts.items.into_iter().map(mount).collect(),
        networks: answer.network.networks.0.into_iter().map(address).collect(),
        labels: kept(answer.config.labels, keep),
        log_driver: short(answer.host.log_config.kind),
        limits,
        privileged: answer.host.privileged,
        pid: if ended { 0 } else { answer.state.pid },
        state,
        trouble: None,
    })
}

/// The word of the state; made of its flags where an engine older than 1.22 has no word.
fn state_word(state: &StateAnswer) -> String {
    let flags = [
        (state.paused, "paused"),
        (state.restarting, "restarting"),
        (state.running, "running"),
        (state.dead, "dead"),
        (ms(&state.started_at).is_none(), "created"),
    ];
    match state.status.as_str() {
        "" => flags.iter().find(|(flag, _)| *flag).map_or("exited", |(_, word)| word).to_owned(),
        // Words of Podman for what Docker names otherwise.
        "configured" | "initialized" => "created".to_owned(),
        "stopped" => "exited".to_owned(),
        word => short(word.to_lowercase()),
    }
}

fn limits(host: &HostAnswer) -> Limits {
    let positive = |value: i64| u64::try_from(value).unwrap_or(0);
    let nano = positive(host.nano_cpus);
    let (quota, period) = match positive(host.cpu_quota) {
        0 if nano > 0 => (nano.saturating_mul(PERIOD_US) / NANO_CPUS, PERIOD_US),
        0 => (0, positive(host.cpu_period)),
        quota => (quota, Some(positive(host.cpu_period)).filter(|&period| period > 0).unwrap_or(PERIOD_US)),
    };
    Limits {
        memory_bytes: positive(host.memory),
        memory_swap_bytes: positive(host.memory_swap),
        memory_reservation_bytes: positive(host.memory_reservation),
        cpu_quota_us: quota,
        cpu_period_us: period,
        cpu_shares: positive(host.cpu_shares),
    }
}

fn mount(answer: MountAnswer) -> Mount {
    let named = answer.kind == "volume" && !answer.name.is_empty();
    Mount {
        kind: short(if answer.kind.is_empty() { "bind".to_owned() } else { answer.kind }),
        source: short(if named { answer.name } else { answer.source }),
        destination: short(answer.destination),
        read_only: answer.writable == Some(false),
    }
}

fn address((name, answer): (String, EndpointAnswer)) -> (String, String) {
    (short(name), short(if answer.ip.is_empty() { answer.ip6 } else { answer.ip }))
}

fn ports(answer: Entries<Option<UpTo<PortAnswer, PARTS_MAX>>, PARTS_MAX>) -> Vec<String> {
    let mut ports = Vec::new();
    for (inner, published) in answer.0 {
        // Null is a port that is not published.
        let published = published.unwrap_or_default();
        if published.items.is_empty() {
            ports.push(short(inner));
            continue;
        }
        for PortAnswer { ip, port } in published.items {
            let ip = if ip.contains(':') { format!("[{ip}]") } else { ip };
            ports.push(short(format!("{}:{port}->{inner}", if ip.is_empty() { "0.0.0.0" } else { &ip })));
        }
    }
    // A map has no order that lasts.
    ports.sort_unstable();
    ports.truncate(PARTS_MAX);
    ports
}
