//! Sockets in use, from `/proc/net/sockstat` and `/proc/net/sockstat6`.

use hi_common::metric::{MetricDef, Unit};

use super::Field;
use crate::host::{At, HostRoot, Scratch};
use crate::source::{Readings, SourceError, bad_line};

/// Declares numbers of the files.
macro_rules! fields {
    ($($protocol:literal $name:literal $unit:ident $help:literal;)+) => {
        const FIELDS: &[Field] = &[$(Field {
            protocol: $protocol,
            name: $name,
            metric: {
                static METRIC: MetricDef =
                    MetricDef::gauge(concat!("node_sockstat_", $protocol, "_", $name), Unit::$unit, &[], $help);
                &METRIC
            },
        }),+];
    };
}

fields! {
    "sockets" "used" None "Sockets of IPv4 and others in use.";
    "TCP" "inuse" None "TCP sockets in use.";
    "TCP" "orphan" None "TCP sockets that belong to no process any more.";
    "TCP" "tw" None "TCP connections in the state TIME_WAIT.";
    "TCP" "alloc" None "TCP sockets allocated, in whatever state.";
    "TCP" "mem" None "Memory of TCP sockets, in pages.";
    "UDP" "inuse" None "UDP sockets in use.";
    "UDP" "mem" None "Memory of UDP sockets, in pages.";
    "UDPLITE" "inuse" None "UDP-Lite sockets in use.";
    "RAW" "inuse" None "Raw sockets in use.";
    "FRAG" "inuse" None "IPv4 packets being put together from fragments.";
    "FRAG" "memory" Bytes "Memory of fragments of IPv4 packets.";
    "TCP6" "inuse" None "TCP sockets of IPv6 in use.";
    "UDP6" "inuse" None "UDP sockets of IPv6 in use.";
    "UDPLITE6" "inuse" None "UDP-Lite sockets of IPv6 in use.";
    "RAW6" "inuse" None "Raw sockets of IPv6 in use.";
    "FRAG6" "inuse" None "IPv6 packets being put together from fragments.";
    "FRAG6" "memory" Bytes "Memory of fragments of IPv6 packets.";
}

static TCP_MEM_BYTES: MetricDef =
    MetricDef::gauge("node_sockstat_TCP_mem_bytes", Unit::Bytes, &[], "Memory of TCP sockets.");
static UDP_MEM_BYTES: MetricDef =
    MetricDef::gauge("node_sockstat_UDP_mem_bytes", Unit::Bytes, &[], "Memory of UDP sockets.");

pub(super) const METRICS: [&MetricDef; FIELDS.len() + 2] = {
    let mut metrics = [&TCP_MEM_BYTES; FIELDS.len() + 2];
    metrics[1] = &UDP_MEM_BYTES;
    let mut index = 0;
    while index < FIELDS.len() {
        metrics[index + 2] = FIELDS[index].metric;
        index += 1;
    }
    metrics
};

/// Values of [`FIELDS`], in their order.
type Values = [Option<u64>; FIELDS.len()];

/// Reads both files, as far as they are there.
pub(super) fn read(host: &HostRoot, scratch: &mut Scratch, out: &mut Readings) -> Result<(), SourceError> {
    let mut values: Values = [None; FIELDS.len()];
    let mut result = Ok(());
    for file in ["net/sockstat", "net/sockstat6"] {
        match host.text(scratch, At::Proc, file) {
            Ok(text) => result = parse(text, &mut values).and(result),
            Err(SourceError::Missing { .. }) => {}
            Err(error) => result = Err(error),
        }
    }
    let page_bytes = rustix::param::page_size() as u64;
    for (field, value) in FIELDS.iter().zip(values) {
        let Some(value) = value else { continue };
        out.push(field.metric, &[], value as f64);
        let bytes = match (field.protocol, field.name) {
            ("TCP", "mem") => &TCP_MEM_BYTES,
            ("UDP", "mem") => &UDP_MEM_BYTES,
            _ => continue,
        };
        out.push(bytes, &[], value.saturating_mul(page_bytes) as f64);
    }
    result
}

/// A line for each protocol: its name, then pairs of name and number. What is wrong costs only itself.
fn parse(text: &str, values: &mut Values) -> Result<(), SourceError> {
    let mut result = Ok(());
    for line in text.lines() {
        let Some((protocol, pairs)) = line.split_once(':') else { continue };
        let mut words = pairs.split_ascii_whitespace();
        while let (Some(name), Some(number)) = (words.next(), words.next()) {
            let place = FIELDS.iter().position(|field| field.protocol == protocol && field.name == name);
            match (place, number.parse::<u64>()) {
                (Some(place), Ok(number)) => values[place] = Some(number),
                (Some(_), Err(_)) => {
                    result = Err(bad_line("/proc/net/sockstat", line, format!("{name} is no count")));
                }
                (None, _) => {}
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_are_read_and_a_bad_one_costs_only_itself() {
        let mut values: Values = [None; FIELDS.len()];
        let error =
            parse("sockets: used 7\nTCP: inuse x tw 4 new 5 mem\nnothing\nTCP6: inuse 9\n", &mut values);
        assert_eq!(error.unwrap_err().reason(), "parse");
        let found: Vec<_> =
            FIELDS.iter().zip(values).filter_map(|(f, v)| Some((f.protocol, f.name, v?))).collect();
        assert_eq!(found, [("sockets", "used", 7), ("TCP", "tw", 4), ("TCP6", "inuse", 9)]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(TCP|UDP6|inuse|mem|:| |\n|[0-9]{1,25}|.){0,60}") {
            let _ = parse(&text, &mut [None; FIELDS.len()]);
        }
    }
}
