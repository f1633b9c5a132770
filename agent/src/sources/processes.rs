//! Processes and threads by state, from `/proc/<pid>/stat` (proc_pid_stat(5)). How many run or wait right now is in the
//! source `cpu`, which reads `/proc/stat` anyway.

use std::fmt::Write as _;
use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError, bad_line, own_section};

config_section! {
    /// Processes.
    pub struct Config in "sources.processes" {
        /// Yields node_processes_threads_state as well, which reads one more file per thread.
        pub thread_states: bool = false,
    }
}

static STATE: MetricDef = MetricDef::gauge(
    "node_processes_state",
    Unit::None,
    &["state"],
    "Processes in each state (R running, S sleeping, D waiting for a disk, Z zombie, T stopped, I idle).",
);
static THREADS: MetricDef =
    MetricDef::gauge("node_processes_threads", Unit::None, &[], "Threads of all processes.");
static THREAD_STATE: MetricDef =
    MetricDef::gauge("node_processes_threads_state", Unit::None, &["thread_state"], "Threads in each state.");
static THREADS_MAX: MetricDef =
    MetricDef::gauge("node_processes_max_threads", Unit::None, &[], "Most threads the kernel allows.");
static PIDS: MetricDef = MetricDef::gauge("node_processes_pids", Unit::None, &[], "Processes.");
static PIDS_MAX: MetricDef =
    MetricDef::gauge("node_processes_max_processes", Unit::None, &[], "Largest process number, plus one.");

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "processes",
    summary: "Processes and threads by state, and their limits, from /proc/<pid>/stat.",
    interval: Duration::from_secs(30),
    timeout: Duration::from_secs(10),
    metrics: &[&STATE, &THREADS, &THREAD_STATE, &THREADS_MAX, &PIDS, &PIDS_MAX],
    permission: "To see processes of other users: neither ProtectProc= nor a /proc mounted with hidepid=.",
    keys: Config::keys,
    make: |table| Ok(Box::new(Processes::new(&own_section(table)?))),
};

/// How many are in each state, by the letters A to Z and a to z. One that was seen once stays, with zero: a series that comes
/// and goes would change the layout with nearly every reading.
#[derive(Debug)]
struct States {
    counts: [u32; 128],
    seen: [bool; 128],
}

impl Default for States {
    fn default() -> Self {
        Self { counts: [0; 128], seen: [false; 128] }
    }
}

impl States {
    fn add(&mut self, state: u8) {
        let index = usize::from(state) % self.counts.len();
        self.counts[index] += 1;
        self.seen[index] = true;
    }

    fn push_and_clear(&mut self, metric: &'static MetricDef, out: &mut Readings) {
        for (letter, (count, _)) in
            (0_u8..).zip(self.counts.iter_mut().zip(&self.seen)).filter(|(_, (_, seen))| **seen)
        {
            out.push(metric, &[char::from(letter).encode_utf8(&mut [0; 4])], f64::from(*count));
            *count = 0;
        }
    }
}

#[derive(Default)]
struct Processes {
    thread_states: bool,
    scratch: Scratch,
    path: String,
    pids: Vec<u32>,
    tids: Vec<u32>,
    processes: States,
    threads: States,
}

impl Processes {
    fn new(config: &Config) -> Self {
        Self { thread_states: config.thread_states, ..Self::default() }
    }

    /// State and number of threads of a process; `None` when it ended since it was listed.
    fn stat(&mut self, host: &HostRoot) -> Result<Option<Stat>, SourceError> {
        match host.text(&mut self.scratch, At::Proc, &self.path) {
            Ok(text) => parse(text).map(Some).ok_or_else(|| bad_line(&self.path, text, "no state")),
            Err(SourceError::Missing { .. }) => Ok(None),
            Err(SourceError::Io { source, .. }) if source.raw_os_error() == Some(libc::ESRCH) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Counts the states of a process's threads, the first of which is the process itself.
    fn count_threads(&mut self, host: &HostRoot, pid: u32, state: u8) -> Result<(), SourceError> {
        self.threads.add(state);
        let mut tids = std::mem::take(&mut self.tids);
        self.path.clear();
        let _ = write!(self.path, "{pid}/task");
        host.numbers(At::Proc, &self.path, &mut self.scratch, &mut tids)?;
        for tid in tids.iter().filter(|tid| **tid != pid) {
            self.path.clear();
            let _ = write!(self.path, "{pid}/task/{tid}/stat");
            if let Some(stat) = self.stat(host)? {
                self.threads.add(stat.state);
            }
        }
        self.tids = tids;
        Ok(())
    }

    fn push_limit(&mut self, host: &HostRoot, metric: &'static MetricDef, path: &str, out: &mut Readings) {
        let limit = host
            .text(&mut self.scratch, At::Proc, path)
            .ok()
            .and_then(|text| text.trim().parse::<u64>().ok());
        if let Some(limit) = limit {
            out.push(metric, &[], limit as f64);
        }
    }
}

impl Source for Processes {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let mut pids = std::mem::take(&mut self.pids);
        host.numbers(At::Proc, "", &mut self.scratch, &mut pids)?;
        let (mut processes, mut threads) = (0_u32, 0_u64);
        let mut result = Ok(());
        for &pid in &pids {
            self.path.clear();
            let _ = write!(self.path, "{pid}/stat");
            match self.stat(host) {
                Ok(Some(stat)) => {
                    processes += 1;
                    threads += u64::from(stat.threads);
                    self.processes.add(stat.state);
                    if self.thread_states {
                        result = result.and(self.count_threads(host, pid, stat.state));
                    }
                }
                Ok(None) => {}
                Err(error) => result = Err(error),
            }
        }
        self.pids = pids;
        self.processes.push_and_clear(&STATE, out);
        self.threads.push_and_clear(&THREAD_STATE, out);
        out.push(&THREADS, &[], threads as f64);
        out.push(&PIDS, &[], f64::from(processes));
        self.push_limit(host, &THREADS_MAX, "sys/kernel/threads-max", out);
        self.push_limit(host, &PIDS_MAX, "sys/kernel/pid_max", out);
        result.map(|()| Outcome::Read)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: u8,
    threads: u32,
}

/// `17 (name) S 2 …`: the name may hold anything, brackets too; the state follows the last one. Threads are field 20.
fn parse(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state =
        fields.next().filter(|state| state.len() == 1)?.bytes().next().filter(u8::is_ascii_alphabetic)?;
    let threads = fields.nth(16)?.parse().ok()?;
    Some(Stat { state, threads })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn stat(name: &str, state: char, threads: u32) -> String {
        format!("7 ({name}) {state} 2 0 0 0 -1 2129984 0 0 0 0 14 0 0 0 20 0 {threads} 0 24 0 0\n")
    }

    fn write(folder: &std::path::Path, path: &str, text: &str) {
        let path = folder.join("proc").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn values(out: &Readings) -> Vec<String> {
        out.samples().map(|(metric, labels, value)| format!("{}{labels:?} {value}", metric.name)).collect()
    }

    #[test]
    fn a_name_may_hold_anything() {
        assert_eq!(parse(&stat("a) S 1 (b", 'D', 3)), Some(Stat { state: b'D', threads: 3 }));
        for text in ["", "7 (x)", "7 (x) S 1", "7 (x) é 2 0 0 0 -1 2129984 0 0 0 0 14 0 0 0 20 0 1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn states_seen_once_stay_with_zero_and_processes_may_vanish() {
        let folder = tempfile::tempdir().unwrap();
        let host = HostRoot::captured(folder.path());
        write(folder.path(), "1/stat", &stat("init", 'S', 2));
        write(folder.path(), "2/stat", &stat("x", 'Z', 1));
        fs::create_dir_all(folder.path().join("proc/3")).unwrap();
        let (mut source, mut out) = (Processes::default(), Readings::default());
        source.read(&host, &mut out).unwrap();
        assert_eq!(
            values(&out),
            [
                "node_processes_state[\"S\"] 1",
                "node_processes_state[\"Z\"] 1",
                "node_processes_threads[] 3",
                "node_processes_pids[] 2"
            ]
        );
        fs::remove_dir_all(folder.path().join("proc/2")).unwrap();
        out.clear();
        source.read(&host, &mut out).unwrap();
        assert_eq!(values(&out)[..2], ["node_processes_state[\"S\"] 1", "node_processes_state[\"Z\"] 0"]);
    }

    #[test]
    fn threads_are_counted_by_state_when_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let host = HostRoot::captured(folder.path());
        write(folder.path(), "1/stat", &stat("init", 'S', 2));
        write(folder.path(), "1/task/1/stat", &stat("init", 'S', 2));
        write(folder.path(), "1/task/9/stat", &stat("worker", 'R', 2));
        let (mut source, mut out) = (Processes::new(&Config { thread_states: true }), Readings::default());
        source.read(&host, &mut out).unwrap();
        let threads: Vec<_> =
            values(&out).into_iter().filter(|line| line.contains("threads_state")).collect();
        assert_eq!(
            threads,
            ["node_processes_threads_state[\"R\"] 1", "node_processes_threads_state[\"S\"] 1"]
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([0-9]{1,12}|\\(|\\)| |S|.){0,60}") {
            let _ = parse(&text);
        }
    }
}
