use super::*;
use crate::sys::fuse::{Refused, StalledMount};
use std::time::Instant;

fn errors(out: &Readings) -> HashMap<String, (String, f64)> {
    let rows = out.samples().filter(|(metric, ..)| metric.name == ERROR.name);
    rows.map(|(_, labels, value)| (labels[1].to_owned(), (labels[3].to_owned(), value))).collect()
}

fn pass(source: &mut Filesystem, host: &HostRoot) -> (Readings, Duration) {
    let (mut out, start) = (Readings::default(), Instant::now());
    source.read(host, &mut out).unwrap();
    (out, start.elapsed())
}

#[test]
fn the_root_of_this_machine_has_sizes() {
    // Whatever lies at `/` here (overlay in a container), it is wanted.
    let mut source = Filesystem::new(&Config { exclude_types: vec![], ..Config::default() }).unwrap();
    let (out, _) = pass(&mut source, &HostRoot::live());
    for metric in [&SIZE, &FREE, &AVAIL, &READONLY] {
        let root = out.samples().find(|(found, labels, _)| found.name == metric.name && labels[1] == "/");
        assert!(root.is_some_and(|(.., value)| value >= 0.0), "{}", metric.name);
    }
    assert!(errors(&out).keys().all(|mountpoint| !mountpoint.starts_with("/proc")));
}

#[test]
fn a_stalled_filesystem_delays_no_other_and_is_asked_once() {
    let folder = tempfile::tempdir().unwrap();
    let stalled = match StalledMount::new(folder.path()) {
        Ok(stalled) => stalled,
        Err(Refused(why)) => return println!("SKIPPED: no FUSE mount here: {why}"),
    };
    let path = folder.path().to_str().unwrap();
    // The mount is this thread's alone: its list of mounts stands in for that of process 1.
    let proc = tempfile::tempdir().unwrap();
    std::fs::create_dir(proc.path().join("1")).unwrap();
    std::fs::copy("/proc/thread-self/mountinfo", proc.path().join("1/mountinfo")).unwrap();
    let host = HostRoot::live_with_proc(proc.path());
    let config = Config { mount_timeout_secs: 1, exclude_types: vec![], ..Config::default() };
    let mut source = Filesystem::new(&config).unwrap();

    let (out, _) = pass(&mut source, &host);
    let found = errors(&out);
    assert_eq!(found[path], ("mountpoint timeout".to_owned(), 1.0));
    assert_eq!(found["/"], (String::new(), 0.0));
    let sizes = out.samples().filter(|(metric, labels, _)| metric.name == SIZE.name && labels[1] == path);
    assert_eq!(sizes.count(), 0);

    let (out, took) = pass(&mut source, &host);
    assert_eq!(errors(&out)[path].0, "mountpoint timeout");
    assert!(took < Duration::from_secs(1), "the known hang is not waited for: {took:?}");

    // The daemon dies: the hanging call comes back with an error, and the mount is asked again.
    let _aborted = stalled.abort();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let error = errors(&pass(&mut source, &host).0)[path].0.clone();
        if error != "mountpoint timeout" {
            assert_eq!(error, "transport endpoint is not connected");
            break;
        }
        assert!(Instant::now() < deadline);
    }
}

#[test]
fn a_sandbox_that_hides_a_mount_is_told_from_an_empty_one() {
    let mount = |fstype: &str| Mount {
        root: "/".into(),
        device: "/dev/sda1".to_owned(),
        mountpoint: "/home".to_owned(),
        fstype: fstype.to_owned(),
        major: "8".to_owned(),
        minor: "1".to_owned(),
        readonly: false,
        hidden: false,
    };
    let tmpfs =
        Usage { size_bytes: 9, free_bytes: 9, avail_bytes: 9, files: 1, files_free: 1, in_memory: true };
    let hidden = Row::new(Some(Reply::Answer(Ok(tmpfs))), mount("ext4"));
    assert_eq!((hidden.usage, hidden.error.as_str()), (None, "hidden from the agent"));
    assert_eq!(Row::new(Some(Reply::Answer(Ok(tmpfs))), mount("tmpfs")).usage, Some(tmpfs));
    let hidden = Row::new(None, Mount { hidden: true, ..mount("tmpfs") });
    assert_eq!(hidden.error, "hidden from the agent");
}

#[test]
fn a_mount_outside_of_the_own_namespace_is_reported_without_numbers() {
    let proc = tempfile::tempdir().unwrap();
    for process in ["1", "self"] {
        std::fs::create_dir(proc.path().join(process)).unwrap();
    }
    // Below `chroot` the list has no root.
    let own = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let own = format!("1 0 0:1 / / rw - ext4 /dev/root rw\n{own}");
    std::fs::write(proc.path().join("self/mountinfo"), &own).unwrap();
    // At this place lies a folder of another filesystem.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let host = own + &format!("9999 1 0:9999 / {path} rw - ext4 /dev/late rw\n");
    std::fs::write(proc.path().join("1/mountinfo"), host).unwrap();
    let mut source = Filesystem::new(&Config { exclude_types: vec![], ..Config::default() }).unwrap();

    let (out, _) = pass(&mut source, &HostRoot::live_with_proc(proc.path()));
    let found = errors(&out);
    assert_eq!(found[path], ("hidden from the agent".to_owned(), 1.0));
    assert_eq!(found["/"], (String::new(), 0.0));
    assert!(!out.samples().any(|(metric, labels, _)| metric.name == SIZE.name && labels[1] == path));
}

#[test]
fn a_wait_beyond_the_limit_of_the_source_is_refused() {
    for secs in [0, 9] {
        let error = Filesystem::new(&Config { mount_timeout_secs: secs, ..Config::default() }).err().unwrap();
        assert!(
            error.to_string().contains("`sources.filesystem.mount_timeout_secs` must be 1 to 8"),
            "{error}"
        );
    }
}

#[test]
fn a_captured_tree_has_mounts_but_no_sizes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("proc/self")).unwrap();
    let text = "1 0 8:1 / / ro - ext4 /dev/sda1 rw\n2 1 0:3 / /dev/shm rw - tmpfs t rw\n3 1 0:4 / /x rw - proc p rw\n";
    std::fs::write(folder.path().join("proc/self/mountinfo"), text).unwrap();
    let mut out = Readings::default();
    let mut source = Filesystem::new(&Config::default()).unwrap();
    source.read(&HostRoot::captured(folder.path()), &mut out).unwrap();
    let rows: Vec<_> =
        out.samples().map(|(metric, labels, value)| (metric.name, labels[1].to_owned(), value)).collect();
    assert_eq!(
        rows,
        [
            ("node_filesystem_device_error", "/".to_owned(), 0.0),
            ("node_filesystem_readonly", "/".to_owned(), 1.0),
            ("node_filesystem_mount_info", "8".to_owned(), 1.0)
        ]
    );
}
