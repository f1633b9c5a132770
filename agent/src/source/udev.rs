//! What udev knows of a device: the properties (`E:` lines), and the name of a ZFS volume among the links (`S:`), of `/run/udev/data/b<major>:<minor>`, named as udevadm(8) and the
//! rules shipped with systemd name them. Absent where no udev runs: in a container, on a small system.

use std::collections::BTreeMap;

use crate::host::{At, HostRoot, Scratch};

/// Major and minor number of a device.
pub type Numbers = (u32, u32);

/// The properties that sources ask for, sorted. Others are not kept.
const KEYS: [&str; 37] = [
    "DM_LV_LAYER",
    "DM_LV_NAME",
    "DM_NAME",
    "DM_UUID",
    "DM_VG_NAME",
    "ID_ATA",
    "ID_ATA_ROTATION_RATE_RPM",
    "ID_ATA_WRITE_CACHE",
    "ID_ATA_WRITE_CACHE_ENABLED",
    "ID_BUS",
    "ID_CDROM",
    "ID_FS_LABEL",
    "ID_FS_LABEL_ENC",
    "ID_FS_TYPE",
    "ID_FS_USAGE",
    "ID_FS_UUID",
    "ID_FS_UUID_SUB",
    "ID_FS_VERSION",
    "ID_MODEL",
    "ID_MODEL_ENC",
    "ID_NAME",
    "ID_PART_ENTRY_NAME",
    "ID_PART_ENTRY_SCHEME",
    "ID_PART_ENTRY_TYPE",
    "ID_PART_ENTRY_UUID",
    "ID_PART_TABLE_TYPE",
    "ID_PATH",
    "ID_REVISION",
    "ID_SERIAL",
    "ID_SERIAL_SHORT",
    "ID_USB_DRIVER",
    "ID_VENDOR",
    "ID_WWN",
    "ID_WWN_WITH_EXTENSION",
    "MD_NAME",
    "SCSI_IDENT_SERIAL",
    "SCSI_VENDOR",
];

/// Key of what is no property.
const VOLUME: &str = "zvol";

/// Properties of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<&'static str, String>);

impl Properties {
    /// Those of the block device with these numbers; none where udev has none.
    pub fn of_block(host: &HostRoot, scratch: &mut Scratch, numbers: Numbers) -> Self {
        let path = format!("b{}:{}", numbers.0, numbers.1);
        host.text(scratch, At::Udev, &path).map(Self::parse).unwrap_or_default()
    }

    /// Those of the text of a file of the database.
    pub fn parse(text: &str) -> Self {
        let property = |line: &str| {
            let (key, value) = line.strip_prefix("E:")?.split_once('=')?;
            let index = KEYS.binary_search(&key).ok()?;
            Some((KEYS[index], value.to_owned()))
        };
        let volume = text.lines().find_map(|line| line.strip_prefix("S:zvol/"));
        let volume = volume.map(|name| (VOLUME, name.to_owned()));
        Self(text.lines().filter_map(property).chain(volume).collect())
    }

    /// Dataset that a ZFS volume is: `tank/vm`.
    pub fn volume(&self) -> &str {
        self.0.get(VOLUME).map_or("", String::as_str)
    }

    /// A property; empty when it is not there.
    pub fn get(&self, key: &str) -> &str {
        debug_assert!(KEYS.contains(&key), "{key} is not kept");
        self.0.get(key).map_or("", String::as_str)
    }

    /// The first of these that is there and says something.
    pub fn first(&self, keys: &[&str]) -> &str {
        keys.iter().map(|key| self.get(key)).find(|value| !value.is_empty()).unwrap_or("")
    }

    /// A property whose characters outside of a harmless set udev wrote as `\xNN` (those that end in `_ENC`).
    pub fn decoded(&self, key: &str) -> String {
        decode(self.get(key)).trim().to_owned()
    }
}

/// Undoes `\xNN`; a backslash that begins none stays.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after
            .strip_prefix(b"x")
            .and_then(|hex| hex.get(..2))
            .filter(|hex| byte == b'\\' && hex.iter().all(u8::is_ascii_hexdigit));
        let value = digits.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match value {
            Some(value) => {
                bytes.push(value);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `8:16`, as the attribute `dev` and mountinfo write a device's numbers.
pub fn parse_numbers(text: &str) -> Option<Numbers> {
    let (major, minor) = text.trim().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn properties_are_found_by_search() {
        assert!(KEYS.is_sorted());
        let found = Properties::parse("S:disk\nE:ID_MODEL=A=B\nE:OTHER=1\nE:DM_LV_LAYER=\nE:broken\n");
        assert_eq!((found.get("ID_MODEL"), found.get("ID_WWN"), found.0.len()), ("A=B", "", 2));
        assert_eq!(found.first(&["DM_LV_LAYER", "ID_MODEL"]), "A=B");
        assert_eq!(Properties::parse("S:disk/by-id/x\nS:zvol/tank/vm\n").volume(), "tank/vm");
    }

    #[test]
    fn escapes_are_undone() {
        for (text, expected) in [
            (r"QEMU\x20HARDDISK\x20\x20", "QEMU HARDDISK"),
            (r"a\xc3\xa4", "aä"),
            (r"\x", r"\x"),
            (r"\xzz\x4", r"\xzz\x4"),
            (r"\x+1", r"\x+1"),
        ] {
            let found = Properties::parse(&format!("E:ID_MODEL_ENC={text}\n"));
            assert_eq!(found.decoded("ID_MODEL_ENC"), expected, "{text}");
        }
        assert_eq!(parse_numbers("8:16\n"), Some((8, 16)));
        assert_eq!(parse_numbers("8"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"((E:|ID_MODEL_ENC|=|\\x|[0-9a-f]|\n|.){0,40})") {
            let _ = Properties::parse(&text).decoded("ID_MODEL_ENC");
            let _ = (decode(&text), parse_numbers(&text));
        }
    }
}
