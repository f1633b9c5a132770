//! Rules about the code that the compiler does not know; run by `./x tidy` and as a test.
//!
//! Functions longer than 70 lines are clippy's to find (`too_many_lines`).

mod documents;
mod rules;
pub(crate) mod sources;

use anyhow::Result;
use sources::Source;
use std::path::Path;

/// A file's product code beyond this does too many things.
const FILE_LINES_MAX: usize = 400;
/// Here it is time to think about it.
const FILE_LINES_WARN: usize = 250;
/// Tests enumerate cases.
const TEST_LINES_MAX: usize = 800;

/// Prints what is wrong; whether nothing is.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn tidy() -> Result<bool> {
    let (wrong, warnings) = check(crate::root())?;
    for line in &warnings {
        println!("tidy: warning: {line}");
    }
    for line in &wrong {
        println!("tidy: {line}");
    }
    Ok(wrong.is_empty())
}

/// What is wrong, and what is only remarkable.
fn check(root: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let (mut wrong, mut warnings) = (vec![], vec![]);
    for source in sources::all(root)? {
        for rule in rules::RULES {
            let broken = rules::broken(rule, &source);
            wrong.extend(
                broken.iter().map(|(n, word)| format!("{}:{n}: `{word}`: {}", source.path, rule.name)),
            );
        }
        wrong.extend(unfinished(&source));
        wrong.extend(sleeping_tests(&source));
        let (too_long, long) = length(&source);
        wrong.extend(too_long);
        warnings.extend(long);
    }
    wrong.extend(documents::check(root)?);
    Ok((wrong, warnings))
}

/// What is to be done is an issue, not a comment.
fn unfinished(source: &Source) -> Vec<String> {
    // Put together, so that this file does not find itself.
    let words = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    let found =
        source.comments.iter().filter(|(_, text)| words.iter().any(|word| text.contains(word.as_str())));
    found.map(|(n, _)| format!("{}:{n}: an unfinished thing in a comment", source.path)).collect()
}

/// Tests wait for a condition with a bound. Helpers do the waiting, and may pause between two looks; what sets the pace of
/// something says so on its line (`// paced: why`).
fn sleeping_tests(source: &Source) -> Vec<String> {
    let (mut wrong, mut marked, mut in_test) = (vec![], false, false);
    for (n, line) in source.test_code() {
        let line = line.trim();
        if line.starts_with("#[") {
            marked |= line.contains("test]") || line.contains("test(");
        } else if is_function(line) {
            (in_test, marked) = (marked, false);
        }
        let paced = source.comments.iter().any(|(at, text)| *at == n && text.starts_with("// paced: "));
        if in_test && line.contains("sleep(") && !paced {
            wrong.push(format!("{}:{n}: a test sleeps instead of waiting for a condition", source.path));
        }
    }
    wrong
}

fn is_function(line: &str) -> bool {
    let modifiers = ["pub", "pub(crate)", "pub(super)", "async", "const", ""];
    line.split_once("fn ")
        .is_some_and(|(before, _)| before.trim().split(' ').all(|word| modifiers.contains(&word)))
}

fn length(source: &Source) -> (Option<String>, Option<String>) {
    let product = source.product_code().count();
    let lines = source.code.lines().count();
    let describe =
        |n: usize, what: &str, max: usize| format!("{}: {n} lines{what}, at most {max}", source.path);
    if source.tests_from == 1 {
        return ((lines > TEST_LINES_MAX).then(|| describe(lines, " of tests", TEST_LINES_MAX)), None);
    }
    let too_long = (product > FILE_LINES_MAX).then(|| describe(product, " without tests", FILE_LINES_MAX));
    let long = product > FILE_LINES_WARN && too_long.is_none();
    (too_long, long.then(|| describe(product, " without tests", FILE_LINES_WARN)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::new(path.to_owned(), text)
    }

    #[test]
    fn this_repository_is_tidy() {
        let (wrong, _) = check(crate::root()).unwrap();
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    #[test]
    fn sleeping_tests_are_found_and_bounded_waits_are_not() {
        let sleeps = "#[test]\nfn a() {\n    sleep(x);\n}\n";
        assert_eq!(sleeping_tests(&source("a/tests/b.rs", sleeps)).len(), 1);
        let waits = "#[tokio::test]\nasync fn a() {}\npub async fn wait_for() {\n    sleep(x);\n}\n";
        assert_eq!(sleeping_tests(&source("a/tests/b.rs", waits)).len(), 0);
        assert_eq!(sleeping_tests(&source("a/src/b.rs", sleeps)).len(), 0, "product code may");
        let paced = sleeps.replace(";", "; // paced: one write a second");
        assert_eq!(sleeping_tests(&source("a/tests/b.rs", &paced)).len(), 0);
    }

    #[test]
    fn unfinished_things_are_found_in_comments_only() {
        let word = ["TO", "DO"].concat();
        assert_eq!(unfinished(&source("a/src/b.rs", &format!("// {word}: x"))).len(), 1);
        assert_eq!(unfinished(&source("a/src/b.rs", &format!("let a = \"{word}\";"))).len(), 0);
    }

    #[test]
    fn long_files_are_found_without_their_tests() {
        let code = "fn a() {}\n".repeat(FILE_LINES_MAX + 1);
        assert!(length(&source("a/src/b.rs", &code)).0.is_some());
        let tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(300), code);
        let (too_long, long) = length(&source("a/src/b.rs", &tests));
        assert!(too_long.is_none() && long.is_some());
    }
}
