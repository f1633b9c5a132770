//! Tables of a host: its filesystems, disks and interfaces, made of its newest readings and facts.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::store::FactRow;

use super::host::HostNow;
use super::slots::Field;
use super::view::{DiskView, FilesystemView, InterfaceView};

/// Errors of `device_error` that speak of the agent's rights, not of a filesystem that does not answer.
const OUT_OF_REACH: [&str; 3] = ["permission denied", "no such file or directory", "hidden from the agent"];

/// Filesystems by mount point.
pub fn filesystems(now: &HostNow) -> Vec<FilesystemView> {
    let mut table: BTreeMap<(String, String), FilesystemView> = BTreeMap::new();
    for (slot, value) in now.sources().flat_map(|(_, rows)| rows.values()) {
        let is_filesystem = matches!(
            slot.field,
            Field::FilesystemSize
                | Field::FilesystemAvail
                | Field::FilesystemFree
                | Field::FilesystemInodes
                | Field::FilesystemInodesFree
                | Field::FilesystemReadonly
                | Field::FilesystemError
        );
        if !is_filesystem {
            continue;
        }
        let key = (slot.label("mountpoint").to_owned(), slot.label("device").to_owned());
        let row = table.entry(key).or_insert_with_key(|(mountpoint, device)| FilesystemView {
            mountpoint: mountpoint.clone(),
            device: device.clone(),
            fstype: slot.label("fstype").to_owned(),
            size_bytes: None,
            avail_bytes: None,
            free_bytes: None,
            used_ratio: None,
            inodes: None,
            inodes_free: None,
            readonly: false,
            stalled: false,
        });
        match slot.field {
            Field::FilesystemSize => row.size_bytes = Some(value),
            Field::FilesystemAvail => row.avail_bytes = Some(value),
            Field::FilesystemFree => row.free_bytes = Some(value),
            Field::FilesystemInodes => row.inodes = Some(value),
            Field::FilesystemInodesFree => row.inodes_free = Some(value),
            Field::FilesystemReadonly => row.readonly = value != 0.0,
            _ => row.stalled = value != 0.0 && !OUT_OF_REACH.contains(&slot.label("device_error")),
        }
    }
    let mut rows: Vec<FilesystemView> = table.into_values().collect();
    for row in &mut rows {
        row.used_ratio = used_ratio(row);
    }
    rows
}

/// Share in use as `df` counts: of what is used and what an ordinary user can still have.
fn used_ratio(row: &FilesystemView) -> Option<f64> {
    let used = row.size_bytes? - row.free_bytes?;
    let total = used + row.avail_bytes?;
    (total > 0.0).then(|| (used / total).clamp(0.0, 1.0))
}

/// Disks by kernel name.
pub fn disks(now: &HostNow, facts: &[FactRow]) -> Vec<DiskView> {
    let mut table: BTreeMap<String, DiskView> = BTreeMap::new();
    for (slot, _) in now.all(Field::DiskReadBytes).chain(now.all(Field::DiskInfo)) {
        let row = disk_row(&mut table, slot.label("device"));
        if slot.field == Field::DiskInfo {
            row.model = text(slot.label("model"));
            row.serial = text(slot.label("serial"));
            row.rotational = match slot.label("rotational") {
                "0" => Some(false),
                "1" => Some(true),
                _ => None,
            };
        }
    }
    for (_, rows) in now.sources() {
        let Some((seconds, grown)) = rows.growth() else { continue };
        for (slot, grown) in grown {
            let Some(row) = table.get_mut(slot.label("device")) else { continue };
            let per_second = Some(grown / seconds);
            match slot.field {
                Field::DiskReadBytes => row.read_bytes_per_second = per_second,
                Field::DiskWrittenBytes => row.write_bytes_per_second = per_second,
                Field::DiskReads => row.reads_per_second = per_second,
                Field::DiskWrites => row.writes_per_second = per_second,
                Field::DiskBusy => row.busy_ratio = per_second.map(|ratio| ratio.min(1.0)),
                _ => {}
            }
        }
    }
    for fact in facts.iter().filter(|fact| fact.kind == "disk") {
        let row = disk_row(&mut table, device_of(fact));
        let of = |key: &str| fact.doc.get(key);
        row.model = of("model").and_then(Value::as_str).and_then(text).or(row.model.take());
        row.serial = of("serial").and_then(Value::as_str).and_then(text).or(row.serial.take());
        row.size_bytes = of("size_bytes").and_then(Value::as_f64);
        row.rotational = of("rotational").and_then(Value::as_bool).or(row.rotational);
    }
    table.into_values().collect()
}

/// Kernel name of a disk: the id of its fact is an identity that stays when the name changes.
pub fn device_of(fact: &FactRow) -> &str {
    fact.doc.get("device").and_then(Value::as_str).unwrap_or(&fact.id)
}

fn disk_row<'a>(table: &'a mut BTreeMap<String, DiskView>, device: &str) -> &'a mut DiskView {
    table.entry(device.to_owned()).or_insert_with_key(|device| DiskView {
        device: device.clone(),
        model: None,
        serial: None,
        size_bytes: None,
        rotational: None,
        read_bytes_per_second: None,
        write_bytes_per_second: None,
        reads_per_second: None,
        writes_per_second: None,
        busy_ratio: None,
    })
}

/// Interfaces by kernel name.
pub fn interfaces(now: &HostNow) -> Vec<InterfaceView> {
    let mut table: BTreeMap<String, InterfaceView> = BTreeMap::new();
    for (slot, value) in now.sources().flat_map(|(_, rows)| rows.values()) {
        let is_network = matches!(
            slot.field,
            Field::NetworkReceive
                | Field::NetworkInfo
                | Field::NetworkSpeed
                | Field::NetworkReceiveErrors
                | Field::NetworkTransmitErrors
        );
        if !is_network {
            continue;
        }
        let device = slot.label("device");
        let row = table.entry(device.to_owned()).or_insert_with_key(|device| InterfaceView {
            device: device.clone(),
            operstate: None,
            speed_bytes_per_second: None,
            address: None,
            receive_bytes_per_second: None,
            transmit_bytes_per_second: None,
            errors_total: None,
        });
        match slot.field {
            Field::NetworkInfo => {
                row.operstate = text(slot.label("operstate")).or(row.operstate.take());
                row.address = text(slot.label("address")).or(row.address.take());
            }
            // The kernel says -1 where it does not know.
            Field::NetworkSpeed => row.speed_bytes_per_second = Some(value).filter(|speed| *speed > 0.0),
            Field::NetworkReceiveErrors | Field::NetworkTransmitErrors => {
                row.errors_total = Some(row.errors_total.unwrap_or(0.0) + value);
            }
            _ => {}
        }
    }
    for (_, rows) in now.sources() {
        let Some((seconds, grown)) = rows.growth() else { continue };
        for (slot, grown) in grown {
            let Some(row) = table.get_mut(slot.label("device")) else { continue };
            match slot.field {
                Field::NetworkReceive => row.receive_bytes_per_second = Some(grown / seconds),
                Field::NetworkTransmit => row.transmit_bytes_per_second = Some(grown / seconds),
                _ => {}
            }
        }
    }
    table.into_values().collect()
}

fn text(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::host::tests::{layout, row};
    use super::*;

    #[test]
    fn filesystems_are_as_full_as_df_says() {
        let labels = [("device", "/dev/sda1"), ("fstype", "ext4"), ("mountpoint", "/")];
        let fs = layout(
            "filesystem",
            &[
                ("node_filesystem_size_bytes", &labels),
                ("node_filesystem_free_bytes", &labels),
                ("node_filesystem_avail_bytes", &labels),
                ("node_filesystem_readonly", &labels),
            ],
        );
        let mut now = HostNow::default();
        now.apply(&row(&fs, 1, &[1000.0, 200.0, 100.0, 0.0]));
        let table = filesystems(&now);
        assert_eq!(table.len(), 1);
        assert_eq!((table[0].mountpoint.as_str(), table[0].used_ratio), ("/", Some(800.0 / 900.0)));
        assert!(!table[0].readonly && !table[0].stalled);
    }

    #[test]
    fn a_filesystem_out_of_the_agents_reach_is_not_stalled() {
        for (error, stalled) in
            [("mountpoint timeout", true), ("permission denied", false), ("hidden from the agent", false)]
        {
            let labels =
                [("device", "a:/b"), ("device_error", error), ("fstype", "nfs"), ("mountpoint", "/mnt")];
            let fs = layout("filesystem", &[("node_filesystem_device_error", &labels)]);
            let mut now = HostNow::default();
            now.apply(&row(&fs, 1, &[1.0]));
            assert_eq!(filesystems(&now)[0].stalled, stalled, "{error}");
        }
    }

    #[test]
    fn disks_join_rates_and_facts() {
        let sda = [("device", "sda")];
        let disk = layout(
            "disk",
            &[("node_disk_read_bytes_total", &sda), ("node_disk_io_time_seconds_total", &sda)],
        );
        let mut now = HostNow::default();
        now.apply(&row(&disk, 0, &[0.0, 0.0]));
        now.apply(&row(&disk, 10_000, &[5000.0, 2.5]));
        let fact =
            |id: &str, doc| FactRow { host: 1, kind: "disk".to_owned(), id: id.to_owned(), since: 0, doc };
        let facts = [
            fact(
                "wwn-0x5",
                serde_json::json!({"device": "sda", "model": "X ", "size_bytes": 4, "rotational": true}),
            ),
            fact("sdb", serde_json::json!({})),
        ];
        let table = disks(&now, &facts);
        assert_eq!(table.len(), 2);
        assert_eq!((table[0].read_bytes_per_second, table[0].busy_ratio), (Some(500.0), Some(0.25)));
        assert_eq!((table[0].model.as_deref(), table[0].size_bytes), (Some("X"), Some(4.0)));
        assert_eq!((table[1].device.as_str(), table[1].read_bytes_per_second), ("sdb", None));
    }
}
