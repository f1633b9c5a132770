//! Mounted filesystems: lines of `mountinfo` (proc_pid_mountinfo(5)).

use std::collections::HashMap;

use crate::source::{SourceError, bad_line};

/// A mounted filesystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted: `/dev/sda1`, `tank/home`, `nas:/export`.
    pub device: String,
    /// Folder in it that is mounted: `/`, or below that for a bind mount or a subvolume.
    pub root: String,
    /// Where.
    pub mountpoint: String,
    /// Type: `ext4`.
    pub fstype: String,
    /// Major number of its device; 0 for one that is on none, or on several.
    pub major: String,
    /// Minor number.
    pub minor: String,
    /// Whether it may only be read.
    pub readonly: bool,
    /// This process has something else at that place: asking there would yield another filesystem's numbers.
    pub hidden: bool,
}

impl Mount {
    /// Whether statfs gives the magic number of tmpfs or ramfs for it.
    pub fn is_in_memory(&self) -> bool {
        ["tmpfs", "ramfs", "rootfs", "devtmpfs"].contains(&self.fstype.as_str())
    }
}

/// The wanted mounts in their order, and the last error in a line. Of several at the same point the last one lies on top: it
/// alone can be asked.
pub fn parse(text: &str, wanted: impl Fn(&Mount) -> bool) -> (Vec<Mount>, Result<(), SourceError>) {
    let mut mounts: Vec<Mount> = Vec::new();
    let mut result = Ok(());
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match parse_line(line) {
            Some(mount) => {
                mounts.retain(|below| below.mountpoint != mount.mountpoint);
                if wanted(&mount) {
                    mounts.push(mount);
                }
            }
            None => result = Err(bad_line("mountinfo", line, "not a mount")),
        }
    }
    (mounts, result)
}

/// Marks the mounts that this process, whose `mountinfo` is given, does not have at the same place from the same device. Below
/// `chroot` the two lists speak of different places: there nothing can be told.
pub fn mark_hidden(mounts: &mut [Mount], own: &str) {
    let own: HashMap<String, (String, String)> = own
        .lines()
        .filter_map(parse_line)
        .map(|mount| (mount.mountpoint, (mount.major, mount.minor)))
        .collect();
    if !own.contains_key("/") {
        return;
    }
    for mount in mounts {
        let seen = own.get(&mount.mountpoint);
        mount.hidden = seen.is_none_or(|(major, minor)| (major, minor) != (&mount.major, &mount.minor));
    }
}

/// `36 35 98:0 /root /mnt rw,noatime shared:1 - ext3 /dev/root rw,errors=continue`
fn parse_line(line: &str) -> Option<Mount> {
    // Optional fields lie between the options and a dash of their own.
    let (first, second) = line.split_once(" - ")?;
    let mut words = first.split(' ');
    let (major, minor) = words.nth(2)?.split_once(':')?;
    major.parse::<u32>().and(minor.parse::<u32>()).ok()?;
    let root = words.next()?;
    let mountpoint = words.next().filter(|path| path.starts_with('/'))?;
    let options = words.next()?;
    let mut words = second.split(' ');
    let fstype = words.next().filter(|fstype| !fstype.is_empty())?;
    let device = words.next()?;
    let super_options = words.next().unwrap_or("");
    let has = |options: &str, option: &str| options.split(',').any(|found| found == option);
    Some(Mount {
        device: unescape(device),
        root: unescape(root),
        mountpoint: unescape(mountpoint),
        fstype: unescape(fstype),
        major: major.to_owned(),
        minor: minor.to_owned(),
        // `emergency_ro` is what ext4 shows after an error made it stop writing.
        readonly: has(options, "ro") || has(super_options, "ro") || has(super_options, "emergency_ro"),
        hidden: false,
    })
}

/// Undoes the kernel's escapes: `\040` is a space, also tab, newline, `\` and `#`.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits =
            after.get(..3).filter(|digits| byte == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        let value =
            digits.map(|digits| digits.iter().fold(0_u32, |value, d| value * 8 + u32::from(d - b'0')));
        match value.and_then(|value| u8::try_from(value).ok()) {
            Some(value) => {
                bytes.push(value);
                rest = &after[3..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_has_optional_fields_and_escapes() {
        let line = r"36 35 98:0 /sub /mnt/my\040disk\134x rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue";
        let mount = parse_line(line).unwrap();
        assert_eq!((mount.device.as_str(), mount.mountpoint.as_str()), ("/dev/root", r"/mnt/my disk\x"));
        assert_eq!((mount.fstype.as_str(), mount.major.as_str(), mount.minor.as_str()), ("ext3", "98", "0"));
        assert!(!mount.readonly && mount.root == "/sub");
        assert!(parse_line("36 35 98:0 / /mnt ro - ext3 x rw").unwrap().readonly);
        assert!(parse_line("36 35 98:0 / /mnt rw - ext3 x ro,data=x").unwrap().readonly);
        assert!(parse_line("36 35 98:0 / /mnt rw - ext3 x rw,emergency_ro").unwrap().readonly);
        assert!(!parse_line("36 35 98:0 / /mnt rw - ext3 x rw,errors=remount-ro").unwrap().readonly);
        for line in [
            "36",
            "36 35 98 / /mnt rw - ext3 x rw",
            "36 35 98:0 / mnt rw - ext3 x rw",
            "36 35 98:0 / /mnt rw",
        ] {
            assert_eq!(parse_line(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_mounted_over_another_hides_it() {
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:1 / /a rw - nfs n:/a rw\nbroken\n3 1 0:2 / /a rw - tmpfs t rw\n";
        let (mounts, result) = parse(text, |_| true);
        let devices: Vec<&str> = mounts.iter().map(|mount| mount.device.as_str()).collect();
        assert_eq!(devices, ["/dev/sda1", "t"]);
        assert!(result.unwrap_err().to_string().ends_with("not a mount in line \"broken\""));
    }

    #[test]
    fn a_mount_that_this_process_lacks_is_hidden() {
        let host = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /home rw - ext4 /dev/sda2 rw\n\
            3 1 0:50 / /mnt/late rw - tmpfs t rw\n";
        // The root once more, read-only: the same filesystem. Over /home lies something else.
        let own = "9 8 8:1 / / ro - ext4 /dev/sda1 rw\n10 9 8:2 / /home ro - ext4 /dev/sda2 rw\n\
            11 10 0:60 / /home ro - tmpfs tmpfs rw\n";
        let hidden = |own: &str| {
            let (mut mounts, _) = parse(host, |_| true);
            mark_hidden(&mut mounts, own);
            mounts.into_iter().filter(|mount| mount.hidden).map(|mount| mount.mountpoint).collect::<Vec<_>>()
        };
        assert_eq!(hidden(own), ["/home", "/mnt/late"]);
        assert!(hidden(host).is_empty());
        assert!(hidden("9 8 0:5 / /proc rw - proc proc rw\n").is_empty(), "below chroot");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"([0-9]{1,3}|:| |/|-|\\|\n|ext4|.){0,60}") {
            let _ = (parse(&text, |_| true), unescape(&text));
        }
    }
}
