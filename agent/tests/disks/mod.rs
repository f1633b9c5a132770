//! A host made of recorded disks: a folder as `hi-agent capture` writes it.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "a helper of tests, of which each uses a part"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Sense data with the registers of an ATA disk (SAT-5, 12.2.2.7).
pub fn registers(count: u8, lba_mid: u8, lba_high: u8) -> Vec<u8> {
    vec![2, 0x72, 1, 0, 0x1d, 0, 0, 0, 14, 9, 12, 0, 0, 0, count, 0, 0, 0, lba_mid, 0, lba_high, 0, 0x50]
}

/// Sense data of a command that is not known.
pub const REFUSED: &[u8] = &[2, 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0];

/// Questions to ATA disks, by their names in a capture, behind ATA PASS-THROUGH(16).
pub mod ata {
    pub const POWER: &str = "sg-85062000000000000000000000 00e500";
    pub const IDENTIFY: &str = "sg-85080e0000000100000000000040ec00";
    pub const DATA: &str = "sg-85080e00d000010000004f00c200b000";
    pub const THRESHOLDS: &str = "sg-85080e00d100010000004f00c200b000";
    pub const STATUS: &str = "sg-85062000da00000000004f00c200b000";
    pub const ERRORS: &str = "sg-85080e00d500010001004f00c200b000";
    pub const SELF_TESTS: &str = "sg-85080e00d500010006004f00c200b000";
    /// The same for ATA PASS-THROUGH(12).
    pub const POWER_12: &str = "sg-a1062000000000 0000e50000";
    pub const IDENTIFY_12: &str = "sg-a1080e0001000000 40ec0000";
    pub const DATA_12: &str = "sg-a1080ed001004fc200b00000";
    pub const THRESHOLDS_12: &str = "sg-a1080ed101004fc200b00000";
    pub const STATUS_12: &str = "sg-a10620da00004fc200b00000";
    pub const ERRORS_12: &str = "sg-a1080ed501014fc200b00000";
    pub const SELF_TESTS_12: &str = "sg-a1080ed501064fc200b00000";
}

/// Questions to SCSI disks.
pub mod scsi {
    pub const REQUEST_SENSE: &str = "sg-03000000fc00";
    pub const INQUIRY: &str = "sg-12000000fc00";

    pub fn vital(page: u8) -> String {
        format!("sg-1201{page:02x}00fc00")
    }

    pub fn log(page: u8) -> String {
        format!("sg-4d00{:02x}00000000100000", 0x40 | page)
    }
}

/// Questions to NVMe controllers.
pub mod nvme {
    pub const CONTROLLER: &str = "nvme-06-0-1";
    pub const NAMESPACE: &str = "nvme-06-1-0";
    pub const HEALTH: &str = "nvme-02-ffffffff-7f0002";
}

/// The project's own recordings.
pub fn fixture(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/smart");
    fs::read(folder.join(path)).unwrap()
}

/// The host's folder.
pub struct Host(pub PathBuf);

impl Host {
    /// Adds a disk at a place below `/sys/devices`.
    pub fn disk(&self, place: &str, numbers: &str, attributes: &[(&str, &str)]) {
        let folder = self.0.join("sys/devices").join(place);
        fs::create_dir_all(folder.join("device")).unwrap();
        fs::create_dir_all(self.0.join("sys/block")).unwrap();
        fs::write(folder.join("dev"), numbers).unwrap();
        for (name, text) in attributes {
            self.attribute(place, name, text);
        }
        let name = place.rsplit('/').next().unwrap();
        symlink(format!("../devices/{place}"), self.0.join("sys/block").join(name)).unwrap();
    }

    /// Writes an attribute of a disk.
    pub fn attribute(&self, place: &str, name: &str, text: &str) {
        let path = self.0.join("sys/devices").join(place).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Records an answer.
    pub fn answer(&self, device: &str, key: &str, data: &[u8], status: &[u8]) {
        let folder = self.0.join(format!("dev/{device}.ioctl"));
        fs::create_dir_all(&folder).unwrap();
        let key = key.replace(' ', "");
        fs::write(folder.join(&key), data).unwrap();
        fs::write(folder.join(format!("{key}.status")), status).unwrap();
    }

    /// Records that a question fails with an error of the system.
    pub fn fails(&self, device: &str, key: &str, errno: i32) {
        let folder = self.0.join(format!("dev/{device}.ioctl"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}.error", key.replace(' ', ""))), format!("{errno}\n")).unwrap();
    }

    /// A SATA disk of the lab at a port, awake.
    pub fn sata(&self, name: &str, host: u32, recording: &str) {
        let place = format!(
            "pci0000:00/0000:00:1f.2/ata{host}/host{host}/target{host}:0:0/{host}:0:0:0/block/{name}"
        );
        let serial = format!("{recording}-{name}");
        let wwid = format!("naa.5000c500{host:08x}");
        let attributes = [
            ("device/vendor", "ATA     \n"),
            ("device/model", "LAB\n"),
            ("device/serial", serial.as_str()),
            ("device/wwid", wwid.as_str()),
        ];
        self.disk(&place, &format!("8:{}\n", host * 16), &attributes);
        self.sata_answers(name, recording);
    }

    /// The answers of such a disk.
    pub fn sata_answers(&self, name: &str, recording: &str) {
        let of = |file: &str| fixture(&format!("ata/{recording}/{file}"));
        self.answer(name, ata::POWER, &[], &registers(0xff, 0, 0));
        self.answer(name, ata::STATUS, &[], &registers(0, 0x4f, 0xc2));
        for (key, file) in [
            (ata::IDENTIFY, "identify.bin"),
            (ata::DATA, "smart-data.bin"),
            (ata::THRESHOLDS, "smart-thresh.bin"),
            (ata::ERRORS, "smart-log01-error.bin"),
            (ata::SELF_TESTS, "smart-log06-selftest.bin"),
        ] {
            self.answer(name, key, &of(file), &[0]);
        }
    }

    /// The NVMe disk of the lab.
    pub fn nvme(&self, number: u32, health: &str) {
        let name = format!("nvme{number}n1");
        let place = format!("pci0000:00/0000:00:1d.0/0000:{:02x}:00.0/nvme/nvme{number}/{name}", number + 2);
        let wwid = format!("eui.0025385b71b0{number:04x}");
        self.disk(&place, &format!("259:{number}\n"), &[("wwid", wwid.as_str()), ("nsid", "1\n")]);
        self.answer(&name, nvme::CONTROLLER, &fixture("nvme/id-ctrl.bin"), &[0, 0]);
        self.answer(&name, nvme::NAMESPACE, &fixture("nvme/id-ns.bin"), &[0, 0]);
        self.answer(&name, nvme::HEALTH, &fixture(&format!("nvme/{health}")), &[0, 0]);
        // The lab's controller keeps four errors; the recording is of one.
        let mut errors = fixture("nvme/error-log.bin");
        errors.resize(256, 0);
        self.answer(&name, "nvme-02-ffffffff-3f0001", &errors, &[0, 0]);
    }

    /// The `scsi_debug` disk of the lab, or the plain one of QEMU, which has no log pages.
    pub fn scsi(&self, name: &str, target: u32, recording: &str, exceptions: &str) {
        let place = format!("pseudo_0/adapter0/host9/target9:0:{target}/9:0:{target}:0/block/{name}");
        let attributes = [("device/vendor", "Linux\n"), ("device/model", "scsi_debug\n")];
        self.disk(&place, &format!("65:{}\n", target * 16), &attributes);
        let of = |file: &str| fixture(&format!("scsi/{recording}/{file}"));
        self.answer(
            name,
            scsi::REQUEST_SENSE,
            &[0x70, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0],
        );
        self.answer(name, scsi::INQUIRY, &of("inquiry.bin"), &[0]);
        for page in [0x80, 0x83, 0xb1] {
            self.answer(name, &scsi::vital(page), &of(&format!("vpd-{page:02x}.bin")), &[0]);
        }
        if exceptions.is_empty() {
            return self.answer(name, &scsi::log(0), &[], REFUSED);
        }
        self.answer(name, &scsi::log(0), &of("log-00.bin"), &[0]);
        self.answer(name, &scsi::log(0x0d), &of("log-0d.bin"), &[0]);
        self.answer(name, &scsi::log(0x2f), &of(exceptions), &[0]);
    }
}
