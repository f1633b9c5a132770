//! Processors: time per mode, interrupts, context switches and runnable processes from `/proc/stat` (proc_stat(5)), and
//! throttling, isolation and hot-plug state from `/sys/devices/system/cpu`.

mod details;

use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError, bad_line, own_section};
use details::Details;

config_section! {
    /// Processors.
    pub struct Config in "sources.cpu" {
        /// Yields node_cpu_info, one series per processor with its model, as node_exporter's --collector.cpu.info does.
        pub info: bool = false,
        /// Shell patterns of processor flags (aes, avx*) for which node_cpu_flag_info is yielded.
        pub info_flags: Vec<String> = vec![],
        /// Shell patterns of processor bugs (spectre_*) for which node_cpu_bug_info is yielded.
        pub info_bugs: Vec<String> = vec![],
        /// Yields node_cpu_vulnerabilities_info: what the kernel knows of the processor's weaknesses and does about them.
        pub vulnerabilities: bool = false,
    }
}

static SECONDS: MetricDef = MetricDef::counter(
    "node_cpu_seconds_total",
    Unit::Seconds,
    &["cpu", "mode"],
    "Time a processor spent in each mode.",
);
static GUEST: MetricDef = MetricDef::counter(
    "node_cpu_guest_seconds_total",
    Unit::Seconds,
    &["cpu", "mode"],
    "Time a processor spent running guests; counted in the modes user and nice as well.",
);
static INTERRUPTS: MetricDef =
    MetricDef::counter("node_intr_total", Unit::None, &[], "Interrupts served since boot.");
static SWITCHES: MetricDef =
    MetricDef::counter("node_context_switches_total", Unit::None, &[], "Context switches since boot.");
static FORKS: MetricDef =
    MetricDef::counter("node_forks_total", Unit::None, &[], "Processes and threads made since boot.");
static RUNNING: MetricDef =
    MetricDef::gauge("node_procs_running", Unit::None, &[], "Processes that run or could run.");
static BLOCKED: MetricDef =
    MetricDef::gauge("node_procs_blocked", Unit::None, &[], "Processes that wait for I/O to complete.");

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "cpu",
    summary: "Processor time, interrupts, context switches, throttling, from /proc/stat and /sys/devices/system/cpu.",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    metrics: &[
        &SECONDS,
        &GUEST,
        &INTERRUPTS,
        &SWITCHES,
        &FORKS,
        &RUNNING,
        &BLOCKED,
        &details::INFO,
        &details::FLAG,
        &details::BUG,
        &details::VULNERABILITY,
        &details::ISOLATED,
        &details::ONLINE,
        &details::CORE_THROTTLES,
        &details::PACKAGE_THROTTLES,
    ],
    permission: "",
    keys: Config::keys,
    make: |table| Ok(Box::new(Cpu::new(own_section(table)?))),
};

/// Modes in the order of the columns of `/proc/stat`.
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
const IDLE: usize = 3;
const GUEST_USER: usize = 8;
const GUEST_NICE: usize = 9;
const COLUMNS: usize = 10;
/// `USER_HZ`: the unit of `/proc/stat`, fixed by the kernel's interface whatever its own tick is.
const TICKS_PER_SECOND: f64 = 100.0;
/// An idle counter that falls by this much was reset (hot-plug); less is rounding of the kernel.
const RESET_TICKS: u64 = 300;

struct Cpu {
    config: Config,
    scratch: Scratch,
    times: Vec<Times>,
    details: Details,
}

/// One processor's time per column, never falling but by a reset.
#[derive(Debug, PartialEq, Eq)]
struct Times {
    number: String,
    ticks: [u64; COLUMNS],
}

impl Cpu {
    fn new(config: Config) -> Self {
        Self { config, scratch: Scratch::default(), times: Vec::new(), details: Details::default() }
    }

    fn push_times(&self, out: &mut Readings) {
        for cpu in &self.times {
            for (mode, &ticks) in MODES.iter().zip(&cpu.ticks) {
                out.push(&SECONDS, &[&cpu.number, mode], ticks as f64 / TICKS_PER_SECOND);
            }
        }
        for cpu in &self.times {
            out.push(&GUEST, &[&cpu.number, "user"], cpu.ticks[GUEST_USER] as f64 / TICKS_PER_SECOND);
            out.push(&GUEST, &[&cpu.number, "nice"], cpu.ticks[GUEST_NICE] as f64 / TICKS_PER_SECOND);
        }
    }
}

impl Source for Cpu {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let text = host.text(&mut self.scratch, At::Proc, "stat")?;
        let mut seen = 0;
        let mut totals = [None; TOTALS.len()];
        let mut result = Ok(());
        for line in text.lines() {
            match parse_line(line) {
                Ok(Some(Line::Cpu(number, ticks))) => {
                    keep(&mut self.times, seen, number, ticks);
                    seen += 1;
                }
                Ok(Some(Line::Total(index, value))) => totals[index] = Some(value),
                Ok(None) => {}
                Err(error) => result = Err(error),
            }
        }
        self.times.truncate(seen);
        self.push_times(out);
        for ((_, metric), value) in TOTALS.iter().zip(totals) {
            if let Some(value) = value {
                out.push(metric, &[], value as f64);
            }
        }
        self.details.refresh(host, &self.config, &mut self.scratch);
        self.details.push(host, &mut self.scratch, out);
        result.map(|()| Outcome::Read)
    }
}

/// Lines with one number that matters, the first.
const TOTALS: [(&str, &MetricDef); 5] = [
    ("intr", &INTERRUPTS),
    ("ctxt", &SWITCHES),
    ("processes", &FORKS),
    ("procs_running", &RUNNING),
    ("procs_blocked", &BLOCKED),
];

#[derive(Debug, PartialEq, Eq)]
enum Line<'t> {
    /// Number of the processor, its columns.
    Cpu(&'t str, [u64; COLUMNS]),
    /// Index in [`TOTALS`], value.
    Total(usize, u64),
}

/// What a line of `/proc/stat` says; `None` when it is of no use here.
fn parse_line(line: &str) -> Result<Option<Line<'_>>, SourceError> {
    let mut words = line.split_ascii_whitespace();
    let Some(key) = words.next() else { return Ok(None) };
    let number = |word: &str| {
        word.parse::<u64>().map_err(|_| bad_line("/proc/stat", line, format_args!("{word:?} is no count")))
    };
    if let Some(cpu) = key.strip_prefix("cpu").filter(|cpu| !cpu.is_empty()) {
        let mut ticks = [0; COLUMNS];
        let mut columns = 0;
        for (column, word) in ticks.iter_mut().zip(words) {
            *column = number(word)?;
            columns += 1;
        }
        // Kernels before 2.6.33 have fewer columns than ten, but always these four.
        return match columns > IDLE && cpu.bytes().all(|b| b.is_ascii_digit()) {
            true => Ok(Some(Line::Cpu(cpu, ticks))),
            false => Err(bad_line("/proc/stat", line, "a processor has a number and at least four columns")),
        };
    }
    let Some(index) = TOTALS.iter().position(|(name, _)| *name == key) else { return Ok(None) };
    let word = words.next().ok_or_else(|| bad_line("/proc/stat", line, "no value"))?;
    Ok(Some(Line::Total(index, number(word)?)))
}

/// Takes the columns of the processor at `index` over: counters that fell a little stay (`iowait` is known for it), all
/// start anew when the processor was reset or is another one.
fn keep(times: &mut Vec<Times>, index: usize, number: &str, ticks: [u64; COLUMNS]) {
    match times.get_mut(index) {
        Some(old) if old.number == number => {
            if old.ticks[IDLE] >= ticks[IDLE].saturating_add(RESET_TICKS) {
                old.ticks = ticks;
            }
            for (old, new) in old.ticks.iter_mut().zip(ticks) {
                *old = new.max(*old);
            }
        }
        _ => {
            times.truncate(index);
            times.push(Times { number: number.to_owned(), ticks });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_that_break_the_format_are_named() {
        assert_eq!(parse_line("cpu  1 2 3 4").unwrap(), None);
        assert_eq!(parse_line("softirq 1 2").unwrap(), None);
        assert_eq!(parse_line("cpu3 1 2 3 4").unwrap(), Some(Line::Cpu("3", [1, 2, 3, 4, 0, 0, 0, 0, 0, 0])));
        assert_eq!(parse_line("intr 7 1 2").unwrap(), Some(Line::Total(0, 7)));
        for (line, problem) in [
            ("cpu0 1 x 3 4", "\"x\" is no count in line \"cpu0 1 x 3 4\""),
            ("cpu0 1", "at least four columns"),
            ("ctxt", "no value"),
            ("processes -1", "is no count"),
        ] {
            let error = parse_line(line).unwrap_err().to_string();
            assert!(error.starts_with("/proc/stat") && error.contains(problem), "{error}");
        }
    }

    #[test]
    fn one_bad_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("proc")).unwrap();
        std::fs::write(folder.path().join("proc/stat"), "cpu0 1 1 1 1\ncpu1 1 1 1 z\nctxt 5\n").unwrap();
        let (mut cpu, mut out) = (Cpu::new(Config::default()), Readings::default());
        let error = cpu.read(&HostRoot::captured(folder.path()), &mut out).unwrap_err();
        assert_eq!(error.reason(), "parse");
        assert_eq!(out.len(), MODES.len() + 2 + 1);
    }

    #[test]
    fn counters_fall_only_by_a_reset() {
        let mut times = Vec::new();
        let ticks = |user, idle, iowait| [user, 0, 0, idle, iowait, 0, 0, 0, 0, 0];
        keep(&mut times, 0, "0", ticks(50, 1000, 20));
        keep(&mut times, 0, "0", ticks(51, 999, 15));
        assert_eq!(times[0].ticks, ticks(51, 1000, 20));
        keep(&mut times, 0, "0", ticks(1, 500, 0));
        assert_eq!(times[0].ticks, ticks(1, 500, 0));
        keep(&mut times, 1, "2", ticks(9, 9, 9));
        keep(&mut times, 1, "1", ticks(1, 1, 1));
        assert_eq!(
            (times.len(), times[1].ticks),
            (2, ticks(1, 1, 1)),
            "another processor has its own counters"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(line in "(cpu|cpu1|intr|ctxt)?.{0,60}") {
            let _ = parse_line(&line);
        }
    }
}
