//! Which columns of a reading the overview understands, worked out once per layout.

use crate::model::{Labels, Layout, SeriesId};

/// What a column means to the overview.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// Seconds a processor was idle or waited for disks.
    CpuIdle,
    /// Seconds a processor worked.
    CpuBusy,
    /// Memory of the host.
    MemoryTotal,
    /// Memory that programs could have.
    MemoryAvailable,
    /// Load average over a minute.
    Load1,
    /// When the host was booted.
    BootTime,
    /// A temperature.
    Celsius,
    /// Kernel and architecture, in labels.
    Uname,
    /// Operating system, in labels.
    Os,
    /// Size of a filesystem.
    FilesystemSize,
    /// What an ordinary user can write to it.
    FilesystemAvail,
    /// What is free on it.
    FilesystemFree,
    /// Its inodes.
    FilesystemInodes,
    /// Its free inodes.
    FilesystemInodesFree,
    /// Mounted read-only.
    FilesystemReadonly,
    /// It does not answer.
    FilesystemError,
    /// Bytes read from a disk.
    DiskReadBytes,
    /// Bytes written to it.
    DiskWrittenBytes,
    /// Reads completed.
    DiskReads,
    /// Writes completed.
    DiskWrites,
    /// Seconds it had work.
    DiskBusy,
    /// Model and serial number, in labels.
    DiskInfo,
    /// Bytes received by an interface.
    NetworkReceive,
    /// Bytes sent by it.
    NetworkTransmit,
    /// Errors receiving.
    NetworkReceiveErrors,
    /// Errors sending.
    NetworkTransmitErrors,
    /// State and address, in labels.
    NetworkInfo,
    /// Speed of its link.
    NetworkSpeed,
    /// How long the last run of a source took.
    SourceDuration,
}

/// The metrics the overview is made of.
const FIELDS: [(&str, Field); 31] = [
    ("node_cpu_seconds_total", Field::CpuBusy),
    ("node_memory_MemTotal_bytes", Field::MemoryTotal),
    ("node_memory_MemAvailable_bytes", Field::MemoryAvailable),
    ("node_load1", Field::Load1),
    ("node_boot_time_seconds", Field::BootTime),
    ("node_hwmon_temp_celsius", Field::Celsius),
    ("node_thermal_zone_temp", Field::Celsius),
    ("smartctl_device_temperature", Field::Celsius),
    ("node_uname_info", Field::Uname),
    ("node_os_info", Field::Os),
    ("node_filesystem_size_bytes", Field::FilesystemSize),
    ("node_filesystem_avail_bytes", Field::FilesystemAvail),
    ("node_filesystem_free_bytes", Field::FilesystemFree),
    ("node_filesystem_files", Field::FilesystemInodes),
    ("node_filesystem_files_free", Field::FilesystemInodesFree),
    ("node_filesystem_readonly", Field::FilesystemReadonly),
    ("node_filesystem_device_error", Field::FilesystemError),
    ("node_disk_read_bytes_total", Field::DiskReadBytes),
    ("node_disk_written_bytes_total", Field::DiskWrittenBytes),
    ("node_disk_reads_completed_total", Field::DiskReads),
    ("node_disk_writes_completed_total", Field::DiskWrites),
    ("node_disk_io_time_seconds_total", Field::DiskBusy),
    ("node_disk_info", Field::DiskInfo),
    ("node_network_receive_bytes_total", Field::NetworkReceive),
    ("node_network_transmit_bytes_total", Field::NetworkTransmit),
    ("node_network_receive_errs_total", Field::NetworkReceiveErrors),
    ("node_network_transmit_errs_total", Field::NetworkTransmitErrors),
    ("node_network_info", Field::NetworkInfo),
    ("node_network_speed_bytes", Field::NetworkSpeed),
    ("node_network_up", Field::NetworkInfo),
    ("node_scrape_collector_duration_seconds", Field::SourceDuration),
];

/// Names of the metrics the overview is made of.
pub fn metrics() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, _)| *name)
}

/// A column with its meaning.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Which column.
    pub column: usize,
    /// Which series.
    pub id: SeriesId,
    /// What it means.
    pub field: Field,
    /// Labels of the series.
    pub labels: Labels,
}

impl Slot {
    /// Value of a label, empty when it is not there.
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value.as_str())
    }
}

/// The columns of a layout that mean something here.
pub fn compile(layout: &Layout) -> Vec<Slot> {
    let infos = layout.infos.iter().enumerate();
    let slot = |(column, info): (usize, &Option<crate::model::SeriesInfo>)| {
        let info = info.as_ref()?;
        let (_, field) = FIELDS.iter().find(|(name, _)| *name == &*info.metric)?;
        let mut slot = Slot { column, id: info.id, field: *field, labels: info.labels.clone() };
        // A disk's limits and records are told beside its temperature.
        let is_other = |kind: &str| !kind.is_empty() && kind != "current";
        if slot.field == Field::Celsius && is_other(slot.label("temperature_type")) {
            return None;
        }
        if slot.field == Field::CpuBusy && matches!(slot.label("mode"), "idle" | "iowait") {
            slot.field = Field::CpuIdle;
        }
        Some(slot)
    };
    infos.filter_map(slot).collect()
}

/// Whether an interface is one whose traffic leaves the host, by its name: not the loopback, a bridge, a tunnel or the
/// host's end of a container's link, whose traffic passes a physical one too.
pub fn is_physical(device: &str) -> bool {
    const VIRTUAL: [&str; 17] = [
        "veth", "docker", "br-", "virbr", "vnet", "tap", "tun", "lxc", "lxdbr", "cni", "flannel", "cali",
        "wg", "bond", "team", "dummy", "vmbr",
    ];
    device != "lo" && !device.contains('.') && !VIRTUAL.iter().any(|prefix| device.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::super::host::tests::layout;
    use super::*;

    #[test]
    fn the_limit_of_a_disk_is_no_temperature_of_the_host() {
        let of = |kind: &'static str| [("device", "sda"), ("temperature_type", kind)];
        let metric = "smartctl_device_temperature";
        let smart = layout("smart", &[(metric, &of("op_limit_max")), (metric, &of("current"))]);
        let columns: Vec<usize> = compile(&smart).iter().map(|slot| slot.column).collect();
        assert_eq!(columns, [1]);
    }
}
