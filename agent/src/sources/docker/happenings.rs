//! What happened to containers and engines, as events; and which containers are restarted again and again. Pure: times come
//! with what happened.

use std::collections::VecDeque;

use hi_common::event::Severity;

use crate::engine::{Happening, What};
use crate::source::EventDoc;

/// As many ends within this time, each followed by a start, are a restart loop.
const LOOP_ENDS: usize = 3;
const LOOP_WINDOW_MS: i64 = 5 * 60 * 1000;
/// Without another end for this long, the loop is over: an engine waits at most a minute between two starts.
const LOOP_QUIET_MS: i64 = 10 * 60 * 1000;

/// What is remembered of a container between two happenings.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Times of its last ends that nobody asked for.
    ends: VecDeque<i64>,
    /// Somebody sent it a signal: its end is wanted.
    signalled: bool,
    /// It has ended and was not started since.
    ended: bool,
    /// It is restarted again and again.
    pub(super) looping: bool,
}

impl Memory {
    /// Takes note; true when a restart loop begins.
    fn note(&mut self, what: What, at_ms: i64) -> bool {
        match what {
            What::Signalled => self.signalled = true,
            // An end that was asked for is no failure.
            What::Died if std::mem::take(&mut self.signalled) => {}
            What::Died => {
                self.ended = true;
                self.ends.push_back(at_ms);
                if self.ends.len() > LOOP_ENDS {
                    self.ends.pop_front();
                }
            }
            What::Started => {
                self.signalled = false;
                if std::mem::take(&mut self.ended) && !self.looping {
                    let first = self.ends.front().copied().unwrap_or(at_ms);
                    self.looping = self.ends.len() >= LOOP_ENDS && at_ms - first <= LOOP_WINDOW_MS;
                    return self.looping;
                }
            }
            _ => {}
        }
        false
    }

    /// Forgets a loop that is over.
    pub(super) fn calm(&mut self, now_ms: i64) {
        if self.looping && self.ends.back().is_none_or(|last| now_ms - last > LOOP_QUIET_MS) {
            self.looping = false;
            self.ends.clear();
        }
    }
}

/// Events that a happening is: one, two when a restart loop begins, or none. `shown` is the id of the container's fact.
pub(super) fn events(engine: &str, shown: &str, happening: &Happening, memory: &mut Memory) -> Vec<EventDoc> {
    let wanted = memory.signalled;
    let looping = memory.note(happening.what, happening.at_ms);
    let detail = happening.detail.as_str();
    let mut data = vec![
        ("container", shown.to_owned()),
        ("image", happening.image.clone()),
        ("engine", engine.to_owned()),
        ("container_id", happening.id.chars().take(12).collect()),
    ];
    let (kind, severity, message) = match happening.what {
        What::Created => ("container_created", Severity::Info, format!("container {shown} was made")),
        What::Started => ("container_start", Severity::Info, format!("container {shown} was started")),
        What::Died => {
            data.push(("exit_code", detail.to_owned()));
            let severity = if wanted || detail == "0" { Severity::Info } else { Severity::Warning };
            let code = if detail.is_empty() { String::new() } else { format!(" with exit code {detail}") };
            ("container_die", severity, format!("container {shown} ended{code}"))
        }
        What::OutOfMemory => {
            ("container_oom", Severity::Warning, format!("container {shown} ran out of memory"))
        }
        What::Health => {
            data.push(("health", detail.to_owned()));
            let severity = if detail == "unhealthy" { Severity::Warning } else { Severity::Info };
            ("container_health", severity, format!("container {shown} is {detail}"))
        }
        What::Paused => ("container_paused", Severity::Info, format!("container {shown} was paused")),
        What::Unpaused => ("container_unpaused", Severity::Info, format!("container {shown} goes on")),
        What::Renamed => {
            data.push(("old_name", detail.to_owned()));
            let message = format!("container {detail} is named {shown} now");
            ("container_renamed", Severity::Info, message)
        }
        What::Destroyed => ("container_destroyed", Severity::Info, format!("container {shown} was removed")),
        What::Changed | What::Signalled | What::EngineGone | What::EngineBack => return Vec::new(),
    };
    let mut found = vec![EventDoc { kind, severity, message, data: data.clone() }];
    if looping {
        let message = format!("container {shown} ends and is restarted again and again");
        found.push(EventDoc { kind: "container_restart_loop", severity: Severity::Warning, message, data });
    }
    found
}

/// The event that an engine went or came back.
pub(super) fn engine_event(engine: &str, happening: &Happening) -> Option<EventDoc> {
    let mut data = vec![("engine", engine.to_owned())];
    let (kind, severity, message) = match happening.what {
        What::EngineGone => {
            data.push(("reason", happening.detail.clone()));
            let message = format!("container engine {engine} does not answer: {}", happening.detail);
            ("engine_gone", Severity::Warning, message)
        }
        What::EngineBack => {
            ("engine_back", Severity::Info, format!("container engine {engine} answers again"))
        }
        _ => return None,
    };
    Some(EventDoc { kind, severity, message, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happening(what: What, at_secs: i64, detail: &str) -> Happening {
        let at_ms = at_secs * 1000;
        Happening { what, at_ms, id: "ab".into(), detail: detail.into(), ..Happening::default() }
    }

    fn kinds(memory: &mut Memory, what: What, at_secs: i64, detail: &str) -> Vec<(&'static str, Severity)> {
        let found = events("docker", "web", &happening(what, at_secs, detail), memory);
        found.into_iter().map(|event| (event.kind, event.severity)).collect()
    }

    #[test]
    fn an_end_that_somebody_asked_for_is_no_warning() {
        let mut memory = Memory::default();
        assert_eq!(kinds(&mut memory, What::Died, 0, "1"), [("container_die", Severity::Warning)]);
        assert_eq!(kinds(&mut memory, What::Signalled, 1, "15"), []);
        assert_eq!(kinds(&mut memory, What::Died, 2, "143"), [("container_die", Severity::Info)]);
        assert_eq!(kinds(&mut memory, What::Died, 3, "0"), [("container_die", Severity::Info)]);
        assert_eq!(
            kinds(&mut memory, What::Health, 3, "unhealthy"),
            [("container_health", Severity::Warning)]
        );
    }

    #[test]
    fn a_restart_loop_is_told_once_until_it_is_over() {
        let mut memory = Memory::default();
        let mut told = 0;
        for round in 0..20 {
            kinds(&mut memory, What::Died, round * 30, "1");
            let found = kinds(&mut memory, What::Started, round * 30 + 1, "");
            told += found.iter().filter(|(kind, _)| *kind == "container_restart_loop").count();
            assert_eq!(memory.looping, round >= 2);
        }
        assert_eq!(told, 1);
        memory.calm(20 * 30_000);
        assert!(memory.looping, "it may wait before the next start");
        memory.calm(20 * 30_000 + LOOP_QUIET_MS);
        assert!(!memory.looping);
    }

    #[test]
    fn ends_far_apart_and_restarts_by_hand_are_no_loop() {
        let mut memory = Memory::default();
        for round in 0..10 {
            kinds(&mut memory, What::Died, round * 600, "1");
            kinds(&mut memory, What::Started, round * 600 + 1, "");
        }
        for round in 0..10 {
            kinds(&mut memory, What::Signalled, 10_000 + round, "15");
            kinds(&mut memory, What::Died, 10_000 + round, "143");
            kinds(&mut memory, What::Started, 10_000 + round, "");
        }
        assert!(!memory.looping);
    }
}
