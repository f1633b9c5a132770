//! The systemd units stay hardened, and the agent's still lets it see the machine.

use std::path::Path;
use std::process::Command;

/// Exposure by `systemd-analyze security`, at most.
const EXPOSURE_MAX: f64 = 2.5;

fn unit(name: &str) -> String {
    format!("{}/../systemd/{name}.service", env!("CARGO_MANIFEST_DIR"))
}

/// The level, or `None` where systemd-analyze is missing or cannot judge files.
fn exposure(name: &str) -> Option<f64> {
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(unit(name))
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, level) = text.split_once("Overall exposure level for ")?;
    level.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn units_are_hardened() {
    for name in ["hi-agent", "hi-collector"] {
        assert!(Path::new(&unit(name)).exists());
        match exposure(name) {
            Some(level) => assert!(level <= EXPOSURE_MAX, "{name}: exposure {level}, at most {EXPOSURE_MAX}"),
            None => println!("SKIPPED: exposure of {name}.service: needs systemd-analyze 250 or newer"),
        }
    }
}

#[test]
fn the_agent_still_sees_the_machine() {
    let text = std::fs::read_to_string(unit("hi-agent")).unwrap();
    let set = |line: &str| text.lines().any(|l| l == line);
    assert!(set("ProtectHome=read-only"), "a filesystem on /home would be hidden");
    for forbidden in ["ProtectProc=invisible", "ProcSubset=pid", "PrivateNetwork=yes", "ProtectClock=yes"] {
        assert!(!set(forbidden), "{forbidden} hides what the agent reads");
    }
    assert!(set("Type=notify") && text.lines().any(|line| line.starts_with("WatchdogSec=")));
}
