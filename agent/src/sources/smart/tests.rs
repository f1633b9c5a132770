use super::*;
use crate::host::HostRoot;

#[test]
fn a_disk_that_hangs_is_stalled_and_keeps_what_it_said() {
    let report = Report::stalled(None, STALLED);
    assert_eq!((report.state, report.reason.as_str(), report.power), (State::Stalled, STALLED, None));
    let before = Report { standby_skips: 3, state: State::Read, reason: String::new(), ..report };
    let after = Report::stalled(Some(&before), NOT_ASKED);
    assert_eq!((after.state, after.standby_skips), (State::Stalled, 3));
    assert_eq!(note("sda", &after), "sda: stalled: too many other disks hang");
}

#[test]
fn a_timeout_out_of_range_is_refused() {
    let config = Config { disk_interval_secs: DISK_INTERVAL_MAX_SECS + 1, ..Config::default() };
    assert!(Smart::new(&config).is_err_and(|error| error.to_string().contains("disk_interval_secs")));
    for secs in [0, DISK_TIMEOUT_MAX_SECS + 1] {
        let config = Config { disk_timeout_secs: secs, ..Config::default() };
        assert!(Smart::new(&config).is_err_and(|error| error.to_string().contains("disk_timeout_secs")));
    }
    assert!(Duration::from_secs(DISK_TIMEOUT_MAX_SECS) < DEF.timeout);
}

#[test]
fn this_machine_is_read_without_harm() {
    let mut smart = Smart::new(&Config::default()).unwrap();
    let mut out = Readings::default();
    // Whatever disks it has, and whoever runs the test.
    let _ = smart.read(&HostRoot::live(), &mut out);
}
