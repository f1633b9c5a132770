//! What `zpool status` calls a device (`zpool_vdev_name` of libzfs): the last part of its path, without the partition where
//! OpenZFS partitioned the disk itself; type and number where it has no path; the guid where it is not there.

use super::nvlist::List;

/// The name as `zpool status` shows it.
pub(super) fn name(node: &List) -> String {
    let kind = node.text("type").unwrap_or_default();
    if node.has("not_present") {
        return node.uint("guid").unwrap_or(0).to_string();
    }
    if let Some(path) = node.text("path") {
        let short = if kind == "disk" { strip_folder(path) } else { path };
        let whole = kind != "dspare" && node.uint("whole_disk").is_some_and(|whole| whole != 0);
        return if whole { strip_partition(short).to_owned() } else { short.to_owned() };
    }
    let number = |name: &str| node.uint(name).unwrap_or(0);
    let id = number("id");
    match kind {
        "root" => kind.to_owned(),
        "raidz" => format!("raidz{}-{id}", number("nparity")),
        "draid" => format!(
            "draid{}:{}d:{}c:{}s-{id}",
            number("nparity"),
            number("draid_ndata"),
            node.lists("children").len(),
            number("draid_nspares"),
        ),
        _ => format!("{kind}-{id}"),
    }
}

/// Without the folder it lies in below `/dev`; an unusual one stays.
fn strip_folder(path: &str) -> &str {
    const FOLDERS: [&str; 9] = [
        "disk/by-vdev/",
        "mapper/",
        "disk/by-partlabel/",
        "disk/by-partuuid/",
        "disk/by-label/",
        "disk/by-uuid/",
        "disk/by-id/",
        "disk/by-path/",
        "",
    ];
    let Some(rest) = device_path(path) else { return path };
    FOLDERS.iter().find_map(|folder| rest.strip_prefix(folder)).unwrap_or(path)
}

/// Path below the folder of devices; `None` for a file elsewhere.
pub(super) fn device_path(path: &str) -> Option<&str> {
    path.strip_prefix('/')?.strip_prefix("dev/")
}

/// Without the number of its partition: `-part1`, `p1` behind a digit, or plain digits behind `sd`, `hd`, `vd`, `xvd`.
fn strip_partition(name: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((disk, number)) = name.split_once("-part").filter(|(disk, _)| !disk.is_empty()) {
        return if is_number(number) { disk } else { name };
    }
    if let Some((disk, number)) = name.rsplit_once('p')
        && disk.ends_with(|last: char| last.is_ascii_digit())
    {
        return if is_number(number) { disk } else { name };
    }
    let letters = ["xvd", "sd", "hd", "vd"].iter().find_map(|start| name.strip_prefix(start));
    let number = letters.map(|rest| rest.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()));
    match number {
        Some(number) if is_number(number) => &name[..name.len() - number.len()],
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_disk_is_named_without_its_partition() {
        for (name, disk) in [
            ("ata-LAB_SSD_LAB-SATA-3-part1", "ata-LAB_SSD_LAB-SATA-3"),
            ("nvme0n1p1", "nvme0n1"),
            ("sdb9", "sdb"),
            ("sdaa1", "sdaa"),
            ("xvda2", "xvda"),
            ("wwn-0x5000cca222cfba91", "wwn-0x5000cca222cfba91"),
            ("sdb", "sdb"),
            ("sdb1/old", "sdb1/old"),
            ("-part1", "-part1"),
            ("p1", "p1"),
            ("loop0p1", "loop0"),
            ("", ""),
        ] {
            assert_eq!(strip_partition(name), disk, "{name}");
        }
        for (path, name) in [
            ("/dev/disk/by-id/ata-A-part1", "ata-A-part1"),
            ("/dev/mapper/crypt-a", "crypt-a"),
            ("/dev/sda1", "sda1"),
            ("/dev/vg/lv", "vg/lv"),
            ("/srv/pool.img", "/srv/pool.img"),
        ] {
            assert_eq!(strip_folder(path), name, "{path}");
        }
    }
}
