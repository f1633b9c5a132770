//! What `/sys/class/net` says of interfaces. State is read each time; the rest when the state changed, and once a minute:
//! asking for the speed makes some drivers talk to their hardware.

use std::collections::BTreeMap;
use std::time::Duration;

use hi_common::fact::FactValue;
use hi_common::metric::{MetricDef, Unit};

use super::Traffic;
use crate::host::{At, HostRoot, Scratch};
use crate::source::pattern::Patterns;
use crate::source::{Every, Readings, SourceError};
use crate::sys::addresses::{Address, addresses};

static UP: MetricDef =
    MetricDef::gauge("node_network_up", Unit::None, &["device"], "Whether the operational state is `up`.");
static INFO: MetricDef = MetricDef::info(
    "node_network_info",
    &["device", "address", "broadcast", "duplex", "operstate", "adminstate", "ifalias"],
    "What is known of an interface in words.",
);
static NO_HANDLER: MetricDef = MetricDef::counter(
    "node_network_receive_nohandler_total",
    Unit::None,
    &["device"],
    "Packets received by an interface that nothing takes packets from (an inactive member of a bond).",
);

/// Declares the attributes that are numbers: file below the interface's folder, metric.
macro_rules! attributes {
    ($($file:literal $constructor:ident $name:literal $unit:ident $help:literal;)+) => {
        const ATTRIBUTES: &[(&str, &MetricDef)] = &[$(($file, {
            static METRIC: MetricDef = MetricDef::$constructor($name, Unit::$unit, &["device"], $help);
            &METRIC
        })),+];
    };
}

attributes! {
    "addr_assign_type" gauge "node_network_address_assign_type" None "Where the address comes from: 0 permanent, 1 random, 2 stolen, 3 set.";
    "carrier" gauge "node_network_carrier" None "Whether there is a link.";
    "carrier_changes" counter "node_network_carrier_changes_total" None "How often the link came or went.";
    "carrier_up_count" counter "node_network_carrier_up_changes_total" None "How often the link came.";
    "carrier_down_count" counter "node_network_carrier_down_changes_total" None "How often the link went.";
    "dev_id" gauge "node_network_device_id" None "Number that tells apart interfaces that share an address.";
    "dormant" gauge "node_network_dormant" None "Whether the interface waits for something before it passes packets.";
    "flags" gauge "node_network_flags" None "Flags of the interface as a number (netdevice(7)).";
    "ifindex" gauge "node_network_iface_id" None "Index of the interface.";
    "iflink" gauge "node_network_iface_link" None "Index of the interface that this one lies on.";
    "link_mode" gauge "node_network_iface_link_mode" None "Policy of the operational state: 0 default, 1 dormant.";
    "mtu" gauge "node_network_mtu_bytes" Bytes "Largest packet that is sent.";
    "name_assign_type" gauge "node_network_name_assign_type" None "Where the name comes from: 1 kernel, 2 predictable, 3 user, 4 renamed.";
    "netdev_group" gauge "node_network_net_dev_group" None "Group of the interface.";
    "speed" gauge "node_network_speed_bytes" Bytes "Speed of the link in bytes per second; only where it is known.";
    "tx_queue_len" gauge "node_network_transmit_queue_length" None "Longest queue of packets to send.";
    "type" gauge "node_network_protocol_type" None "Type of the link as a number (ARPHRD_*).";
}

pub(super) const METRICS: [&MetricDef; ATTRIBUTES.len() + 3] = {
    let mut metrics = [&UP; ATTRIBUTES.len() + 3];
    metrics[1] = &INFO;
    metrics[2] = &NO_HANDLER;
    let mut index = 0;
    while index < ATTRIBUTES.len() {
        metrics[index + 3] = ATTRIBUTES[index].1;
        index += 1;
    }
    metrics
};

/// What is read each time; a change makes the rest be read anew.
const STATE: [&str; 3] = ["operstate", "carrier_changes", "flags"];
const REFRESH: Duration = Duration::from_secs(60);
/// `IFF_UP` of netdevice(7).
const FLAG_UP: i64 = 1;
/// Speeds are megabits per second.
const BYTES_PER_MEGABIT: i64 = 125_000;

/// All interfaces and what was last read of them.
#[derive(Debug)]
pub(super) struct Interfaces {
    list: Vec<Interface>,
    refresh: Every,
    facts: Every,
}

#[derive(Debug, Default)]
struct Interface {
    device: String,
    /// Paths of [`STATE`] and of the counter, made once.
    state_paths: [String; STATE.len()],
    no_handler_path: String,
    state: [String; STATE.len()],
    no_handler: Option<u64>,
    numbers: [Option<i64>; ATTRIBUTES.len()],
    address: String,
    broadcast: String,
    duplex: String,
    alias: String,
    /// `DEVTYPE` of its uevent: `bridge`, `bond`, `vlan`, `wlan`; nothing for Ethernet and veth.
    kind: String,
    physical: bool,
    fact: BTreeMap<String, FactValue>,
}

impl Default for Interfaces {
    fn default() -> Self {
        Self { list: Vec::new(), refresh: Every::new(REFRESH), facts: Every::new(Every::FACTS) }
    }
}

impl Interfaces {
    /// Reads and pushes everything; `traffic` tells which interfaces there are now.
    pub(super) fn read(
        &mut self,
        host: &HostRoot,
        traffic: &[Traffic],
        exclude: &Patterns,
        scratch: &mut Scratch,
        out: &mut Readings,
    ) -> Result<(), SourceError> {
        let all = self.refresh.due();
        let same = self.list.iter().map(|interface| &interface.device).eq(traffic.iter().map(|t| &t.device));
        if all || !same {
            self.list_anew(host, traffic, exclude)?;
        }
        let mut changed = all;
        for interface in &mut self.list {
            if interface.read_state(host, scratch) || all {
                interface.read_rest(host, scratch);
                changed = true;
            }
        }
        self.push(out);
        if changed {
            let every = self.facts.due();
            let addresses = host.call("/", "addresses", |_| addresses()).unwrap_or_default();
            self.list.iter_mut().for_each(|interface| interface.push_fact(&addresses, every, out));
        }
        Ok(())
    }

    /// Takes over the interfaces of `/proc/net/dev`, or those of `/sys/class/net` where that is missing.
    fn list_anew(
        &mut self,
        host: &HostRoot,
        traffic: &[Traffic],
        exclude: &Patterns,
    ) -> Result<(), SourceError> {
        let names: Vec<String> = match traffic.is_empty() {
            false => traffic.iter().map(|traffic| traffic.device.clone()).collect(),
            // Files such as `bonding_masters` lie there too.
            true => {
                let mut names = host.list(At::Sys, "class/net")?;
                names.retain(|name| host.is_folder(At::Sys, &format!("class/net/{name}")));
                names
            }
        };
        let mut old = std::mem::take(&mut self.list);
        for name in names.into_iter().filter(|name| !exclude.matches(name)) {
            let known = old.iter().position(|interface| interface.device == name);
            self.list.push(known.map_or_else(|| Interface::new(name), |index| old.swap_remove(index)));
        }
        Ok(())
    }

    fn push(&self, out: &mut Readings) {
        let list = || self.list.iter().filter(|interface| interface.is_readable());
        for interface in list() {
            out.push(&UP, &[&interface.device], if interface.operstate() == "up" { 1.0 } else { 0.0 });
        }
        for interface in list() {
            let labels = [
                &interface.device,
                &interface.address,
                &interface.broadcast,
                &interface.duplex,
                interface.operstate(),
                interface.admin_state(),
                &interface.alias,
            ];
            out.push(&INFO, &labels, 1.0);
        }
        for interface in list() {
            if let Some(count) = interface.no_handler {
                out.push(&NO_HANDLER, &[&interface.device], count as f64);
            }
        }
        for (index, (_, metric)) in ATTRIBUTES.iter().enumerate() {
            for interface in list() {
                if let Some(number) = interface.numbers[index] {
                    out.push(metric, &[&interface.device], number as f64);
                }
            }
        }
    }
}

impl Interface {
    fn new(device: String) -> Self {
        let path = |file: &str| format!("class/net/{device}/{file}");
        Self {
            state_paths: STATE.map(path),
            no_handler_path: path("statistics/rx_nohandler"),
            device,
            ..Self::default()
        }
    }

    fn operstate(&self) -> &str {
        &self.state[0]
    }

    /// Whether `/sys` shows the interface: not where only `/proc` was captured, nor when it just went away.
    fn is_readable(&self) -> bool {
        !self.operstate().is_empty()
    }

    fn number(&self, file: &str) -> Option<i64> {
        let index = ATTRIBUTES.iter().position(|(name, _)| *name == file)?;
        self.numbers[index]
    }

    fn admin_state(&self) -> &'static str {
        match self.number("flags") {
            None => "unknown",
            Some(flags) if flags & FLAG_UP != 0 => "up",
            Some(_) => "down",
        }
    }

    /// Reads what changes; whether the state did.
    fn read_state(&mut self, host: &HostRoot, scratch: &mut Scratch) -> bool {
        let mut changed = false;
        for (path, old) in self.state_paths.iter().zip(&mut self.state) {
            let new = host.attribute(scratch, path).unwrap_or_default();
            if old != new {
                new.clone_into(old);
                changed = true;
            }
        }
        self.no_handler = host.attribute(scratch, &self.no_handler_path).and_then(|text| text.parse().ok());
        changed
    }

    fn read_rest(&mut self, host: &HostRoot, scratch: &mut Scratch) {
        let folder = format!("class/net/{}", self.device);
        for ((file, _), number) in ATTRIBUTES.iter().zip(&mut self.numbers) {
            let found = host.attribute(scratch, &format!("{folder}/{file}")).and_then(parse_number);
            *number = match *file {
                // -1 is "unknown"; node_exporter 2 leaves it out by default as well.
                "speed" => {
                    found.filter(|&megabits| megabits >= 0).map(|m| m.saturating_mul(BYTES_PER_MEGABIT))
                }
                _ => found,
            };
        }
        let mut text =
            |file: &str| host.attribute(scratch, &format!("{folder}/{file}")).unwrap_or_default().to_owned();
        self.address = text("address");
        self.broadcast = text("broadcast");
        self.duplex = text("duplex");
        self.alias = text("ifalias");
        let uevent = text("uevent");
        let kind = uevent.lines().find_map(|line| line.strip_prefix("DEVTYPE="));
        kind.unwrap_or_default().clone_into(&mut self.kind);
        self.physical = host.exists(At::Sys, &format!("{folder}/device"));
    }

    /// A virtual cable's end (veth): its link is an interface elsewhere. Containers make and drop them by the hundred,
    /// which is nothing to keep a history of.
    fn is_fleeting(&self) -> bool {
        !self.physical && self.kind.is_empty() && self.number("iflink") != self.number("ifindex")
    }

    /// Reports the interface as a fact when there is something new, or `anyway`.
    fn push_fact(&mut self, addresses: &[Address], anyway: bool, out: &mut Readings) {
        if self.is_fleeting() || !self.is_readable() {
            return;
        }
        let own = addresses.iter().filter(|address| address.interface == self.device);
        let own: Vec<_> = own.map(|address| FactValue::Text(address.to_string())).collect();
        let text = |text: &str| (!text.is_empty()).then(|| FactValue::Text(text.to_owned()));
        let doc: BTreeMap<String, FactValue> = [
            ("address", text(&self.address)),
            ("operstate", text(self.operstate())),
            ("adminstate", text(self.admin_state())),
            ("duplex", text(&self.duplex)),
            ("alias", text(&self.alias)),
            ("kind", text(&self.kind)),
            ("physical", Some(FactValue::Bool(self.physical))),
            ("speed_bytes_per_second", self.number("speed").map(FactValue::Int)),
            ("mtu_bytes", self.number("mtu").map(FactValue::Int)),
            ("addresses", Some(FactValue::List(own))),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
        if anyway || doc != self.fact {
            out.fact("interface", self.device.clone(), doc.clone());
            self.fact = doc;
        }
    }
}

/// A decimal number, or a hexadecimal one with `0x`.
fn parse_number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn write(folder: &Path, device: &str, files: &[(&str, &str)]) {
        let folder = folder.join("sys/class/net").join(device);
        fs::create_dir_all(folder.join("statistics")).unwrap();
        for (file, text) in files {
            fs::write(folder.join(file), text).unwrap();
        }
    }

    fn find(out: &Readings, name: &str) -> Option<f64> {
        out.samples().find(|(metric, ..)| metric.name == name).map(|(.., value)| value)
    }

    #[test]
    fn a_change_of_state_makes_the_rest_be_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let host = HostRoot::captured(folder.path());
        let (mut interfaces, mut scratch) = (Interfaces::default(), Scratch::default());
        let mut read = || {
            let mut out = Readings::default();
            interfaces.read(&host, &[], &Patterns::default(), &mut scratch, &mut out).unwrap();
            out
        };
        write(folder.path(), "eth0", &[("operstate", "up\n"), ("speed", "1000\n"), ("mtu", "1500\n")]);
        write(folder.path(), "eth0", &[("statistics/rx_nohandler", "5\n"), ("flags", "0x1003\n")]);
        let first = read();
        assert_eq!(find(&first, "node_network_up"), Some(1.0));
        assert_eq!(find(&first, "node_network_speed_bytes"), Some(125_000_000.0));
        assert_eq!(find(&first, "node_network_receive_nohandler_total"), Some(5.0));
        assert_eq!(find(&first, "node_network_flags"), Some(4099.0));
        assert_eq!(first.facts()[0].doc["mtu_bytes"], FactValue::Int(1500));

        write(folder.path(), "eth0", &[("speed", "100\n")]);
        assert_eq!(find(&read(), "node_network_speed_bytes"), Some(125_000_000.0), "asked once a minute");
        assert!(read().facts().is_empty(), "nothing new");

        write(folder.path(), "eth0", &[("operstate", "down\n"), ("speed", "-1\n")]);
        let down = read();
        assert_eq!(
            (find(&down, "node_network_up"), find(&down, "node_network_speed_bytes")),
            (Some(0.0), None)
        );
        assert_eq!(down.facts()[0].doc["operstate"], FactValue::Text("down".to_owned()));
        assert!(!down.facts()[0].doc.contains_key("speed_bytes_per_second"));
    }

    #[test]
    fn ends_of_virtual_cables_are_no_facts() {
        let folder = tempfile::tempdir().unwrap();
        let host = HostRoot::captured(folder.path());
        write(
            folder.path(),
            "veth1",
            &[("operstate", "up"), ("ifindex", "7"), ("iflink", "6"), ("uevent", "")],
        );
        let vlan =
            [("operstate", "up"), ("ifindex", "8"), ("iflink", "2"), ("uevent", "DEVTYPE=vlan\nX=1\n")];
        write(folder.path(), "vlan3", &vlan);
        let mut out = Readings::default();
        let mut interfaces = Interfaces::default();
        interfaces.read(&host, &[], &Patterns::default(), &mut Scratch::default(), &mut out).unwrap();
        let ids: Vec<&str> = out.facts().iter().map(|fact| fact.id.as_str()).collect();
        assert_eq!(ids, ["vlan3"]);
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        assert_eq!(
            ["0x1303", "-1", "x", "", "0x"].map(parse_number),
            [Some(4867), Some(-1), None, None, None]
        );
    }
}
