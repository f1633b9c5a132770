//! A capture made of this machine is read in its place.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

use std::path::Path;
use std::process::{Command, Output};

fn agent(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hi-agent")).args(arguments).output().unwrap()
}

/// Names and labels of what a source yields, without the values, which move.
fn series(root: Option<&Path>, source: &str) -> Vec<String> {
    let mut arguments = vec!["sample", source];
    let root = root.map(|root| root.to_str().unwrap().to_owned());
    if let Some(root) = &root {
        arguments.extend(["--root", root]);
    }
    let output = agent(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let series = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    series.map(|(series, _)| series.to_owned()).collect()
}

#[test]
fn what_was_captured_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("capture");
    let output = agent(&[
        "capture",
        "cpu",
        "memory",
        "load",
        "disk",
        "filesystem",
        "os",
        "--out",
        out.to_str().unwrap(),
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("memory: "), "{text}");
    for source in ["cpu", "memory", "load", "disk", "filesystem", "os"] {
        let live = series(None, source);
        assert!(!live.is_empty() && series(Some(&out), source) == live, "{source}");
    }
    let again = agent(&["capture", "load", "--out", out.to_str().unwrap()]);
    let words = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && words.contains("it is not empty"), "{words}");
    let unknown = agent(&["capture", "lod", "--out", "/nowhere/x"]);
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("there is no source `lod`; there are cpu, "));
    let nested = agent(&["capture", "load", "--out", "x", "--root", out.to_str().unwrap()]);
    assert!(String::from_utf8(nested.stderr).unwrap().contains("leave out `--root`"));
}

#[test]
fn a_redacted_capture_lacks_the_names_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let output = agent(&["capture", "os", "network", "disk", "--redact", "--out", out]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |path: String| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let (secret, other) = (read("/etc/machine-id".to_owned()), read(format!("{out}/etc/machine-id")));
    assert!(secret.len() == other.len() && (secret.is_empty() || secret != other), "{other}");
    assert_ne!(read(format!("{out}/proc/sys/kernel/hostname")), read("/proc/sys/kernel/hostname".to_owned()));
    assert!(!series(Some(folder.path()), "network").is_empty());
}
