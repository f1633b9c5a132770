//! Reads `/containers/<id>/stats`: the way to what a container uses where its cgroup cannot be seen. Pure.

use serde::Deserialize;

use super::lenient::{Entries, UpTo, lenient};
use super::model::PARTS_MAX;
use super::usage::{Cpu, Device, Interface, Memory, Usage};

const NANO: f64 = 1e-9;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    #[serde(deserialize_with = "lenient")]
    cpu_stats: CpuAnswer,
    #[serde(deserialize_with = "lenient")]
    memory_stats: MemoryAnswer,
    #[serde(deserialize_with = "lenient")]
    blkio_stats: BlockAnswer,
    #[serde(deserialize_with = "lenient")]
    pids_stats: PidsAnswer,
    #[serde(deserialize_with = "lenient")]
    networks: Entries<NetworkAnswer, PARTS_MAX>,
    /// Engines before API 1.21 have one.
    #[serde(deserialize_with = "lenient")]
    network: Option<NetworkAnswer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CpuAnswer {
    #[serde(deserialize_with = "lenient")]
    cpu_usage: CpuUsage,
    #[serde(deserialize_with = "lenient")]
    throttling_data: Throttling,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CpuUsage {
    #[serde(deserialize_with = "lenient")]
    total_usage: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    usage_in_usermode: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    usage_in_kernelmode: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Throttling {
    #[serde(deserialize_with = "lenient")]
    periods: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    throttled_periods: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    throttled_time: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MemoryAnswer {
    #[serde(deserialize_with = "lenient")]
    usage: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    max_usage: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    failcnt: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    stats: Entries<u64, 128>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BlockAnswer {
    #[serde(deserialize_with = "lenient")]
    io_service_bytes_recursive: UpTo<BlockRow, 256>,
    #[serde(deserialize_with = "lenient")]
    io_serviced_recursive: UpTo<BlockRow, 256>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BlockRow {
    major: u32,
    minor: u32,
    op: String,
    value: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PidsAnswer {
    #[serde(deserialize_with = "lenient")]
    current: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NetworkAnswer {
    rx_bytes: u64,
    rx_packets: u64,
    rx_errors: u64,
    rx_dropped: u64,
    tx_bytes: u64,
    tx_packets: u64,
    tx_errors: u64,
    tx_dropped: u64,
}

/// Reads an answer.
///
/// # Errors
/// It is no JSON object.
pub(super) fn usage(bytes: &[u8]) -> Result<Usage, serde_json::Error> {
    let answer: Answer = serde_json::from_slice(bytes)?;
    let seconds = |nanos: Option<u64>| nanos.map(|nanos| nanos as f64 * NANO);
    let (cpu, throttling) = (answer.cpu_stats.cpu_usage, answer.cpu_stats.throttling_data);
    let mut interfaces: Vec<Interface> = answer.networks.0.into_iter().map(interface).collect();
    if interfaces.is_empty() {
        interfaces.extend(answer.network.map(|network| interface(("eth0".to_owned(), network))));
    }
    interfaces.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(Usage {
        cpu: Cpu {
            seconds: seconds(cpu.total_usage),
            user_seconds: seconds(cpu.usage_in_usermode),
            system_seconds: seconds(cpu.usage_in_kernelmode),
            periods: throttling.periods,
            throttled_periods: throttling.throttled_periods,
            throttled_seconds: seconds(throttling.throttled_time),
        },
        memory: memory(&answer.memory_stats),
        processes: None,
        threads: answer.pids_stats.current,
        devices: devices(&answer.blkio_stats),
        interfaces,
        pressure: [None; 3],
    })
}

/// The statistics are those of the cgroup: of v1 with `total_` before what counts the groups below as well, of v2 without.
fn memory(answer: &MemoryAnswer) -> Memory {
    let stat = |names: [&str; 2]| {
        let mut entries = names.iter().filter_map(|name| answer.stats.0.iter().find(|(key, _)| key == name));
        entries.next().map(|(_, value)| *value)
    };
    Memory {
        usage: answer.usage,
        max_usage: answer.max_usage,
        rss: stat(["total_rss", "anon"]),
        cache: stat(["total_cache", "file"]),
        swap: stat(["total_swap", "swap"]),
        mapped_file: stat(["total_mapped_file", "file_mapped"]),
        inactive_file: stat(["total_inactive_file", "inactive_file"]),
        limit_hits: answer.failcnt,
        faults: stat(["total_pgfault", "pgfault"]),
        major_faults: stat(["total_pgmajfault", "pgmajfault"]),
        oom_kills: None,
    }
}

fn devices(answer: &BlockAnswer) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    let rows = |list: &UpTo<BlockRow, 256>, bytes: bool, devices: &mut Vec<Device>| {
        for row in &list.items {
            let number = (row.major, row.minor);
            let place = devices.iter().position(|device| device.number == number).unwrap_or_else(|| {
                devices.push(Device { number, ..Device::default() });
                devices.len() - 1
            });
            let Some(device) = devices.get_mut(place) else { continue };
            // Docker writes `Read` for v1 and `read` for v2.
            match (row.op.to_ascii_lowercase().as_str(), bytes) {
                ("read", true) => device.read_bytes = row.value,
                ("write", true) => device.written_bytes = row.value,
                ("read", false) => device.reads = row.value,
                ("write", false) => device.writes = row.value,
                _ => {}
            }
        }
    };
    rows(&answer.io_service_bytes_recursive, true, &mut devices);
    rows(&answer.io_serviced_recursive, false, &mut devices);
    devices
}

fn interface((name, answer): (String, NetworkAnswer)) -> Interface {
    Interface {
        name,
        received: [answer.rx_bytes, answer.rx_packets, answer.rx_errors, answer.rx_dropped],
        sent: [answer.tx_bytes, answer.tx_packets, answer.tx_errors, answer.tx_dropped],
    }
}
