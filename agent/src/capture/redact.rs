//! Replaces what identifies a machine in a capture: serial numbers, WWNs, UUIDs, hardware addresses, the host's name, paths of
//! damaged files. Each is replaced by the same other text of the same length and kind wherever it stands, in text and in binary
//! pages, so that what belonged together still does, and every parser reads what it read before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Shortest text replaced: a shorter one would be found where it is no identifier.
const SECRET_BYTES_MIN: usize = 6;
/// Files below `/sys` and `/proc` whose whole content identifies.
const FILES: [&str; 14] = [
    "serial",
    "serial_number",
    "wwid",
    "eui",
    "nguid",
    "uuid",
    "address",
    "machine-id",
    "hostname",
    "product_serial",
    "board_serial",
    "chassis_serial",
    "product_uuid",
    "boot_id",
];
/// Answers that are paths of people's files.
const PATHS: &str = "zfs-object-path-";
/// Properties of udev's database that identify.
const PROPERTIES: [&str; 12] = [
    "ID_SERIAL",
    "ID_SERIAL_SHORT",
    "ID_WWN",
    "ID_WWN_WITH_EXTENSION",
    "SCSI_IDENT_SERIAL",
    "ID_FS_UUID",
    "ID_FS_UUID_ENC",
    "ID_FS_UUID_SUB",
    "ID_PART_TABLE_UUID",
    "ID_PART_ENTRY_UUID",
    "ID_SCSI_SERIAL",
    "DM_UUID",
];
/// Where the host's name stands.
const HOSTNAME: &str = "proc/sys/kernel/hostname";
/// Where it stands once more, as JSON.
const UNAME: &str = ".ioctl/uname";
/// What identities of NVIDIA GPUs and their instances begin with, wherever they stand.
const GPU_ID: [&str; 2] = ["GPU-", "MIG-"];
/// NVML's answer, and how the serial number of a board stands there.
const NVML: &str = "nvml";
const BOARD_SERIAL: &str = "\"serial\":\"";
/// ATA IDENTIFY DEVICE (ACS-4 7.13.7): serial number in words 10–19, World Wide Name in words 108–111, both with the bytes
/// of each word exchanged; integrity word 255.
const IDENTIFY_BYTES: usize = 512;
/// NVMe Identify Controller (NVMe base specification 2.0, figure 275): serial number in bytes 4–23.
const NVME_IDENTIFY_BYTES: usize = 4096;

/// Answers of a management controller that identify the machine in pieces of some bytes, which cannot be looked for: its inventory
/// (Read FRU Data), its UUIDs (Get System GUID, Get Device GUID) and the address of its page (Get System Info Parameters, 7).
const BMC_ANSWERS: [&str; 4] = ["ipmi-0a-11-", "ipmi-06-37", "ipmi-06-08", "ipmi-06-59-0007"];

/// Redacts a capture in place; returns how many different identifiers were found.
pub(super) fn redact(folder: &Path) -> io::Result<usize> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    // A capture that lacks an answer is read as a controller that does not know the question.
    for file in files.extract_if(.., |file| tells_bmc(file)) {
        fs::remove_file(file)?;
    }
    let mut secrets = BTreeSet::new();
    for file in &files {
        let bytes = fs::read(file)?;
        found(file, &bytes, &mut secrets);
    }
    let seed = xxhash_rust::xxh3::xxh3_64(format!("{folder:?}{:?}", std::time::SystemTime::now()).as_bytes());
    let patterns = patterns(&secrets, seed);
    for file in &files {
        let mut bytes = fs::read(file)?;
        let mut changed = replace(&mut bytes, &patterns);
        if in_answer(file) {
            // ATA writes the bytes of each word exchanged.
            let mut swapped = swap(&bytes);
            if replace(&mut swapped, &patterns) {
                (bytes, changed) = (swap(&swapped), true);
            }
        }
        if changed {
            renew_checksum(&mut bytes);
            fs::write(file, bytes)?;
        }
    }
    rename_host(folder)?;
    Ok(secrets.len())
}

/// A name too short to be looked for everywhere is still no longer told.
fn rename_host(folder: &Path) -> io::Result<()> {
    let file = folder.join(HOSTNAME);
    let Ok(name) = fs::read_to_string(&file) else { return Ok(()) };
    let name = name.trim();
    if name.is_empty() || name.len() >= SECRET_BYTES_MIN {
        return Ok(());
    }
    fs::write(file, "host\n")?;
    let file = folder.join(UNAME);
    match fs::read_to_string(&file) {
        Ok(uname) => fs::write(file, uname.replace(&format!("\"{name}\""), "\"host\"")),
        Err(_) => Ok(()),
    }
}

/// Regular files below a folder; links lead to others of them.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Adds the identifiers that a file holds.
fn found(file: &Path, bytes: &[u8], secrets: &mut BTreeSet<String>) {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let mut add = |text: &str| {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let plain = text.trim_start_matches("0x").trim_start_matches("naa.").trim_start_matches("eui.");
        let varied = plain.chars().collect::<BTreeSet<char>>().len() > 2;
        if plain.len() >= SECRET_BYTES_MIN && varied && !plain.contains('\n') {
            secrets.insert(plain.to_owned());
        }
    };
    if FILES.contains(&name) || (in_answer(file) && name.starts_with(PATHS)) {
        add(&text);
    }
    if file.parent().is_some_and(|parent| parent.ends_with("udev/data")) {
        for (key, value) in text.lines().filter_map(|line| line.strip_prefix("E:")?.split_once('=')) {
            if PROPERTIES.contains(&key) {
                add(value);
            }
        }
    }
    for start in GPU_ID {
        for id in text.split(start).skip(1) {
            add(id.split(|c: char| !c.is_ascii_hexdigit() && c != '-').next().unwrap_or(""));
        }
    }
    if name == NVML && in_answer(file) {
        for serial in text.split(BOARD_SERIAL).skip(1) {
            add(serial.split('"').next().unwrap_or(""));
        }
    }
    if in_answer(file) && is_of_server(file) {
        server_identifiers(&text).for_each(&mut add);
    }
    match bytes.len() {
        IDENTIFY_BYTES if in_answer(file) => {
            let swapped = swap(bytes);
            add(&String::from_utf8_lossy(&swapped[20..40]));
            add(&hex(&swapped[216..224]));
        }
        NVME_IDENTIFY_BYTES if in_answer(file) => add(&String::from_utf8_lossy(&bytes[4..24])),
        _ => {}
    }
}

fn tells_bmc(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    in_answer(file) && BMC_ANSWERS.iter().any(|answer| name.starts_with(answer))
}

fn in_answer(file: &Path) -> bool {
    file.parent().is_some_and(|parent| parent.extension().is_some_and(|extension| extension == "ioctl"))
}

/// Whether it is what a server on the network said.
fn is_of_server(file: &Path) -> bool {
    file.parent().and_then(Path::parent).is_some_and(|folder| folder.ends_with("net"))
}

/// Serial numbers and addresses in what upsd (`VAR ups device.serial "X"`) and apcupsd (`SERIALNO : X`) say.
fn server_identifiers(text: &str) -> impl Iterator<Item = &str> {
    const VARIABLES: [&str; 2] = [".serial", ".macaddr"];
    const KEYS: [&str; 2] = ["SERIALNO", "HOSTNAME"];
    text.lines().filter_map(|line| {
        if let Some((name, value)) = line.strip_prefix("VAR ").and_then(|rest| rest.split_once(" \"")) {
            return VARIABLES.iter().any(|end| name.ends_with(end)).then(|| value.trim_end_matches('"'));
        }
        let (key, value) = line.split_once(':')?;
        KEYS.iter().any(|wanted| key.trim_end().ends_with(wanted)).then_some(value)
    })
}

/// What to look for, and what stands there afterwards: every form an identifier takes.
fn patterns(secrets: &BTreeSet<String>, seed: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut patterns = BTreeMap::new();
    for secret in secrets {
        let other = disguise(secret, seed);
        let (from, to) = (secret.as_bytes(), other.as_bytes());
        let mut add = |from: Vec<u8>, to: Vec<u8>| {
            patterns.entry(from).or_insert(to);
        };
        add(from.to_vec(), to.to_vec());
        add(secret.to_uppercase().into_bytes(), other.to_uppercase().into_bytes());
        if let (Some(from), Some(to)) = (unhex(secret), unhex(&other)) {
            add(from, to);
        }
    }
    let mut patterns: Vec<_> = patterns.into_iter().collect();
    // The longest first: one identifier may be part of another.
    patterns.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
    patterns
}

/// Another text of the same length, with letters for letters and digits for digits; the first hexadecimal digits of a WWN
/// (which name its maker) stay.
fn disguise(secret: &str, seed: u64) -> String {
    let is_hex = secret.chars().all(|c| c.is_ascii_hexdigit());
    let kept = if is_hex && secret.len() == 16 { 7 } else { 0 };
    let other = |(at, c): (usize, char)| {
        let random = xxh3_64_with_seed(format!("{secret}{at}").as_bytes(), seed) as u8;
        match c {
            _ if at < kept => c,
            '0'..='9' => char::from(b'0' + random % 10),
            'a'..='f' => char::from(b'a' + random % 6),
            'A'..='F' => char::from(b'A' + random % 6),
            'g'..='z' => char::from(b'g' + random % 20),
            'G'..='Z' => char::from(b'G' + random % 20),
            other => other,
        }
    };
    secret.chars().enumerate().map(other).collect()
}

/// Whether anything was replaced.
fn replace(bytes: &mut [u8], patterns: &[(Vec<u8>, Vec<u8>)]) -> bool {
    let mut done = vec![false; bytes.len()];
    for (from, to) in
        patterns.iter().filter(|(from, to)| from.len() == to.len() && from.len() >= SECRET_BYTES_MIN)
    {
        let mut at = 0;
        while let Some(found) = bytes[at..].windows(from.len()).position(|window| window == from) {
            let place = at + found..at + found + from.len();
            if !done[place.clone()].contains(&true) {
                bytes[place.clone()].copy_from_slice(to);
                done[place.clone()].fill(true);
            }
            at = place.end;
        }
    }
    done.contains(&true)
}

/// Makes the checksum of a page of IDENTIFY data right again: word 255 holds A5h and the two's complement of the sum.
fn renew_checksum(bytes: &mut [u8]) {
    if bytes.len() == IDENTIFY_BYTES && bytes[510] == 0xa5 {
        let sum = bytes[..511].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        bytes[511] = sum.wrapping_neg();
    }
}

/// Exchanges the bytes of each 16-bit word.
fn swap(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(2).flat_map(|pair| pair.iter().rev().copied()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a text of hexadecimal digits, colons and dashes left out.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != '-' && *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    (digits.len() >= 2 * SECRET_BYTES_MIN && digits.len().is_multiple_of(2))
        .then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text and answers that name the host, its parts and its files.
    const FILES_OF_A_HOST: [(&str, &[u8]); 12] = [
        (
            "run/udev/data/b8:0",
            b"E:ID_SERIAL_SHORT=WD-WCC4E1234567\nE:ID_WWN=0x50014ee2b6012345\nE:ID_MODEL=WDC\n",
        ),
        ("sys/block/sda/device/wwid", b"naa.50014ee2b6012345\n"),
        ("sys/class/net/eno1/address", b"3c:ec:ef:11:22:33\n"),
        ("proc/mdstat", b"md0 : active raid1 sda1[0]\n"),
        ("dev/zfs.ioctl/zfs-object-path-80-tank", b"/active/md0.key"),
        (
            "proc/driver/nvidia/gpus/0000:0c:00.0/information",
            b"GPU UUID: \t GPU-04757e3e-3077-4e2e-b988-7e2d647b52e9\n",
        ),
        (
            "dev/nvidiactl.ioctl/nvml",
            br#"{"uuid":"GPU-04757e3e-3077-4e2e-b988-7e2d647b52e9","texts":{"serial":"1324419066142"}}"#,
        ),
        ("dev/ipmi0.ioctl/ipmi-0a-11-00080010", b"\x10ABC12345"),
        ("dev/ipmi0.ioctl/ipmi-0a-11-00080010.status", b"\0"),
        ("dev/ipmi0.ioctl/ipmi-0a-10-00", b"\x10\0\0"),
        ("net/nas:3493.ioctl/list-var-a", b"VAR a device.serial \"4B1948P07984\"\nVAR a ups.load \"13\"\n"),
        ("net/pi:3551.ioctl/status", b"\0\x18SERIALNO : 3B1030X50090\n\0\0"),
    ];

    #[test]
    fn a_serial_is_the_same_other_one_everywhere_and_pages_stay_whole() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let mut page = vec![0_u8; IDENTIFY_BYTES];
        page[20..40].copy_from_slice(&swap(b"     WD-WCC4E1234567"));
        page[216..224].copy_from_slice(&swap(&[0x50, 0x01, 0x4e, 0xe2, 0xb6, 0x01, 0x23, 0x45]));
        page[510] = 0xa5;
        renew_checksum(&mut page);
        for (path, bytes) in FILES_OF_A_HOST.into_iter().chain([("dev/sda.ioctl/sg-85", page.as_slice())]) {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), bytes).unwrap();
        }
        assert_eq!(redact(folder.path()).unwrap(), 8);
        let read = |path: &str| fs::read(at(path)).unwrap();
        let nvml = String::from_utf8(read("dev/nvidiactl.ioctl/nvml")).unwrap();
        let listed = String::from_utf8(read("proc/driver/nvidia/gpus/0000:0c:00.0/information")).unwrap();
        let uuid = listed.trim().rsplit(' ').next().unwrap();
        assert!(
            uuid.starts_with("GPU-") && uuid.len() == 40 && nvml.contains(uuid) && !nvml.contains("04757e3e"),
            "{nvml}"
        );
        assert!(!nvml.contains("1324419066142"), "{nvml}");
        let (udev, wwid) = (read("run/udev/data/b8:0"), read("sys/block/sda/device/wwid"));
        let udev = String::from_utf8(udev).unwrap();
        let page = read("dev/sda.ioctl/sg-85");
        let serial = String::from_utf8(swap(&page[20..40])).unwrap();
        assert!(
            !udev.contains("1234567") && udev.contains(serial.trim()) && udev.contains("ID_MODEL=WDC"),
            "{udev}"
        );
        let wwn = String::from_utf8(wwid).unwrap();
        let wwn = wwn.trim().trim_start_matches("naa.");
        assert!(wwn.starts_with("50014ee") && wwn != "50014ee2b6012345" && udev.contains(wwn), "{wwn}");
        assert_eq!(hex(&swap(&page[216..224])), wwn);
        assert_eq!(page.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)), 0, "the checksum holds");
        let address = String::from_utf8(read("sys/class/net/eno1/address")).unwrap();
        assert!(address.len() == 18 && address != "3c:ec:ef:11:22:33\n" && address.matches(':').count() == 5);
        let file = String::from_utf8(read("dev/zfs.ioctl/zfs-object-path-80-tank")).unwrap();
        assert!(file.starts_with('/') && file.len() == 15 && !file.contains("active"), "{file}");
        assert_eq!(read("proc/mdstat"), b"md0 : active raid1 sda1[0]\n");
        let left: Vec<_> =
            fs::read_dir(at("dev/ipmi0.ioctl")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["ipmi-0a-10-00"]);
        let upsd = String::from_utf8(read("net/nas:3493.ioctl/list-var-a")).unwrap();
        assert!(!upsd.contains("4B1948P07984") && upsd.ends_with("\"\nVAR a ups.load \"13\"\n"), "{upsd}");
        let apcupsd = String::from_utf8(read("net/pi:3551.ioctl/status")).unwrap();
        assert!(apcupsd.starts_with("\0\x18SERIALNO : ") && !apcupsd.contains("3B1030X50090"), "{apcupsd}");
    }
}
