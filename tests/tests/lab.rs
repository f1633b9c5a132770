//! What the agent makes of the machine in the lab, healthy and after each fault, against the words of smartctl, mdadm,
//! zpool, lsblk, sensors and ipmitool of the same moment. `./x lab --keep tests/lab/snapshots` makes the snapshots anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

use hi_e2e::binaries;
use hi_e2e::lab::{FAULTS, Fault, archive, compare};

#[test]
fn the_agent_agrees_with_the_tools_in_every_state() {
    let agent = binaries::path("hi-agent").unwrap();
    let mut told = Vec::new();
    for Fault { state, part, .. } in FAULTS {
        let snapshot = archive(&binaries::workspace().join("tests/lab/snapshots"), state);
        let checks = compare(&agent, &snapshot, part).unwrap();
        assert!(checks.compared > 80, "{state}: only {} values were compared", checks.compared);
        told.extend(checks.differences.iter().map(|difference| format!("{state}: {difference}")));
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}
