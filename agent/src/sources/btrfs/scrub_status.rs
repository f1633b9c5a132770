//! How the last scrub ended: the file `scrub.status.<uuid>` in which btrfs-progs keep it (cmds/scrub.c), a line per device:
//! `<uuid>:1|data_bytes_scrubbed:41943040|…|t_start:1795188474|duration:0|canceled:0|finished:1`. Root alone may read it.

use super::answers::Scrub;

/// The last scrub of all devices together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LastScrub {
    /// What it found.
    pub(super) found: Scrub,
    /// When it began, Unix seconds.
    pub(super) started: u64,
    /// How long the slowest device took, in seconds.
    pub(super) seconds: u64,
    /// Whether it was canceled on any device.
    pub(super) canceled: bool,
    /// Whether it came to its end on all.
    pub(super) finished: bool,
}

impl LastScrub {
    /// How it ended, in the words of `btrfs scrub status`.
    pub(super) fn word(&self) -> &'static str {
        match (self.canceled, self.finished) {
            (true, _) => "aborted",
            (false, true) => "finished",
            (false, false) => "interrupted",
        }
    }
}

/// Parses the file; `None` when it tells of no device.
pub(super) fn parse(text: &str) -> Option<LastScrub> {
    let mut all: Option<LastScrub> = None;
    for line in text.lines().filter(|line| line.contains('|')) {
        let one = device(line);
        all = Some(match all {
            None => one,
            Some(mut sum) => {
                sum.found.add(&one.found);
                LastScrub {
                    found: sum.found,
                    started: sum.started.max(one.started),
                    seconds: sum.seconds.max(one.seconds),
                    canceled: sum.canceled || one.canceled,
                    finished: sum.finished && one.finished,
                }
            }
        });
    }
    all
}

fn device(line: &str) -> LastScrub {
    let value = |key: &str| {
        let field = line.split('|').find_map(|field| field.split_once(':').filter(|(name, _)| *name == key));
        field.and_then(|(_, text)| text.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    let found = Scrub {
        bytes: value("data_bytes_scrubbed").saturating_add(value("tree_bytes_scrubbed")),
        read_errors: value("read_errors"),
        csum_errors: value("csum_errors"),
        verify_errors: value("verify_errors"),
        super_errors: value("super_errors"),
        uncorrectable_errors: value("uncorrectable_errors"),
        corrected_errors: value("corrected_errors"),
    };
    LastScrub {
        found,
        started: value("t_start"),
        seconds: value("duration"),
        canceled: value("canceled") > 0,
        finished: value("finished") > 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn devices_are_taken_together() {
        let text = "scrub status:1\n\
            0-1:1|data_bytes_scrubbed:40|tree_bytes_scrubbed:2|csum_errors:3|corrected_errors:3|t_start:100|duration:7|canceled:0|finished:1\n\
            0-1:2|data_bytes_scrubbed:40|tree_bytes_scrubbed:2|csum_errors:0|t_start:100|duration:9|canceled:0|finished:1\n";
        let last = parse(text).unwrap();
        assert_eq!((last.found.bytes, last.found.csum_errors, last.found.corrected_errors), (84, 3, 3));
        assert_eq!((last.started, last.seconds, last.word()), (100, 9, "finished"));
        assert_eq!(
            parse(&text.replace("duration:9|canceled:0", "duration:9|canceled:1")).unwrap().word(),
            "aborted"
        );
        assert_eq!(parse(&text.replace("finished:1\n0", "finished:0\n0")).unwrap().word(), "interrupted");
        assert_eq!(parse("scrub status:1\n"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"((t_start|duration|finished|read_errors|:|\||[0-9]{1,25}|\n|.){0,40})") {
            let _ = parse(&text);
        }
    }
}
