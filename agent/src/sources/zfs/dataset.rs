//! A dataset as `ZFS_IOC_OBJSET_STATS` and `ZFS_IOC_DATASET_LIST_NEXT` tell it: a list of properties, each a list of `value`
//! and `source` (names of module/zcommon/zfs_prop.c, numbers of include/sys/fs/zfs.h and include/sys/zio.h). What has its
//! default value is missing.

use super::nvlist::List;
use super::properties::{number, ratio, text};

/// A filesystem or a volume.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Dataset {
    /// With its pool's: `tank/home`.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) used_bytes: u64,
    pub(super) available_bytes: u64,
    pub(super) used_by_snapshots_bytes: Option<u64>,
    /// `None` where there is none, as for the two below.
    pub(super) quota_bytes: Option<u64>,
    pub(super) refquota_bytes: Option<u64>,
    pub(super) reservation_bytes: Option<u64>,
    /// Size of a volume.
    pub(super) volume_bytes: Option<u64>,
    /// Bytes before compression by bytes after it, of all it references and below.
    pub(super) compress_ratio: Option<f64>,
    /// `aes-256-gcm`, …; `None` when it is not encrypted.
    pub(super) encryption: Option<&'static str>,
    /// Whether its key is loaded; `None` when it is not encrypted.
    pub(super) key_available: Option<bool>,
    /// Where it is mounted, `none` or `legacy`; `None` for a volume.
    pub(super) mountpoint: Option<String>,
    /// The snapshot it was cloned from.
    pub(super) origin: Option<String>,
    /// Full name of the snapshot made last.
    pub(super) newest_snapshot: Option<String>,
    pub(super) readonly: bool,
    /// Unix seconds.
    pub(super) created_at: Option<u64>,
    /// Unix seconds of the last snapshot made or destroyed; since OpenZFS 2.2, 0 when unknown.
    pub(super) snapshots_changed_at: Option<u64>,
}

/// `dmu_objset_type_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Kind {
    #[default]
    Filesystem,
    Volume,
    Other,
}

impl Kind {
    pub(super) fn new(number: u64) -> Self {
        match number {
            2 => Self::Filesystem,
            3 => Self::Volume,
            _ => Self::Other,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Filesystem => "filesystem",
            Self::Volume => "volume",
            Self::Other => "other",
        }
    }
}

/// `enum zio_encrypt` from its third value on.
const ENCRYPTION: [&str; 6] =
    ["aes-128-ccm", "aes-192-ccm", "aes-256-ccm", "aes-128-gcm", "aes-192-gcm", "aes-256-gcm"];
/// `ZIO_CRYPT_OFF`, the last value below them.
const ENCRYPTION_OFF: u64 = 2;
/// `ZFS_KEYSTATUS_AVAILABLE`.
const KEY_AVAILABLE: u64 = 2;

impl Dataset {
    /// Understands the properties. `altroot` is the folder below which the pool is mounted, empty for `/`.
    pub(super) fn new(name: &str, kind: Kind, properties: &List, altroot: &str) -> Self {
        let get = |name: &str| number(properties, name);
        let limit = |name: &str| get(name).filter(|&bytes| bytes > 0);
        let encryption = get("encryption").and_then(|number| number.checked_sub(ENCRYPTION_OFF + 1));
        let encryption = encryption.map(|index| {
            usize::try_from(index).ok().and_then(|index| ENCRYPTION.get(index).copied()).unwrap_or("unknown")
        });
        Self {
            name: name.to_owned(),
            kind,
            used_bytes: get("used").unwrap_or(0),
            available_bytes: get("available").unwrap_or(0),
            used_by_snapshots_bytes: get("usedbysnapshots"),
            quota_bytes: limit("quota"),
            refquota_bytes: limit("refquota"),
            reservation_bytes: limit("reservation"),
            volume_bytes: limit("volsize"),
            compress_ratio: ratio(properties, "compressratio"),
            encryption,
            key_available: encryption.and(get("keystatus")).map(|status| status == KEY_AVAILABLE),
            mountpoint: (kind == Kind::Filesystem).then(|| mountpoint(name, properties, altroot)),
            origin: text(properties, "origin").filter(|origin| !origin.is_empty()).map(str::to_owned),
            // Of a clone without snapshots of its own it is that of its origin.
            newest_snapshot: text(properties, "prevsnap")
                .filter(|snapshot| snapshot.split('@').next() == Some(name))
                .map(str::to_owned),
            readonly: get("readonly") == Some(1),
            created_at: get("creation"),
            snapshots_changed_at: get("snapshots_changed"),
        }
    }

    /// The pool it belongs to.
    pub(super) fn pool(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

/// Where it is mounted: as set, or below where an ancestor that had it set is.
fn mountpoint(name: &str, properties: &List, altroot: &str) -> String {
    let property = properties.list("mountpoint");
    let set = property.and_then(|property| property.text("value"));
    let Some(set) = set else { return format!("{altroot}/{name}") };
    if !set.starts_with('/') {
        return set.to_owned();
    }
    // The source is the dataset that has it set: this one or an ancestor. What was received says so instead.
    let source = property.and_then(|property| property.text("source")).unwrap_or(name);
    let below = name.strip_prefix(source).unwrap_or("");
    let path = format!("{altroot}{}{below}", set.trim_end_matches('/'));
    if path.is_empty() { "/".to_owned() } else { path }
}

#[cfg(test)]
mod tests {
    use super::super::nvlist::{decode, pack};
    use super::*;
    use pack::Plain;

    fn property(name: &str, value: Plain, source: &str) -> (String, Plain) {
        let pair = vec![("value".to_owned(), value), ("source".to_owned(), Plain::Text(source.to_owned()))];
        (name.to_owned(), Plain::List(pair))
    }

    fn dataset(name: &str, altroot: &str, properties: &[(String, Plain)]) -> Dataset {
        let packed = pack::native(properties, false);
        Dataset::new(name, Kind::Filesystem, &decode(&packed).unwrap(), altroot)
    }

    #[test]
    fn a_dataset_is_mounted_below_the_one_that_says_where() {
        let set = |path: &str, source: &str| [property("mountpoint", Plain::Text(path.to_owned()), source)];
        let at = |name, altroot, properties: &[_]| dataset(name, altroot, properties).mountpoint.unwrap();
        assert_eq!(at("tank/a/b", "", &[]), "/tank/a/b");
        assert_eq!(at("tank/a/b", "/mnt", &[]), "/mnt/tank/a/b");
        assert_eq!(at("tank/a/b", "", &set("/srv", "tank/a")), "/srv/b");
        assert_eq!(at("tank/a", "/mnt", &set("/srv", "tank/a")), "/mnt/srv");
        assert_eq!(at("tank/root", "", &set("/", "tank/root")), "/");
        assert_eq!(at("tank/root/x", "", &set("/", "tank/root")), "/x");
        assert_eq!(at("tank/a", "", &set("legacy", "tank")), "legacy");
        assert_eq!(at("tank/a", "", &set("/srv", "$recvd")), "/srv");
    }

    #[test]
    fn encryption_and_limits_are_told_where_there_are_any() {
        let number = |name: &str, value| property(name, Plain::Uint(8, value), "");
        let plain = dataset("tank", "", &[number("quota", 0), number("encryption", 2), number("used", 7)]);
        assert_eq!((plain.quota_bytes, plain.encryption, plain.key_available), (None, None, None));
        assert_eq!((plain.used_bytes, plain.pool()), (7, "tank"));
        let locked =
            dataset("tank/x", "", &[number("encryption", 8), number("keystatus", 1), number("quota", 5)]);
        assert_eq!(locked.quota_bytes, Some(5));
        assert_eq!((locked.encryption, locked.key_available), (Some("aes-256-gcm"), Some(false)));
        let open = dataset("tank/x", "", &[number("encryption", 99), number("keystatus", 2)]);
        assert_eq!((open.encryption, open.key_available), (Some("unknown"), Some(true)));
    }
}
