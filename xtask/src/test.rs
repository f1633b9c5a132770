//! `./x test` and `./x check`.

use crate::command::{cargo, command, listen, npm, run, skipped};
use crate::report::{Outcome, Report};
use crate::{dashboard, docs, tidy};
use anyhow::Result;
use std::path::Path;

/// Everything that must hold; whether it does.
///
/// # Errors
/// Only when the tests themselves cannot be run.
pub(crate) fn everything() -> Result<bool> {
    let mut report = Report::default();
    let page = report.step("dashboard build", || match dashboard::folder() {
        Some(_) => Outcome::of(dashboard::build()),
        None => Outcome::Skipped("there is no dashboard yet".to_owned()),
    });
    report.step("format", || Outcome::of(run(&mut cargo(&["fmt", "--all", "--check"]))));
    report.step("tidy", tidy_outcome);
    report.step("lints", || Outcome::of(run(&mut clippy())));
    let build = ["build", "--locked", "--workspace", "--bins", "--tests"];
    if report.step("build", || Outcome::of(run(&mut cargo(&build)))) {
        report.step("tests", || tests(&["--workspace"]));
        report.step("doc tests", doc_tests);
        report.step("references", references);
    }
    report.step("docs", || {
        let mut doc =
            cargo(&["doc", "--quiet", "--locked", "--workspace", "--no-deps", "--document-private-items"]);
        // These are programs: whoever reads their documentation reads private items as well.
        Outcome::of(run(doc.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links")))
    });
    if let Some(folder) = dashboard::folder().filter(|_| page) {
        for (name, script) in [
            ("dashboard lints", "lint"),
            ("dashboard tests", "test"),
            ("dashboard size", "size"),
            ("dashboard in a browser", "e2e"),
        ] {
            report.step(name, || script_outcome(&folder, script));
        }
    }
    Ok(report.finish())
}

/// What can be said in a minute; whether it holds.
///
/// # Errors
/// Only when the checks themselves cannot be run.
pub(crate) fn quick() -> Result<bool> {
    let mut report = Report::default();
    report.step("format", || Outcome::of(run(&mut cargo(&["fmt", "--all", "--check"]))));
    report.step("tidy", tidy_outcome);
    report.step("dashboard build", || Outcome::of(dashboard::build()));
    report.step("lints", || Outcome::of(run(&mut clippy())));
    report.step("unit tests", || tests(&["--workspace", "--lib", "--bins"]));
    Ok(report.finish())
}

fn clippy() -> std::process::Command {
    cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn tidy_outcome() -> Outcome {
    match tidy::tidy() {
        Ok(true) => Outcome::Passed { count: 1, skipped: vec![] },
        Ok(false) => Outcome::failed("see the lines above".to_owned()),
        Err(error) => Outcome::failed(format!("{error:#}")),
    }
}

fn references() -> Outcome {
    match docs::stale() {
        Ok(stale) if stale.is_empty() => Outcome::Passed { count: 1, skipped: vec![] },
        Ok(stale) => Outcome::failed(format!("stale, ./x docs makes them anew: {}", stale.join(", "))),
        Err(error) => Outcome::failed(format!("{error:#}")),
    }
}

/// The Rust tests, by cargo-nextest where it is installed, otherwise by cargo.
fn tests(selection: &[&str]) -> Outcome {
    let nextest = command("cargo-nextest", &["nextest", "--version"]).output();
    if nextest.is_ok_and(|output| output.status.success()) {
        return nextest_outcome(selection);
    }
    println!("cargo-nextest is not installed: cargo test serves, one test after another");
    let mut command = cargo(&["test", "--locked", "--no-fail-fast"]);
    command.args(selection).args(["--", "--show-output", "--test-threads=2"]);
    cargo_test_outcome(with_environment(&mut command))
}

fn doc_tests() -> Outcome {
    cargo_test_outcome(&mut cargo(&["test", "--quiet", "--locked", "--workspace", "--doc"]))
}

fn nextest_outcome(selection: &[&str]) -> Outcome {
    let junit = crate::root().join("target/nextest/default/junit.xml");
    let _ = std::fs::remove_file(&junit);
    let mut command = cargo(&["nextest", "run", "--locked", "--no-tests=pass", "--status-level=slow"]);
    let result = run(with_environment(command.args(selection)));
    let Ok(text) = std::fs::read_to_string(&junit) else {
        return Outcome::of(result.and_then(|()| anyhow::bail!("no {}", junit.display())));
    };
    let summary = Junit::read(&text);
    match result {
        Ok(()) => Outcome::Passed { count: summary.passed, skipped: summary.skipped },
        Err(error) => Outcome::Failed {
            passed: summary.passed,
            failed: summary.failed.max(1),
            skipped: summary.skipped,
            message: format!("{error:#}"),
        },
    }
}

/// Where recorded inputs lie, and that the binaries need no building by every test.
fn with_environment(command: &mut std::process::Command) -> &mut std::process::Command {
    let shared = crate::root().join("../shared");
    if std::env::var_os("HI_SHARED").is_none() && shared.is_dir() {
        command.env("HI_SHARED", shared);
    }
    command.env("HI_TEST_NO_BUILD", "1")
}

fn cargo_test_outcome(command: &mut std::process::Command) -> Outcome {
    let heard = match listen(command) {
        Ok(heard) => heard,
        Err(error) => return Outcome::failed(format!("{error:#}")),
    };
    let skipped = heard.skipped();
    let (passed, failed) =
        heard.lines.iter().filter_map(|line| cargo_summary(line)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    // A test that said it skipped passed nothing.
    let passed = passed - passed.min(skipped.len() as u64);
    if heard.success {
        return Outcome::Passed { count: passed, skipped };
    }
    Outcome::Failed { passed, failed: failed.max(1), skipped, message: "see above".to_owned() }
}

/// Passed and failed in `test result: ok. 3 passed; 0 failed; …`.
fn cargo_summary(line: &str) -> Option<(u64, u64)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut numbers = counts.split("; ").map(|part| part.split(' ').next().and_then(|n| n.parse().ok()));
    Some((numbers.next()??, numbers.next()??))
}

fn script_outcome(folder: &Path, script: &str) -> Outcome {
    match listen(&mut npm(folder, &["run", "--silent", script])) {
        Ok(heard) if heard.success => {
            let skipped = heard.skipped();
            let counted = heard.lines.iter().filter_map(|line| script_summary(line)).next_back();
            // A script that counts nothing is one test; nothing but skipped: say so instead of a pass.
            Outcome::Passed { count: counted.unwrap_or_else(|| u64::from(skipped.is_empty())), skipped }
        }
        Ok(_) => Outcome::failed(format!("npm run {script} failed")),
        Err(error) => Outcome::failed(format!("{error:#}")),
    }
}

/// Passed tests in `ℹ pass 59` of Node's test runner or `Tests  161 passed (161)` of Vitest.
fn script_summary(line: &str) -> Option<u64> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["ℹ" | "#", "pass", count] | ["Tests", count, "passed", ..] => count.parse().ok(),
        _ => None,
    }
}

/// What nextest wrote down.
#[derive(Debug, PartialEq)]
struct Junit {
    passed: u64,
    failed: u64,
    skipped: Vec<String>,
}

impl Junit {
    fn read(text: &str) -> Self {
        let mut summary = Self { passed: 0, failed: 0, skipped: vec![] };
        // A case ends where the next begins: attributes and output are enough, the tree is not needed.
        for case in text.split("<testcase ").skip(1) {
            let reasons: Vec<String> =
                case.lines().filter_map(skipped).map(|reason| unescape(&reason)).collect();
            if case.contains("<failure") || case.contains("<error") {
                summary.failed += 1;
            } else if reasons.is_empty() {
                summary.passed += 1;
            }
            summary.skipped.extend(reasons);
        }
        summary
    }
}

fn unescape(text: &str) -> String {
    let text = text.split("</system-out>").next().unwrap_or_default();
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junit_is_summed_up() {
        let text = "<testsuites><testsuite><testcase name=\"a\"/>\n<testcase name=\"b\"><system-out>\n\
            running 1 test\nSKIPPED: timescale: no &lt;server&gt;\ntest b ... ok</system-out></testcase>\
            <testcase name=\"c\"><failure message=\"x\"/></testcase></testsuite></testsuites>";
        let skipped = vec!["timescale: no <server>".to_owned()];
        assert_eq!(Junit::read(text), Junit { passed: 1, failed: 1, skipped });
    }

    #[test]
    fn cargo_test_is_summed_up() {
        let line = "test result: ok. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(cargo_summary(line), Some((3, 1)));
        assert_eq!(cargo_summary("running 3 tests"), None);
        assert_eq!(script_summary("ℹ pass 59"), Some(59));
        assert_eq!(script_summary("      Tests  161 passed (161)"), Some(161));
        assert_eq!(script_summary(" Test Files  20 passed (20)"), None);
    }
}
