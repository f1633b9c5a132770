//! Pools that no recording has: spares in use, devices being replaced, logs and caches, broken ones; datasets by the hundred.

use std::fs;

use super::*;
use crate::sources::zfs::nvlist::pack::{Plain, native};
use crate::sources::zfs::vdev::Class;

type Pairs = Vec<(String, Plain)>;

fn uint(name: &str, value: u64) -> (String, Plain) {
    (name.to_owned(), Plain::Uint(8, value))
}

fn string(name: &str, value: &str) -> (String, Plain) {
    (name.to_owned(), Plain::Text(value.to_owned()))
}

/// A device: type, state, aux, errors of reading, writing, checksums.
fn vdev(kind: &str, id: u64, numbers: [u64; 5], more: Pairs) -> Pairs {
    let mut stats = vec![0; 46];
    stats[1] = numbers[0];
    stats[2] = numbers[1];
    stats[20..23].copy_from_slice(&numbers[2..]);
    stats[45] = 1 << 40;
    let mut pairs = vec![string("type", kind), uint("id", id), uint("guid", 1000 + id)];
    pairs.push(("vdev_stats".to_owned(), Plain::Uints(8, stats)));
    pairs.extend(more);
    pairs
}

const ONLINE: [u64; 5] = [7, 0, 0, 0, 0];

fn disk(path: &str, numbers: [u64; 5]) -> Pairs {
    vdev("disk", 0, numbers, vec![string("path", path), uint("whole_disk", 1)])
}

fn children(list: Vec<Pairs>) -> (String, Plain) {
    ("children".to_owned(), Plain::Lists(list))
}

fn config(root: [u64; 5], tree: Pairs, more: Pairs) -> Vec<u8> {
    let mut pairs = vec![string("name", "tank"), uint("pool_guid", u64::MAX), uint("version", 5000)];
    pairs.push(("vdev_tree".to_owned(), Plain::List(vdev("root", 0, root, tree))));
    pairs.extend(more);
    native(&pairs, false)
}

fn pool(packed: &[u8]) -> Pool {
    Pool::new(&decode(packed).unwrap(), false, true).unwrap()
}

fn status_word(packed: &[u8]) -> &'static str {
    status::status(&pool(packed)).word
}

/// Name, class and state of every device.
fn shown(pool: &Pool) -> Vec<String> {
    let mut shown = Vec::new();
    pool.walk(&mut |vdev, depth| {
        let aux = vdev.aux().unwrap_or("");
        shown.push(format!("{depth} {} {} {} {aux}", vdev.name, vdev.class.word(), vdev.state_word()));
    });
    shown
}

#[test]
fn every_kind_of_device_is_named_as_zpool_does() {
    let spare = vdev(
        "spare",
        1,
        [6, 0, 0, 0, 0],
        vec![children(vec![disk("/dev/sdb1", [5, 11, 0, 0, 9]), disk("/dev/sdx1", ONLINE)])],
    );
    let raidz =
        vdev("raidz", 0, ONLINE, vec![uint("nparity", 2), children(vec![disk("/dev/sda1", ONLINE), spare])]);
    let gone = vdev("disk", 7, [4, 1, 0, 0, 0], vec![string("path", "/dev/sdq1"), uint("not_present", 1)]);
    let tree = vec![
        children(vec![
            raidz,
            vdev("hole", 1, ONLINE, vec![]),
            vdev(
                "mirror",
                2,
                ONLINE,
                vec![string("alloc_bias", "special"), children(vec![disk("/dev/nvme0n1p1", ONLINE)])],
            ),
            disk("/dev/disk/by-id/nvme-X-part2", ONLINE).into_iter().chain([uint("is_log", 1)]).collect(),
            vdev("indirect", 4, ONLINE, vec![]),
            gone,
        ]),
        (
            "spares".to_owned(),
            Plain::Lists(vec![disk("/dev/sdx1", [4, 10, 0, 0, 0]), disk("/dev/sdy1", ONLINE)]),
        ),
        ("l2cache".to_owned(), Plain::Lists(vec![disk("/dev/sdz1", ONLINE)])),
    ];
    let packed = config([6, 0, 0, 0, 0], tree, vec![]);
    let pool = pool(&packed);
    assert_eq!(
        shown(&pool),
        [
            "1 raidz2-0 data ONLINE ",
            "2 sda data ONLINE ",
            "2 spare-1 data DEGRADED ",
            "3 sdb data FAULTED err_exceeded",
            "3 sdx data ONLINE ",
            "1 mirror-2 special ONLINE ",
            "2 nvme0n1 special ONLINE ",
            "1 nvme-X log ONLINE ",
            "1 1007 data UNAVAIL open_failed",
            "1 sdx spare INUSE spared",
            "1 sdy spare AVAIL ",
            "1 sdz cache ONLINE ",
        ]
    );
    assert_eq!((pool.state_word(), status_word(&packed)), ("DEGRADED", "faulted_device"));
    let mut out = Readings::default();
    metrics::push_pool(&pool, &List::default(), None, &mut out);
    assert!(ones(&out, "hi_zfs_vdev_state").contains(&"tank sdx spare inuse".to_owned()));
    assert_eq!(values(&out, "hi_zfs_vdev_checksum_errors_total")["tank sdb data"], 9.0);
    assert_eq!(ones(&out, "hi_zfs_pool_healthy"), [""; 0]);
    let doc = facts::of_pool(&pool, &List::default(), status::status(&pool), None, None, &|_| None);
    assert_eq!(
        (text(&doc, "guid"), maps(&doc, "spares").len(), maps(&doc, "cache").len()),
        ("18446744073709551615", 2, 1)
    );
    assert_eq!(maps(&doc, "vdevs").len(), 4);
}

#[test]
fn a_spare_that_stands_in_and_data_that_is_lost_are_told() {
    let with = |disk_state: [u64; 5], spare: [u64; 5], more: Pairs| {
        let spares = ("spares".to_owned(), Plain::Lists(vec![disk("/dev/sdx1", spare)]));
        pool(&config(ONLINE, vec![children(vec![disk("/dev/sda1", disk_state)]), spares], more))
    };
    let before = changes::Seen::new(&with(ONLINE, ONLINE, vec![]));
    let now = with([5, 11, 3, 0, 1], [4, 10, 0, 0, 0], vec![uint("error_count", 2), uint("suspended", 0)]);
    let events = changes::events(&before, &now, &["/tank/a".to_owned(), "/tank/b".to_owned()]);
    let messages: Vec<&str> = events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "device sda of pool tank is faulted: err exceeded",
            "device sda of pool tank had 3 read, 1 checksum errors",
            "spare sdx of pool tank stands in for a device",
            "pool tank is suspended",
            "pool tank has lost data: 2 errors that could not be repaired, the first in /tank/a",
        ]
    );
    assert_eq!(changes::events(&changes::Seen::new(&now), &now, &[]).len(), 0);
}

#[test]
fn two_disks_at_one_place_are_two_series() {
    let replacing = vdev(
        "replacing",
        0,
        [6, 0, 0, 0, 0],
        vec![children(vec![disk("/dev/sda1", [4, 1, 0, 0, 0]), {
            let mut new = disk("/dev/sda1", ONLINE);
            new[2] = uint("guid", 77);
            new
        }])],
    );
    let packed = config([6, 0, 0, 0, 0], vec![children(vec![replacing])], vec![]);
    let mut out = Readings::default();
    metrics::push_pool(&pool(&packed), &List::default(), None, &mut out);
    let errors = values(&out, "hi_zfs_vdev_read_errors_total");
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["tank 77 data", "tank replacing-0 data", "tank sda data"]);
    // What is being replaced is known to be bad.
    assert_eq!(status_word(&packed), "ok");
}

#[test]
fn the_worst_that_holds_is_told() {
    let with = |root: [u64; 5], leaf: [u64; 5], more: Pairs| {
        let mirror =
            vdev("mirror", 0, root, vec![children(vec![disk("/dev/sda1", leaf), disk("/dev/sdb1", ONLINE)])]);
        config(root, vec![children(vec![mirror])], more)
    };
    let degraded = [6, 0, 0, 0, 0];
    let lost = |aux| [4, aux, 0, 0, 0];
    let none = Vec::new;
    for (packed, state, word) in [
        (with(ONLINE, ONLINE, none()), "ONLINE", "ok"),
        (with(ONLINE, [7, 0, 0, 1, 0], none()), "ONLINE", "failing_device"),
        (with(ONLINE, [7, 0, u64::MAX, u64::MAX, 1], none()), "ONLINE", "failing_device"),
        (with(degraded, [2, 0, 0, 0, 0], none()), "DEGRADED", "offline_device"),
        (with(degraded, [3, 0, 0, 0, 0], none()), "DEGRADED", "removed_device"),
        (with(degraded, [5, 14, 0, 0, 0], none()), "DEGRADED", "faulted_device"),
        (with(degraded, lost(1), none()), "DEGRADED", "missing_device"),
        (with(degraded, lost(6), none()), "DEGRADED", "corrupt_label"),
        (with(ONLINE, ONLINE, vec![uint("error_count", 3)]), "ONLINE", "corrupt_data"),
        (with(lost(3), lost(1), none()), "UNAVAIL", "missing_device_fatal"),
        (with(lost(2), ONLINE, none()), "FAULTED", "corrupt_pool"),
        (with(lost(9), ONLINE, none()), "UNAVAIL", "unsupported_feature"),
        (
            with(ONLINE, ONLINE, vec![uint("suspended", 0), uint("suspended_reason", 1)]),
            "SUSPENDED",
            "suspended_wait",
        ),
        (with(ONLINE, ONLINE, vec![uint("suspended", 1)]), "SUSPENDED", "suspended_continue"),
        (
            with(ONLINE, ONLINE, vec![uint("suspended", 0), uint("suspended_reason", 2)]),
            "SUSPENDED",
            "suspended_multihost",
        ),
        (with([99, 99, 0, 0, 0], [99, 99, 0, 0, 0], none()), "UNKNOWN", "ok"),
    ] {
        assert_eq!((pool(&packed).state_word(), status_word(&packed)), (state, word));
    }
}

/// `pool_scan_stat_t`: function, state, start, end, to examine, examined, skipped, processed, errors, then the pass.
fn scanning(stats: [u64; 15]) -> Pool {
    let scan = ("scan_stats".to_owned(), Plain::Uints(8, stats.to_vec()));
    pool(&config(ONLINE, vec![scan, children(vec![disk("/dev/sda1", ONLINE)])], vec![]))
}

#[test]
fn scans_tell_how_far_and_how_fast() {
    const MIB: u64 = 1 << 20;
    let running =
        [1, 1, 1000, 0, 1100 * MIB, 900 * MIB, 100 * MIB, 5, 2, 900 * MIB, 1000, 0, 20, 400 * MIB, 500 * MIB];
    let pool = scanning(running);
    let scan = &pool.scans[0];
    assert_eq!((scan.function, scan.state, scan.finished_at), ("scrub", scan::State::Scanning, None));
    assert_eq!(
        (scan.progress(), scan.rate(1040), scan.rate(0)),
        (0.5, Some((20 * MIB) as f64), Some((400 * MIB) as f64))
    );
    assert_eq!((scan.remaining_seconds(1040), scan.remaining_seconds(10_000)), (Some(25.0), None));
    assert_eq!(status::status(&pool).word, "ok");
    let mut paused = running;
    paused[11] = 1030;
    let scan = &scanning(paused).scans[0];
    assert_eq!(
        (scan.state, scan.rate(1040), scan.remaining_seconds(1040)),
        (scan::State::Paused, None, None)
    );
    let mut resilver = running;
    resilver[0] = 2;
    assert_eq!(status::status(&scanning(resilver)).word, "resilvering");
    assert!(status::is_healthy(&scanning(resilver)));
    let mut huge = [u64::MAX; 15];
    huge[..2].copy_from_slice(&[1, 1]);
    let scan = &scanning(huge).scans[0];
    assert!(scan.progress() <= 1.0 && scan.rate(5).is_none());
    assert_eq!(scanning([0; 15]).scans, []);

    let rebuild = (
        "org.openzfs:rebuild_stats".to_owned(),
        Plain::Uints(8, vec![1, 1000, 0, 9, 500, 400, 300, 1000, 0, 1000, 200, 5, 0]),
    );
    let mirror = vdev("mirror", 3, ONLINE, vec![rebuild, children(vec![disk("/dev/sda1", ONLINE)])]);
    let expand = ("raidz_expand_stats".to_owned(), Plain::Uints(8, vec![2, 0, 10, 20, 100, 100, 0]));
    let packed = config(ONLINE, vec![children(vec![mirror]), expand], vec![]);
    let pool = super::built::pool(&packed);
    let scans: Vec<_> =
        pool.scans.iter().map(|scan| (scan.function, scan.vdev.as_str(), scan.progress())).collect();
    assert_eq!(scans, [("rebuild", "mirror-3", 0.5), ("expand", "mirror-3", 1.0)]);
    assert_eq!((pool.scans[0].rate(0), status_word(&packed)), (Some(200.0), "rebuilding"));
}

/// A capture of a machine with a pool and datasets in it.
pub(super) struct Machine {
    pub(super) folder: tempfile::TempDir,
}

impl Machine {
    pub(super) fn new(version: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = Self { folder };
        machine.file("sys/module/zfs/version", version.as_bytes());
        machine.errors(0);
        machine.file(
            "dev/zfs.ioctl/zfs-pool-configs",
            &native(&[("tank".to_owned(), Plain::List(vec![]))], false),
        );
        machine.file("dev/sdc1", b"");
        fs::create_dir_all(machine.folder.path().join("dev/disk/by-id")).unwrap();
        std::os::unix::fs::symlink("../../sdc1", machine.folder.path().join("dev/disk/by-id/ata-A-part1"))
            .unwrap();
        let properties =
            [("size", 1000), ("allocated", 250), ("free", 750), ("fragmentation", 12), ("dedupratio", 150)];
        let mut packed: Pairs = properties.iter().map(|(name, value)| property(name, *value)).collect();
        packed.push(("altroot".to_owned(), Plain::List(vec![string("value", "/mnt")])));
        machine.file("dev/zfs.ioctl/zfs-pool-props-tank", &native(&packed, false));
        machine.file(
            "dev/zfs.ioctl/zfs-dataset-stats-tank",
            &native(&[property("used", 5), property("compressratio", 175)], false),
        );
        machine.file("dev/zfs.ioctl/zfs-snapshots-tank.status", b"count 0\n");
        machine.file("dev/zfs.ioctl/zfs-snapshots-tank", b"");
        machine
    }

    /// Has the pool this many errors that could not be repaired.
    pub(super) fn errors(&self, count: u64) {
        let disk = disk("/dev/disk/by-id/ata-A-part1", ONLINE);
        let packed = config(ONLINE, vec![children(vec![disk])], vec![uint("error_count", count)]);
        self.file("dev/zfs.ioctl/zfs-pool-stats-tank", &packed);
    }

    pub(super) fn file(&self, path: &str, bytes: &[u8]) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Children of a dataset, the first listed first.
    fn children(&self, parent: &str, names: &[(&str, u32, Pairs)]) {
        for (cookie, (name, kind, properties)) in names.iter().enumerate() {
            let key = format!("zfs-dataset-next-{cookie:x}-{}", parent.replace('/', ".2f"));
            self.file(&format!("dev/zfs.ioctl/{key}"), &native(properties, false));
            let status = format!("name {parent}/{name}\ncookie {}\ntype {kind}\n", cookie + 1);
            self.file(&format!("dev/zfs.ioctl/{key}.status"), status.as_bytes());
        }
        let key = format!("zfs-dataset-next-{:x}-{}", names.len(), parent.replace('/', ".2f"));
        self.file(&format!("dev/zfs.ioctl/{key}.error"), b"3\n");
    }

    fn snapshots(&self, dataset: &str, count: u64, newest_at: u64) {
        let dataset = dataset.replace('/', ".2f");
        self.file(&format!("dev/zfs.ioctl/zfs-snapshots-{dataset}"), b"");
        let status = format!("count {count}\n");
        self.file(&format!("dev/zfs.ioctl/zfs-snapshots-{dataset}.status"), status.as_bytes());
        let key = format!("dev/zfs.ioctl/zfs-dataset-stats-{dataset}.40x");
        self.file(&key, &native(&[property("creation", newest_at)], false));
    }

    pub(super) fn host(&self) -> HostRoot {
        HostRoot::captured(self.folder.path())
    }
}

fn property(name: &str, value: u64) -> (String, Plain) {
    (name.to_owned(), Plain::List(vec![uint("value", value), string("source", "")]))
}

#[test]
fn datasets_are_told_with_their_snapshots() {
    let machine = Machine::new("2.2.9");
    let newest = ("prevsnap".to_owned(), Plain::List(vec![string("value", "tank/home@x")]));
    let changed = |used, at| vec![property("used", used), property("snapshots_changed", at), newest.clone()];
    let locked = vec![property("encryption", 8), property("keystatus", 1), property("quota", 99)];
    machine.children("tank", &[("home", 2, changed(7, 500)), ("vm", 3, vec![property("volsize", 64)])]);
    machine.children("tank/home", &[("secret", 2, locked)]);
    machine.snapshots("tank/home", 5000, 1234);
    machine.snapshots("tank/home/secret", 0, 0);
    let mut zfs = Zfs::new(&Config { datasets_interval_secs: 30, ..Config::default() }).unwrap();
    let mut out = Readings::default();
    assert_eq!(zfs.read(&machine.host(), &mut out).unwrap(), Outcome::Read);
    let used = values(&out, "hi_zfs_dataset_used_bytes");
    let names = ["tank tank", "tank tank/home", "tank tank/home/secret", "tank tank/vm"];
    assert_eq!(used.keys().collect::<Vec<_>>(), names);
    assert_eq!(used["tank tank/home"], 7.0);
    assert_eq!(values(&out, "hi_zfs_dataset_snapshots")["tank tank/home"], 5000.0);
    assert_eq!(values(&out, "hi_zfs_dataset_newest_snapshot_timestamp_seconds")["tank tank/home"], 1234.0);
    assert_eq!(
        values(&out, "hi_zfs_dataset_key_available"),
        [("tank tank/home/secret".to_owned(), 0.0)].into()
    );
    assert_eq!(
        values(&out, "hi_zfs_dataset_quota_bytes"),
        [("tank tank/home/secret".to_owned(), 99.0)].into()
    );
    assert_eq!(values(&out, "hi_zfs_pool_compression_ratio")["tank"], 1.75);
    assert_eq!(values(&out, "hi_zfs_pool_dedup_ratio")["tank"], 1.5);
    assert_eq!(values(&out, "hi_zfs_pool_fragmentation_ratio")["tank"], 0.12);
    assert_eq!(values(&out, "hi_zfs_datasets")["tank"], 4.0);
    assert_eq!(text(fact(&out, "dataset", "tank/home"), "mountpoint"), "/mnt/tank/home");
    assert_eq!(text(fact(&out, "dataset", "tank/vm"), "type"), "volume");
    assert_eq!(text(fact(&out, "dataset", "tank/home/secret"), "encryption"), "aes-256-gcm");
    let disk = maps(fact(&out, "pool", "tank"), "vdevs")[0];
    assert_eq!((text(disk, "name"), text(disk, "device")), ("ata-A", "sdc1"));

    // Between two listings the same numbers stand, and no fact is told again.
    machine.snapshots("tank/home", 6000, 2345);
    let first = out.fingerprint();
    out.clear();
    zfs.read(&machine.host(), &mut out).unwrap();
    assert_eq!((out.fingerprint(), out.facts()), (first, &[][..]));
    assert_eq!(values(&out, "hi_zfs_dataset_snapshots")["tank tank/home"], 5000.0);
    // At the next one they are not counted again where nothing changed, but where something did.
    for (at, count) in [(500, 5000.0), (501, 6000.0)] {
        machine.children("tank", &[("home", 2, changed(8, at))]);
        zfs.datasets.as_mut().unwrap().clear_period();
        out.clear();
        zfs.read(&machine.host(), &mut out).unwrap();
        assert_eq!(values(&out, "hi_zfs_dataset_snapshots")["tank tank/home"], count);
        assert_eq!(values(&out, "hi_zfs_dataset_used_bytes")["tank tank/home"], 8.0);
    }
    assert_eq!(values(&out, "hi_zfs_dataset_used_bytes").len(), 3);
    assert_eq!(out.gone(), [], "told at the listing before");
    machine.children("tank", &[]);
    zfs.datasets.as_mut().unwrap().clear_period();
    out.clear();
    zfs.read(&machine.host(), &mut out).unwrap();
    let mut gone: Vec<&str> = out.gone().iter().map(|(_, id)| id.as_str()).collect();
    gone.sort_unstable();
    assert_eq!(gone, ["tank/home", "tank/home/secret"]);
    machine.file("dev/zfs.ioctl/zfs-pool-configs", &native(&[], false));
    out.clear();
    zfs.read(&machine.host(), &mut out).unwrap();
    assert_eq!(out.gone(), [("pool", "tank".to_owned()), ("dataset", "tank".to_owned())]);
}

#[test]
fn datasets_can_be_left_out_and_are_bounded() {
    let machine = Machine::new("2.2.9");
    let names: Vec<String> = (0..datasets::DATASETS_MAX + 5).map(|number| format!("d{number}")).collect();
    let children: Vec<_> = names.iter().map(|name| (name.as_str(), 2, vec![property("used", 1)])).collect();
    machine.children("tank", &children);
    let mut out = Readings::default();
    source().read(&machine.host(), &mut out).unwrap();
    assert_eq!(values(&out, "hi_zfs_datasets")["tank"], datasets::DATASETS_MAX as f64);
    assert_eq!(ones(&out, "hi_zfs_datasets_truncated"), ["tank"]);
    let exclude = Config { exclude_datasets: vec!["tank/d*".to_owned()], ..Config::default() };
    out.clear();
    Zfs::new(&exclude).unwrap().read(&machine.host(), &mut out).unwrap();
    assert_eq!(values(&out, "hi_zfs_dataset_used_bytes").len(), 1);
    out.clear();
    let without = Config { datasets: false, ..Config::default() };
    Zfs::new(&without).unwrap().read(&machine.host(), &mut out).unwrap();
    assert!(
        values(&out, "hi_zfs_dataset_used_bytes").is_empty() && !ones(&out, "hi_zfs_pool_state").is_empty()
    );
}

#[test]
fn what_is_missing_is_said() {
    let empty = tempfile::tempdir().unwrap();
    let mut out = Readings::default();
    assert_eq!(source().read(&HostRoot::captured(empty.path()), &mut out).unwrap(), Outcome::Absent);
    assert!(out.is_empty());
    // The sandbox hides the control device, or forbids it.
    for errno in [libc::ENOENT, libc::EACCES, libc::EPERM] {
        let machine = Machine::new("2.4.1");
        machine.file("proc/spl/kstat/zfs/arcstats", b"1\nname type data\nhits 4 7\n");
        machine.file("dev/zfs.ioctl/zfs-pool-configs.error", errno.to_string().as_bytes());
        out.clear();
        let error = source().read(&machine.host(), &mut out).unwrap_err();
        assert_eq!(error.reason(), "permission");
        assert_eq!(values(&out, "node_zfs_arc_hits")[""], 7.0);
    }
    let machine = Machine::new("9.0.0-rc1");
    out.clear();
    source().read(&machine.host(), &mut out).unwrap();
    assert_eq!(ones(&out, "hi_zfs_module_info"), ["9.0.0-rc1 false"]);
    assert!(text(fact(&out, "pool", "tank"), "note").contains("newer"));
    out.clear();
    source().read(&Machine::new("0.8.6").host(), &mut out).unwrap();
    assert_eq!((ones(&out, "hi_zfs_module_info"), out.facts().len()), (vec!["0.8.6 false".to_owned()], 0));
    // Of a pool whose answer is not understood, nothing; of the others, all.
    let machine = Machine::new("2.1.11-1+deb12u1");
    let names = ["tank", "torn"].map(|name| (name.to_owned(), Plain::List(vec![])));
    machine.file("dev/zfs.ioctl/zfs-pool-configs", &native(&names, false));
    machine.file("dev/zfs.ioctl/zfs-pool-stats-torn", b"\0\x01");
    out.clear();
    let error = source().read(&machine.host(), &mut out).unwrap_err();
    assert_eq!(error.to_string(), "torn is not understood: too short for a header at byte 2");
    assert_eq!(ones(&out, "hi_zfs_pool_state"), ["tank online"]);
    assert!(Zfs::new(&Config { datasets_interval_secs: 5, ..Config::default() }).is_err());
    assert_eq!(Class::Dedup.word(), "dedup");
}
