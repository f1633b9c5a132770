//! Every block device, what it lies on and what it holds: what lsblk shows, from `/sys/class/block`, udev's database,
//! `mountinfo` and `/proc/swaps`. Nothing is asked of a device, so a disk in standby sleeps on.
//!
//! Each run looks whether anything changed, which is cheap; only then, and every ten minutes, everything is read.

mod bays;
mod changes;
mod facts;
mod tree;
mod uses;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};
use xxhash_rust::xxh3::Xxh3;

use crate::host::{At, HostRoot, Scratch};
use crate::source::disks::disks;
use crate::source::mounts::{self, Mount};
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use bays::Bays;
use changes::Watch;
use facts::{Known, device_doc, folder};
use tree::devices;
use uses::{is_of_device, swaps, uses};

config_section! {
    /// Block devices: disks, partitions, volumes.
    pub struct Config in "sources.block" {}
}

static INFO: MetricDef = MetricDef::info(
    "hi_disk_info",
    &["disk", "device", "model", "serial", "revision", "transport", "path", "enclosure", "slot"],
    "What a disk is, and where. The label disk stays the same when it gets another name or bay.",
);
static SIZE: MetricDef = MetricDef::gauge("hi_disk_size_bytes", Unit::Bytes, &["disk"], "Size of a disk.");
static ONLINE: MetricDef = MetricDef::gauge(
    "hi_disk_online",
    Unit::None,
    &["disk"],
    "Whether the kernel can use a disk: 0 after it gave up on it (SCSI state other than running, NVMe other than live).",
);
static ERRORS: MetricDef = MetricDef::counter(
    "hi_disk_scsi_errors_total",
    Unit::None,
    &["disk"],
    "SCSI and ATA commands that did not end well, harmless ones among them (ioerr_cnt).",
);
static TIMEOUTS: MetricDef = MetricDef::counter(
    "hi_disk_scsi_timeouts_total",
    Unit::None,
    &["disk"],
    "SCSI and ATA commands that were not answered in time (iotmo_cnt, Linux 6.1).",
);
static DEVICE_SIZE: MetricDef = MetricDef::gauge(
    "hi_block_device_size_bytes",
    Unit::Bytes,
    &["device", "type"],
    "Size of a block device: disk, part, crypt, lvm, raid, zvol, loop, ….",
);
static READ_ONLY: MetricDef = MetricDef::gauge(
    "hi_block_device_read_only",
    Unit::None,
    &["device", "type"],
    "Whether the kernel refuses to write to a block device.",
);

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "block",
    summary: "Disks, partitions, volumes: what they are, lie on and hold, disks that come and go, from /sys/class/block.",
    interval: Duration::from_secs(15),
    timeout: Duration::from_secs(10),
    metrics: &[&INFO, &SIZE, &ONLINE, &ERRORS, &TIMEOUTS, &DEVICE_SIZE, &READ_ONLY],
    permission: "",
    keys: Config::keys,
    make: |table| {
        own_section::<Config>(table)?;
        Ok(Box::new(Block::default()))
    },
};

struct Block {
    scratch: Scratch,
    every: Every,
    /// Fingerprint of what the last whole look was taken at.
    seen: Option<u64>,
    /// Disks by identity.
    disks: BTreeMap<String, Known>,
    /// Name, type, size and whether it is read-only, of every device.
    devices: Vec<(String, &'static str, i64, bool)>,
    watch: Watch,
    /// Kind and id of each fact told; what did not change is told to nobody else.
    told: BTreeSet<(&'static str, String)>,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            scratch: Scratch::default(),
            every: Every::new(Every::FACTS),
            seen: None,
            disks: BTreeMap::new(),
            devices: Vec::new(),
            watch: Watch::default(),
            told: BTreeSet::new(),
        }
    }
}

impl Source for Block {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let names = host.list(At::Sys, "class/block")?;
        if names.is_empty() && self.seen.is_none() {
            return Ok(Outcome::Absent);
        }
        let mounts = self.mounts(host);
        let swaps = swaps(host.text(&mut self.scratch, At::Proc, "swaps").unwrap_or_default());
        let print = self.fingerprint(host, &names, &mounts, &swaps)?;
        if self.every.due() || self.seen != Some(print) {
            self.look(host, &names, &mounts, &swaps, out)?;
            self.seen = Some(print);
        }
        self.push(host, out);
        Ok(if self.devices.is_empty() { Outcome::Absent } else { Outcome::Read })
    }
}

impl Block {
    /// The host's mounts that are of a block device, or, where process 1 is hidden, those of this process.
    fn mounts(&mut self, host: &HostRoot) -> Vec<Mount> {
        let mut of = |process: &str| {
            let text = host.text(&mut self.scratch, At::Proc, &format!("{process}/mountinfo")).ok()?;
            Some(mounts::parse(text, is_of_device).0)
        };
        of("1").or_else(|| of("self")).unwrap_or_default()
    }

    /// Changes when a device comes or goes, a volume is put on other devices, something is mounted, udev looks again.
    fn fingerprint(
        &mut self,
        host: &HostRoot,
        names: &[String],
        mounts: &[Mount],
        swaps: &[String],
    ) -> Result<u64, SourceError> {
        let mut print = Xxh3::new();
        let mounted = mounts.iter().flat_map(|mount| [&mount.device, &mount.mountpoint, &mount.minor]);
        for text in names.iter().chain(swaps).chain(mounted) {
            print.update(text.as_bytes());
            print.update(b"\0");
        }
        for name in names {
            // Counts up with each disk that gets the name (Linux 5.15).
            if let Some(number) = host.attribute(&mut self.scratch, &format!("class/block/{name}/diskseq")) {
                print.update(number.as_bytes());
            }
            if let Some(sectors) = host.attribute(&mut self.scratch, &format!("class/block/{name}/size")) {
                print.update(sectors.as_bytes());
            }
            if ["dm-", "md", "bcache"].iter().any(|start| name.starts_with(start)) {
                for slave in host.list(At::Sys, &format!("class/block/{name}/slaves"))? {
                    print.update(slave.as_bytes());
                }
            }
            print.update(b"\0");
        }
        Ok(print.digest())
    }

    /// Reads everything and tells it.
    fn look(
        &mut self,
        host: &HostRoot,
        names: &[String],
        mounts: &[Mount],
        swaps: &[String],
        out: &mut Readings,
    ) -> Result<(), SourceError> {
        let bays = Bays::read(host, &mut self.scratch);
        self.disks = BTreeMap::new();
        for disk in disks(host, &mut self.scratch)? {
            let bay = bays.of(host, &mut self.scratch, &disk);
            let known = Known::read(host, &mut self.scratch, disk, bay);
            self.disks.insert(known.disk.id.clone(), known);
        }
        let ids =
            self.disks.values().map(|known| (known.disk.device.clone(), known.disk.id.clone())).collect();
        let devices = devices(host, &mut self.scratch, names)?;
        let uses = uses(host, &devices, mounts, swaps);

        let before = std::mem::take(&mut self.told);
        for (id, known) in &self.disks {
            out.fact("disk", id.clone(), known.doc());
            self.told.insert(("disk", id.clone()));
        }
        for (name, device) in &devices {
            out.fact("block_device", name.clone(), device_doc(device, &devices, &ids, uses.get(name)));
            self.told.insert(("block_device", name.clone()));
        }
        for (kind, id) in before.difference(&self.told) {
            out.fact_gone(kind, id.clone());
        }
        self.devices = devices
            .into_values()
            .map(|device| (device.name, device.kind, device.size_bytes, device.read_only))
            .collect();
        for event in self.watch.look(&self.disks) {
            out.event(event.kind, event.severity, event.message, event.data);
        }
        Ok(())
    }

    fn push(&mut self, host: &HostRoot, out: &mut Readings) {
        for (id, known) in &self.disks {
            let (disk, identity) = (&known.disk, &known.disk.identity);
            let labels = [
                id,
                &disk.device,
                &identity.model,
                &identity.serial,
                &identity.revision,
                disk.transport,
                &disk.address.path,
                &known.bay.enclosure,
                &known.bay.slot,
            ];
            out.push(&INFO, &labels, 1.0);
        }
        for (id, known) in &self.disks {
            out.push(&SIZE, &[id], known.size_bytes.unwrap_or(0) as f64);
        }
        self.push_states(host, out);
        for (name, kind, bytes, _) in &self.devices {
            out.push(&DEVICE_SIZE, &[name, kind], *bytes as f64);
        }
        for (name, kind, _, read_only) in &self.devices {
            out.push(&READ_ONLY, &[name, kind], if *read_only { 1.0 } else { 0.0 });
        }
    }

    fn push_states(&mut self, host: &HostRoot, out: &mut Readings) {
        let scratch = &mut self.scratch;
        for (id, known) in &self.disks {
            let state = host.attribute(scratch, &format!("{}/device/state", folder(&known.disk.device)));
            if let Some(state) = state {
                out.push(&ONLINE, &[id], if ["running", "live"].contains(&state) { 1.0 } else { 0.0 });
            }
        }
        for (metric, name) in [(&ERRORS, "ioerr_cnt"), (&TIMEOUTS, "iotmo_cnt")] {
            for (id, known) in self.disks.iter().filter(|(_, known)| known.disk.address.scsi.is_some()) {
                let path = format!("{}/device/{name}", folder(&known.disk.device));
                let count = host.attribute(scratch, &path).and_then(|text| text.strip_prefix("0x"));
                if let Some(count) = count.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
                    out.push(metric, &[id], count as f64);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
