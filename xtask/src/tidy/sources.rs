//! Rust files, taken apart just far enough to tell code from comments and texts.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Folders in which nothing of ours is written by hand.
const SKIPPED_FOLDERS: &[&str] = &["target", "node_modules", "dist", "data", ".git"];

/// A Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    /// The code alone: comments and the insides of texts are spaces, lines stay where they are.
    pub(crate) code: String,
    /// (line, content) of every text.
    pub(crate) texts: Vec<(usize, String)>,
    /// (line, content) of every comment.
    pub(crate) comments: Vec<(usize, String)>,
    /// First line of the inline tests; beyond the last line when there are none.
    pub(crate) tests_from: usize,
}

impl Source {
    pub(crate) fn new(path: String, text: &str) -> Self {
        let Parts { code, texts, comments } = take_apart(text);
        let lines = text.lines().count();
        let in_test_folder = path.split('/').any(|part| part == "tests" || part == "benches");
        let test_file =
            path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.ends_with("/test_support.rs");
        let tests_from =
            if in_test_folder || test_file { 1 } else { inline_tests(&code).unwrap_or(lines + 1) };
        Self { path, code, texts, comments, tests_from }
    }

    /// Lines of code that is not test, with their numbers.
    pub(crate) fn product_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(i, line)| (i + 1, line)).take_while(|(n, _)| *n < self.tests_from)
    }

    /// Lines of test code, with their numbers.
    pub(crate) fn test_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(i, line)| (i + 1, line)).skip_while(|(n, _)| *n < self.tests_from)
    }

    /// Texts outside of tests.
    pub(crate) fn product_texts(&self) -> impl Iterator<Item = &(usize, String)> {
        self.texts.iter().filter(|(line, _)| *line < self.tests_from)
    }
}

/// Every Rust file of the repository.
///
/// # Errors
/// A folder or file cannot be read.
pub(crate) fn all(root: &Path) -> Result<Vec<Source>> {
    let files = files(root, "rs")?;
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(Source::new(relative(root, &path), &text))
    };
    files.into_iter().map(read).collect()
}

/// Every file with this ending that was written by hand, sorted.
///
/// # Errors
/// A folder cannot be read.
pub(crate) fn files(root: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let (mut folders, mut files) = (vec![root.to_owned()], vec![]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
            let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if kind.is_dir() && !SKIPPED_FOLDERS.contains(&name.as_str()) {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|e| e == ending) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

pub(crate) fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Inline tests stand at the end of their file.
fn inline_tests(code: &str) -> Option<usize> {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let is_module = |line: &str| line.contains("mod ") && line.ends_with('{');
    (0..lines.len())
        .find(|&i| {
            lines[i] == "#[cfg(test)]"
                && lines[i + 1..].iter().find(|l| !l.starts_with("#[")).is_some_and(|l| is_module(l))
        })
        .map(|i| i + 1)
}

#[derive(Default)]
struct Parts {
    code: String,
    texts: Vec<(usize, String)>,
    comments: Vec<(usize, String)>,
}

/// Rust's lexical structure as far as comments, texts and characters go (The Rust Reference, "Tokens").
fn take_apart(text: &str) -> Parts {
    let mut parts = Parts::default();
    let (mut rest, mut line) = (text, 1);
    while let Some(c) = rest.chars().next() {
        let (length, kind) = token(rest, parts.code.chars().next_back());
        let taken = &rest[..length.max(c.len_utf8()).min(rest.len())];
        match kind {
            Kind::Code => parts.code.push_str(taken),
            Kind::Text => {
                parts.texts.push((line, inside(taken).to_owned()));
                parts.code.push('"');
                blank(taken, &mut parts.code);
            }
            Kind::Comment => {
                parts.comments.push((line, taken.to_owned()));
                blank(taken, &mut parts.code);
            }
        }
        line += taken.matches('\n').count();
        rest = &rest[taken.len()..];
    }
    parts
}

enum Kind {
    Code,
    Text,
    Comment,
}

/// Length and kind of what stands at the beginning of `rest`.
fn token(rest: &str, before: Option<char>) -> (usize, Kind) {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), Kind::Comment);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), Kind::Comment);
    }
    if rest.starts_with('"') {
        return (quoted(rest, 1), Kind::Text);
    }
    if !in_word && let Some(length) = prefixed(rest) {
        return (length, Kind::Text);
    }
    if rest.starts_with('\'')
        && let Some(length) = character(rest)
    {
        return (length, Kind::Text);
    }
    (0, Kind::Code)
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Length of a quoted text whose content begins at `start`.
fn quoted(rest: &str, start: usize) -> usize {
    let mut escaped = false;
    for (i, c) in rest[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return start + i + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Length of `b"…"`, `c"…"`, `r"…"`, `r#"…"#`, `br"…"`, `cr#"…"#`.
fn prefixed(rest: &str) -> Option<usize> {
    let raw = ["r", "br", "cr"].into_iter().find_map(|prefix| {
        let after = rest.strip_prefix(prefix)?;
        let hashes = after.len() - after.trim_start_matches('#').len();
        after[hashes..].starts_with('"').then_some((prefix.len() + hashes + 1, hashes))
    });
    if let Some((start, hashes)) = raw {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(rest[start..].find(&end).map_or(rest.len(), |i| start + i + end.len()));
    }
    ["b\"", "c\""].into_iter().find(|prefix| rest.starts_with(prefix)).map(|_| quoted(rest, 2))
}

/// Length of a character; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next();
        return chars.find(|(_, c)| *c == '\'').map(|(i, _)| i + 1);
    }
    chars.next().filter(|(_, c)| *c == '\'').map(|(i, _)| i + 1)
}

fn inside(literal: &str) -> &str {
    literal.trim_start_matches(['b', 'c', 'r', '#']).trim_end_matches('#').trim_matches('"')
}

fn blank(taken: &str, code: &mut String) {
    code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("a/src/b.rs".to_owned(), text)
    }

    #[test]
    fn code_texts_and_comments_are_told_apart() {
        let s = source(
            "let a = \"unsafe // no\"; // unsafe\nlet c = 'x'; let d: &'a str = r#\"q\"q\"#; /* a /* b */ c */ x\n",
        );
        assert!(!s.code.contains("unsafe") && s.code.contains("&'a str") && s.code.trim_end().ends_with('x'));
        let texts: Vec<&str> = s.texts.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["unsafe // no", "'x'", "q\"q"]);
        assert_eq!(s.comments[0], (1, "// unsafe".to_owned()));
        assert_eq!(s.comments[1].0, 2);
        assert_eq!(s.code.lines().count(), 2);
    }

    #[test]
    fn escapes_and_quotes_in_characters_do_not_confuse() {
        let s = source(r#"a('"'); b("\"x\\"); c('\''); d(b"y"); ok"#);
        assert!(s.code.ends_with("; ok"), "{}", s.code);
        assert_eq!(s.texts.len(), 4);
    }

    #[test]
    fn inline_tests_are_found() {
        let s = source("fn a() {}\n#[cfg(test)]\nmod tests {\n    sleep();\n}\n");
        assert_eq!((s.tests_from, s.product_code().count(), s.test_code().count()), (2, 1, 4));
        assert_eq!(source("#[cfg(test)]\nmod tests;\nfn a() {}\n").tests_from, 4);
        assert_eq!(Source::new("a/tests/b.rs".to_owned(), "fn a() {}").tests_from, 1);
    }
}
