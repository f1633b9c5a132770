//! What is asked of OpenZFS' control device, in the shape that a capture keeps: the packed list as it is, the rest of the
//! reply as lines of text beside it.

use std::fmt::Write;
use std::io;
use std::path::Path;

use crate::host::{Answer, Question};
use crate::sys::zfs::{Command, Reply, ask, count_snapshots, dataset_name, error_log, object_path};

/// Most snapshots of one dataset that are counted.
pub(super) const SNAPSHOTS_MAX: u64 = 100_000;
/// Longest part of a key that comes from a name, in bytes; longer names end in a hash.
const KEY_BYTES_MAX: usize = 150;

/// A command about something, with the place where a listing goes on.
pub(super) struct Ask<'a> {
    pub(super) command: Command,
    pub(super) name: &'a str,
    pub(super) cookie: u64,
}

impl Question for Ask<'_> {
    fn key(&self) -> String {
        let word = match self.command {
            Command::PoolConfigs => return "zfs-pool-configs".to_owned(),
            Command::PoolStats => "pool-stats",
            Command::PoolGetProps => "pool-props",
            Command::ObjsetStats => "dataset-stats",
            Command::DatasetListNext => {
                return format!("zfs-dataset-next-{:x}-{}", self.cookie, plain(self.name));
            }
        };
        format!("zfs-{word}-{}", plain(self.name))
    }

    fn ask(&self, device: &Path) -> io::Result<Answer> {
        let reply = ask(device, self.command, self.name, self.cookie)?;
        let mut status = String::new();
        let _ = writeln!(status, "name {}", reply.name);
        let _ = writeln!(status, "cookie {}", reply.cookie);
        let _ = writeln!(status, "type {}", reply.kind);
        let _ = writeln!(status, "inconsistent {}", u8::from(reply.inconsistent));
        Ok(Answer { data: reply.list, status: status.into_bytes() })
    }
}

/// How many snapshots a dataset has.
pub(super) struct AskSnapshots<'a> {
    pub(super) dataset: &'a str,
}

impl Question for AskSnapshots<'_> {
    fn key(&self) -> String {
        format!("zfs-snapshots-{}", plain(self.dataset))
    }

    fn ask(&self, device: &Path) -> io::Result<Answer> {
        let count = count_snapshots(device, self.dataset, SNAPSHOTS_MAX)?;
        Ok(Answer { data: Vec::new(), status: format!("count {count}\n").into_bytes() })
    }
}

/// Places with damage in a pool.
pub(super) struct AskErrorLog<'a> {
    pub(super) pool: &'a str,
}

impl Question for AskErrorLog<'_> {
    fn key(&self) -> String {
        format!("zfs-error-log-{}", plain(self.pool))
    }

    fn ask(&self, device: &Path) -> io::Result<Answer> {
        let log = error_log(device, self.pool)?;
        let status = format!("complete {}\n", u8::from(log.complete)).into_bytes();
        Ok(Answer { data: log.bookmarks, status })
    }
}

/// Name of the dataset with a number in its pool.
pub(super) struct AskDatasetName<'a> {
    pub(super) pool: &'a str,
    pub(super) object: u64,
}

impl Question for AskDatasetName<'_> {
    fn key(&self) -> String {
        format!("zfs-dataset-name-{:x}-{}", self.object, plain(self.pool))
    }

    fn ask(&self, device: &Path) -> io::Result<Answer> {
        Ok(Answer { data: dataset_name(device, self.pool, self.object)?, status: Vec::new() })
    }
}

/// Path of an object in a dataset.
pub(super) struct AskPath<'a> {
    pub(super) dataset: &'a str,
    pub(super) object: u64,
}

impl Question for AskPath<'_> {
    fn key(&self) -> String {
        format!("zfs-object-path-{:x}-{}", self.object, plain(self.dataset))
    }

    fn ask(&self, device: &Path) -> io::Result<Answer> {
        Ok(Answer { data: object_path(device, self.dataset, self.object)?, status: Vec::new() })
    }
}

/// A reply out of an answer; what its lines lack is 0 or empty.
pub(super) fn reply(answer: Answer) -> Reply {
    let text = String::from_utf8_lossy(&answer.status);
    let number = |key| line(&text, key).and_then(|value| value.parse().ok()).unwrap_or(0);
    Reply {
        name: line(&text, "name").unwrap_or_default().to_owned(),
        cookie: number("cookie"),
        kind: u32::try_from(number("type")).unwrap_or(0),
        inconsistent: number("inconsistent") != 0,
        list: answer.data,
    }
}

/// A count out of an answer.
pub(super) fn count(answer: &Answer) -> Option<u64> {
    line(&String::from_utf8_lossy(&answer.status), "count")?.parse().ok()
}

/// Whether a log of damage is whole.
pub(super) fn is_complete(answer: &Answer) -> bool {
    line(&String::from_utf8_lossy(&answer.status), "complete") == Some("1")
}

fn line<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
}

/// A name of what a key may hold: other bytes as a dot and two hexadecimal digits.
fn plain(name: &str) -> String {
    let mut key = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => key.push(char::from(byte)),
            _ => drop(write!(key, ".{byte:02x}")),
        }
    }
    if key.len() > KEY_BYTES_MAX {
        key.truncate(KEY_BYTES_MAX);
        let _ = write!(key, ".{:016x}", xxhash_rust::xxh3::xxh3_64(name.as_bytes()));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_equal_for_equal_questions_alone() {
        let key = |name: &str, cookie| Ask { command: Command::DatasetListNext, name, cookie }.key();
        assert_eq!(key("tank/My files", 0), "zfs-dataset-next-0-tank.2f.4dy.20files");
        let long = "x".repeat(250);
        let keys = [
            key("tank", 0),
            key("tank", 16),
            key("TANK", 0),
            key(&long, 0),
            key(&format!("{long}y"), 0),
            AskSnapshots { dataset: "tank" }.key(),
            Ask { command: Command::PoolStats, name: "tank", cookie: 0 }.key(),
        ];
        let mut unique = keys.to_vec();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), keys.len());
        for key in keys {
            assert!(
                key.len() < 240
                    && key.bytes().all(|byte| b"-_.".contains(&byte) || byte.is_ascii_alphanumeric())
            );
            assert_eq!(key, key.to_ascii_lowercase());
        }
    }

    #[test]
    fn replies_come_back_from_their_lines() {
        let status = b"name tank/my files\ncookie 12\ntype 3\ninconsistent 1\n".to_vec();
        let found = reply(Answer { data: vec![1], status });
        assert_eq!((found.name.as_str(), found.cookie, found.kind), ("tank/my files", 12, 3));
        assert_eq!((found.inconsistent, found.list), (true, vec![1]));
        assert_eq!(count(&Answer { data: Vec::new(), status: b"count 5000\n".to_vec() }), Some(5000));
        assert_eq!(count(&Answer::default()), None);
        assert_eq!(reply(Answer::default()), Reply::default());
        assert_eq!(reply(Answer { data: Vec::new(), status: vec![0xff, b'\n', 1] }), Reply::default());
    }
}
