//! What rarely changes of processors: model, flags, topology; looked up every ten minutes, pushed with each reading.

use hi_common::metric::{MetricDef, Unit};

use super::Config;
use crate::host::{At, HostRoot, Scratch};
use crate::source::pattern::Patterns;
use crate::source::{Every, Readings};

pub(super) static INFO: MetricDef = MetricDef::info(
    "node_cpu_info",
    &[
        "package",
        "core",
        "cpu",
        "vendor",
        "family",
        "model",
        "model_name",
        "microcode",
        "stepping",
        "cachesize",
    ],
    "What /proc/cpuinfo says of a processor.",
);
pub(super) static FLAG: MetricDef =
    MetricDef::info("node_cpu_flag_info", &["flag"], "A flag of the first processor in /proc/cpuinfo.");
pub(super) static BUG: MetricDef =
    MetricDef::info("node_cpu_bug_info", &["bug"], "A bug of the first processor in /proc/cpuinfo.");
pub(super) static VULNERABILITY: MetricDef = MetricDef::info(
    "node_cpu_vulnerabilities_info",
    &["codename", "state", "mitigation"],
    "A weakness of the processor and what the kernel does about it.",
);
pub(super) static ISOLATED: MetricDef = MetricDef::gauge(
    "node_cpu_isolated",
    Unit::None,
    &["cpu"],
    "1 for each processor that the scheduler leaves alone (isolcpus).",
);
pub(super) static ONLINE: MetricDef = MetricDef::gauge(
    "node_cpu_online",
    Unit::None,
    &["cpu"],
    "Whether a processor is online; only where processors can be switched off.",
);
pub(super) static CORE_THROTTLES: MetricDef = MetricDef::counter(
    "node_cpu_core_throttles_total",
    Unit::None,
    &["package", "core"],
    "How often heat made a core slow down.",
);
pub(super) static PACKAGE_THROTTLES: MetricDef = MetricDef::counter(
    "node_cpu_package_throttles_total",
    Unit::None,
    &["package"],
    "How often heat made a whole processor package slow down.",
);

const FOLDER: &str = "devices/system/cpu";
/// Largest processor number taken from a range; the kernel's own limit (`NR_CPUS`) is 8192.
const CPU_NUMBER_MAX: u32 = 65_535;

/// Keys of `/proc/cpuinfo` for the labels of [`INFO`], in their order; on ARM under other names.
const INFO_KEYS: [&[&str]; 10] = [
    &["physical id"],
    &["core id"],
    &["processor"],
    &["vendor_id", "CPU implementer"],
    &["cpu family", "CPU architecture"],
    &["model", "CPU part"],
    &["model name"],
    &["microcode"],
    &["stepping", "CPU revision"],
    &["cache size"],
];

/// What was looked up last.
#[derive(Debug)]
pub(super) struct Details {
    every: Every,
    infos: Vec<[String; INFO_KEYS.len()]>,
    flags: Vec<String>,
    bugs: Vec<String>,
    vulnerabilities: Vec<[String; 3]>,
    isolated: Vec<u32>,
    /// All processors, where they can be switched off.
    switchable: Vec<u32>,
    /// Package, core, path of the counter.
    cores: Vec<(String, String, String)>,
    /// Package, path of the counter.
    packages: Vec<(String, String)>,
}

impl Default for Details {
    fn default() -> Self {
        Self {
            every: Every::new(Every::FACTS),
            infos: vec![],
            flags: vec![],
            bugs: vec![],
            vulnerabilities: vec![],
            isolated: vec![],
            switchable: vec![],
            cores: vec![],
            packages: vec![],
        }
    }
}

impl Details {
    /// Looks everything up again when it is time. What can't be read is not there: none of it is worth an error.
    pub(super) fn refresh(&mut self, host: &HostRoot, config: &Config, scratch: &mut Scratch) {
        if !self.every.due() {
            return;
        }
        if config.info || !config.info_flags.is_empty() || !config.info_bugs.is_empty() {
            let text = host.text(scratch, At::Proc, "cpuinfo").unwrap_or_default();
            self.infos = if config.info { parse_infos(text) } else { vec![] };
            self.flags = chosen_words(text, "flags", &Patterns::new(&config.info_flags));
            self.bugs = chosen_words(text, "bugs", &Patterns::new(&config.info_bugs));
        }
        if config.vulnerabilities {
            self.vulnerabilities = vulnerabilities(host, scratch);
        }
        let ranges = host.attribute(scratch, &format!("{FOLDER}/isolated")).unwrap_or_default();
        self.isolated = parse_ranges(ranges);
        let numbers = cpu_numbers(host);
        let switchable = host.attribute(scratch, &format!("{FOLDER}/cpu0/online")).is_some();
        self.switchable = if switchable { numbers.clone() } else { vec![] };
        self.look_for_throttles(host, scratch, &numbers);
    }

    /// Finds one counter per core and per package: hyper-threads share them.
    fn look_for_throttles(&mut self, host: &HostRoot, scratch: &mut Scratch, numbers: &[u32]) {
        self.cores.clear();
        self.packages.clear();
        for number in numbers {
            let cpu = format!("{FOLDER}/cpu{number}");
            let mut id =
                |name: &str| host.attribute(scratch, &format!("{cpu}/topology/{name}")).map(str::to_owned);
            let (Some(package), Some(core)) = (id("physical_package_id"), id("core_id")) else { continue };
            let mut counter = |name: &str| {
                let path = format!("{cpu}/thermal_throttle/{name}");
                host.attribute(scratch, &path).is_some().then_some(path)
            };
            if !self.cores.iter().any(|(p, c, _)| (p, c) == (&package, &core))
                && let Some(path) = counter("core_throttle_count")
            {
                self.cores.push((package.clone(), core, path));
            }
            if !self.packages.iter().any(|(p, _)| *p == package)
                && let Some(path) = counter("package_throttle_count")
            {
                self.packages.push((package, path));
            }
        }
    }

    /// Pushes what was looked up, and reads the counters.
    pub(super) fn push(&self, host: &HostRoot, scratch: &mut Scratch, out: &mut Readings) {
        for info in &self.infos {
            out.push(&INFO, &info.each_ref().map(String::as_str), 1.0);
        }
        self.flags.iter().for_each(|flag| out.push(&FLAG, &[flag], 1.0));
        self.bugs.iter().for_each(|bug| out.push(&BUG, &[bug], 1.0));
        for row in &self.vulnerabilities {
            out.push(&VULNERABILITY, &row.each_ref().map(String::as_str), 1.0);
        }
        self.isolated.iter().for_each(|cpu| out.push(&ISOLATED, &[&cpu.to_string()], 1.0));
        if !self.switchable.is_empty() {
            let online =
                parse_ranges(host.attribute(scratch, "devices/system/cpu/online").unwrap_or_default());
            for cpu in &self.switchable {
                out.push(&ONLINE, &[&cpu.to_string()], if online.contains(cpu) { 1.0 } else { 0.0 });
            }
        }
        let mut count = |path: &str| host.attribute(scratch, path).and_then(|text| text.parse::<u64>().ok());
        for (package, core, path) in &self.cores {
            if let Some(count) = count(path) {
                out.push(&CORE_THROTTLES, &[package, core], count as f64);
            }
        }
        for (package, path) in &self.packages {
            if let Some(count) = count(path) {
                out.push(&PACKAGE_THROTTLES, &[package], count as f64);
            }
        }
    }
}

/// Numbers of the folders `cpu0`, `cpu1`, …, in order.
fn cpu_numbers(host: &HostRoot) -> Vec<u32> {
    let names = host.list(At::Sys, FOLDER).unwrap_or_default();
    let mut numbers: Vec<u32> =
        names.iter().filter_map(|name| name.strip_prefix("cpu")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// Key and value of a line of `/proc/cpuinfo`.
fn key_value(line: &str) -> Option<(&str, &str)> {
    line.split_once(':').map(|(key, value)| (key.trim(), value.trim()))
}

/// One row per processor: paragraphs that begin with `processor`.
fn parse_infos(text: &str) -> Vec<[String; INFO_KEYS.len()]> {
    let mut rows: Vec<[String; INFO_KEYS.len()]> = Vec::new();
    for (key, value) in text.lines().filter_map(key_value) {
        if key == "processor" && value.parse::<u32>().is_ok() {
            rows.push(Default::default());
        }
        let column = INFO_KEYS.iter().position(|keys| keys.contains(&key));
        if let (Some(row), Some(column)) = (rows.last_mut(), column) {
            row[column] = value.to_owned();
        }
    }
    rows
}

/// Words of the first line with this key that the patterns choose.
fn chosen_words(text: &str, key: &str, patterns: &Patterns) -> Vec<String> {
    let line = text.lines().filter_map(key_value).find(|(found, _)| *found == key);
    let words = line.map_or("", |(_, value)| value).split_ascii_whitespace();
    words.filter(|word| patterns.matches(word)).map(str::to_owned).collect()
}

/// Code name, state and mitigation of each file in `vulnerabilities`.
fn vulnerabilities(host: &HostRoot, scratch: &mut Scratch) -> Vec<[String; 3]> {
    let folder = format!("{FOLDER}/vulnerabilities");
    let names = host.list(At::Sys, &folder).unwrap_or_default();
    let row = |name: String| {
        let text = host.attribute(scratch, &format!("{folder}/{name}"))?;
        let (state, mitigation) = parse_vulnerability(text);
        Some([name, state.to_owned(), mitigation.to_owned()])
    };
    names.into_iter().filter_map(row).collect()
}

/// State and mitigation of a vulnerability (Documentation/ABI/testing/sysfs-devices-system-cpu).
fn parse_vulnerability(text: &str) -> (&'static str, &str) {
    let rest = |prefix| text.strip_prefix(prefix).map(|rest: &str| rest.trim_start_matches(':').trim());
    if let Some(rest) = rest("Mitigation") {
        ("mitigation", rest)
    } else if let Some(rest) = rest("Vulnerable") {
        ("vulnerable", rest)
    } else if text.starts_with("Not affected") {
        ("not affected", "")
    } else {
        ("unknown", "")
    }
}

/// Numbers of a list like `0-3,8`, in order; what is no range is left out.
fn parse_ranges(text: &str) -> Vec<u32> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.trim().parse::<u32>().ok()?, last.trim().parse::<u32>().ok()?);
        Some(first..=last.min(CPU_NUMBER_MAX))
    };
    let mut numbers: Vec<u32> = Vec::new();
    for number in text.split(',').filter_map(range).flatten() {
        if numbers.last().is_none_or(|&last| last < number) {
            numbers.push(number);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_lists_of_numbers() {
        assert_eq!(parse_ranges("1,3-5,9"), [1, 3, 4, 5, 9]);
        assert_eq!(parse_ranges(""), [0; 0]);
        assert_eq!(parse_ranges("x,2-1,4"), [4]);
        assert_eq!(parse_ranges("65534-4294967295"), [65_534, 65_535]);
    }

    #[test]
    fn vulnerabilities_have_a_state() {
        assert_eq!(parse_vulnerability("Mitigation: PTI; SMT: x"), ("mitigation", "PTI; SMT: x"));
        assert_eq!(parse_vulnerability("Vulnerable: No microcode"), ("vulnerable", "No microcode"));
        assert_eq!(parse_vulnerability("Vulnerable"), ("vulnerable", ""));
        assert_eq!(parse_vulnerability("Not affected"), ("not affected", ""));
        assert_eq!(parse_vulnerability("KVM: whatever"), ("unknown", ""));
    }

    #[test]
    fn arm_names_its_columns_otherwise() {
        let text = "processor\t: 0\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n\n\
                    processor\t: 1\n\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4\n";
        let rows = parse_infos(text);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0][2].as_str(), rows[0][3].as_str(), rows[0][5].as_str()), ("0", "0x41", "0xd08"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "((processor|flags|0|-|,|:|[0-9]{1,12}|\n|.){0,40})") {
            let _ = (parse_infos(&text), parse_ranges(&text), parse_vulnerability(&text));
            let _ = chosen_words(&text, "flags", &Patterns::new(&["*".to_owned()]));
        }
    }
}
