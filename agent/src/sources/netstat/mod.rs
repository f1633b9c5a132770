//! Counters of the network protocols from `/proc/net/netstat`, `/proc/net/snmp` (proc_pid_net(5)) and `/proc/net/snmp6`, and
//! sockets in use from `/proc/net/sockstat` and `sockstat6`. Of the counters, those that node_exporter yields by default.

mod sockets;

use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{Kind, MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError, bad_line, own_section};

config_section! {
    /// Network protocols.
    pub struct Config in "sources.netstat" {}
}

/// The files of tables, as errors name them.
const TABLES: &str = "/proc/net/snmp, netstat";

/// A number that the kernel tells under the name of a protocol (or table) and one of its own.
struct Field {
    protocol: &'static str,
    name: &'static str,
    metric: &'static MetricDef,
}

/// Declares counters. node_exporter leaves them untyped.
macro_rules! fields {
    ($($protocol:literal $name:literal $unit:ident $help:literal;)+) => {
        const FIELDS: &[Field] = &[$(Field {
            protocol: $protocol,
            name: $name,
            metric: {
                static METRIC: MetricDef = MetricDef {
                    name: concat!("node_netstat_", $protocol, "_", $name),
                    kind: Kind::Untyped,
                    unit: Unit::$unit,
                    labels: &[],
                    help: $help,
                };
                &METRIC
            },
        }),+];
    };
}

fields! {
    "Ip" "Forwarding" None "1 when packets are forwarded between interfaces, 2 when not.";
    "Icmp" "InMsgs" None "ICMP messages received.";
    "Icmp" "InErrors" None "ICMP messages received with an error.";
    "Icmp" "OutMsgs" None "ICMP messages sent.";
    "Tcp" "ActiveOpens" None "TCP connections opened from here.";
    "Tcp" "PassiveOpens" None "TCP connections accepted.";
    "Tcp" "CurrEstab" None "TCP connections established now, or closing.";
    "Tcp" "InSegs" None "TCP segments received.";
    "Tcp" "OutSegs" None "TCP segments sent.";
    "Tcp" "RetransSegs" None "TCP segments sent again.";
    "Tcp" "InErrs" None "TCP segments received with an error.";
    "Tcp" "OutRsts" None "TCP segments sent that reset a connection.";
    "Udp" "InDatagrams" None "UDP datagrams delivered.";
    "Udp" "NoPorts" None "UDP datagrams to a port that nobody listens on.";
    "Udp" "InErrors" None "UDP datagrams that could not be delivered.";
    "Udp" "OutDatagrams" None "UDP datagrams sent.";
    "Udp" "RcvbufErrors" None "UDP datagrams lost to a full receiving buffer.";
    "Udp" "SndbufErrors" None "UDP datagrams lost to a full sending buffer.";
    "UdpLite" "InErrors" None "UDP-Lite datagrams that could not be delivered.";
    "TcpExt" "SyncookiesSent" None "SYN cookies sent.";
    "TcpExt" "SyncookiesRecv" None "SYN cookies received.";
    "TcpExt" "SyncookiesFailed" None "SYN cookies received that were not valid.";
    "TcpExt" "ListenOverflows" None "Connections refused since the queue of a listening socket was full.";
    "TcpExt" "ListenDrops" None "Connections to listening sockets dropped, for whatever reason.";
    "TcpExt" "TCPTimeouts" None "Timeouts of TCP retransmission.";
    "TcpExt" "TCPSynRetrans" None "SYN and SYN/ACK segments sent again.";
    "TcpExt" "TCPOFOQueue" None "TCP segments that came out of order and were queued.";
    "TcpExt" "TCPRcvQDrop" None "TCP segments dropped since the receiving queue was full.";
    "IpExt" "InOctets" Bytes "Bytes of IPv4 packets received.";
    "IpExt" "OutOctets" Bytes "Bytes of IPv4 packets sent.";
    "Ip6" "InOctets" Bytes "Bytes of IPv6 packets received.";
    "Ip6" "OutOctets" Bytes "Bytes of IPv6 packets sent.";
    "Icmp6" "InMsgs" None "ICMPv6 messages received.";
    "Icmp6" "InErrors" None "ICMPv6 messages received with an error.";
    "Icmp6" "OutMsgs" None "ICMPv6 messages sent.";
    "Udp6" "InDatagrams" None "UDP datagrams delivered over IPv6.";
    "Udp6" "NoPorts" None "UDP datagrams over IPv6 to a port that nobody listens on.";
    "Udp6" "InErrors" None "UDP datagrams over IPv6 that could not be delivered.";
    "Udp6" "OutDatagrams" None "UDP datagrams sent over IPv6.";
    "Udp6" "RcvbufErrors" None "UDP datagrams over IPv6 lost to a full receiving buffer.";
    "Udp6" "SndbufErrors" None "UDP datagrams over IPv6 lost to a full sending buffer.";
    "UdpLite6" "InErrors" None "UDP-Lite datagrams over IPv6 that could not be delivered.";
}

const METRICS: [&MetricDef; FIELDS.len() + sockets::METRICS.len()] = {
    let mut metrics = [FIELDS[0].metric; FIELDS.len() + sockets::METRICS.len()];
    let mut index = 0;
    while index < metrics.len() {
        metrics[index] =
            if index < FIELDS.len() { FIELDS[index].metric } else { sockets::METRICS[index - FIELDS.len()] };
        index += 1;
    }
    metrics
};

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "netstat",
    summary: "Counters of TCP, UDP, IP and ICMP, and sockets in use, from /proc/net.",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    metrics: &METRICS,
    permission: "",
    keys: Config::keys,
    make: |table| {
        own_section::<Config>(table)?;
        Ok(Box::new(Netstat::default()))
    },
};

#[derive(Default)]
struct Netstat {
    scratch: Scratch,
}

/// Values of [`FIELDS`], in their order.
type Values = [Option<f64>; FIELDS.len()];

impl Source for Netstat {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let mut values: Values = [None; FIELDS.len()];
        let mut result = Ok(());
        for (file, parse) in [
            ("net/snmp", parse_tables as fn(&str, &mut Values) -> Result<(), SourceError>),
            ("net/netstat", parse_tables),
            ("net/snmp6", parse_list),
        ] {
            // A kernel without networking, or without IPv6, lacks the file.
            match host.text(&mut self.scratch, At::Proc, file) {
                Ok(text) => result = parse(text, &mut values).and(result),
                Err(SourceError::Missing { .. }) => {}
                Err(error) => result = Err(error),
            }
        }
        for (field, value) in FIELDS.iter().zip(values) {
            if let Some(value) = value {
                out.push(field.metric, &[], value);
            }
        }
        result = sockets::read(host, &mut self.scratch, out).and(result);
        result.map(|()| if out.is_empty() { Outcome::Absent } else { Outcome::Read })
    }
}

/// Two lines for each protocol: its name and those of its numbers, its name and the numbers. What is wrong in one costs only
/// that one.
fn parse_tables(text: &str, values: &mut Values) -> Result<(), SourceError> {
    let mut result = Ok(());
    let mut lines = text.lines();
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let (Some((protocol, names)), Some((again, row))) = (names.split_once(':'), numbers.split_once(':'))
        else {
            result = Err(bad_line(TABLES, names, "a name and a colon are expected"));
            continue;
        };
        if protocol != again {
            result = Err(bad_line(TABLES, numbers, format!("numbers of {protocol} are expected")));
            continue;
        }
        if !FIELDS.iter().any(|field| field.protocol == protocol) {
            continue;
        }
        for (name, number) in names.split_ascii_whitespace().zip(row.split_ascii_whitespace()) {
            if let Some(place) = place(protocol, name) {
                match number.parse::<i64>() {
                    Ok(number) => values[place] = Some(number as f64),
                    Err(_) => {
                        result = Err(bad_line(TABLES, numbers, format!("{name} is no number")));
                    }
                }
            }
        }
    }
    result
}

/// A line for each number, protocol and name in one word: `Udp6InErrors 0`.
fn parse_list(text: &str, values: &mut Values) -> Result<(), SourceError> {
    let mut result = Ok(());
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        // Every protocol there ends with a 6, and none has one before.
        let word = words.next().unwrap_or_default();
        let Some(end) = word.find('6') else { continue };
        let (protocol, name) = word.split_at(end + 1);
        let Some(place) = place(protocol, name) else { continue };
        match words.next().and_then(|number| number.parse::<u64>().ok()) {
            Some(number) => values[place] = Some(number as f64),
            None => result = Err(bad_line("/proc/net/snmp6", line, "a count is expected")),
        }
    }
    result
}

fn place(protocol: &str, name: &str) -> Option<usize> {
    FIELDS.iter().position(|field| field.protocol == protocol && field.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(values: &Values) -> Vec<(&'static str, f64)> {
        FIELDS.iter().zip(values).filter_map(|(field, value)| Some((field.metric.name, (*value)?))).collect()
    }

    #[test]
    fn a_bad_table_costs_only_itself() {
        let text = "Ip: Forwarding DefaultTTL\nIp: x 64\nIcmp: InMsgs OutMsgs\nTcp: 1 2\nUdp: InErrors New NoPorts\nUdp: 5 -1 7\n";
        let mut values: Values = [None; FIELDS.len()];
        let error = parse_tables(text, &mut values).unwrap_err();
        assert_eq!(error.reason(), "parse");
        assert_eq!(found(&values), [("node_netstat_Udp_NoPorts", 7.0), ("node_netstat_Udp_InErrors", 5.0)]);
    }

    #[test]
    fn counters_of_ipv6_are_split_behind_the_six() {
        let text = "Ip6InOctets  \t460\nUdpLite6InErrors 3\nUdp6InErrors\nIcmp6InType134 8\nOdd 1\n";
        let mut values: Values = [None; FIELDS.len()];
        assert_eq!(parse_list(text, &mut values).unwrap_err().reason(), "parse");
        let expected = [("node_netstat_Ip6_InOctets", 460.0), ("node_netstat_UdpLite6_InErrors", 3.0)];
        assert_eq!(found(&values), expected);
    }

    #[test]
    fn without_networking_it_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Readings::default();
        let outcome = Netstat::default().read(&HostRoot::captured(folder.path()), &mut out);
        assert_eq!(outcome.unwrap(), Outcome::Absent);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(Ip|Tcp|Udp6|InErrors|Forwarding|:|6| |\n|-?[0-9]{1,25}|.){0,60}") {
            let mut values: Values = [None; FIELDS.len()];
            let _ = parse_tables(&text, &mut values);
            let _ = parse_list(&text, &mut values);
        }
    }
}
