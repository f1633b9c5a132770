//! What the kernel knows of processes: memory, processor time, bytes written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What a process, or several, took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Processor seconds, those of children that ended and were waited for included.
    pub cpu_seconds: f64,
    /// Bytes of pages made dirty (`write_bytes` in `proc(5)`, `/proc/PID/io`). The kernel adds those of a child to its
    /// parent when the child has ended, so that a sum over the living misses none.
    pub written_bytes: u64,
    /// Proportional share of memory, bytes.
    pub pss_bytes: u64,
    /// Resident memory, bytes.
    pub rss_bytes: u64,
}

impl Usage {
    /// Of one process; zeros when it is gone.
    pub fn of(pid: u32) -> Self {
        let stat = Stat::read(pid);
        Self {
            cpu_seconds: stat.map_or(0.0, |stat| stat.cpu_seconds),
            written_bytes: field(&read(pid, "io"), "write_bytes:"),
            pss_bytes: field(&read(pid, "smaps_rollup"), "Pss:") * 1024,
            rss_bytes: field(&read(pid, "status"), "VmRSS:") * 1024,
        }
    }

    fn add(&mut self, other: Self) {
        self.cpu_seconds += other.cpu_seconds;
        self.written_bytes += other.written_bytes;
        self.pss_bytes += other.pss_bytes;
        self.rss_bytes += other.rss_bytes;
    }
}

/// A program of the stack, its helper processes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// hi-collector.
    Collector,
    /// nats-server.
    Nats,
    /// PostgreSQL, all its processes.
    Postgres,
}

impl Part {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Collector => "collector",
            Self::Nats => "nats",
            Self::Postgres => "postgres",
        }
    }
}

/// What a process and all below it take, by program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TreeUsage(pub BTreeMap<Part, Usage>);

impl TreeUsage {
    /// Of the tree below `root`.
    pub fn of(root: u32) -> Self {
        let mut parts: BTreeMap<Part, Usage> = BTreeMap::new();
        for pid in descendants(root).into_iter().chain([root]) {
            let part = match read(pid, "comm").trim() {
                "postgres" => Part::Postgres,
                "nats-server" => Part::Nats,
                _ => Part::Collector,
            };
            parts.entry(part).or_default().add(Usage::of(pid));
        }
        Self(parts)
    }

    /// Of one program.
    pub fn part(&self, part: Part) -> Usage {
        self.0.get(&part).copied().unwrap_or_default()
    }

    /// All together.
    pub fn total(&self) -> Usage {
        let mut total = Usage::default();
        self.0.values().for_each(|usage| total.add(*usage));
        total
    }
}

/// All processes below `root`, without itself.
pub fn descendants(root: u32) -> BTreeSet<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = pids.filter_map(|pid| Some((pid, Stat::read(pid)?.parent))).collect();
    let mut found = BTreeSet::from([root]);
    loop {
        let before = found.len();
        let below: Vec<u32> =
            parents.iter().filter(|(_, parent)| found.contains(parent)).map(|(pid, _)| *pid).collect();
        found.extend(below);
        if found.len() == before {
            found.remove(&root);
            return found;
        }
    }
}

/// The fields of `/proc/PID/stat` (`proc(5)`) that are used here.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// Parent process.
    pub parent: u32,
    /// Minor faults of children that ended and were waited for: not 0 as soon as there was one.
    pub children_faults: u64,
    /// Processor seconds, user and system, own and of children that ended.
    pub cpu_seconds: f64,
}

impl Stat {
    /// Of a process; `None` when it is gone.
    pub fn read(pid: u32) -> Option<Self> {
        let text = read(pid, "stat");
        // The name in parentheses may hold anything, also spaces and parentheses.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
        let ticks: u64 = (11..=14).filter_map(number).sum();
        Some(Self {
            parent: u32::try_from(number(1)?).ok()?,
            children_faults: number(8)?,
            cpu_seconds: ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
        })
    }
}

/// Children of a process that live right now (`/proc/PID/task/*/children`).
pub fn children(pid: u32) -> BTreeSet<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

fn read(pid: u32, file: &str) -> String {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn field(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Growth per hour of what was sampled as (seconds, value): the slope of the least-squares line.
pub fn slope_per_hour(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    let joint: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    if spread > 0.0 { joint / spread * 3600.0 } else { 0.0 }
}

/// The value below which `share` of them lie; sorts them.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len() as f64 * share).ceil() as usize;
    values.get(index.clamp(1, values.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_child_is_seen_while_it_lives_and_after() {
        let me = std::process::id();
        let mut child = Command::new("sleep").arg("100").spawn().unwrap();
        assert!(descendants(me).contains(&child.id()));
        assert!(children(me).contains(&child.id()));
        assert!(Usage::of(child.id()).rss_bytes > 0);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(Stat::read(me).unwrap().children_faults > 0);
        assert_eq!(Usage::of(child.id()), Usage::default());
    }

    #[test]
    fn statistics() {
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(quantile(&mut (1..=1000).map(f64::from).collect::<Vec<_>>(), 0.99), 990.0);
        assert_eq!(slope_per_hour(&[(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]), 3600.0);
    }
}
