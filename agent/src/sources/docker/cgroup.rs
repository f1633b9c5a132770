//! Files of a container's cgroup, v1 and v2 (Documentation/admin-guide/cgroup-v1, cgroup-v2.rst), and of its network
//! (proc_pid_net(5)). Pure: text in, numbers out; what is not understood is left out.

use crate::engine::usage::{Cpu, Device, Interface, Memory, Pressure};

/// `cpuacct.stat` counts in ticks of `USER_HZ`, which is 100 for programs on every architecture Linux runs containers on.
const USER_HZ: f64 = 100.0;
const NANO: f64 = 1e-9;
const MICRO: f64 = 1e-6;
/// Most devices and interfaces of one container.
const ROWS_MAX: usize = 256;

/// Where the cgroup of a container lies, below the mounts of the hierarchies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The one hierarchy of v2.
    Unified(String),
    /// Names of controllers, as the kernel lists them together (`cpu,cpuacct`), with the path in their hierarchy.
    Split(Vec<(String, String)>),
}

impl Place {
    /// The path as cAdvisor shows it in the label `id`.
    pub fn id(&self) -> &str {
        match self {
            Self::Unified(path) => path,
            Self::Split(all) => {
                all.iter().find(|(names, _)| has(names, "memory")).or(all.first()).map_or("", |(_, p)| p)
            }
        }
    }
}

fn has(names: &str, controller: &str) -> bool {
    names.split(',').any(|name| name == controller)
}

/// Reads `/proc/<pid>/cgroup` of a process of the container `id` (64 digits): lines `hierarchy:controllers:path`. What a program
/// in the container made below its cgroup is cut off. `None` when no path names the container: then the process is not of it
/// (another host's engine), or lies in a cgroup of no container.
pub fn place(text: &str, id: &str) -> Option<Place> {
    /// Shorter identities would be found by chance.
    const ID_BYTES_MIN: usize = 32;
    if id.len() < ID_BYTES_MIN {
        return None;
    }
    let (mut split, mut unified) = (Vec::new(), None);
    for line in text.lines().take(ROWS_MAX) {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(names), Some(path)) = (parts.next(), parts.next()) else { continue };
        let Some(at) = path.find(id) else { continue };
        let end = path.get(at..).and_then(|rest| rest.find('/')).map_or(path.len(), |length| at + length);
        let Some(path) = path.get(..end).filter(|path| path.starts_with('/') && !path.contains("/..")) else {
            continue;
        };
        match names {
            "" => unified = Some(path.to_owned()),
            names if names.starts_with("name=") => {}
            names => split.push((names.to_owned(), path.to_owned())),
        }
    }
    match split.iter().any(|(names, _)| ["cpu", "cpuacct", "memory"].iter().any(|name| has(names, name))) {
        true => Some(Place::Split(split)),
        false => unified.map(Place::Unified),
    }
}

/// A file with one number; `None` also for `max`.
pub fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Lines `name number`.
fn fields(text: &str) -> impl Iterator<Item = (&str, u64)> {
    text.lines().filter_map(|line| {
        let (name, value) = line.split_once(' ')?;
        Some((name, number(value)?))
    })
}

/// `cpu.stat`: of v2 with usage, of v1 with the throttling alone.
pub fn cpu_stat(text: &str, cpu: &mut Cpu) {
    for (name, value) in fields(text) {
        let seconds = |unit: f64| Some(value as f64 * unit);
        match name {
            "usage_usec" => cpu.seconds = seconds(MICRO),
            "user_usec" => cpu.user_seconds = seconds(MICRO),
            "system_usec" => cpu.system_seconds = seconds(MICRO),
            "nr_periods" => cpu.periods = Some(value),
            "nr_throttled" => cpu.throttled_periods = Some(value),
            "throttled_usec" => cpu.throttled_seconds = seconds(MICRO),
            "throttled_time" => cpu.throttled_seconds = seconds(NANO),
            _ => {}
        }
    }
}

/// `cpuacct.usage` of v1: nanoseconds.
pub fn cpuacct_usage(text: &str, cpu: &mut Cpu) {
    cpu.seconds = number(text).map(|nanos| nanos as f64 * NANO);
}

/// `cpuacct.stat` of v1.
pub fn cpuacct_stat(text: &str, cpu: &mut Cpu) {
    for (name, ticks) in fields(text) {
        let seconds = Some(ticks as f64 / USER_HZ);
        match name {
            "user" => cpu.user_seconds = seconds,
            "system" => cpu.system_seconds = seconds,
            _ => {}
        }
    }
}

/// `memory.stat` of v2.
pub fn memory_stat(text: &str, memory: &mut Memory) {
    for (name, value) in fields(text) {
        let place = match name {
            "anon" => &mut memory.rss,
            "file" => &mut memory.cache,
            "file_mapped" => &mut memory.mapped_file,
            "inactive_file" => &mut memory.inactive_file,
            "pgfault" => &mut memory.faults,
            "pgmajfault" => &mut memory.major_faults,
            _ => continue,
        };
        *place = Some(value);
    }
}

/// `memory.stat` of v1: the lines that count the groups below as well.
pub fn memory_stat_v1(text: &str, memory: &mut Memory) {
    for (name, value) in fields(text) {
        let place = match name {
            "total_rss" => &mut memory.rss,
            "total_cache" => &mut memory.cache,
            "total_swap" => &mut memory.swap,
            "total_mapped_file" => &mut memory.mapped_file,
            "total_inactive_file" => &mut memory.inactive_file,
            "total_pgfault" => &mut memory.faults,
            "total_pgmajfault" => &mut memory.major_faults,
            _ => continue,
        };
        *place = Some(value);
    }
}

/// `memory.events` of v2.
pub fn memory_events(text: &str, memory: &mut Memory) {
    for (name, value) in fields(text) {
        match name {
            "max" => memory.limit_hits = Some(value),
            "oom_kill" => memory.oom_kills = Some(value),
            _ => {}
        }
    }
}

/// `memory.oom_control` of v1.
pub fn oom_control(text: &str, memory: &mut Memory) {
    memory.oom_kills = fields(text).find(|(name, _)| *name == "oom_kill").map(|(_, value)| value);
}

/// `8:0`.
fn device_number(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn device(devices: &mut Vec<Device>, number: (u32, u32)) -> Option<&mut Device> {
    let place = devices.iter().position(|device| device.number == number).unwrap_or(devices.len());
    if place == devices.len() {
        if place >= ROWS_MAX {
            return None;
        }
        devices.push(Device { number, ..Device::default() });
    }
    devices.get_mut(place)
}

/// `io.stat` of v2: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`.
pub fn io_stat(text: &str, devices: &mut Vec<Device>) {
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some(number) = words.next().and_then(device_number) else { continue };
        let Some(device) = device(devices, number) else { return };
        for (key, value) in words.filter_map(|word| word.split_once('=')) {
            let Ok(value) = value.parse() else { continue };
            match key {
                "rbytes" => device.read_bytes = value,
                "wbytes" => device.written_bytes = value,
                "rios" => device.reads = value,
                "wios" => device.writes = value,
                _ => {}
            }
        }
    }
}

/// `blkio.throttle.io_service_bytes_recursive`, or with `bytes` false `…io_serviced_recursive`, of v1: `8:0 Read 4096`.
pub fn blkio(text: &str, bytes: bool, devices: &mut Vec<Device>) {
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(number), Some(word), Some(Ok(value))) =
            (words.next().and_then(device_number), words.next(), words.next().map(str::parse))
        else {
            continue;
        };
        let Some(device) = device(devices, number) else { return };
        match (word, bytes) {
            ("Read", true) => device.read_bytes = value,
            ("Write", true) => device.written_bytes = value,
            ("Read", false) => device.reads = value,
            ("Write", false) => device.writes = value,
            _ => {}
        }
    }
}

/// `cpu.pressure`, `memory.pressure`, `io.pressure` of v2 (Documentation/accounting/psi.rst); `None` when it is none.
pub fn pressure(text: &str) -> Option<Pressure> {
    let mut found = None;
    for line in text.lines() {
        let total = line.split(' ').find_map(|word| word.strip_prefix("total=")?.parse::<u64>().ok());
        let (Some(total), Some(kind)) = (total, line.split(' ').next()) else { continue };
        let pressure: &mut Pressure = found.get_or_insert_default();
        match kind {
            "some" => pressure.waiting_seconds = total as f64 * MICRO,
            "full" => pressure.stalled_seconds = total as f64 * MICRO,
            _ => {}
        }
    }
    found
}

/// `/proc/<pid>/net/dev`: two lines of headings, then an interface a line. The loopback is left out.
pub fn net_dev(text: &str, interfaces: &mut Vec<Interface>) {
    for line in text.lines().skip(2) {
        let Some((name, counts)) = line.rsplit_once(": ").or_else(|| line.split_once(':')) else { continue };
        let name = name.trim();
        if name == "lo" || name.is_empty() || interfaces.len() >= ROWS_MAX {
            continue;
        }
        let mut numbers = [0_u64; 16];
        let mut count = 0;
        for (place, word) in numbers.iter_mut().zip(counts.split_whitespace()) {
            let Ok(number) = word.parse() else { break };
            *place = number;
            count += 1;
        }
        let [rx, rx_packets, rx_errors, rx_dropped, .., tx, tx_packets, tx_errors, tx_dropped, _, _, _, _] =
            numbers;
        if count >= 12 {
            interfaces.push(Interface {
                name: name.to_owned(),
                received: [rx, rx_packets, rx_errors, rx_dropped],
                sent: [tx, tx_packets, tx_errors, tx_dropped],
            });
        }
    }
}

/// Number of processes in `cgroup.procs`: a line each.
pub fn procs(text: &str) -> u64 {
    text.lines().filter(|line| !line.is_empty()).count() as u64
}

#[cfg(test)]
#[path = "cgroup_tests.rs"]
mod tests;
