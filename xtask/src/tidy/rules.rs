//! The rules of ARCHITECTURE.md about who may use what, as data.

use super::sources::Source;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum In {
    /// Code that is not test.
    Code,
    /// Code, test or not.
    AllCode,
    /// Texts outside of tests.
    Texts,
}

/// Files in `of`, but not in `but`, have none of `words`.
#[derive(Debug)]
pub(super) struct Rule {
    /// What holds, for the message.
    pub(super) name: &'static str,
    /// Beginnings of paths.
    pub(super) of: &'static [&'static str],
    /// Beginnings of paths that are excepted.
    pub(super) but: &'static [&'static str],
    /// Where.
    pub(super) within: In,
    /// Whole words or paths (`crate::run`); in texts, beginnings.
    pub(super) words: &'static [&'static str],
}

/// Absolute paths of a system.
const SYSTEM_PATHS: &[&str] = &[
    "/proc", "/sys", "/dev", "/etc", "/run", "/var", "/usr", "/lib", "/boot", "/home", "/root", "/mnt",
    "/opt", "/tmp",
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "common has values only: no I/O, no clock, no runtime, nothing of ours",
        of: &["common/src"],
        but: &[],
        within: In::Code,
        words: &[
            "tokio",
            "sqlx",
            "async_nats",
            "axum",
            "hi_agent",
            "hi_collector",
            "std::fs",
            "std::net",
            "std::process",
            "SystemTime",
            "Instant",
        ],
    },
    Rule {
        // Without it no function of libc can be called either.
        name: "unsafe stands in agent/src/sys only",
        of: &["agent", "collector", "common", "xtask", "tests"],
        but: &["agent/src/sys"],
        within: In::AllCode,
        words: &["unsafe"],
    },
    Rule {
        name: "the agent starts no process",
        of: &["agent/src"],
        but: &[],
        within: In::Code,
        words: &["std::process::Command", "process::Command", "Command::new", "tokio::process"],
    },
    Rule {
        name: "the agent's absolute paths stand in host.rs only",
        of: &["agent/src"],
        // In a source a path is a name in a message or an exclusion: the next rule keeps it from opening anything.
        but: &["agent/src/host.rs", "agent/src/host/", "agent/src/sys", "agent/src/sources"],
        within: In::Texts,
        words: SYSTEM_PATHS,
    },
    Rule {
        name: "a source reads files through HostRoot only",
        of: &["agent/src/sources"],
        but: &[],
        within: In::Code,
        words: &["std::fs", "File::open", "rustix::fs", "fs::read", "fs::read_to_string", "fs::read_dir"],
    },
    Rule {
        name: "a source uses source, host, sys and common only",
        of: &["agent/src/sources"],
        but: &[],
        within: In::Code,
        words: &[
            "tokio",
            "async_nats",
            "bollard",
            "hyper",
            "crate::outbox",
            "crate::publisher",
            "crate::sampler",
            "crate::batcher",
            "crate::assembler",
            "crate::run",
            "crate::nats",
            "crate::cli",
            "crate::exposition",
            "crate::self_metrics",
        ],
    },
    Rule {
        name: "engines of containers are the business of the source docker alone",
        of: &["agent/src"],
        but: &["agent/src/engine", "agent/src/sources/docker"],
        within: In::Code,
        words: &["crate::engine", "bollard", "hyper"],
    },
    Rule {
        name: "an engine's client hands out plain structures and knows no source",
        of: &["agent/src/engine"],
        but: &[],
        within: In::Code,
        words: &[
            "crate::sources",
            "crate::sampler",
            "crate::host",
            "crate::outbox",
            "crate::publisher",
            "crate::run",
            "crate::nats",
            "async_nats",
        ],
    },
    Rule {
        name: "the sampler knows no concrete source",
        of: &["agent/src/sampler"],
        but: &[],
        within: In::Code,
        words: &["crate::sources", "crate::publisher", "crate::outbox", "async_nats"],
    },
    Rule {
        name: "the outbox keeps bytes and knows nothing of them",
        of: &["agent/src/outbox"],
        but: &[],
        within: In::Code,
        words: &[
            "hi_common",
            "async_nats",
            "crate::source",
            "crate::sources",
            "crate::sampler",
            "crate::publisher",
            "rmp_serde",
        ],
    },
    Rule {
        name: "the publisher knows no source",
        of: &["agent/src/publisher"],
        but: &[],
        within: In::Code,
        words: &["crate::source", "crate::sources", "crate::sampler"],
    },
    Rule {
        name: "nobody uses run, which wires everything",
        of: &["agent/src", "collector/src"],
        but: &[
            "agent/src/main.rs",
            "agent/src/cli",
            "agent/src/run",
            "collector/src/main.rs",
            "collector/src/cli",
            "collector/src/run",
        ],
        within: In::Code,
        words: &["crate::run"],
    },
    Rule {
        name: "SQL stands in the collector's store only",
        of: &["agent/src", "common/src", "collector/src"],
        but: &["collector/src/store"],
        within: In::Texts,
        words: &[
            "select ",
            "insert into ",
            "update ",
            "delete from ",
            "create table ",
            "alter table ",
            "drop table ",
        ],
    },
    Rule {
        name: "sqlx is used by the collector's store only",
        of: &["agent/src", "common/src", "collector/src"],
        but: &["collector/src/store"],
        within: In::Code,
        words: &["sqlx"],
    },
    Rule {
        name: "the store is below all",
        of: &["collector/src/store"],
        but: &[],
        within: In::Code,
        words: &[
            "crate::ingest",
            "crate::query",
            "crate::api",
            "crate::embedded",
            "crate::run",
            "crate::cli",
            "crate::ui",
            "async_nats",
            "axum",
        ],
    },
    Rule {
        name: "what stands beside the API does not use it",
        of: &[
            "collector/src/ingest",
            "collector/src/query",
            "collector/src/embedded",
            "collector/src/housekeeping",
        ],
        but: &[],
        within: In::Code,
        words: &["crate::api", "crate::ui", "crate::cli", "axum"],
    },
    Rule {
        name: "the API uses only what ingest's root exports",
        of: &["collector/src/api"],
        but: &[],
        within: In::Code,
        words: &[
            "crate::ingest::consumer",
            "crate::ingest::decoder",
            "crate::ingest::cursor",
            "crate::ingest::resolver",
            "crate::ingest::flusher",
            "crate::ingest::dead_letter",
        ],
    },
    Rule {
        name: "decoder, cursor and block are pure: no clock, database or runtime",
        of: &["collector/src/ingest/decoder", "collector/src/ingest/cursor", "collector/src/block"],
        but: &[],
        within: In::Code,
        words: &[
            "tokio",
            "sqlx",
            "async_nats",
            "SystemTime",
            "Instant",
            "crate::store",
            "std::fs",
            "std::net",
        ],
    },
    Rule {
        name: "names of subjects and streams stand in common/src/subject.rs only",
        of: &["agent/src", "collector/src", "common/src"],
        but: &["common/src/subject.rs"],
        within: In::Texts,
        words: &["hi.v1.", "HI_METRICS", "HI_FACTS", "HI_EVENTS"],
    },
];

/// Lines of `source` that break `rule`.
pub(super) fn broken(rule: &Rule, source: &Source) -> Vec<(usize, &'static str)> {
    let path = source.path.as_str();
    if !starts(path, rule.of) || starts(path, rule.but) {
        return vec![];
    }
    let in_code = |line: &str| rule.words.iter().copied().find(|word| has_word(line, word));
    match rule.within {
        In::Code => source.product_code().filter_map(|(n, line)| Some((n, in_code(line)?))).collect(),
        In::AllCode => {
            let lines = source.product_code().chain(source.test_code());
            lines.filter_map(|(n, line)| Some((n, in_code(line)?))).collect()
        }
        In::Texts => source
            .product_texts()
            .filter_map(|(n, text)| Some((*n, rule.words.iter().copied().find(|word| begins(text, word))?)))
            .collect(),
    }
}

fn starts(path: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| path.starts_with(beginning))
}

/// Whether `word` stands in `line` as a whole word (`crate::run`, not `crate::runtime`).
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(i, _)| {
        !line[..i].chars().next_back().is_some_and(part)
            && !line[i + word.len()..].chars().next().is_some_and(part)
    })
}

/// SQL by its first words in lower case or upper case; a path or name by its beginning, as a whole component.
fn begins(text: &str, word: &str) -> bool {
    let text = text.trim_start();
    if word.ends_with(' ') {
        let lower = text.chars().take(word.len()).collect::<String>().to_lowercase();
        // A sentence ("select the newest…") is no statement: those have more of the language in them.
        return lower == word && is_statement(text);
    }
    match text.strip_prefix(word) {
        Some(rest) if word.starts_with('/') => rest.is_empty() || rest.starts_with('/'),
        Some(_) => true,
        None => false,
    }
}

fn is_statement(text: &str) -> bool {
    let text = text.to_lowercase();
    [" from ", "\nfrom ", " into ", " set ", " values", "table ", "select 1"]
        .iter()
        .any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<&'static str> {
        let source = Source::new(path.to_owned(), text);
        RULES.iter().filter(|rule| !broken(rule, &source).is_empty()).map(|rule| rule.name).collect()
    }

    #[test]
    fn each_rule_finds_what_it_forbids_and_only_that() {
        let broken: &[(&str, &str)] = &[
            ("common/src/a.rs", "use tokio::sync;"),
            ("collector/src/a.rs", "unsafe { x() }"),
            ("agent/src/a.rs", "std::process::Command::new(x)"),
            ("agent/src/a.rs", "open(\"/proc/stat\")"),
            ("agent/src/sources/cpu.rs", "std::fs::read(path)"),
            ("agent/src/sources/cpu.rs", "use crate::outbox::Outbox;"),
            ("agent/src/sources/md.rs", "use crate::engine::Engine;"),
            ("agent/src/engine/state.rs", "use crate::sources::docker;"),
            ("agent/src/sampler.rs", "use crate::sources::SOURCES;"),
            ("agent/src/outbox/mod.rs", "use hi_common::batch::Batch;"),
            ("agent/src/publisher.rs", "use crate::source::Reading;"),
            ("collector/src/ingest/mod.rs", "use crate::run::run;"),
            ("collector/src/api/hosts.rs", "query(\"select id from host\")"),
            ("collector/src/ingest/head.rs", "use sqlx::PgPool;"),
            ("collector/src/store/mod.rs", "use crate::ingest::Head;"),
            ("collector/src/query/mod.rs", "use crate::api::Problem;"),
            ("collector/src/api/system.rs", "use crate::ingest::cursor::Cursor;"),
            ("collector/src/ingest/cursor.rs", "let now = Instant::now();"),
            ("collector/src/ingest/mod.rs", "let s = \"hi.v1.metrics.>\";"),
        ];
        assert_eq!(broken.len(), RULES.len(), "each rule has its case");
        for ((path, text), rule) in broken.iter().zip(RULES) {
            assert_eq!(check(path, text), [rule.name], "{path}: {text}");
        }
        let fine: &[(&str, &str)] = &[
            ("agent/src/sys/statvfs.rs", "unsafe { libc::statvfs(p, b) }"),
            ("agent/src/host.rs", "\"/proc\""),
            ("agent/src/sources/cpu.rs", "bad_line(\"/proc/stat\")"),
            ("agent/src/a.rs", "// unsafe /proc\nlet unsafe_count = \"/process\"; x(libc::EIO);"),
            ("agent/src/a.rs", "#[cfg(test)]\nmod tests {\n open(\"/proc/stat\"); }"),
            ("collector/src/store/hosts.rs", "query(\"select id from host\")"),
            ("collector/src/query/mod.rs", "\"select the newest\"; \"update failed\""),
            ("collector/src/run.rs", "use crate::api::serve; use crate::runtime::x;"),
            ("common/src/subject.rs", "\"hi.v1.metrics\""),
        ];
        for (path, text) in fine {
            assert_eq!(check(path, text), [""; 0], "{path}: {text}");
        }
    }
}
