//! Metrics of containers, in the names, labels and units of cAdvisor (lib/metrics/prometheus.go of google/cadvisor), and
//! `hi_container_*` for what it lacks.

use hi_common::metric::{MetricDef, Unit};

use crate::engine::usage::{Device, Interface, Usage};
use crate::engine::{Container, Limits};
use crate::source::Readings;

/// Labels of cAdvisor's metrics: `id` is the path of the cgroup.
macro_rules! labels {
    ($($more:literal),*) => {
        &[
            "id", "name", "image", "container_label_com_docker_compose_project",
            "container_label_com_docker_compose_service" $(, $more)*
        ]
    };
}

/// Declares metrics without further labels, and what each is of a container.
macro_rules! plain {
    ($list:ident: $($constructor:ident $name:literal $unit:ident $help:literal $take:expr;)+) => {
        pub(super) const $list: &[(&MetricDef, fn(&Row<'_>) -> Option<f64>)] = &[$(({
            static METRIC: MetricDef = MetricDef::$constructor($name, Unit::$unit, labels!(), $help);
            &METRIC
        }, $take)),+];
    };
}

/// A container at a moment.
pub(super) struct Row<'a> {
    /// The container.
    pub(super) container: &'a Container,
    /// Values of the labels that each of its metrics has.
    pub(super) labels: [&'a str; 5],
    /// What it uses; `None` when it does not run or that cannot be seen.
    pub(super) usage: Option<&'a Usage>,
    /// Block devices of the usage, by name.
    pub(super) devices: &'a [String],
    /// Now, in Unix seconds.
    pub(super) now: f64,
    /// Unix seconds of the build of its image.
    pub(super) image_created: Option<f64>,
    /// Bytes it wrote beside its image.
    pub(super) written_bytes: Option<u64>,
    /// Whether it is restarted again and again.
    pub(super) restart_loop: bool,
}

impl Row<'_> {
    fn name(&self) -> &str {
        self.labels[1]
    }
}

fn whole(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

fn used(row: &Row<'_>, take: impl Fn(&Usage) -> Option<u64>) -> Option<f64> {
    whole(take(row.usage?))
}

fn limit(row: &Row<'_>, take: impl Fn(&Limits) -> u64) -> Option<f64> {
    row.usage.map(|_| take(&row.container.limits) as f64)
}

/// Only what a quota limits can be held up by it.
fn throttled(row: &Row<'_>, take: impl Fn(&Usage) -> Option<f64>) -> Option<f64> {
    take(row.usage.filter(|_| row.container.limits.cpu_quota_us > 0)?)
}

fn pressed(row: &Row<'_>, of: usize, stalled: bool) -> Option<f64> {
    let pressure = row.usage?.pressure.get(of)?.as_ref()?;
    Some(if stalled { pressure.stalled_seconds } else { pressure.waiting_seconds })
}

plain! { PLAIN:
    gauge "container_last_seen" Seconds "Unix time at which the container was seen running last." |row| row.usage.map(|_| row.now.floor());
    gauge "container_start_time_seconds" Seconds "Unix time at which the container was started." |row| row.usage.and(row.container.started_ms).map(|ms| ms.div_euclid(1000) as f64);
    counter "container_cpu_user_seconds_total" Seconds "CPU time in programs." |row| row.usage?.cpu.user_seconds;
    counter "container_cpu_system_seconds_total" Seconds "CPU time in the kernel." |row| row.usage?.cpu.system_seconds;
    counter "container_cpu_cfs_periods_total" None "Periods of the CPU quota gone by; only with a quota." |row| throttled(row, |usage| whole(usage.cpu.periods));
    counter "container_cpu_cfs_throttled_periods_total" None "Periods in which the CPU quota was used up." |row| throttled(row, |usage| whole(usage.cpu.throttled_periods));
    counter "container_cpu_cfs_throttled_seconds_total" Seconds "Time for which the CPU quota held the container up." |row| throttled(row, |usage| usage.cpu.throttled_seconds);
    gauge "container_memory_usage_bytes" Bytes "Memory in use, with the whole page cache." |row| used(row, |usage| usage.memory.usage);
    gauge "container_memory_working_set_bytes" Bytes "Memory in use without page cache that was not used lately, as `docker stats` shows it." |row| used(row, |usage| usage.memory.working_set());
    gauge "container_memory_rss" Bytes "Memory of programs (anonymous pages)." |row| used(row, |usage| usage.memory.rss);
    gauge "container_memory_cache" Bytes "Page cache." |row| used(row, |usage| usage.memory.cache);
    gauge "container_memory_swap" Bytes "Memory swapped out." |row| used(row, |usage| usage.memory.swap);
    gauge "container_memory_mapped_file" Bytes "Files mapped into programs." |row| used(row, |usage| usage.memory.mapped_file);
    gauge "container_memory_max_usage_bytes" Bytes "The most memory it ever used." |row| used(row, |usage| usage.memory.max_usage);
    counter "container_memory_failcnt" None "How often the memory limit was hit." |row| used(row, |usage| usage.memory.limit_hits);
    counter "container_oom_events_total" None "Processes killed for lack of memory." |row| used(row, |usage| usage.memory.oom_kills);
    gauge "container_processes" None "Processes in it." |row| used(row, |usage| usage.processes);
    gauge "container_threads" None "Threads of all its processes." |row| used(row, |usage| usage.threads);
    gauge "container_spec_memory_limit_bytes" Bytes "Memory limit; 0 is none." |row| limit(row, |limits| limits.memory_bytes);
    gauge "container_spec_memory_swap_limit_bytes" Bytes "Limit of memory and swap together; 0 is none." |row| limit(row, |limits| limits.memory_swap_bytes);
    gauge "container_spec_memory_reservation_limit_bytes" Bytes "Memory that is left to it under pressure; 0 is none." |row| limit(row, |limits| limits.memory_reservation_bytes);
    gauge "container_spec_cpu_period" None "Period of the CPU quota, in microseconds." |row| limit(row, |limits| match limits.cpu_period_us { 0 => 100_000, period => period });
    gauge "container_spec_cpu_quota" None "CPU quota in a period, in microseconds; only with a quota." |row| limit(row, |limits| limits.cpu_quota_us).filter(|&quota| quota > 0.0);
    gauge "container_spec_cpu_shares" None "CPU weight against others." |row| limit(row, |limits| match limits.cpu_shares { 0 => 1024, shares => shares });
    counter "container_pressure_cpu_waiting_seconds_total" Seconds "Time in which some task waited for the CPU." |row| pressed(row, 0, false);
    counter "container_pressure_cpu_stalled_seconds_total" Seconds "Time in which all tasks waited for the CPU." |row| pressed(row, 0, true);
    counter "container_pressure_memory_waiting_seconds_total" Seconds "Time in which some task waited for memory." |row| pressed(row, 1, false);
    counter "container_pressure_memory_stalled_seconds_total" Seconds "Time in which all tasks waited for memory." |row| pressed(row, 1, true);
    counter "container_pressure_io_waiting_seconds_total" Seconds "Time in which some task waited for I/O." |row| pressed(row, 2, false);
    counter "container_pressure_io_stalled_seconds_total" Seconds "Time in which all tasks waited for I/O." |row| pressed(row, 2, true);
    gauge "container_health_state" None "Result of the health check: 1 healthy, 0 starting or unhealthy, -1 without a check." |row| row.usage.map(|_| match row.container.health.as_str() { "healthy" => 1.0, "" => -1.0, _ => 0.0 });
}

static CPU: MetricDef = MetricDef::counter(
    "container_cpu_usage_seconds_total",
    Unit::Seconds,
    labels!("cpu"),
    "CPU time; `cpu` is `total`.",
);
static FAILURES: MetricDef = MetricDef::counter(
    "container_memory_failures_total",
    Unit::None,
    labels!("failure_type", "scope"),
    "Page faults, and those that had to read from a disk.",
);

/// Declares metrics with one further label, and what each is of a device or an interface.
macro_rules! each {
    ($list:ident of $thing:ident by $label:literal: $($name:literal $unit:ident $help:literal $take:expr;)+) => {
        const $list: &[(&MetricDef, fn(&$thing) -> u64)] = &[$(({
            static METRIC: MetricDef = MetricDef::counter($name, Unit::$unit, labels!($label), $help);
            &METRIC
        }, $take)),+];
    };
}

each! { DEVICES of Device by "device":
    "container_fs_reads_bytes_total" Bytes "Bytes read from a block device." |device| device.read_bytes;
    "container_fs_writes_bytes_total" Bytes "Bytes written to a block device." |device| device.written_bytes;
    "container_fs_reads_total" None "Reads from a block device." |device| device.reads;
    "container_fs_writes_total" None "Writes to a block device." |device| device.writes;
}

each! { INTERFACES of Interface by "interface":
    "container_network_receive_bytes_total" Bytes "Bytes received." |one| one.received[0];
    "container_network_receive_packets_total" None "Packets received." |one| one.received[1];
    "container_network_receive_errors_total" None "Packets received with an error." |one| one.received[2];
    "container_network_receive_packets_dropped_total" None "Packets received and dropped." |one| one.received[3];
    "container_network_transmit_bytes_total" Bytes "Bytes sent." |one| one.sent[0];
    "container_network_transmit_packets_total" None "Packets sent." |one| one.sent[1];
    "container_network_transmit_errors_total" None "Packets that could not be sent." |one| one.sent[2];
    "container_network_transmit_packets_dropped_total" None "Packets to be sent and dropped." |one| one.sent[3];
}

const NAME: &[&str] = &["name"];
static STATE: MetricDef = MetricDef::state(
    "hi_container_state",
    &["name", "state"],
    "State of a container: created, running, paused, restarting, removing, exited, dead or unknown.",
);
static HEALTH: MetricDef = MetricDef::state(
    "hi_container_health",
    &["name", "health"],
    "Result of a container's health check: starting, healthy or unhealthy; only where it has one.",
);
static RESTARTS: MetricDef = MetricDef::counter(
    "hi_container_restarts_total",
    Unit::None,
    NAME,
    "How often its restart policy has started a container again.",
);
static RESTART_LOOP: MetricDef = MetricDef::gauge(
    "hi_container_restart_loop",
    Unit::None,
    NAME,
    "Whether a container ends and is started again and again.",
);
static EXIT_CODE: MetricDef = MetricDef::gauge(
    "hi_container_exit_code",
    Unit::None,
    NAME,
    "Exit code of a container that does not run.",
);
static OOM_KILLED: MetricDef = MetricDef::gauge(
    "hi_container_oom_killed",
    Unit::None,
    NAME,
    "Whether the last run of a container was ended for lack of memory.",
);
static IMAGE_AGE: MetricDef = MetricDef::gauge(
    "hi_container_image_age_seconds",
    Unit::Seconds,
    NAME,
    "Time since the image of a container was built.",
);
static WRITTEN: MetricDef = MetricDef::gauge(
    "hi_container_written_bytes",
    Unit::Bytes,
    NAME,
    "What a container has written beside its image and volumes, as reckoned at `disk_usage_interval_secs`.",
);
static ENGINE_UP: MetricDef = MetricDef::gauge(
    "hi_container_engine_up",
    Unit::None,
    &["engine"],
    "Whether a container engine answers.",
);
static ENGINE_LEFT_OUT: MetricDef = MetricDef::gauge(
    "hi_container_engine_left_out",
    Unit::None,
    &["engine"],
    "Containers beyond the number that is looked at.",
);
static ENGINE_DISK: MetricDef = MetricDef::gauge(
    "hi_container_engine_disk_bytes",
    Unit::Bytes,
    &["engine", "kind"],
    "Disk space of images (layers), build_cache, containers and volumes, as reckoned at `disk_usage_interval_secs`.",
);

/// Words of `hi_container_state`.
const STATES: [&str; 8] =
    ["created", "running", "paused", "restarting", "removing", "exited", "dead", "unknown"];
/// Words of `hi_container_health`.
const HEALTHS: [&str; 3] = ["starting", "healthy", "unhealthy"];

const OTHERS: [&MetricDef; 13] = [
    &CPU,
    &FAILURES,
    &STATE,
    &HEALTH,
    &RESTARTS,
    &RESTART_LOOP,
    &EXIT_CODE,
    &OOM_KILLED,
    &IMAGE_AGE,
    &WRITTEN,
    &ENGINE_UP,
    &ENGINE_LEFT_OUT,
    &ENGINE_DISK,
];
const COUNT: usize = PLAIN.len() + DEVICES.len() + INTERFACES.len() + OTHERS.len();

/// All of them.
pub(super) const METRICS: [&MetricDef; COUNT] = {
    let mut metrics = [&CPU; COUNT];
    let mut index = 0;
    while index < COUNT {
        let others = OTHERS.len();
        let plain = others + PLAIN.len();
        let devices = plain + DEVICES.len();
        metrics[index] = if index < others {
            OTHERS[index]
        } else if index < plain {
            PLAIN[index - others].0
        } else if index < devices {
            DEVICES[index - plain].0
        } else {
            INTERFACES[index - devices].0
        };
        index += 1;
    }
    metrics
};

/// Number of [`PLAIN`] metrics that are left when a host has very many containers: without limits and pressure.
const PLAIN_OF_MANY: usize = 18;
/// Likewise of [`INTERFACES`]: bytes alone.
const BYTES_OF_MANY: [usize; 2] = [0, 4];

/// Pushes everything about these containers, a metric after the other; of very `many` only what is looked at most.
pub(super) fn push(rows: &[Row<'_>], many: bool, out: &mut Readings) {
    for row in rows {
        if let Some(seconds) = row.usage.and_then(|usage| usage.cpu.seconds) {
            out.push(&CPU, &with::<1, 6>(row, ["total"]), seconds);
        }
    }
    for (metric, take) in PLAIN.iter().take(if many { PLAIN_OF_MANY } else { PLAIN.len() }) {
        for row in rows {
            if let Some(value) = take(row) {
                out.push(metric, &row.labels, value);
            }
        }
    }
    for row in rows.iter().filter(|_| !many) {
        let memory = row.usage.map(|usage| usage.memory).unwrap_or_default();
        for (kind, count) in [("pgfault", memory.faults), ("pgmajfault", memory.major_faults)] {
            if let Some(count) = count {
                out.push(&FAILURES, &with::<2, 7>(row, [kind, "container"]), count as f64);
            }
        }
    }
    for (metric, take) in DEVICES {
        for row in rows {
            for (device, name) in row.usage.iter().flat_map(|usage| &usage.devices).zip(row.devices) {
                out.push(metric, &with::<1, 6>(row, [name]), take(device) as f64);
            }
        }
    }
    for (index, (metric, take)) in INTERFACES.iter().enumerate() {
        if many && !BYTES_OF_MANY.contains(&index) {
            continue;
        }
        for row in rows {
            for interface in row.usage.iter().flat_map(|usage| &usage.interfaces) {
                out.push(metric, &with::<1, 6>(row, [&interface.name]), take(interface) as f64);
            }
        }
    }
    push_own(rows, out);
}

/// The labels of a container's metrics with further ones.
fn with<'a, const N: usize, const ALL: usize>(row: &Row<'a>, more: [&'a str; N]) -> [&'a str; ALL] {
    let mut labels = [""; ALL];
    for (place, label) in labels.iter_mut().zip(row.labels.into_iter().chain(more)) {
        *place = label;
    }
    labels
}

/// What cAdvisor has no names for.
fn push_own(rows: &[Row<'_>], out: &mut Readings) {
    let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
    for row in rows {
        let known = STATES.contains(&row.container.state.as_str());
        let state = if known { row.container.state.as_str() } else { "unknown" };
        for word in STATES {
            out.push(&STATE, &[row.name(), word], flag(word == state));
        }
    }
    for row in rows.iter().filter(|row| !row.container.health.is_empty()) {
        for word in HEALTHS {
            out.push(&HEALTH, &[row.name(), word], flag(word == row.container.health));
        }
    }
    let mut push = |metric: &'static MetricDef, take: &dyn Fn(&Row<'_>) -> Option<f64>| {
        for row in rows {
            if let Some(value) = take(row) {
                out.push(metric, &[row.name()], value);
            }
        }
    };
    push(&RESTARTS, &|row| Some(row.container.restart_count as f64));
    push(&RESTART_LOOP, &|row| Some(flag(row.restart_loop)));
    push(&EXIT_CODE, &|row| row.container.exit_code.map(|code| code as f64));
    push(&OOM_KILLED, &|row| Some(flag(row.container.oom_killed)));
    push(&IMAGE_AGE, &|row| row.image_created.map(|created| (row.now - created).max(0.0)));
    push(&WRITTEN, &|row| whole(row.written_bytes));
}

/// What is pushed of an engine.
pub(super) struct EngineRow<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Whether it answers.
    pub(super) up: bool,
    /// Containers beyond the number that is looked at.
    pub(super) left_out: usize,
    /// Kind and bytes.
    pub(super) disk: Vec<(&'static str, u64)>,
}

/// Pushes what is known of the engines themselves.
pub(super) fn push_engines(rows: &[EngineRow<'_>], out: &mut Readings) {
    for row in rows {
        out.push(&ENGINE_UP, &[row.name], if row.up { 1.0 } else { 0.0 });
    }
    for row in rows {
        out.push(&ENGINE_LEFT_OUT, &[row.name], row.left_out as f64);
    }
    for row in rows {
        for (kind, bytes) in &row.disk {
            out.push(&ENGINE_DISK, &[row.name, kind], *bytes as f64);
        }
    }
}

/// Says that the series of a container's last moment are there no more.
pub(super) fn push_gone(labels: [&str; 5], out: &mut Readings) {
    out.push_absent(PLAIN[0].0, &labels);
}
