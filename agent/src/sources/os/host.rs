//! The fact `host`: what kind of machine this is.

use std::collections::{BTreeMap, BTreeSet};

use hi_common::fact::FactValue;

use super::Stat;
use super::dmi::Dmi;
use super::release::Release;
use crate::host::{At, HostRoot, Scratch};
use crate::source::time::rfc3339;
use crate::source::{Every, Readings};
use crate::sys::addresses::addresses;

/// By how much the boot time may move without being another one: the kernel computes it from a clock that is being set.
const BOOT_JITTER_SECONDS: i64 = 2;

/// What was reported last.
#[derive(Debug)]
pub(super) struct HostFact {
    every: Every,
    cpu: Cpu,
    boot_seconds: i64,
    doc: BTreeMap<String, FactValue>,
}

impl Default for HostFact {
    fn default() -> Self {
        Self { every: Every::new(Every::FACTS), cpu: Cpu::default(), boot_seconds: 0, doc: BTreeMap::new() }
    }
}

impl HostFact {
    /// Reports the host when something changed, and every ten minutes.
    pub(super) fn push(
        &mut self,
        host: &HostRoot,
        scratch: &mut Scratch,
        stat: &Stat,
        release: &Release,
        dmi: &Dmi,
        out: &mut Readings,
    ) {
        let anyway = self.every.due();
        if anyway {
            self.cpu = parse_cpuinfo(host.text(scratch, At::Proc, "cpuinfo").unwrap_or_default());
        }
        let boot = stat.boot_seconds.unwrap_or(0);
        if boot.abs_diff(self.boot_seconds) > BOOT_JITTER_SECONDS.unsigned_abs() {
            self.boot_seconds = boot;
        }
        let doc = self.describe(host, scratch, stat, release, dmi);
        if anyway || doc != self.doc {
            out.fact("host", "host", doc.clone());
            self.doc = doc;
        }
    }

    fn describe(
        &self,
        host: &HostRoot,
        scratch: &mut Scratch,
        stat: &Stat,
        release: &Release,
        dmi: &Dmi,
    ) -> BTreeMap<String, FactValue> {
        let mut read = |at: At, path: &str| {
            let text = host.text(scratch, at, path).unwrap_or_default();
            text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
        };
        let memory = read(At::Proc, "meminfo");
        let memory =
            memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
        let memory_bytes = memory.and_then(|text| text.trim().parse::<i64>().ok()?.checked_mul(1024));
        let container = read(At::Root, "run/systemd/container");
        let board = read(At::Proc, "device-tree/model");
        let architecture = host.call("/", "architecture", |_| Ok(sysinfo::System::cpu_arch()));
        let text = |text: String| (!text.is_empty()).then_some(FactValue::Text(text));
        let number = |number: Option<i64>| number.filter(|number| *number > 0).map(FactValue::Int);
        [
            ("hostname", text(read(At::Proc, "sys/kernel/hostname"))),
            ("os", text(release.get("PRETTY_NAME").to_owned())),
            ("os_id", text(release.get("ID").to_owned())),
            ("os_version", text(release.get("VERSION_ID").to_owned())),
            ("kernel", text(read(At::Proc, "sys/kernel/osrelease"))),
            ("architecture", text(architecture.unwrap_or_default())),
            ("cpu_model", text(self.cpu.model.clone())),
            ("cpu_count", number(i64::try_from(stat.cpu_count).ok())),
            ("cpu_cores", number(cores(host))),
            ("memory_bytes", number(memory_bytes)),
            ("boot_time", (self.boot_seconds > 0).then(|| FactValue::Text(rfc3339(self.boot_seconds)))),
            ("virtualization", text(virtualization(&container, dmi, self.cpu.hypervisor))),
            ("hardware", text(if board.is_empty() { hardware(dmi) } else { board })),
            ("firmware", text(joined([dmi.get("bios_vendor"), dmi.get("bios_version")]))),
            ("addresses", global_addresses(host)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
    }
}

/// Physical cores, where the kernel tells which processors share one.
fn cores(host: &HostRoot) -> Option<i64> {
    let cores = host.call("/", "cores", |_| Ok(sysinfo::System::physical_core_count().ok()));
    i64::try_from(cores.ok()??).ok()
}

/// Addresses at which the host can be reached, without their prefix.
fn global_addresses(host: &HostRoot) -> Option<FactValue> {
    let found = host.call("/", "addresses", |_| addresses()).ok()?;
    let global: BTreeSet<_> =
        found.iter().filter(|address| address.is_global()).map(|address| address.ip).collect();
    Some(FactValue::List(global.into_iter().map(|ip| FactValue::Text(ip.to_string())).collect()))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Cpu {
    model: String,
    hypervisor: bool,
}

/// Model of the first processor, and whether a hypervisor shows itself in its flags.
fn parse_cpuinfo(text: &str) -> Cpu {
    let lines = || {
        text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key.trim(), value.trim()))
    };
    // ARM kernels name the machine or the chip instead.
    let model = ["model name", "Hardware", "Model"]
        .into_iter()
        .find_map(|wanted| lines().find(|(key, value)| *key == wanted && !value.is_empty()));
    let flags = lines().find(|(key, _)| *key == "flags").map_or("", |(_, flags)| flags);
    Cpu {
        model: model.map_or("", |(_, model)| model).to_owned(),
        hypervisor: flags.split_ascii_whitespace().any(|flag| flag == "hypervisor"),
    }
}

/// `none` for bare metal, else the container manager or hypervisor; `vm` when it does not say its name.
fn virtualization(container: &str, dmi: &Dmi, hypervisor: bool) -> String {
    const MAKERS: [(&str, &str); 12] = [
        ("QEMU", "kvm"),
        ("KVM", "kvm"),
        ("Bochs", "kvm"),
        ("VMware", "vmware"),
        ("innotek", "virtualbox"),
        ("VirtualBox", "virtualbox"),
        ("Virtual Machine", "hyperv"),
        ("Xen", "xen"),
        ("Parallels", "parallels"),
        ("BHYVE", "bhyve"),
        ("Apple Virtualization", "apple"),
        ("OpenStack", "kvm"),
    ];
    let texts = ["system_vendor", "product_name", "bios_vendor", "board_vendor"].map(|label| dmi.get(label));
    let maker = MAKERS.iter().find(|(maker, _)| texts.iter().any(|text| text.contains(maker)));
    match (container, maker) {
        ("", Some((_, name))) => (*name).to_owned(),
        ("", None) => if hypervisor { "vm" } else { "none" }.to_owned(),
        (container, _) => container.to_owned(),
    }
}

/// Maker and product, or those of the board where the maker of the machine left its name to be filled in.
fn hardware(dmi: &Dmi) -> String {
    let product = joined([dmi.get("system_vendor"), dmi.get("product_name")]);
    if product.is_empty() { joined([dmi.get("board_vendor"), dmi.get("board_name")]) } else { product }
}

/// The texts that say something, with a space between.
fn joined(texts: [&str; 2]) -> String {
    const FILLERS: [&str; 7] = [
        "to be filled",
        "default string",
        "system manufacturer",
        "system product",
        "not specified",
        "unknown",
        "none",
    ];
    let says = |text: &&str| {
        let lower = text.to_lowercase();
        !text.is_empty() && !FILLERS.iter().any(|filler| lower.starts_with(filler))
    };
    texts.into_iter().filter(says).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn dmi(files: &[(&str, &str)]) -> Dmi {
        let folder = tempfile::tempdir().unwrap();
        let id = folder.path().join("sys/class/dmi/id");
        fs::create_dir_all(&id).unwrap();
        files.iter().for_each(|(file, text)| fs::write(id.join(file), text).unwrap());
        super::super::dmi::read(&HostRoot::captured(folder.path()), &mut Scratch::default())
    }

    #[test]
    fn machines_say_what_they_are() {
        let server = dmi(&[("sys_vendor", "Dell Inc."), ("product_name", "PowerEdge R6515")]);
        assert_eq!(hardware(&server), "Dell Inc. PowerEdge R6515");
        assert_eq!(virtualization("", &server, false), "none");
        let board = dmi(&[
            ("sys_vendor", "To Be Filled By O.E.M."),
            ("product_name", "System Product Name"),
            ("board_vendor", "ASRock"),
            ("board_name", "X570"),
        ]);
        assert_eq!(hardware(&board), "ASRock X570");
        let guest = dmi(&[("sys_vendor", "QEMU"), ("product_name", "Standard PC")]);
        assert_eq!(virtualization("", &guest, true), "kvm");
        assert_eq!(virtualization("", &dmi(&[]), true), "vm");
        assert_eq!(virtualization("lxc", &guest, true), "lxc");
    }

    #[test]
    fn a_boot_time_that_moves_a_second_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let host = HostRoot::captured(folder.path());
        let (mut fact, mut scratch) = (HostFact::default(), Scratch::default());
        let mut facts = |boot: i64| {
            let (stat, mut out) = (Stat { boot_seconds: Some(boot), cpu_count: 1 }, Readings::default());
            fact.push(&host, &mut scratch, &stat, &Release::default(), &Dmi::default(), &mut out);
            out.facts().len()
        };
        assert_eq!([1_000_000, 1_000_001, 999_999, 1_000_100].map(&mut facts), [1, 0, 0, 1]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "((flags|model name|:|\n|.){0,30})") {
            let _ = parse_cpuinfo(&text);
        }
    }
}
