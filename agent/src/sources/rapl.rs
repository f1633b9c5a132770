//! Energy that processor packages and their parts use, as the processor counts it (`/sys/class/powercap`,
//! Documentation/power/powercap/powercap.rst), in node_exporter's names. As in node_exporter the counters begin anew at zero when
//! they reach `max_energy_range_uj`; `rate()` and `increase()` know that.

use std::collections::BTreeMap;
use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};

config_section! {
    /// Energy of processor packages.
    pub struct Config in "sources.rapl" {}
}

const ZONE: &[&str] = &["index", "path"];

macro_rules! zones {
    ($($name:literal $help:literal;)+) => {
        /// Zones that the kernel's drivers name, and their metrics.
        const ZONES: &[(&str, &MetricDef)] = &[$(($name, {
            static METRIC: MetricDef = MetricDef::counter(
                concat!("node_rapl_", $name, "_joules_total"), Unit::Joules, ZONE, $help,
            );
            &METRIC
        })),+];
        static METRICS: [&MetricDef; ZONES.len() + 1] = {
            let mut all = [&OTHER; ZONES.len() + 1];
            let mut index = 0;
            while index < ZONES.len() {
                all[index] = ZONES[index].1;
                index += 1;
            }
            all
        };
    };
}

zones! {
    "package" "Energy that a processor package used.";
    "core" "Energy that the cores of a package used.";
    "uncore" "Energy that a package used beside its cores: graphics and caches.";
    "dram" "Energy that the memory of a package used.";
    "psys" "Energy that the whole platform used.";
}
static OTHER: MetricDef = MetricDef::counter(
    "node_rapl_joules_total",
    Unit::Joules,
    &["index", "path", "rapl_zone"],
    "Energy that a zone with another name used (package-0-die-1), as node_exporter tells it with --collector.rapl.enable-zone-label.",
);

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "rapl",
    summary: "Energy that processor packages, cores and memory use, from /sys/class/powercap.",
    interval: Duration::from_secs(15),
    timeout: Duration::from_secs(5),
    metrics: &METRICS,
    permission: "energy_uj is root's alone since Linux 5.10. Either CAP_DAC_READ_SEARCH: \
                 CapabilityBoundingSet=CAP_DAC_READ_SEARCH, AmbientCapabilities=CAP_DAC_READ_SEARCH, or, for this file alone and \
                 everybody, a line in /etc/tmpfiles.d/hi-agent.conf: `z /sys/class/powercap/*/energy_uj 0444`.",
    keys: Config::keys,
    make: |table| {
        own_section::<Config>(table)?;
        Ok(Box::new(Rapl { scratch: Scratch::default(), every: Every::new(Every::FACTS), zones: Vec::new() }))
    },
};

const CLASS: &str = "class/powercap";
const MICRO: f64 = 1e6;

struct Rapl {
    scratch: Scratch,
    every: Every,
    zones: Vec<Zone>,
}

/// A zone with a counter.
#[derive(Debug, PartialEq, Eq)]
struct Zone {
    name: String,
    index: String,
    /// As programs of the host write it.
    path: String,
    energy: String,
}

impl Source for Rapl {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        if self.every.due() {
            self.zones = zones(host, &mut self.scratch)?;
        }
        let mut failure = None;
        let mut joules = Vec::new();
        for zone in &self.zones {
            let number = match host.text(&mut self.scratch, At::Sys, &zone.energy) {
                Ok(text) => text.trim().parse::<u64>().ok(),
                Err(error) => {
                    failure.get_or_insert(error);
                    None
                }
            };
            joules.push(number.map(|number| number as f64 / MICRO));
        }
        for (name, metric) in ZONES {
            for (zone, joules) in self.zones.iter().zip(&joules).filter(|(zone, _)| zone.name == *name) {
                if let Some(joules) = joules {
                    out.push(metric, &[&zone.index, &zone.path], *joules);
                }
            }
        }
        for (zone, joules) in self.zones.iter().zip(&joules) {
            if let (Some(joules), false) = (joules, ZONES.iter().any(|(name, _)| *name == zone.name)) {
                out.push(&OTHER, &[&zone.index, &zone.path, &zone.name], *joules);
            }
        }
        match failure {
            // A zone that went is found out at the next run.
            Some(SourceError::Missing { .. }) => self.every.hasten(),
            Some(error) => return Err(error),
            None => {}
        }
        Ok(if self.zones.is_empty() { Outcome::Absent } else { Outcome::Read })
    }
}

/// The zones of a host; those without a counter (`intel-rapl` itself, zones that only limit) are none.
fn zones(host: &HostRoot, scratch: &mut Scratch) -> Result<Vec<Zone>, SourceError> {
    let mut used: BTreeMap<String, u32> = BTreeMap::new();
    let mut zones = Vec::new();
    for folder in host.list(At::Sys, CLASS)? {
        let path = format!("{CLASS}/{folder}");
        let energy = format!("{path}/energy_uj");
        let Some(name) = host.attribute(scratch, &format!("{path}/name")).map(str::to_owned) else {
            continue;
        };
        if !host.exists(At::Sys, &energy) {
            continue;
        }
        let (name, index) = index_and_name(&name, &used);
        used.insert(name.clone(), index.saturating_add(1));
        zones.push(Zone { name, index: index.to_string(), path: format!("/sys/{path}"), energy });
    }
    Ok(zones)
}

/// Name and index as node_exporter finds them: a number behind the only dash, else how many of that name there were before.
fn index_and_name(name: &str, used: &BTreeMap<String, u32>) -> (String, u32) {
    if let Some((start, number)) = name.split_once('-')
        && let Ok(index) = number.parse()
    {
        return (start.to_owned(), index);
    }
    (name.to_owned(), used.get(name).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn zones_have_names_and_indexes_and_wrap() {
        let folder = tempfile::tempdir().unwrap();
        let put = |zone: &str, name: &str, energy: &str| {
            let place = folder.path().join("sys/class/powercap").join(zone);
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("name"), name).unwrap();
            if !energy.is_empty() {
                fs::write(place.join("energy_uj"), energy).unwrap();
            }
        };
        put("intel-rapl", "", "");
        put("intel-rapl:0", "package-1\n", "262143000000\n");
        put("intel-rapl:0:0", "dram\n", "1500000\n");
        put("intel-rapl:1:0", "dram\n", "2500000\n");
        put("intel-rapl:2", "package-0-die-1\n", "7000000\n");
        put("dtpm:0", "limits only\n", "");
        let host = HostRoot::captured(folder.path());
        let mut source = (DEF.make)(&toml::Table::new()).unwrap();
        let mut out = Readings::default();
        let all = |out: &Readings| -> Vec<String> {
            out.samples()
                .map(|(metric, labels, value)| format!("{} {} {value}", metric.name, labels.join(" ")))
                .collect()
        };
        assert_eq!(source.read(&host, &mut out).unwrap(), Outcome::Read);
        assert_eq!(
            all(&out),
            [
                "node_rapl_package_joules_total 1 /sys/class/powercap/intel-rapl:0 262143",
                "node_rapl_dram_joules_total 0 /sys/class/powercap/intel-rapl:0:0 1.5",
                "node_rapl_dram_joules_total 1 /sys/class/powercap/intel-rapl:1:0 2.5",
                "node_rapl_joules_total 0 /sys/class/powercap/intel-rapl:2 package-0-die-1 7",
            ]
        );
        put("intel-rapl:0", "package-1\n", "12000000\n");
        put("intel-rapl:0:0", "dram\n", "garbage\n");
        out.clear();
        source.read(&host, &mut out).unwrap();
        assert_eq!(all(&out)[0], "node_rapl_package_joules_total 1 /sys/class/powercap/intel-rapl:0 12");
        assert_eq!(out.len(), 3, "what is no number is left out");
    }

    #[test]
    fn a_counter_for_root_alone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("sys/class/powercap/intel-rapl:0");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("name"), "package-0\n").unwrap();
        fs::write(place.join("energy_uj"), "").unwrap();
        fs::write(folder.path().join("errors"), "13 sys/class/powercap/intel-rapl:0/energy_uj\n").unwrap();
        let mut out = Readings::default();
        let host = HostRoot::captured(folder.path());
        let error = (DEF.make)(&toml::Table::new()).unwrap().read(&host, &mut out).unwrap_err();
        assert_eq!((error.reason(), out.len()), ("permission", 0));
    }
}
