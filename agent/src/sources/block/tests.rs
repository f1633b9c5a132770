use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use hi_common::fact::FactValue;
use proptest::prelude::*;

use super::facts::Doc;
use super::*;
use crate::source::EventDoc;

/// A fake host: `put` writes a file, `link` a link, `device` a block device.
struct Fake(tempfile::TempDir);

impl Fake {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// A whole device at a place below `/sys/devices`.
    fn device(&self, place: &str, numbers: &str, sectors: u64) {
        let name = place.rsplit('/').next().unwrap();
        self.put(&format!("sys/devices/{place}/dev"), numbers);
        self.put(&format!("sys/devices/{place}/size"), &sectors.to_string());
        self.link(&format!("sys/class/block/{name}"), &format!("../../devices/{place}"));
        if !place.contains("virtual") {
            self.put(&format!("sys/devices/{place}/device/state"), "running\n");
        }
        self.link(&format!("sys/block/{name}"), &format!("../devices/{place}"));
    }

    fn partition(&self, disk: &str, number: u32, numbers: &str, sectors: u64) {
        let name = format!("{}{number}", disk.rsplit('/').next().unwrap());
        let place = format!("{disk}/{name}");
        for (file, text) in
            [("dev", numbers.to_owned()), ("size", sectors.to_string()), ("partition", number.to_string())]
        {
            self.put(&format!("sys/devices/{place}/{file}"), &text);
        }
        self.put(&format!("sys/devices/{place}/start"), "2048");
        self.link(&format!("sys/class/block/{name}"), &format!("../../devices/{place}"));
    }

    /// What a volume lies on.
    fn slaves(&self, name: &str, slaves: &[&str]) {
        for slave in slaves {
            self.put(&format!("sys/devices/virtual/block/{name}/slaves/{slave}/dev"), "");
        }
    }

    fn sata(&self, port: u32, name: &str, numbers: &str) -> String {
        let place = format!(
            "pci0000:00/0000:00:1f.2/ata{port}/host{port}/target{port}:0:0/{port}:0:0:0/block/{name}"
        );
        self.device(&place, numbers, 2_097_152);
        self.put(&format!("sys/devices/{place}/device/vendor"), "ATA\n");
        self.put(&format!("sys/devices/{place}/device/model"), "LAB HDD\n");
        self.put(&format!("sys/devices/{place}/queue/rotational"), "1\n");
        place
    }

    fn remove(&self, name: &str) {
        let link = self.0.path().join("sys/class/block").join(name);
        let place = fs::canonicalize(&link).unwrap();
        fs::remove_dir_all(place).unwrap();
        fs::remove_file(link).unwrap();
        fs::remove_file(self.0.path().join("sys/block").join(name)).unwrap();
    }

    fn host(&self) -> HostRoot {
        HostRoot::captured(self.0.path())
    }
}

fn read(block: &mut Block, fake: &Fake) -> Readings {
    let mut out = Readings::default();
    block.read(&fake.host(), &mut out).unwrap();
    out
}

fn doc<'o>(out: &'o Readings, kind: &str, id: &str) -> &'o Doc {
    let fact = out.facts().iter().find(|fact| fact.kind == kind && fact.id == id);
    &fact
        .unwrap_or_else(|| {
            panic!("no {kind} {id}: {:?}", out.facts().iter().map(|f| &f.id).collect::<Vec<_>>())
        })
        .doc
}

/// The value at a key, as text.
fn show(doc: &Doc, key: &str) -> String {
    fn word(value: &FactValue) -> String {
        match value {
            FactValue::Bool(flag) => flag.to_string(),
            FactValue::Int(number) => number.to_string(),
            FactValue::Float(number) => number.to_string(),
            FactValue::Text(text) => text.clone(),
            FactValue::List(list) => list.iter().map(word).collect::<Vec<_>>().join(" "),
            FactValue::Map(map) => {
                map.iter().map(|(k, v)| format!("{k}={}", word(v))).collect::<Vec<_>>().join(" ")
            }
        }
    }
    doc.get(key).map(word).unwrap_or_default()
}

fn told(events: &[EventDoc]) -> Vec<(&str, &str)> {
    events.iter().map(|event| (event.kind, event.message.as_str())).collect()
}

/// Two disks with a partition each, in a mirror with an encrypted LVM volume on it; a third with swap and btrfs.
fn stacked() -> Fake {
    let fake = Fake::new();
    for (port, disk, name) in [(1, "sda", "8:0"), (2, "sdb", "8:16")] {
        let place = fake.sata(port, disk, name);
        fake.put(&format!("sys/devices/{place}/device/wwid"), &format!("naa.5000c5000000000{port}\n"));
        fake.partition(&place, 1, &format!("8:{}", (port - 1) * 16 + 1), 2_000_000);
    }
    let place = fake.sata(3, "sdc", "8:32");
    fake.put(&format!("sys/devices/{place}/device/wwid"), "naa.5000c50000000003\n");
    fake.partition(&place, 1, "8:33", 1_000_000);
    fake.partition(&place, 2, "8:34", 1_000_000);
    fake.device("virtual/block/md0", "9:0", 1_990_000);
    fake.slaves("md0", &["sda1", "sdb1"]);
    fake.device("virtual/block/dm-0", "253:0", 1_980_000);
    fake.put("sys/devices/virtual/block/dm-0/dm/name", "vault\n");
    fake.put("sys/devices/virtual/block/dm-0/dm/uuid", "CRYPT-LUKS2-0123-vault\n");
    fake.slaves("dm-0", &["md0"]);
    fake.device("virtual/block/dm-1", "253:1", 1_000_000);
    fake.put("sys/devices/virtual/block/dm-1/dm/name", "big--tank-home\n");
    fake.put("sys/devices/virtual/block/dm-1/dm/uuid", "LVM-abc\n");
    fake.slaves("dm-1", &["dm-0"]);
    fake.device("virtual/block/loop0", "7:0", 0);
    fake.put("udev/data/b8:1", "E:ID_FS_TYPE=linux_raid_member\nE:ID_PART_ENTRY_NAME=raid\n");
    fake.put("udev/data/b9:0", "E:ID_FS_TYPE=crypto_LUKS\nE:MD_NAME=nas:0\n");
    fake.put("udev/data/b253:1", "E:ID_FS_TYPE=ext4\nE:ID_FS_UUID=1-2-3\nE:ID_FS_LABEL_ENC=my\\x20home\n");
    fake.put("udev/data/b8:34", "E:ID_FS_TYPE=btrfs\nE:ID_FS_UUID=b-b\n");
    fake.put("sys/fs/btrfs/b-b/devices/sdc2/size", "");
    fake.put(
        "proc/1/mountinfo",
        "1 0 253:1 / / rw - ext4 /dev/mapper/big--tank-home rw\n2 1 253:1 /srv /srv rw - ext4 /dev/dm-1 rw\n\
         3 1 0:40 /@ /data rw - btrfs /dev/sdc2 rw\n4 1 0:4 / /proc rw - proc proc rw\n",
    );
    fake.put("proc/swaps", "Filename Type Size Used Priority\n/dev/sdc1 partition 500000 7 -2\n");
    fake
}

#[test]
fn a_mount_leads_down_to_its_disks() {
    let fake = stacked();
    let out = read(&mut Block::default(), &fake);
    let home = doc(&out, "block_device", "dm-1");
    assert_eq!((show(home, "type"), show(home, "name")), ("lvm".into(), "big--tank-home".into()));
    assert_eq!((show(home, "on"), show(home, "volume_group")), ("dm-0".into(), "big-tank".into()));
    assert_eq!(show(home, "disks"), "wwn-0x5000c50000000001 wwn-0x5000c50000000002");
    assert_eq!((show(home, "holds"), show(home, "holds_label")), ("ext4".into(), "my home".into()));
    assert_eq!(show(home, "mountpoints"), "/", "a folder of it mounted elsewhere is not one");
    let vault = doc(&out, "block_device", "dm-0");
    assert_eq!((show(vault, "type"), show(vault, "on")), ("crypt".into(), "md0".into()));
    assert_eq!(show(vault, "member_of"), "name=big-tank type=lvm");
    let array = doc(&out, "block_device", "md0");
    assert_eq!((show(array, "type"), show(array, "name")), ("raid".into(), "nas:0".into()));
    assert_eq!(
        (show(array, "on"), show(array, "member_of")),
        ("sda1 sdb1".into(), "name=vault type=crypt".into())
    );
    let part = doc(&out, "block_device", "sda1");
    assert_eq!((show(part, "type"), show(part, "on")), ("part".into(), "sda".into()));
    assert_eq!((show(part, "member_of"), show(part, "name")), ("name=md0 type=md".into(), "raid".into()));
    assert_eq!(
        (show(part, "partition_number"), show(part, "partition_start_bytes")),
        ("1".into(), "1048576".into())
    );
    let disk = doc(&out, "block_device", "sda");
    assert_eq!((show(disk, "type"), show(disk, "disk")), ("disk".into(), "wwn-0x5000c50000000001".into()));
    assert_eq!(show(doc(&out, "block_device", "sdc1"), "mountpoints"), "[SWAP]");
    let btrfs = doc(&out, "block_device", "sdc2");
    assert_eq!((show(btrfs, "mountpoints"), show(btrfs, "holds")), ("/data".into(), "btrfs".into()));
    assert!(!out.facts().iter().any(|fact| fact.id == "loop0"), "nothing is behind it");
}

#[test]
fn a_disk_is_told_with_what_it_is_and_where() {
    let fake = stacked();
    // Bay 4 of an enclosure holds the first disk.
    fake.put("sys/class/enclosure/9:0:0:0/device/vendor", "LSI\n");
    fake.put("sys/class/enclosure/9:0:0:0/device/model", "SAS2X36 \n");
    fake.put("sys/class/enclosure/9:0:0:0/id", "0x500304800000003f\n");
    fake.link(
        "sys/class/enclosure/9:0:0:0/Slot 04/device",
        "../../../../devices/pci0000:00/0000:00:1f.2/ata1/host1/target1:0:0/1:0:0:0",
    );
    let place = "sys/devices/pci0000:00/0000:00:1f.2/ata1/host1/target1:0:0/1:0:0:0/block/sda/device";
    fake.put(&format!("{place}/ioerr_cnt"), "0x1f\n");
    let out = read(&mut Block::default(), &fake);
    let disk = doc(&out, "disk", "wwn-0x5000c50000000001");
    let all: Vec<String> =
        ["device", "model", "transport", "path", "rotational", "size_bytes", "enclosure", "slot"]
            .iter()
            .map(|key| show(disk, key))
            .collect();
    let expected = [
        "sda",
        "LAB HDD",
        "sata",
        "pci-0000:00:1f.2-ata-1",
        "true",
        "1073741824",
        "LSI SAS2X36 0x500304800000003f",
        "Slot 04",
    ];
    assert_eq!(all, expected);
    let value = |name: &str| {
        let mut samples = out.samples();
        samples
            .find(|(metric, labels, _)| metric.name == name && labels[0] == "wwn-0x5000c50000000001")
            .map(|s| s.2)
    };
    assert_eq!((value("hi_disk_scsi_errors_total"), value("hi_disk_online")), (Some(31.0), Some(1.0)));
    assert_eq!(
        (value("hi_disk_size_bytes"), value("hi_disk_scsi_timeouts_total")),
        (Some(1_073_741_824.0), None)
    );
}

#[test]
fn disks_that_come_go_and_move_are_told_once() {
    let fake = stacked();
    let mut block = Block::default();
    let first = read(&mut block, &fake);
    assert_eq!((first.events().len(), first.gone().len()), (0, 0), "what is there at the start is no event");
    let second = read(&mut block, &fake);
    assert_eq!((second.events().len(), second.facts().len()), (0, 0), "nothing changed");
    assert!(second.len() > 5, "series are told each time");

    fake.remove("sdc");
    for name in ["sdc1", "sdc2"] {
        fs::remove_file(fake.0.path().join("sys/class/block").join(name)).unwrap();
    }
    let out = read(&mut block, &fake);
    assert_eq!(told(out.events()), [("disk_gone", "disk sdc (LAB HDD) is gone at pci-0000:00:1f.2-ata-3")]);
    let gone: Vec<&str> = out.gone().iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(gone, ["sdc", "sdc1", "sdc2", "wwn-0x5000c50000000003"]);

    let place = fake.sata(5, "sdd", "8:48");
    fake.put(&format!("sys/devices/{place}/device/wwid"), "naa.5000c50000000003\n");
    let out = read(&mut block, &fake);
    let moved = "disk sdd (LAB HDD) was moved from pci-0000:00:1f.2-ata-3 to pci-0000:00:1f.2-ata-5";
    assert_eq!(told(out.events()), [("disk_moved", moved)]);
    assert_eq!(show(doc(&out, "disk", "wwn-0x5000c50000000003"), "device"), "sdd", "the same disk");

    let place = fake.sata(3, "sde", "8:64");
    fake.put(&format!("sys/devices/{place}/device/wwid"), "naa.5000c50000000009\n");
    let out = read(&mut block, &fake);
    assert_eq!(
        told(out.events()),
        [("disk_appeared", "disk sde (LAB HDD) appeared at pci-0000:00:1f.2-ata-3")]
    );
    let data: Vec<&str> = out.events()[0].data.iter().map(|(key, _)| *key).collect();
    assert_eq!(data, ["disk", "device", "model", "place"]);
}

#[test]
fn a_look_is_taken_when_something_is_mounted_or_a_volume_moves() {
    let fake = stacked();
    let mut block = Block::default();
    read(&mut block, &fake);
    fake.put("proc/1/mountinfo", "1 0 253:1 / /mnt rw - ext4 /dev/mapper/big--tank-home rw\n");
    let out = read(&mut block, &fake);
    assert_eq!(show(doc(&out, "block_device", "dm-1"), "mountpoints"), "/mnt");
    assert_eq!(show(doc(&out, "block_device", "sdc2"), "mountpoints"), "");
    fake.put(
        "proc/1/mountinfo",
        "1 0 253:1 / /mnt rw - ext4 /dev/dm-1 rw\n2 1 253:1 /x /y rw - ext4 /dev/dm-1 rw\n",
    );
    read(&mut block, &fake);
    fake.put(
        "proc/1/mountinfo",
        "1 0 253:1 / /mnt rw - ext4 /dev/dm-1 rw\n3 1 0:9 / /z rw - overlay overlay rw\n",
    );
    assert_eq!(read(&mut block, &fake).facts().len(), 0, "what containers mount is no reason to look");
    fs::remove_dir_all(fake.0.path().join("sys/devices/virtual/block/md0/slaves/sdb1")).unwrap();
    let out = read(&mut block, &fake);
    assert_eq!(show(doc(&out, "block_device", "md0"), "on"), "sda1");
    assert_eq!(show(doc(&out, "block_device", "sdb1"), "member_of"), "");
}

#[test]
fn volumes_on_each_other_in_a_circle_do_not_hang() {
    let fake = Fake::new();
    for (name, other) in [("dm-0", "dm-1"), ("dm-1", "dm-0")] {
        fake.device(&format!("virtual/block/{name}"), &format!("253:{}", &name[3..]), 8);
        fake.slaves(name, &[other]);
    }
    let out = read(&mut Block::default(), &fake);
    assert_eq!(
        (show(doc(&out, "block_device", "dm-0"), "on"), show(doc(&out, "block_device", "dm-0"), "disks")),
        ("dm-1".into(), "".into())
    );
}

#[test]
fn a_host_without_block_devices_has_nothing_to_read() {
    let fake = Fake::new();
    let outcome = Block::default().read(&fake.host(), &mut Readings::default());
    assert_eq!(outcome.unwrap(), Outcome::Absent);
}

#[test]
fn the_machine_itself_has_what_proc_partitions_has() {
    let host = HostRoot::live();
    let mut out = Readings::default();
    if Block::default().read(&host, &mut out).unwrap() == Outcome::Absent {
        println!("SKIPPED: block devices of this machine: it has none");
        return;
    }
    let partitions = fs::read_to_string(host.proc("partitions")).unwrap();
    for line in partitions.lines().skip(2) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (kib, name) = (words[2].parse::<i64>().unwrap(), words[3]);
        if kib > 0 && !name.starts_with("ram") {
            let bytes: i64 = show(doc(&out, "block_device", name), "size_bytes").parse().unwrap();
            assert_eq!(bytes / 1024, kib, "{name}");
        }
    }
}

/// The lab, with what lsblk said in the same moment.
#[test]
fn the_lab_has_what_lsblk_has() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/block");
    let mut out = Readings::default();
    Block::default().read(&HostRoot::captured(&folder.join("root")), &mut out).unwrap();
    let said: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("lsblk.json")).unwrap()).unwrap();
    let mut compared = 0;
    for row in said["blockdevices"].as_array().unwrap() {
        compare(&out, row, None, &mut compared);
    }
    // The array stands below both of its members.
    assert_eq!(compared, 1 + out.facts().iter().filter(|fact| fact.kind == "block_device").count());
    assert_eq!(out.facts().iter().filter(|fact| fact.kind == "disk").count(), 7);
}

fn compare(out: &Readings, row: &serde_json::Value, parent: Option<&str>, compared: &mut usize) {
    let said = |key: &str| match &row[key] {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let name = said("name");
    let device = doc(out, "block_device", &name);
    let kind = if said("type").starts_with("raid") { "raid".to_owned() } else { said("type") };
    assert_eq!((show(device, "type"), show(device, "size_bytes")), (kind, said("size")), "{name}");
    assert_eq!((show(device, "holds"), show(device, "read_only")), (said("fstype"), said("ro")), "{name}");
    assert_eq!(
        (show(device, "holds_label"), show(device, "holds_uuid")),
        (said("label"), said("uuid")),
        "{name}"
    );
    let mounts: Vec<&str> =
        row["mountpoints"].as_array().unwrap().iter().filter_map(|place| place.as_str()).collect();
    assert_eq!(show(device, "mountpoints"), mounts.join(" "), "{name}");
    if let Some(parent) = parent {
        assert!(show(device, "on").split(' ').any(|below| below == parent), "{name} lies on {parent}");
    }
    let id = show(device, "disk");
    if !id.is_empty() {
        let disk = doc(out, "disk", &id);
        assert_eq!(show(disk, "device"), name);
        assert_eq!((show(disk, "model"), show(disk, "serial")), (said("model"), said("serial")), "{name}");
        assert_eq!((show(disk, "rotational"), show(disk, "removable")), (said("rota"), said("rm")), "{name}");
        // lsblk shows udev's name of an NVMe disk that has none; a virtual controller's transport it does not know.
        let wwn = if said("wwn").starts_with("nvme.") { String::new() } else { said("wwn") };
        assert_eq!(show(disk, "wwn"), wwn, "{name}");
        if !said("tran").is_empty() {
            assert_eq!(show(disk, "transport"), said("tran"), "{name}");
        }
    } else {
        assert_ne!(said("type"), "disk", "{name}");
    }
    *compared += 1;
    for child in row["children"].as_array().into_iter().flatten() {
        compare(out, child, Some(&name), compared);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_the_files_say_nothing_panics(texts in prop::collection::vec(r"([0-9]{1,25}|:|/|-|\\x|E:ID_FS_TYPE=|/dev/|.){0,20}", 8)) {
        let fake = stacked();
        let sda = "sys/devices/pci0000:00/0000:00:1f.2/ata1/host1/target1:0:0/1:0:0:0/block/sda";
        let files = [
            format!("{sda}/size"), format!("{sda}/sda1/partition"), format!("{sda}/sda1/start"), format!("{sda}/device/ioerr_cnt"),
            "sys/devices/virtual/block/dm-1/dm/name".to_owned(), "udev/data/b8:1".to_owned(), "proc/1/mountinfo".to_owned(),
            "proc/swaps".to_owned(),
        ];
        for (path, text) in files.iter().zip(&texts) {
            fake.put(path, text);
        }
        let out = read(&mut Block::default(), &fake);
        prop_assert!(out.facts().len() > 5);
    }
}

#[test]
fn a_virtio_disk_has_its_serial_from_sysfs() {
    let fake = Fake::new();
    let place = "pci0000:00/0000:00:02.0/virtio1/block/vda";
    fake.device(place, "254:0", 2048);
    fake.put(&format!("sys/devices/{place}/serial"), "abc\n");
    let out = read(&mut Block::default(), &fake);
    let disk = doc(&out, "disk", "serial-abc");
    assert_eq!(
        (show(disk, "serial"), show(disk, "size_bytes"), show(disk, "transport")),
        ("abc".into(), "1048576".into(), "virtio".into())
    );
    assert_eq!(show(disk, "path"), "pci-0000:00:02.0");
}
