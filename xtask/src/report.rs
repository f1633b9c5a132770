//! What passed, what failed, what was skipped and why: the end of `./x test`.

use std::fmt::Write;
use std::time::{Duration, Instant};

/// One step.
#[derive(Debug)]
struct Step {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

/// How a step went.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// All good; how many tests it ran (1 for a step that is one check), and what they left out.
    Passed {
        /// Number of checks.
        count: u64,
        /// Reasons.
        skipped: Vec<String>,
    },
    /// It failed.
    Failed {
        /// Number of checks that passed all the same.
        passed: u64,
        /// Number that failed, at least 1.
        failed: u64,
        /// Reasons of what was left out.
        skipped: Vec<String>,
        /// What to look at.
        message: String,
    },
    /// It could not run here.
    Skipped(String),
}

impl Outcome {
    /// For a step that is one check.
    pub(crate) fn of(result: anyhow::Result<()>) -> Self {
        match result {
            Ok(()) => Self::Passed { count: 1, skipped: vec![] },
            Err(error) => Self::failed(format!("{error:#}")),
        }
    }

    /// One check failed.
    pub(crate) fn failed(message: String) -> Self {
        Self::Failed { passed: 0, failed: 1, skipped: vec![], message }
    }
}

/// All steps of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

impl Report {
    /// Runs a step, whatever became of those before.
    pub(crate) fn step(&mut self, name: &'static str, run: impl FnOnce() -> Outcome) -> bool {
        println!("\n── {name}");
        let began = Instant::now();
        let outcome = run();
        if let Outcome::Failed { message, .. } = &outcome {
            println!("FAILED: {name}: {message}");
        }
        let good = !matches!(outcome, Outcome::Failed { .. });
        self.steps.push(Step { name, outcome, took: began.elapsed() });
        good
    }

    /// Prints the table; whether nothing failed.
    pub(crate) fn finish(&self) -> bool {
        print!("\n{}", self.table());
        self.counts().1 == 0
    }

    fn counts(&self) -> (u64, u64, u64) {
        let mut sum = (0, 0, 0);
        for step in &self.steps {
            let (passed, failed, skipped) = match &step.outcome {
                Outcome::Passed { count, skipped } => (*count, 0, skipped.len() as u64),
                Outcome::Failed { passed, failed, skipped, .. } => (*passed, *failed, skipped.len() as u64),
                Outcome::Skipped(_) => (0, 0, 1),
            };
            sum = (sum.0 + passed, sum.1 + failed, sum.2 + skipped);
        }
        sum
    }

    fn table(&self) -> String {
        let mut text = String::new();
        let width = self.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
        for step in &self.steps {
            let (word, rest) = match &step.outcome {
                Outcome::Passed { count: 1, .. } => ("passed ", String::new()),
                Outcome::Passed { count, .. } => ("passed ", format!("{count} tests")),
                Outcome::Failed { message, .. } => ("FAILED ", message.clone()),
                Outcome::Skipped(reason) => ("skipped", reason.clone()),
            };
            let secs = step.took.as_secs_f64();
            let _ = writeln!(text, "{:width$}  {word} {secs:>7.1} s  {}", step.name, rest.trim_end());
        }
        let skipped = self.steps.iter().flat_map(|step| match &step.outcome {
            Outcome::Passed { skipped, .. } | Outcome::Failed { skipped, .. } => skipped.clone(),
            Outcome::Skipped(reason) => vec![format!("{}: {reason}", step.name)],
        });
        let skipped: Vec<String> = skipped.collect();
        if !skipped.is_empty() {
            let _ = writeln!(text, "\nSkipped:");
            for reason in skipped {
                let _ = writeln!(text, "  {reason}");
            }
        }
        let (passed, failed, skipped) = self.counts();
        let _ = writeln!(text, "\n{passed} passed, {failed} failed, {skipped} skipped");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_sums_up() {
        let mut report = Report::default();
        let skipped = vec!["timescale: no server".to_owned()];
        assert!(report.step("format", || Outcome::Passed { count: 1, skipped: vec![] }));
        assert!(report.step("tests", || Outcome::Passed { count: 7, skipped }));
        assert!(report.step("browser", || Outcome::Skipped("no chromium".to_owned())));
        assert_eq!(report.table().lines().last(), Some("8 passed, 0 failed, 2 skipped"));
        assert!(!report.step("docs", || Outcome::failed("stale".to_owned())));
        let table = report.table();
        assert_eq!(table.lines().last(), Some("8 passed, 1 failed, 2 skipped"));
        assert!(table.contains("\n  timescale: no server\n  browser: no chromium\n"), "{table}");
        assert!(!report.finish());
    }
}
