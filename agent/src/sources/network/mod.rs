//! Network interfaces: traffic from `/proc/net/dev` (proc_pid_net(5)), state and properties from `/sys/class/net`
//! (Documentation/ABI/testing/sysfs-class-net).

mod interface;

use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::pattern::Patterns;
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError, bad_line, own_section};
use interface::Interfaces;

config_section! {
    /// Network interfaces.
    pub struct Config in "sources.network" {
        /// Shell patterns of interfaces left out (veth*).
        pub exclude: Vec<String> = vec![],
    }
}

/// Declares the columns of `/proc/net/dev` in their order.
macro_rules! columns {
    ($($name:literal $unit:ident $help:literal;)+) => {
        const COLUMNS: &[&MetricDef] = &[$({
            static METRIC: MetricDef = MetricDef::counter($name, Unit::$unit, &["device"], $help);
            &METRIC
        }),+];
    };
}

columns! {
    "node_network_receive_bytes_total" Bytes "Bytes received.";
    "node_network_receive_packets_total" None "Packets received.";
    "node_network_receive_errs_total" None "Packets received with an error.";
    "node_network_receive_drop_total" None "Packets received but dropped.";
    "node_network_receive_fifo_total" None "Packets lost to an overrun of the receiving buffer.";
    "node_network_receive_frame_total" None "Packets received with a framing error.";
    "node_network_receive_compressed_total" None "Compressed packets received.";
    "node_network_receive_multicast_total" None "Multicast packets received.";
    "node_network_transmit_bytes_total" Bytes "Bytes sent.";
    "node_network_transmit_packets_total" None "Packets sent.";
    "node_network_transmit_errs_total" None "Packets that could not be sent for an error.";
    "node_network_transmit_drop_total" None "Packets dropped instead of sent.";
    "node_network_transmit_fifo_total" None "Packets lost to an overrun of the sending buffer.";
    "node_network_transmit_colls_total" None "Collisions while sending.";
    "node_network_transmit_carrier_total" None "Packets lost with the carrier.";
    "node_network_transmit_compressed_total" None "Compressed packets sent.";
}

const METRICS: [&MetricDef; COLUMNS.len() + interface::METRICS.len()] = {
    let mut metrics = [COLUMNS[0]; COLUMNS.len() + interface::METRICS.len()];
    let mut index = 0;
    while index < metrics.len() {
        metrics[index] =
            if index < COLUMNS.len() { COLUMNS[index] } else { interface::METRICS[index - COLUMNS.len()] };
        index += 1;
    }
    metrics
};

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "network",
    summary: "Traffic, errors and state of network interfaces, from /proc/net/dev and /sys/class/net.",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    metrics: &METRICS,
    permission: "",
    keys: Config::keys,
    make: |table| Ok(Box::new(Network::new(&own_section(table)?))),
};

struct Network {
    exclude: Patterns,
    scratch: Scratch,
    traffic: Vec<Traffic>,
    interfaces: Interfaces,
}

/// Counters of one interface.
#[derive(Debug, PartialEq, Eq)]
struct Traffic {
    device: String,
    columns: [u64; COLUMNS.len()],
}

impl Network {
    fn new(config: &Config) -> Self {
        Self {
            exclude: Patterns::new(&config.exclude),
            scratch: Scratch::default(),
            traffic: Vec::new(),
            interfaces: Interfaces::default(),
        }
    }

    /// Reads the counters of all interfaces that are not left out; the last error, if any.
    fn take_lines(&mut self, host: &HostRoot) -> Result<(), SourceError> {
        let mut count = 0;
        let mut result = Ok(());
        let text = host.text(&mut self.scratch, At::Proc, "net/dev")?;
        for line in text.lines() {
            match parse_line(line) {
                Ok(Some((device, columns))) if !self.exclude.matches(device) => {
                    match self.traffic.get_mut(count) {
                        Some(old) if old.device == device => old.columns = columns,
                        _ => {
                            self.traffic.truncate(count);
                            self.traffic.push(Traffic { device: device.to_owned(), columns });
                        }
                    }
                    count += 1;
                }
                Ok(_) => {}
                Err(error) => result = Err(error),
            }
        }
        self.traffic.truncate(count);
        result
    }
}

impl Source for Network {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let result = match self.take_lines(host) {
            // A kernel without networking; there may be interfaces all the same where only `/sys` was captured.
            Err(SourceError::Missing { .. }) => {
                self.traffic.clear();
                Ok(())
            }
            result => result,
        };
        for (index, metric) in COLUMNS.iter().enumerate() {
            for traffic in &self.traffic {
                out.push(metric, &[&traffic.device], traffic.columns[index] as f64);
            }
        }
        self.interfaces.read(host, &self.traffic, &self.exclude, &mut self.scratch, out)?;
        result.map(|()| match out.is_empty() {
            true => Outcome::Absent,
            false => Outcome::Read,
        })
    }
}

/// Interface and counters of a line; `None` for the two lines of headings.
fn parse_line(line: &str) -> Result<Option<(&str, [u64; COLUMNS.len()])>, SourceError> {
    // An alias may hold a colon; numbers never do.
    let Some((device, numbers)) = line.rsplit_once(':') else { return Ok(None) };
    let mut columns = [0; COLUMNS.len()];
    let mut words = numbers.split_ascii_whitespace();
    for column in &mut columns {
        let word =
            words.next().ok_or_else(|| bad_line("/proc/net/dev", line, "sixteen counters are expected"))?;
        *column = word.parse().map_err(|_| bad_line("/proc/net/dev", line, "no count"))?;
    }
    Ok(Some((device.trim(), columns)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_may_lack_the_space_behind_the_colon() {
        let line = "eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 18446744073709551615";
        let (device, columns) = parse_line(line).unwrap().unwrap();
        assert_eq!((device, columns[0], columns[15]), ("eth0", 1, u64::MAX));
        assert_eq!(parse_line(" face |bytes    packets errs").unwrap(), None);
        for line in ["eth0: 1 2", "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x"] {
            assert_eq!(parse_line(line).unwrap_err().reason(), "parse", "{line}");
        }
    }

    #[test]
    fn one_bad_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("proc/net")).unwrap();
        let text = "a: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nb: 1 x\nveth1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
        std::fs::write(folder.path().join("proc/net/dev"), text).unwrap();
        let mut network = Network::new(&Config { exclude: vec!["veth*".to_owned()] });
        let mut out = Readings::default();
        let error = network.read(&HostRoot::captured(folder.path()), &mut out).unwrap_err();
        assert_eq!((error.reason(), out.len()), ("parse", COLUMNS.len()));
        assert!(error.to_string().ends_with("in line \"b: 1 x\""), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_panics(line in "(eth0|:|[0-9]{1,25}| |.){0,60}") {
            let _ = parse_line(&line);
        }
    }
}
