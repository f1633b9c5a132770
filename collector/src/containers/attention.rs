//! What of containers needs attention.

use crate::attention::{AttentionKind, AttentionSeverity};
use crate::storage::StorageAttention;
use crate::storage::view::{StorageFinding, StorageState};

use super::view::Container;
use super::{ContainerFact, HostContainers};

/// Share of the memory limit above which a container is near its end.
const MEMORY_RATIO_MAX: f64 = 0.95;
/// Exit codes of a container that was stopped: by itself, by SIGINT, SIGKILL, SIGTERM.
const STOPPED: [f64; 4] = [0.0, 130.0, 137.0, 143.0];

/// What is wrong with a container, worst first.
pub(super) fn findings(container: &Container, fact: &ContainerFact) -> Vec<StorageFinding> {
    let mut found = Vec::new();
    let since = container.since;
    let mut add = |state, message: String| found.push(StorageFinding { state, message, since });
    if fact.is_unhealthy() {
        let output =
            fact.health_output.as_deref().map_or(String::new(), |text| format!(": {}", one_line(text)));
        add(StorageState::Warning, format!("unhealthy{output}"));
    }
    if let Some(reason) = &fact.reason {
        add(StorageState::Info, format!("cannot be looked into: {reason}"));
    }
    match fact.state.as_str() {
        state if state == "restarting" || fact.restart_loop => {
            let count = fact.restart_count.map_or(String::new(), |count| format!(", {count} times"));
            add(StorageState::Warning, format!("ends and is started again{count}{}", code(fact)));
        }
        "dead" => add(StorageState::Warning, "could not be removed: it is dead".to_owned()),
        "paused" => add(StorageState::Info, "is paused".to_owned()),
        "exited" if fact.oom_killed == Some(true) => {
            add(StorageState::Warning, "was killed: it wanted more memory than it may have".to_owned());
        }
        "exited" if fact.exit_code.is_some_and(|code| !STOPPED.contains(&code)) => {
            let should_run =
                fact.restart_policy.as_deref().is_some_and(|policy| !["no", ""].contains(&policy));
            let state = if should_run { StorageState::Warning } else { StorageState::Info };
            add(state, format!("ended{}", code(fact)));
        }
        "running" if fact.oom_killed == Some(true) => {
            add(StorageState::Info, "was killed before: it wanted more memory than it may have".to_owned());
        }
        _ => {}
    }
    if let Some(ratio) = container.memory_ratio.filter(|ratio| *ratio > MEMORY_RATIO_MAX) {
        add(StorageState::Warning, format!("uses {} % of the memory it may have", (ratio * 100.0).floor()));
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.state));
    found
}

fn code(fact: &ContainerFact) -> String {
    let code = fact.exit_code.filter(|code| *code != 0.0);
    code.map_or(String::new(), |code| format!(" with exit code {code}"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What of the containers of a host needs attention; what a silent host said last is old.
pub fn attention(host: &HostContainers<'_>) -> Vec<StorageAttention> {
    if host.silent {
        return Vec::new();
    }
    let told = |finding: &&StorageFinding| finding.state >= StorageState::Warning;
    let item = |container: Container| {
        let messages: Vec<String> =
            container.findings.iter().filter(told).map(|finding| finding.message.clone()).collect();
        (!messages.is_empty()).then(|| StorageAttention {
            severity: match container.condition {
                StorageState::Critical => AttentionSeverity::Critical,
                _ => AttentionSeverity::Warning,
            },
            kind: AttentionKind::ContainerFailing,
            subject: format!("container {}", container.key),
            target: Some(format!("container:{}", container.id)),
            message: messages.join("; "),
            since: container.since,
        })
    };
    host.list(|_| true).into_iter().filter_map(item).collect()
}
