//! The system: kernel and distribution, boot time, clock and its synchronization, DMI, entropy, open files; and the fact
//! that says what kind of host this is.

mod clock;
mod dmi;
mod host;
mod release;

use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError, bad_line, own_section};
use host::HostFact;

config_section! {
    /// Kernel, distribution, clock.
    pub struct Config in "sources.os" {}
}

static UNAME: MetricDef = MetricDef::info(
    "node_uname_info",
    &["sysname", "release", "version", "machine", "nodename", "domainname"],
    "What uname(2) says of kernel and host.",
);
static BOOT: MetricDef =
    MetricDef::gauge("node_boot_time_seconds", Unit::Seconds, &[], "When the host booted, as Unix time.");
static ENTROPY: MetricDef = MetricDef::gauge(
    "node_entropy_available_bits",
    Unit::None,
    &[],
    "Entropy in the kernel's pool, in bits.",
);
static ENTROPY_POOL: MetricDef =
    MetricDef::gauge("node_entropy_pool_size_bits", Unit::None, &[], "Size of the kernel's pool, in bits.");
static FILES: MetricDef = MetricDef::gauge("node_filefd_allocated", Unit::None, &[], "Open files.");
static FILES_MAX: MetricDef =
    MetricDef::gauge("node_filefd_maximum", Unit::None, &[], "Most files that may be open.");

const OWN: [&MetricDef; 6] = [&UNAME, &BOOT, &ENTROPY, &ENTROPY_POOL, &FILES, &FILES_MAX];

const GROUPS: [&[&MetricDef]; 4] = [&OWN, &release::METRICS, &dmi::METRICS, &clock::METRICS];

const METRICS: [&MetricDef; OWN.len() + release::METRICS.len() + dmi::METRICS.len() + clock::METRICS.len()] = {
    let mut metrics =
        [OWN[0]; OWN.len() + release::METRICS.len() + dmi::METRICS.len() + clock::METRICS.len()];
    let (mut group, mut filled) = (0, 0);
    while group < GROUPS.len() {
        let mut index = 0;
        while index < GROUPS[group].len() {
            metrics[filled] = GROUPS[group][index];
            index += 1;
            filled += 1;
        }
        group += 1;
    }
    metrics
};

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "os",
    summary: "Kernel, distribution, boot time, clock synchronization, hardware identity, open files.",
    interval: Duration::from_secs(60),
    timeout: Duration::from_secs(10),
    metrics: &METRICS,
    permission: "For node_timex_*: the system call adjtimex (SystemCallFilter=adjtimex clock_adjtime, no ProtectClock=yes). \
                 For addresses: RestrictAddressFamilies=AF_NETLINK.",
    keys: Config::keys,
    make: |table| {
        own_section::<Config>(table)?;
        Ok(Box::new(Os::default()))
    },
};

#[derive(Default)]
struct Os {
    scratch: Scratch,
    host: HostFact,
}

impl Source for Os {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        if let Ok(uname) = host.call("/", "uname", |_| Ok(uname())) {
            out.push(&UNAME, &uname.each_ref().map(String::as_str), 1.0);
        }
        let release = release::read(host, &mut self.scratch);
        release.push(out);
        let dmi = dmi::read(host, &mut self.scratch);
        dmi.push(out);
        clock::push(host, &mut self.scratch, out);
        let stat = parse_stat(host.text(&mut self.scratch, At::Proc, "stat")?);
        if let Some(seconds) = stat.boot_seconds {
            out.push(&BOOT, &[], seconds as f64);
        }
        for (metric, path) in
            [(&ENTROPY, "sys/kernel/random/entropy_avail"), (&ENTROPY_POOL, "sys/kernel/random/poolsize")]
        {
            let text = host.text(&mut self.scratch, At::Proc, path).unwrap_or_default();
            if let Ok(bits) = text.trim().parse::<u64>() {
                out.push(metric, &[], bits as f64);
            }
        }
        self.host.push(host, &mut self.scratch, &stat, &release, &dmi, out);
        match host.text(&mut self.scratch, At::Proc, "sys/fs/file-nr") {
            Ok(text) => push_files(text, out)?,
            Err(SourceError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(Outcome::Read)
    }
}

/// System, release, version, machine, name, domain (uname(2)).
fn uname() -> [String; 6] {
    let uname = rustix::system::uname();
    [uname.sysname(), uname.release(), uname.version(), uname.machine(), uname.nodename(), uname.domainname()]
        .map(|field| field.to_string_lossy().into_owned())
}

/// What `/proc/stat` says of the host.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stat {
    boot_seconds: Option<i64>,
    cpu_count: usize,
}

fn parse_stat(text: &str) -> Stat {
    let is_cpu = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    Stat {
        boot_seconds: text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok()),
        cpu_count: text.lines().filter(is_cpu).count(),
    }
}

/// `/proc/sys/fs/file-nr`: open files, a zero, the limit.
fn push_files(text: &str, out: &mut Readings) -> Result<(), SourceError> {
    let mut words = text.split_ascii_whitespace().map(str::parse::<u64>);
    match (words.next(), words.next(), words.next()) {
        (Some(Ok(allocated)), Some(_), Some(Ok(maximum))) => {
            out.push(&FILES, &[], allocated as f64);
            out.push(&FILES_MAX, &[], maximum as f64);
            Ok(())
        }
        _ => Err(bad_line("/proc/sys/fs/file-nr", text, "three numbers are expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hi_common::fact::FactValue;
    use proptest::prelude::*;

    #[test]
    fn this_machine_has_a_kernel_a_clock_and_a_fact() {
        let mut out = Readings::default();
        let mut os = Os::default();
        os.read(&HostRoot::live(), &mut out).unwrap();
        let names: Vec<&str> = out.samples().map(|(metric, ..)| metric.name).collect();
        for name in ["node_uname_info", "node_boot_time_seconds", "node_time_seconds"] {
            assert!(names.contains(&name), "{name}");
        }
        let fact = &out.facts()[0];
        assert_eq!((fact.kind, fact.id.as_str()), ("host", "host"));
        for key in ["hostname", "kernel", "architecture", "boot_time", "virtualization", "addresses"] {
            assert!(fact.doc.contains_key(key), "{key}");
        }
        assert!(matches!(fact.doc["cpu_count"], FactValue::Int(1..)));
        assert!(matches!(fact.doc["memory_bytes"], FactValue::Int(1_000_000..)));

        out.clear();
        os.read(&HostRoot::live(), &mut out).unwrap();
        assert!(out.facts().is_empty(), "nothing changed");
    }

    #[test]
    fn open_files_are_three_numbers() {
        let mut out = Readings::default();
        push_files("1024\t0\t9223372036854775807\n", &mut out).unwrap();
        assert_eq!(out.values(), [1024.0, 9_223_372_036_854_775_807.0]);
        for text in ["", "1 2", "1 0 x"] {
            assert_eq!(push_files(text, &mut out).unwrap_err().reason(), "parse", "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "((btime |cpu[0-9]| |\n|[0-9]{1,22}|.){0,40})") {
            let _ = (parse_stat(&text), push_files(&text, &mut Readings::default()));
        }
    }
}
