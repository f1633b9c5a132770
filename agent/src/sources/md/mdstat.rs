//! Text of `/proc/mdstat`, as `md_seq_show` and `status_resync` of the kernel's drivers/md/md.c write it, and the lines that
//! its personalities and the bitmap add.

use serde::Serialize;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Mdstat {
    /// Personalities that the kernel has loaded: `raid1`, ….
    pub personalities: Vec<String>,
    /// Arrays, in the order of the file.
    pub arrays: Vec<Array>,
    /// The last line that should be one of the above and is not.
    pub problem: Option<String>,
}

/// An array.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Array {
    /// Kernel name: `md0`, `md_d0`.
    pub name: String,
    /// `active`, `inactive` or `broken`.
    pub activity: String,
    /// `read-only` or `auto-read-only` (until the first write).
    pub read_only: Option<String>,
    /// `raid1`, `linear`, …; an inactive array has none.
    pub level: Option<String>,
    /// Its devices.
    pub members: Vec<Member>,
    /// Size, in blocks of 1 KiB.
    pub blocks: Option<u64>,
    /// Version of the superblock (`1.2`), `external:imsm`, `external:/md127/0`, `non-persistent`; none for 0.90.
    pub superblock: Option<String>,
    /// Size of a chunk, in KiB.
    pub chunk_kib: Option<u64>,
    /// Members that it should have, and that are in sync.
    pub slots: Option<(u32, u32)>,
    /// A letter per slot: `U` is in sync, `_` is not.
    pub map: Option<String>,
    /// Its write-intent bitmap.
    pub bitmap: Option<Bitmap>,
    /// Resync, recovery, reshape or check, under way or waiting.
    pub sync: Option<Sync>,
    /// Lines that are not understood: a newer kernel may say more.
    pub other: Vec<String>,
}

/// A device of an array.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Kernel name: `sda1`.
    pub name: String,
    /// Number of the device in the superblock, not its slot.
    pub number: u32,
    /// Letters behind it: `F` failed, `S` spare, `W` mostly written, `J` journal, `R` replacement.
    pub flags: Vec<char>,
}

/// A write-intent bitmap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bitmap {
    /// Pages of it that are in use: parts of the array that were written lately.
    pub used_pages: u64,
    /// All pages.
    pub pages: u64,
    /// What one bit stands for, in KiB.
    pub chunk_kib: u64,
}

/// What goes through a whole array.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sync {
    /// `resync`, `recovery`, `reshape`, `check`, `repair`.
    pub action: String,
    /// `DELAYED` (another array on the same disks goes first), `PENDING` (until the array may be written), `REMOTE` (another
    /// node of a cluster does it); none when it runs.
    pub waits: Option<String>,
    /// Blocks of 1 KiB of each member that are done.
    pub done_blocks: u64,
    /// All of them.
    pub total_blocks: u64,
    /// How long it takes yet, in seconds, as the kernel reckons.
    pub left_seconds: Option<f64>,
    /// KiB per second.
    pub speed_kib: Option<u64>,
}

impl Member {
    /// Whether it has a letter.
    pub fn is(&self, flag: char) -> bool {
        self.flags.contains(&flag)
    }
}

/// Parses the file.
pub fn parse(text: &str) -> Mdstat {
    let mut found = Mdstat::default();
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Personalities :") {
            let names = rest.split_whitespace().map(|name| name.trim_matches(['[', ']']).to_owned());
            found.personalities = names.collect();
        } else if line.is_empty() || line.starts_with("unused devices:") || line.starts_with("read_ahead ") {
            inside = false;
        } else if line.split_whitespace().nth(1) == Some(":") {
            let array = array_line(line);
            inside = array.is_some();
            match array {
                Some(array) => found.arrays.push(array),
                None => found.problem = Some(line.to_owned()),
            }
        } else if let Some(array) = found.arrays.last_mut().filter(|_| inside)
            && !detail_line(line, array)
        {
            found.problem = Some(line.to_owned());
        }
    }
    found
}

/// Decodes a file for `hi-agent decode`.
///
/// # Errors
/// No line of it is one of this format, or one is broken.
pub fn decode(bytes: &[u8]) -> Result<serde_json::Value, String> {
    let found = parse(&String::from_utf8_lossy(bytes));
    if let Some(line) = &found.problem {
        return Err(format!("a line is broken: {line}"));
    }
    if found.arrays.is_empty() && found.personalities.is_empty() {
        return Err("no line names an array or a personality".to_owned());
    }
    serde_json::to_value(&found).map_err(|error| error.to_string())
}

/// `md0 : active (read-only) raid1 sdb1[1](F) sda1[0]`
fn array_line(line: &str) -> Option<Array> {
    let mut words = line.split_whitespace().peekable();
    let name = words.next()?.to_owned();
    words.next().filter(|word| *word == ":")?;
    let activity = words.next()?.to_owned();
    let read_only =
        words.next_if(|word| word.starts_with('(')).map(|word| word.trim_matches(['(', ')']).to_owned());
    let level = words.next_if(|word| !word.contains('[')).map(str::to_owned);
    let members = words.map(member).collect::<Option<_>>()?;
    Some(Array { name, activity, read_only, level, members, ..Array::default() })
}

/// `sdb1[1](W)(F)`
fn member(word: &str) -> Option<Member> {
    let (name, rest) = word.rsplit_once('[')?;
    let (number, flags) = rest.split_once(']')?;
    let flags = flags.split(['(', ')']).filter_map(|flag| flag.chars().next()).collect();
    Some(Member { name: name.to_owned(), number: number.parse().ok()?, flags })
}

/// A line below that of the array; false when it is broken.
fn detail_line(line: &str, array: &mut Array) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    if let [size, "blocks", ..] = words.as_slice() {
        array.blocks = size.parse().ok();
        size_line(&words, array);
        return array.blocks.is_some();
    }
    if let ["bitmap:", ..] = words.as_slice()
        && let Some(bitmap) = bitmap(&words)
    {
        array.bitmap = Some(bitmap);
    } else if let Some(sync) = sync(line, &words) {
        array.sync = Some(sync);
    } else {
        array.other.push(line.to_owned());
    }
    true
}

/// `248896 blocks super 1.2 level 6, 64k chunk, algorithm 2 [8/8] [UUUUUUUU]`
fn size_line(words: &[&str], array: &mut Array) {
    for pair in words.windows(2) {
        let [word, next] = pair else { continue };
        match (*word, next.trim_end_matches([',', 's'])) {
            ("super", _) => array.superblock = Some((*next).to_owned()),
            (size, "chunk") => {
                array.chunk_kib = size.trim_end_matches(['k', 'K', 'B']).parse().ok().or(array.chunk_kib);
            }
            _ => {}
        }
    }
    for word in words {
        let Some(inner) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) else { continue };
        if let Some((all, working)) = inner.split_once('/') {
            array.slots = all.parse().ok().zip(working.parse().ok());
        } else if !inner.is_empty() && inner.chars().all(|c| c == 'U' || c == '_') {
            array.map = Some(inner.to_owned());
        }
    }
}

/// `bitmap: 1/30 pages [4KB], 65536KB chunk`
fn bitmap(words: &[&str]) -> Option<Bitmap> {
    let (used, pages) = words.get(1)?.split_once('/')?;
    let chunk = words.get(4).copied().unwrap_or_default();
    let chunk_kib = match chunk.strip_suffix("KB") {
        Some(number) => number.parse().ok()?,
        None => chunk.trim_end_matches('B').parse::<u64>().ok()? / 1024,
    };
    Some(Bitmap { used_pages: used.parse().ok()?, pages: pages.parse().ok()?, chunk_kib })
}

/// `[=>....]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec`, `resync=DELAYED`
fn sync(line: &str, words: &[&str]) -> Option<Sync> {
    if let [word] = words {
        let (action, waits) = word.split_once('=')?;
        let (action, waits) = (action.to_owned(), Some(waits.to_owned()));
        return Some(Sync { action, waits, ..Sync::default() });
    }
    let (head, _) = line.split_once('=').filter(|_| !line.starts_with('[')).or_else(|| {
        let (_, rest) = line.split_once(']')?;
        rest.split_once('=')
    })?;
    let (done, total) =
        words.iter().find_map(|word| word.strip_prefix('(')?.strip_suffix(')')?.split_once('/'))?;
    let value =
        |key: &str, unit: &str| words.iter().find_map(|word| word.strip_prefix(key)?.strip_suffix(unit));
    let minutes = value("finish=", "min").and_then(|text| text.parse::<f64>().ok());
    Some(Sync {
        action: head.trim().to_owned(),
        waits: None,
        done_blocks: done.parse().ok()?,
        total_blocks: total.parse().ok()?,
        left_seconds: minutes.map(|minutes| minutes * 60.0).filter(|seconds| seconds.is_finite()),
        speed_kib: value("speed=", "K/sec").and_then(|text| text.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(lines: &str) -> Array {
        let found = parse(lines);
        assert_eq!((found.arrays.len(), found.problem), (1, None), "{lines}");
        found.arrays.into_iter().next().unwrap()
    }

    #[test]
    fn an_array_has_members_a_size_and_slots() {
        let array = one("Personalities : [raid1] [raid6]\n\
            md7 : active raid6 sdb1[0](W) sde1[3] sdd1[2](J) sdc1[1](W)(F)\n      \
            7813735424 blocks super 1.2 level 6, 512k chunk, algorithm 2 [4/3] [U_UU]\n      \
            bitmap: 3/30 pages [12KB], 65536KB chunk\n\nunused devices: <none>\n");
        assert_eq!(
            (array.name.as_str(), array.activity.as_str(), array.level.as_deref()),
            ("md7", "active", Some("raid6"))
        );
        assert_eq!(array.members[3], Member { name: "sdc1".into(), number: 1, flags: vec!['W', 'F'] });
        assert_eq!(
            (array.blocks, array.chunk_kib, array.slots),
            (Some(7_813_735_424), Some(512), Some((4, 3)))
        );
        assert_eq!((array.map.as_deref(), array.superblock.as_deref()), (Some("U_UU"), Some("1.2")));
        assert_eq!(array.bitmap, Some(Bitmap { used_pages: 3, pages: 30, chunk_kib: 65536 }));
        assert_eq!(array.sync, None);
    }

    #[test]
    fn what_goes_through_an_array_is_told() {
        let array = one(
            "md6 : active raid1 sdb2[2](F) sdc[1](S) sda2[0]\n      195310144 blocks [2/1] [U_]\n      \
            [=>...................]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec\n",
        );
        let sync = array.sync.unwrap();
        assert_eq!(
            (sync.action.as_str(), sync.done_blocks, sync.total_blocks),
            ("recovery", 16_775_552, 195_310_144)
        );
        assert_eq!((sync.left_seconds, sync.speed_kib, sync.waits), (Some(1020.0), Some(259_783), None));
        let array =
            one("md9 : active raid1 sda[0]\n  523968 blocks super 1.2 [4/4] [UUUU]\n  \tresync=DELAYED\n");
        let sync = array.sync.unwrap();
        assert_eq!((sync.action.as_str(), sync.waits.as_deref()), ("resync", Some("DELAYED")));
    }

    #[test]
    fn inactive_read_only_and_external_arrays() {
        let array = one("md219 : inactive sdb[2](S) sda[0](S)\n        7932 blocks super external:imsm\n");
        assert_eq!(
            (array.activity.as_str(), array.level, array.superblock.as_deref()),
            ("inactive", None, Some("external:imsm"))
        );
        assert!(array.members.iter().all(|member| member.is('S')));
        let array = one(
            "md101 : active (read-only) raid0 sdb[2] sdd[1]\n      322560 blocks super 1.2 512k chunks\n",
        );
        assert_eq!(
            (array.read_only.as_deref(), array.level.as_deref(), array.chunk_kib),
            (Some("read-only"), Some("raid0"), Some(512))
        );
        let array =
            one("md126 : broken raid0 sdb[1]\n      1855870976 blocks super external:/md127/0 128k chunks\n");
        assert_eq!(
            (array.activity.as_str(), array.superblock.as_deref()),
            ("broken", Some("external:/md127/0"))
        );
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(
            parse("md0 : active raid1 sda[x]\n").problem.as_deref(),
            Some("md0 : active raid1 sda[x]")
        );
        assert_eq!(parse("stray\n"), Mdstat::default());
        assert_eq!(
            one("md0 : active raid1 sda[0]\n      bitmap: 5 clean, 3 dirty\n").other,
            ["bitmap: 5 clean, 3 dirty"]
        );
        let found = parse("md0 : active raid1 sda[0]\n 12x blocks\n 5 blocks [1/1] [U]\n");
        assert_eq!((found.problem.as_deref(), found.arrays[0].blocks), (Some("12x blocks"), Some(5)));
    }

    #[test]
    fn decoding_gives_all_of_it_or_says_why_not() {
        let json =
            decode(b"Personalities : [raid1]\nmd0 : active raid1 sda[0](F)\n 8 blocks [2/1] [U_]\n").unwrap();
        assert_eq!(json["arrays"][0]["members"][0]["flags"][0], "F");
        assert_eq!(json["arrays"][0]["slots"], serde_json::json!([2, 1]));
        assert_eq!(decode(b"\xff\0"), Err("no line names an array or a personality".to_owned()));
        assert_eq!(
            decode(b"md0 : active raid1 sda["),
            Err("a line is broken: md0 : active raid1 sda[".to_owned())
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"((md0|:| |active|raid1|sda\[|\]|\(|\)|blocks|super|\[2/|\[U_|bitmap:|=|recovery|%|[0-9]{1,25}|\n|.){0,60})") {
            let _ = parse(&text);
        }
    }
}
