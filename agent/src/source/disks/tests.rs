use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::source::disks::identity::tidy;

const SATA: &str = "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda";
const SAS: &str =
    "pci0000:00/0000:00:01.0/0000:3b:00.0/host7/port-7:0/end_device-7:0/target7:0:3/7:0:3:0/block/sdb";
const USB: &str = "pci0000:00/0000:00:14.0/usb2/2-3/2-3.1/2-3.1:1.0/host5/target5:0:0/5:0:0:0/block/sdc";
const NVME: &str = "pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0/nvme0n1";
const VIRTIO: &str = "pci0000:00/0000:00:02.0/virtio1/block/vda";
const MMC: &str = "platform/soc/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0";
const DEBUG: &str = "pseudo_0/adapter0/host9/target9:0:0/9:0:0:0/block/sdx";

/// Makes a disk of a fake host: where it is, its attributes.
fn disk(root: &Path, place: &str, numbers: &str, attributes: &[(&str, &[u8])]) {
    let folder = root.join("sys/devices").join(place);
    fs::create_dir_all(folder.join("device")).unwrap();
    fs::create_dir_all(root.join("sys/block")).unwrap();
    fs::write(folder.join("dev"), numbers).unwrap();
    for (name, bytes) in attributes {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    }
    let name = place.rsplit('/').next().unwrap();
    fs::write(folder.join("device/driver"), "").unwrap();
    symlink(format!("../devices/{place}"), root.join("sys/block").join(name)).unwrap();
}

fn udev(root: &Path, numbers: &str, lines: &str) {
    fs::create_dir_all(root.join("udev/data")).unwrap();
    fs::write(root.join(format!("udev/data/b{numbers}")), lines).unwrap();
}

fn found(root: &Path) -> Vec<Disk> {
    disks(&HostRoot::captured(root), &mut Scratch::default()).unwrap()
}

fn rows(disks: &[Disk]) -> Vec<(&str, &str, &str, &str)> {
    disks
        .iter()
        .map(|disk| (disk.device.as_str(), disk.id.as_str(), disk.transport, disk.address.path.as_str()))
        .collect()
}

#[test]
fn a_disk_is_known_by_its_name_of_the_world_then_its_serial_then_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    // As in the lab: a SATA disk's page 80h begins with a header whose second byte is no text.
    disk(
        root,
        SATA,
        "8:0\n",
        &[
            ("device/vendor", b"ATA     \n"),
            ("device/model", b"LAB HDD         \n"),
            ("device/rev", b"2.5+\n"),
            ("device/type", b"0\n"),
            ("device/wwid", b"naa.5000C50000000001\n"),
            ("device/vpd_pg80", b"\0\x80\0\x14LAB-SATA-1          "),
        ],
    );
    disk(
        root,
        SAS,
        "8:16\n",
        &[
            ("device/vendor", b"SEAGATE \n"),
            ("device/model", b"ST8000NM0075    \n"),
            ("device/wwid", b"t10.SEAGATE ST8000NM0075   X\n"),
            ("device/vpd_pg80", b"\0\x80\0\x08ZA1234AB"),
        ],
    );
    disk(root, USB, "8:32\n", &[("device/vendor", b"Generic \n"), ("device/model", b"Flash  Disk\n")]);
    disk(
        root,
        NVME,
        "259:0\n",
        &[
            ("wwid", b"eui.0025385b71b00c5a\n"),
            ("nsid", b"1\n"),
            ("device/model", b"Samsung SSD 980\n"),
            ("device/serial", b"S64DNX0T123456 \n"),
            ("device/firmware_rev", b"1B4QFXO7\n"),
            ("device/transport", b"pcie\n"),
        ],
    );
    disk(root, VIRTIO, "254:0\n", &[("device/vendor", b"0x1af4\n")]);
    disk(root, MMC, "179:0\n", &[("device/name", b"SC64G\n"), ("device/serial", b"0x83e36d93\n")]);
    let disks = found(root);
    assert_eq!(
        rows(&disks),
        [
            ("mmcblk0", "SC64G_0x83e36d93", "mmc", "platform-fe340000.mmc"),
            ("nvme0n1", "wwn-eui.0025385b71b00c5a", "nvme", "pci-0000:02:00.0-nvme-1"),
            ("sda", "wwn-0x5000c50000000001", "sata", "pci-0000:00:1f.2-ata-1"),
            ("sdb", "ST8000NM0075_ZA1234AB", "sas", "pci-0000:3b:00.0-scsi-0:0:3:0"),
            (
                "sdc",
                "path-pci-0000:00:14.0-usb-0:3.1:1.0-scsi-0:0:0:0",
                "usb",
                "pci-0000:00:14.0-usb-0:3.1:1.0-scsi-0:0:0:0"
            ),
            ("vda", "path-pci-0000:00:02.0", "virtio", "pci-0000:00:02.0"),
        ]
    );
    let sda = &disks[2];
    let told = (sda.identity.serial.as_str(), sda.identity.vendor.as_str(), sda.identity.revision.as_str());
    assert_eq!(told, ("LAB-SATA-1", "", "2.5+"));
    assert_eq!(
        (sda.address.scsi.as_deref(), sda.address.pci.as_deref()),
        (Some("0:0:0:0"), Some("0000:00:1f.2"))
    );
    assert_eq!((disks[1].identity.model.as_str(), disks[1].numbers), ("Samsung SSD 980", (259, 0)));
}

#[test]
fn udev_adds_what_sysfs_lacks_and_leaves_the_identity_alone() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let attributes: [(&str, &[u8]); 3] = [
        ("device/vendor", b"ATA\n"),
        ("device/model", b"TOSHIBA KSDB4U86\n"),
        ("device/vpd_pg80", b"\0\x80\0\x0c2160A0D5FVGG"),
    ];
    disk(root, SAS, "8:16", &attributes);
    let before = found(root).remove(0);
    udev(
        root,
        "8:16",
        "E:ID_MODEL_ENC=TOSHIBA\\x20KSDB4U866TE\nE:ID_REVISION=0102\nE:ID_PATH=pci-0000:3b:00.0-sas-phy7-lun-0\n",
    );
    let after = found(root).remove(0);
    assert_eq!((&before.id, before.transport), (&after.id, "sata"));
    assert_eq!(after.id, "TOSHIBA_KSDB4U86_2160A0D5FVGG");
    assert_eq!(
        (after.identity.model.as_str(), after.identity.revision.as_str()),
        ("TOSHIBA KSDB4U866TE", "0102")
    );
    assert_eq!(after.address.path, "pci-0000:3b:00.0-sas-phy7-lun-0");
}

#[test]
fn constants_and_doubles_have_their_place_behind_them() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let debug: [(&str, &[u8]); 2] =
        [("device/model", b"scsi_debug      \n"), ("device/wwid", b"naa.3333333000000fa0\n")];
    disk(root, DEBUG, "65:112", &debug);
    let bridge: [(&str, &[u8]); 2] = [("device/model", b"Bridge\n"), ("device/serial", b"DD564198838B6\n")];
    disk(root, USB, "8:32", &bridge);
    disk(root, &USB.replace("5:0:0:0/block/sdc", "5:0:0:1/block/sdd"), "8:48", &bridge);
    assert_eq!(
        rows(&found(root)).iter().map(|row| row.1).collect::<Vec<_>>(),
        [
            "Bridge_DD564198838B6_pci-0000:00:14.0-usb-0:3.1:1.0-scsi-0:0:0:0",
            "Bridge_DD564198838B6_pci-0000:00:14.0-usb-0:3.1:1.0-scsi-0:0:0:1",
            "wwn-0x3333333000000fa0_scsi-0:0:0:0",
        ]
    );
}

#[test]
fn placeholders_are_no_identity() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    disk(
        root,
        NVME,
        "259:0",
        &[
            ("wwid", b"eui.5254000000000001\n"),
            ("nsid", b"2\n"),
            ("device/model", b"QEMU NVMe Ctrl\n"),
            ("device/serial", b"deadbeef\n"),
        ],
    );
    disk(
        root,
        USB,
        "8:32",
        &[("device/wwid", b"naa.0000000000000000\n"), ("device/serial", b"000000000000\n")],
    );
    let disks = found(root);
    assert_eq!(disks[0].id, "QEMU_NVMe_Ctrl_deadbeef_2", "the second namespace of a controller");
    assert_eq!(disks[1].id, "path-pci-0000:00:14.0-usb-0:3.1:1.0-scsi-0:0:0:0");
}

#[test]
fn what_is_no_disk_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (index, name) in
        ["loop0", "dm-0", "md127", "zd0", "sr0", "zram0", "mmcblk0boot0", "nbd0"].iter().enumerate()
    {
        disk(root, &format!("virtual/block/{name}"), &format!("7:{index}"), &[]);
    }
    disk(root, SATA, "8:0", &[("device/type", b"5\n")]);
    disk(root, NVME, "259:1", &[("hidden", b"1\n")]);
    assert!(found(root).is_empty());
    assert!(found(Path::new("/nowhere")).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_a_disk_tells_makes_an_identity_of_few_characters(
        model in prop::collection::vec(any::<u8>(), 0..40),
        serial in prop::collection::vec(any::<u8>(), 0..40),
        wwid in "(naa|eui|t10|nvme)?[.]?[0-9a-fx. ]{0,20}",
    ) {
        let folder = tempfile::tempdir().unwrap();
        disk(folder.path(), SATA, "8:0", &[("device/model", &model), ("device/vpd_pg80", &serial), ("device/wwid", wwid.as_bytes())]);
        let disks = found(folder.path());
        prop_assert_eq!(disks.len(), 1);
        let id = &disks[0].id;
        prop_assert!(!id.is_empty() && id.len() <= 200 && tidy(id) == id.as_str(), "{}", id);
    }
}
