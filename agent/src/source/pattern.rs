//! Names to leave out or to take in: shell patterns, matched without allocating or looking back more than once per `*`.

/// A list of shell patterns: `*` is any text, `?` any character, `[a-z]` one of a set, `[!a-z]` none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

impl Patterns {
    /// The patterns as configured.
    pub fn new(patterns: &[String]) -> Self {
        Self(patterns.to_vec())
    }

    /// Whether one of them matches the whole name.
    pub fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| glob(pattern.as_bytes(), name.as_bytes()))
    }

    /// Whether one of them matches the path or a folder it lies in: `/dev` matches `/dev/shm`.
    pub fn matches_path(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]).filter(|folder| !folder.is_empty());
        folders.chain([path]).any(|folder| self.matches(folder))
    }
}

/// Whether a shell pattern matches a whole name. Matches byte by byte; on a mismatch only the last `*` takes one byte more.
pub fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some(length) = one(&pattern[p..], name[n]) {
            p += length;
            n += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, n) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&b| b == b'*')
}

/// Bytes of pattern that match this one byte; `None` when they do not.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => match set(pattern, byte) {
            Some((length, holds)) => holds.then_some(length),
            None => (byte == b'[').then_some(1),
        },
        own => (own == byte).then_some(1),
    }
}

/// Length of the set at the start of the pattern and whether it holds the byte; `None` when it has no end.
fn set(pattern: &[u8], byte: u8) -> Option<(usize, bool)> {
    let negated = pattern.get(1) == Some(&b'!');
    let first = 1 + usize::from(negated);
    // A bracket right at the start belongs to the set, as in a shell.
    let end = first + 1 + pattern.get(first + 1..)?.iter().position(|&b| b == b']')?;
    let mut holds = false;
    let mut at = first;
    while at < end {
        let (low, step) = (pattern[at], if pattern[at + 1] == b'-' && at + 2 < end { 3 } else { 1 });
        holds |= (low..=pattern[at + step - 1]).contains(&byte);
        at += step;
    }
    Some((end + 1, holds != negated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Patterns::new(&[pattern.to_owned()]).matches(name)
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name) in [
            ("sd[a-z][0-9]*", "sda1"),
            ("sd[a-z][0-9]*", "sdb12"),
            ("nvme[0-9]*n[0-9]*p[0-9]*", "nvme0n1p2"),
            ("*", ""),
            ("a*b*c", "aXbbYc"),
            ("[!a]b", "xb"),
            ("[]]", "]"),
            ("a[", "a["),
            ("avx?", "avx2"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("sd[a-z][0-9]*", "sda"),
            ("sd[a-z][0-9]*", "sdaa1"),
            ("nvme[0-9]*n[0-9]*p[0-9]*", "nvme0n1"),
            ("a*b", "abc"),
            ("[!a]b", "ab"),
            ("avx?", "avx"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_folder_matches_what_lies_in_it() {
        let patterns = Patterns::new(&["/dev".to_owned(), "/var/lib/docker/*".to_owned()]);
        for path in ["/dev", "/dev/shm", "/var/lib/docker/overlay2/x/merged", "/var/lib/docker/a"] {
            assert!(patterns.matches_path(path), "{path}");
        }
        for path in ["/", "/device", "/mnt/dev", "/var/lib/docker"] {
            assert!(!patterns.matches_path(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_panics_and_every_name_matches_itself(pattern in ".{0,24}", name in "[a-z0-9/.-]{0,24}") {
            let _ = matches(&pattern, &name);
            prop_assert!(matches(&name, &name));
            let longer = name.clone() + "*";
            prop_assert!(matches(&longer, &name));
        }
    }
}
