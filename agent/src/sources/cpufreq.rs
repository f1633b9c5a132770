//! Processor frequencies and governors (`/sys/devices/system/cpu/cpu*/cpufreq`, Documentation/admin-guide/pm/cpufreq.rst), in
//! node_exporter's names.

use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};

config_section! {
    /// Processor frequencies.
    pub struct Config in "sources.cpufreq" {
        /// Read the frequency in /proc/cpuinfo as well (node_cpu_frequency_hertz with package and core), as node_exporter does
        /// with --collector.cpu.info. Where many processors are, this costs more than all the rest.
        pub cpuinfo: bool = false,
    }
}

const CPU: &[&str] = &["cpu"];

static FREQUENCY: MetricDef = MetricDef::gauge(
    "node_cpu_frequency_hertz",
    Unit::Hertz,
    &["package", "core", "cpu"],
    "Frequency of a processor: with package and core that of /proc/cpuinfo, without them the hardware's, which root alone may read.",
);
static AVERAGE: MetricDef = MetricDef::gauge(
    "node_cpu_frequency_avg_hertz",
    Unit::Hertz,
    CPU,
    "Average frequency of a processor, where the hardware counts it.",
);
static MIN: MetricDef = MetricDef::gauge(
    "node_cpu_frequency_min_hertz",
    Unit::Hertz,
    CPU,
    "Lowest frequency that a processor can have.",
);
static MAX: MetricDef = MetricDef::gauge(
    "node_cpu_frequency_max_hertz",
    Unit::Hertz,
    CPU,
    "Highest frequency that a processor can have.",
);
static SCALING: MetricDef = MetricDef::gauge(
    "node_cpu_scaling_frequency_hertz",
    Unit::Hertz,
    CPU,
    "Frequency of a processor as the kernel last set or measured it.",
);
static SCALING_MIN: MetricDef = MetricDef::gauge(
    "node_cpu_scaling_frequency_min_hertz",
    Unit::Hertz,
    CPU,
    "Lowest frequency that the kernel may choose now.",
);
static SCALING_MAX: MetricDef = MetricDef::gauge(
    "node_cpu_scaling_frequency_max_hertz",
    Unit::Hertz,
    CPU,
    "Highest frequency that the kernel may choose now.",
);
static GOVERNOR: MetricDef = MetricDef::state(
    "node_cpu_scaling_governor",
    &["cpu", "governor"],
    "1 for the governor that chooses a processor's frequency, 0 for the others that could.",
);

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "cpufreq",
    summary: "Processor frequencies, their limits and governors, from /sys/devices/system/cpu.",
    interval: Duration::from_secs(15),
    timeout: Duration::from_secs(12),
    metrics: &[&FREQUENCY, &AVERAGE, &MIN, &MAX, &SCALING, &SCALING_MIN, &SCALING_MAX, &GOVERNOR],
    permission: "",
    keys: Config::keys,
    make: |table| {
        let config: Config = own_section(table)?;
        Ok(Box::new(Cpufreq {
            config,
            scratch: Scratch::default(),
            every: Every::new(Every::FACTS),
            processors: Vec::new(),
        }))
    },
};

const FOLDER: &str = "devices/system/cpu";
const KHZ: f64 = 1000.0;

/// Files of a processor that move, and their metrics.
const MOVING: [(&str, &MetricDef); 3] =
    [("cpuinfo_cur_freq", &FREQUENCY), ("cpuinfo_avg_freq", &AVERAGE), ("scaling_cur_freq", &SCALING)];
/// Files of a processor that people change now and then.
const SETTINGS: [(&str, &MetricDef); 2] =
    [("scaling_min_freq", &SCALING_MIN), ("scaling_max_freq", &SCALING_MAX)];
/// Files of a processor that never change.
const FIXED: [(&str, &MetricDef); 2] = [("cpuinfo_min_freq", &MIN), ("cpuinfo_max_freq", &MAX)];

struct Cpufreq {
    config: Config,
    scratch: Scratch,
    every: Every,
    processors: Vec<Processor>,
}

/// A processor with cpufreq.
struct Processor {
    number: String,
    /// Paths of [`MOVING`] and [`SETTINGS`] that can be read, with their metrics.
    paths: Vec<(&'static MetricDef, String)>,
    fixed: Vec<(&'static MetricDef, f64)>,
    governor: String,
    governors: Vec<String>,
}

impl Processor {
    fn new(host: &HostRoot, scratch: &mut Scratch, number: u32) -> Option<Self> {
        let folder = format!("{FOLDER}/cpu{number}/cpufreq");
        if !host.is_folder(At::Sys, &folder) {
            return None;
        }
        let mut number_of =
            |file: &str| host.attribute(scratch, &format!("{folder}/{file}"))?.parse::<f64>().ok();
        let fixed =
            FIXED.iter().filter_map(|(file, metric)| Some((*metric, number_of(file)? * KHZ))).collect();
        let readable = MOVING.iter().chain(&SETTINGS).filter(|(file, _)| number_of(file).is_some());
        let paths = readable.map(|(file, metric)| (*metric, format!("{folder}/{file}"))).collect();
        let governors =
            host.attribute(scratch, &format!("{folder}/scaling_available_governors")).unwrap_or_default();
        let governors = governors.split_ascii_whitespace().map(str::to_owned).collect();
        Some(Self {
            number: number.to_string(),
            paths,
            fixed,
            governor: format!("{folder}/scaling_governor"),
            governors,
        })
    }
}

impl Source for Cpufreq {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        if self.every.due() {
            let names = host.list(At::Sys, FOLDER)?;
            let mut numbers: Vec<u32> =
                names.iter().filter_map(|name| name.strip_prefix("cpu")?.parse().ok()).collect();
            numbers.sort_unstable();
            let processor = |number| Processor::new(host, &mut self.scratch, number);
            self.processors = numbers.into_iter().filter_map(processor).collect();
        }
        if self.config.cpuinfo {
            let text = host.text(&mut self.scratch, At::Proc, "cpuinfo")?;
            for [package, core, cpu, mhz] in cpuinfo(text) {
                if let Ok(mhz) = mhz.parse::<f64>() {
                    out.push(&FREQUENCY, &[package, core, cpu], mhz * 1e6);
                }
            }
        }
        for (_, metric) in MOVING.iter().chain(&SETTINGS) {
            self.push(host, metric, out);
        }
        for (_, metric) in FIXED {
            for processor in &self.processors {
                for (_, value) in processor.fixed.iter().filter(|(known, _)| *known == metric) {
                    out.push(metric, &[&processor.number], *value);
                }
            }
        }
        for Processor { number, governor, governors, .. } in &self.processors {
            let Some(chosen) = host.attribute(&mut self.scratch, governor) else { continue };
            for word in governors {
                out.push(&GOVERNOR, &[number, word], if word == chosen { 1.0 } else { 0.0 });
            }
        }
        Ok(if out.is_empty() { Outcome::Absent } else { Outcome::Read })
    }
}

impl Cpufreq {
    /// Pushes one metric of all processors. A processor that is switched off has no frequency.
    fn push(&mut self, host: &HostRoot, metric: &'static MetricDef, out: &mut Readings) {
        for processor in &self.processors {
            for (_, path) in processor.paths.iter().filter(|(known, _)| *known == metric) {
                let number =
                    host.attribute(&mut self.scratch, path).and_then(|text| text.parse::<f64>().ok());
                let value = number.map_or(hi_common::batch::ABSENT, |number| number * KHZ);
                match metric.labels.len() {
                    1 => out.push(metric, &[&processor.number], value),
                    _ => out.push(metric, &["", "", &processor.number], value),
                }
            }
        }
    }
}

/// Package, core, number and MHz of each processor in `/proc/cpuinfo`.
fn cpuinfo(text: &str) -> impl Iterator<Item = [&str; 4]> {
    const KEYS: [&str; 4] = ["physical id", "core id", "processor", "cpu MHz"];
    text.split("\n\n").filter_map(|paragraph| {
        let mut row = [""; KEYS.len()];
        for (key, value) in paragraph.lines().filter_map(|line| line.split_once(':')) {
            if let Some(cell) =
                KEYS.iter().position(|known| *known == key.trim()).and_then(|at| row.get_mut(at))
            {
                *cell = value.trim();
            }
        }
        (!row[2].is_empty()).then_some(row)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn frequencies_governors_and_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = folder.path().join("sys/devices/system/cpu").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("cpu10/cpufreq/scaling_cur_freq", "1400000\n");
        put("cpu2/cpufreq/scaling_cur_freq", "1200000\n");
        put("cpu2/cpufreq/cpuinfo_cur_freq", "1300000\n");
        put("cpu2/cpufreq/cpuinfo_max_freq", "3000000\n");
        put("cpu2/cpufreq/scaling_min_freq", "garbage\n");
        put("cpu2/cpufreq/scaling_governor", "powersave\n");
        put("cpu2/cpufreq/scaling_available_governors", "performance powersave\n");
        put("cpufreq/boost", "1\n");
        put("cpuidle/x", "1\n");
        let host = HostRoot::captured(folder.path());
        let mut source = (DEF.make)(&toml::Table::new()).unwrap();
        let mut out = Readings::default();
        assert_eq!(source.read(&host, &mut out).unwrap(), Outcome::Read);
        let all = |out: &Readings| -> Vec<String> {
            out.samples()
                .map(|(metric, labels, value)| format!("{}{labels:?} {value}", metric.name))
                .collect()
        };
        assert_eq!(
            all(&out),
            [
                r#"node_cpu_frequency_hertz["", "", "2"] 1300000000"#,
                r#"node_cpu_scaling_frequency_hertz["2"] 1200000000"#,
                r#"node_cpu_scaling_frequency_hertz["10"] 1400000000"#,
                r#"node_cpu_frequency_max_hertz["2"] 3000000000"#,
                r#"node_cpu_scaling_governor["2", "performance"] 0"#,
                r#"node_cpu_scaling_governor["2", "powersave"] 1"#,
            ]
        );
        put("cpu10/cpufreq/scaling_cur_freq", "");
        out.clear();
        source.read(&host, &mut out).unwrap();
        assert!(out.values()[2].is_nan(), "a processor that is switched off keeps its place");
        let empty = tempfile::tempdir().unwrap();
        out.clear();
        let outcome =
            (DEF.make)(&toml::Table::new()).unwrap().read(&HostRoot::captured(empty.path()), &mut out);
        assert_eq!(outcome.unwrap(), Outcome::Absent);
    }

    #[test]
    fn cpuinfo_has_a_paragraph_each() {
        let text = "processor\t: 0\ncpu MHz\t\t: 799.998\nphysical id\t: 0\ncore id\t: 1\n\nprocessor\t: 1\n\nHardware\t: x\n";
        let rows: Vec<[&str; 4]> = cpuinfo(text).collect();
        assert_eq!(rows, [["0", "1", "0", "799.998"], ["", "", "1", ""]]);
    }
}
