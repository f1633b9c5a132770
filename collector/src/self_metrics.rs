//! What the collector costs: memory, processor time, bytes written. From `/proc/self` (proc(5)).

use std::fs;

/// Cost of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Resident memory, bytes.
    pub rss_bytes: u64,
    /// Processor time since the start, seconds.
    pub cpu_seconds: f64,
    /// Bytes it caused to be written to disk.
    pub written_bytes: u64,
    /// Open files and sockets.
    pub open_files: u64,
}

/// Reads the cost of this process; what the system does not tell is 0.
pub fn cost() -> Cost {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    Cost {
        rss_bytes: rss_pages(&read("statm")) * rustix::param::page_size() as u64,
        cpu_seconds: cpu_ticks(&read("stat")) as f64 / rustix::param::clock_ticks_per_second() as f64,
        written_bytes: written_bytes(&read("io")),
        open_files: fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64),
    }
}

/// Second field of `statm`.
fn rss_pages(statm: &str) -> u64 {
    statm.split(' ').nth(1).and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// `utime` and `stime`, fields 14 and 15 of `stat`; the name in field 2 may hold spaces and parentheses.
fn cpu_ticks(stat: &str) -> u64 {
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// `write_bytes` of `io`: what was sent to the storage layer.
fn written_bytes(io: &str) -> u64 {
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|value| value.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formats_of_proc_are_understood() {
        assert_eq!(rss_pages("500 42 7 1 0 90 0\n"), 42);
        assert_eq!(cpu_ticks("7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0"), 175);
        assert_eq!(written_bytes("rchar: 1\nwrite_bytes: 4096\ncancelled_write_bytes: 7\n"), 4096);
        let own = cost();
        assert!(own.rss_bytes > 1 << 20 && own.open_files > 2, "{own:?}");
    }
}
