//! Pressure stall information from `/proc/pressure` (Documentation/accounting/psi.rst).

use std::io;
use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError, bad_line, own_section};

config_section! {
    /// Pressure stall information.
    pub struct Config in "sources.pressure" {}
}

const fn seconds(name: &'static str, help: &'static str) -> MetricDef {
    MetricDef::counter(name, Unit::Seconds, &[], help)
}

static CPU_SOME: MetricDef =
    seconds("node_pressure_cpu_waiting_seconds_total", "Time during which some task waited for a processor.");
static IO_SOME: MetricDef =
    seconds("node_pressure_io_waiting_seconds_total", "Time during which some task waited for I/O.");
static IO_FULL: MetricDef =
    seconds("node_pressure_io_stalled_seconds_total", "Time during which all tasks waited for I/O.");
static MEMORY_SOME: MetricDef =
    seconds("node_pressure_memory_waiting_seconds_total", "Time during which some task waited for memory.");
static MEMORY_FULL: MetricDef =
    seconds("node_pressure_memory_stalled_seconds_total", "Time during which all tasks waited for memory.");
static IRQ_FULL: MetricDef = seconds(
    "node_pressure_irq_stalled_seconds_total",
    "Time during which interrupts kept all tasks waiting.",
);

/// File, key of the line, metric.
const LINES: [(&str, &str, &MetricDef); 6] = [
    ("pressure/cpu", "some", &CPU_SOME),
    ("pressure/io", "some", &IO_SOME),
    ("pressure/io", "full", &IO_FULL),
    ("pressure/memory", "some", &MEMORY_SOME),
    ("pressure/memory", "full", &MEMORY_FULL),
    ("pressure/irq", "full", &IRQ_FULL),
];

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "pressure",
    summary: "How long tasks waited for processor, memory and I/O, from /proc/pressure (Linux 4.20).",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    metrics: &[&CPU_SOME, &IO_SOME, &IO_FULL, &MEMORY_SOME, &MEMORY_FULL, &IRQ_FULL],
    permission: "",
    keys: Config::keys,
    make: |table| {
        own_section::<Config>(table)?;
        Ok(Box::new(Pressure::default()))
    },
};

const MICROSECONDS_PER_SECOND: f64 = 1e6;

#[derive(Default)]
struct Pressure {
    scratch: Scratch,
}

impl Source for Pressure {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let mut result = Ok(());
        for group in LINES.chunk_by(|a, b| a.0 == b.0) {
            let path = group[0].0;
            let text = match host.text(&mut self.scratch, At::Proc, path) {
                Ok(text) => text,
                // No such resource in this kernel (irq: 6.1), or no PSI at all.
                Err(SourceError::Missing { .. }) => continue,
                // Compiled in but switched off: needs `psi=1` on the kernel's command line.
                Err(SourceError::Io { source, .. }) if source.kind() == io::ErrorKind::Unsupported => {
                    continue;
                }
                Err(error) => {
                    result = Err(error);
                    continue;
                }
            };
            for (_, key, metric) in group {
                match total(path, text, key) {
                    Ok(Some(total)) => out.push(metric, &[], total as f64 / MICROSECONDS_PER_SECOND),
                    Ok(None) => {}
                    Err(error) => result = Err(error),
                }
            }
        }
        result.map(|()| if out.is_empty() { Outcome::Absent } else { Outcome::Read })
    }
}

/// Total of a line like `some avg10=0.00 avg60=0.00 avg300=0.00 total=123`, in microseconds; `None` without such a line.
fn total(path: &str, text: &str, key: &str) -> Result<Option<u64>, SourceError> {
    let Some(line) = text.lines().find(|line| line.split_ascii_whitespace().next() == Some(key)) else {
        return Ok(None);
    };
    let total = line.split_ascii_whitespace().find_map(|word| word.strip_prefix("total=")?.parse().ok());
    let bad = || bad_line(&format!("/proc/{path}"), line, "no total");
    total.ok_or_else(bad).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    #[test]
    fn a_kernel_without_pressure_is_absent_and_one_bad_file_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let host = HostRoot::captured(folder.path());
        let (mut pressure, mut out) = (Pressure::default(), Readings::default());
        assert_eq!(pressure.read(&host, &mut out).unwrap(), Outcome::Absent);

        fs::create_dir_all(folder.path().join("proc/pressure")).unwrap();
        fs::write(host.proc("pressure/cpu"), "some avg10=0.00 total=x\n").unwrap();
        fs::write(host.proc("pressure/io"), "some avg10=0.00 total=1500000\nfull total=2\n").unwrap();
        let error = pressure.read(&host, &mut out).unwrap_err().to_string();
        assert_eq!(
            error,
            "/proc/pressure/cpu is not understood: no total in line \"some avg10=0.00 total=x\""
        );
        assert_eq!(out.values(), [1.5, 0.000_002]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "((some|full| |total=|[0-9]{1,22}|\n|.){0,30})") {
            let _ = total("pressure/io", &text, "some");
        }
    }
}
