//! Block devices: I/O from `/proc/diskstats` (Documentation/admin-guide/iostats.rst), what they are from udev's database
//! and `/sys/block`. Nothing is asked of the device itself, so a disk in standby sleeps on.

mod identity;

use std::collections::HashMap;
use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::pattern::Patterns;
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, bad_line, own_section};
use identity::Identity;

config_section! {
    /// Block devices.
    pub struct Config in "sources.disk" {
        /// Shell patterns of devices left out. By default RAM disks, loop devices, floppies and partitions, as in node_exporter.
        pub exclude: Vec<String> = [
            "ram[0-9]*", "zram[0-9]*", "loop[0-9]*", "fd[0-9]*", "hd[a-z][0-9]*", "sd[a-z][0-9]*", "vd[a-z][0-9]*",
            "xvd[a-z][0-9]*", "nvme[0-9]*n[0-9]*p[0-9]*",
        ].map(str::to_owned).to_vec(),
    }
}

/// Declares the columns of a line of `/proc/diskstats` behind the device's name, in their order.
macro_rules! columns {
    ($($divisor:literal $constructor:ident $name:literal $unit:ident $help:literal;)+) => {
        /// Metric of each column and by what its number is divided.
        const COLUMNS: &[(&MetricDef, f64)] = &[$((
            { static METRIC: MetricDef = MetricDef::$constructor($name, Unit::$unit, &["device"], $help); &METRIC },
            $divisor,
        )),+];
    };
}

// Sectors are 512 bytes whatever the device's own are; 1/512 is exact. Times are milliseconds.
columns! {
    1.0 counter "node_disk_reads_completed_total" None "Reads completed.";
    1.0 counter "node_disk_reads_merged_total" None "Reads merged with a neighbour before they were queued.";
    0.001953125 counter "node_disk_read_bytes_total" Bytes "Bytes read.";
    1000.0 counter "node_disk_read_time_seconds_total" Seconds "Time spent by all reads, added up.";
    1.0 counter "node_disk_writes_completed_total" None "Writes completed.";
    1.0 counter "node_disk_writes_merged_total" None "Writes merged with a neighbour before they were queued.";
    0.001953125 counter "node_disk_written_bytes_total" Bytes "Bytes written.";
    1000.0 counter "node_disk_write_time_seconds_total" Seconds "Time spent by all writes, added up.";
    1.0 gauge "node_disk_io_now" None "I/Os in progress.";
    1000.0 counter "node_disk_io_time_seconds_total" Seconds "Time during which I/O was in progress.";
    1000.0 counter "node_disk_io_time_weighted_seconds_total" Seconds "That time multiplied by the number of I/Os in progress.";
    1.0 counter "node_disk_discards_completed_total" None "Discards completed.";
    1.0 counter "node_disk_discards_merged_total" None "Discards merged with a neighbour before they were queued.";
    1.0 counter "node_disk_discarded_sectors_total" None "Sectors of 512 bytes discarded.";
    1000.0 counter "node_disk_discard_time_seconds_total" Seconds "Time spent by all discards, added up.";
    1.0 counter "node_disk_flush_requests_total" None "Flushes completed.";
    1000.0 counter "node_disk_flush_requests_time_seconds_total" Seconds "Time spent by all flushes, added up.";
}

const METRICS: [&MetricDef; COLUMNS.len() + identity::METRICS.len()] = {
    let mut metrics = [COLUMNS[0].0; COLUMNS.len() + identity::METRICS.len()];
    let mut index = 0;
    while index < metrics.len() {
        metrics[index] =
            if index < COLUMNS.len() { COLUMNS[index].0 } else { identity::METRICS[index - COLUMNS.len()] };
        index += 1;
    }
    metrics
};

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "disk",
    summary: "I/O and identity of block devices, from /proc/diskstats, /sys/block and udev's database.",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    metrics: &METRICS,
    permission: "",
    keys: Config::keys,
    make: |table| Ok(Box::new(Disk::new(&own_section(table)?))),
};

/// Major and minor number of a device.
type Numbers = (u32, u32);

struct Disk {
    exclude: Patterns,
    scratch: Scratch,
    columns: Vec<u64>,
    /// Devices of this reading; the values of one are `columns[start..end]`.
    rows: Vec<Row>,
    identities: HashMap<String, Identity>,
    every: Every,
}

#[derive(Debug)]
struct Row {
    device: String,
    numbers: Numbers,
    start: usize,
    end: usize,
}

impl Disk {
    fn new(config: &Config) -> Self {
        Self {
            exclude: Patterns::new(&config.exclude),
            scratch: Scratch::default(),
            columns: Vec::new(),
            rows: Vec::new(),
            identities: HashMap::new(),
            every: Every::new(Every::FACTS),
        }
    }

    /// Takes the lines of the devices that are not left out; the last error, if any.
    fn take_lines(&mut self, host: &HostRoot) -> Result<(), SourceError> {
        let text = host.text(&mut self.scratch, At::Proc, "diskstats")?;
        self.columns.clear();
        let mut count = 0;
        let mut result = Ok(());
        for line in text.lines() {
            let start = self.columns.len();
            match parse_line(line, &mut self.columns) {
                Ok(Some((numbers, device))) if !self.exclude.matches(device) => {
                    let end = self.columns.len();
                    match self.rows.get_mut(count) {
                        Some(row) if row.device == device => {
                            (row.numbers, row.start, row.end) = (numbers, start, end);
                        }
                        _ => {
                            self.rows.truncate(count);
                            self.rows.push(Row { device: device.to_owned(), numbers, start, end });
                        }
                    }
                    count += 1;
                }
                Ok(_) => self.columns.truncate(start),
                Err(error) => {
                    self.columns.truncate(start);
                    result = Err(error);
                }
            }
        }
        self.rows.truncate(count);
        result
    }

    /// Looks up what the devices are: all every ten minutes, a new one or one whose numbers changed at once.
    fn identify(&mut self, host: &HostRoot) {
        if self.every.due() {
            self.identities.clear();
        }
        for row in &self.rows {
            let known = self.identities.get(&row.device).is_some_and(|found| found.numbers == row.numbers);
            if !known {
                let identity = Identity::look_up(host, &mut self.scratch, &row.device, row.numbers);
                self.identities.insert(row.device.clone(), identity);
            }
        }
        if self.identities.len() > self.rows.len() {
            let rows = &self.rows;
            self.identities.retain(|device, _| rows.iter().any(|row| row.device == *device));
        }
    }
}

impl Source for Disk {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let result = match self.take_lines(host) {
            // A container, or a kernel without block devices.
            Err(SourceError::Missing { .. }) => return Ok(Outcome::Absent),
            result => result,
        };
        self.identify(host);
        for (index, (metric, divisor)) in COLUMNS.iter().enumerate() {
            for row in &self.rows {
                if let Some(&value) = self.columns[row.start..row.end].get(index) {
                    out.push(metric, &[&row.device], value as f64 / divisor);
                }
            }
        }
        for row in &self.rows {
            if let Some(identity) = self.identities.get(&row.device) {
                identity.push(&row.device, out);
            }
        }
        result.map(|()| match self.rows.is_empty() {
            true => Outcome::Absent,
            false => Outcome::Read,
        })
    }
}

/// Appends the columns of a line; its device numbers and name. `None` for a blank line.
fn parse_line<'t>(line: &'t str, columns: &mut Vec<u64>) -> Result<Option<(Numbers, &'t str)>, SourceError> {
    let mut words = line.split_ascii_whitespace();
    let Some(major) = words.next() else { return Ok(None) };
    let bad = |problem: &str| bad_line("/proc/diskstats", line, problem);
    let (Some(minor), Some(device)) = (words.next(), words.next()) else {
        return Err(bad("too few columns"));
    };
    let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) else { return Err(bad("no device number")) };
    for word in words.take(COLUMNS.len()) {
        columns.push(word.parse().map_err(|_| bad("no count"))?);
    }
    Ok(Some(((major, minor), device)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_has_numbers_a_name_and_counts() {
        let mut columns = Vec::new();
        let parsed = parse_line("   8       0 sda 1 2 3 4", &mut columns).unwrap();
        assert_eq!((parsed, columns.as_slice()), (Some(((8, 0), "sda")), &[1, 2, 3, 4][..]));
        assert_eq!(parse_line("", &mut columns).unwrap(), None);
        for line in ["8 0", "8 x sda 1", "8 0 sda 1 x"] {
            assert_eq!(parse_line(line, &mut columns).unwrap_err().reason(), "parse", "{line}");
        }
        columns.clear();
        parse_line("8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 future", &mut columns).unwrap();
        assert_eq!(columns.len(), COLUMNS.len());
    }

    #[test]
    fn devices_come_and_go_and_partitions_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("proc")).unwrap();
        let host = HostRoot::captured(folder.path());
        let mut disk = Disk::new(&Config::default());
        let mut devices = |text: &str| -> Vec<String> {
            std::fs::write(folder.path().join("proc/diskstats"), text).unwrap();
            let mut out = Readings::default();
            disk.read(&host, &mut out).unwrap();
            let reads = out.samples().filter(|(metric, ..)| metric.name == "node_disk_reads_completed_total");
            reads.map(|(_, labels, value)| format!("{}={value}", labels[0])).collect()
        };
        assert_eq!(devices("8 0 sda 1\n8 1 sda1 9\n8 16 sdb 2\n7 0 loop0 1\n"), ["sda=1", "sdb=2"]);
        assert_eq!(devices("8 16 sdb 3\n"), ["sdb=3"]);
        assert_eq!(devices("259 0 nvme0n1 5\n259 1 nvme0n1p1 5\n8 16 sdb 4\n"), ["nvme0n1=5", "sdb=4"]);
        assert_eq!(devices(""), [""; 0]);
    }

    proptest! {
        #[test]
        fn no_text_panics(line in "([0-9]{1,25}| |sda|.){0,40}") {
            let _ = parse_line(&line, &mut Vec::new());
        }
    }
}
