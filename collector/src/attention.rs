//! What needs attention: a pure function of what is known now, worst first.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Time;
use crate::overview::view::{FilesystemView, Outcome, SourceView};
use crate::storage::StorageAttention;

/// A filesystem with more than this share in use needs attention soon.
const FULL_WARNING_RATIO: f64 = 0.90;
/// Above this share it needs attention now.
const FULL_CRITICAL_RATIO: f64 = 0.95;
/// An agent that was started less than this ago is worth a line, in milliseconds.
const RESTART_SHOWN_MS: i64 = 15 * 60_000;
/// Losses and dead letters older than this are history, in milliseconds.
const PAST_MS: i64 = 86_400_000;
/// Filesystems that are full by nature: images that are packed to fit.
const FULL_BY_NATURE: [&str; 6] = ["squashfs", "iso9660", "erofs", "cramfs", "udf", "efivarfs"];

/// How bad an entry is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttentionSeverity {
    /// Needs attention now.
    Critical,
    /// Needs attention soon.
    Warning,
    /// Worth knowing.
    Info,
}

/// What an entry is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// No batch arrives any more.
    HostSilent,
    /// A writable filesystem is more than 90 % full, critical above 95 %.
    FilesystemFull,
    /// A filesystem does not answer.
    FilesystemStalled,
    /// A source of the agent fails or is stalled.
    SourceFailing,
    /// Two hosts claim one name.
    NameConflict,
    /// Batches were lost for good.
    DataLost,
    /// Messages could not be understood.
    DeadLetters,
    /// A disk fails, predicts its failure, or has reached a limit of its own.
    DiskFailing,
    /// The health of a disk cannot be read.
    DiskUnreadable,
    /// An array lacks members, or has failed.
    ArrayDegraded,
    /// A pool lacks devices, has errors, or has failed.
    PoolDegraded,
    /// A resilver, rebuild or reshape is running.
    StorageRebuilding,
    /// A sensor is beyond its limits, or raises an alarm.
    SensorAlarm,
    /// Memory errors could not be corrected.
    MemoryErrors,
    /// A graphics processor cannot be read, has errors, or is slowed down by heat or lack of power.
    GpuFailing,
    /// The management controller reports something wrong.
    BmcAlarm,
    /// A UPS, or a machine with a battery of its own, runs from its battery.
    UpsOnBattery,
    /// A UPS wants a new battery, is overloaded, or cannot be read.
    UpsFailing,
    /// A container is unhealthy, ends again and again, or has too little memory.
    ContainerFailing,
    /// The agent was started anew not long ago.
    AgentRestarted,
}

/// An entry of the attention list.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct AttentionItem {
    /// How bad it is.
    pub severity: AttentionSeverity,
    /// What it is about.
    pub kind: AttentionKind,
    /// The host, if it is about one.
    pub host: Option<String>,
    /// The thing on it: a mount point, a source, `pool tank`.
    pub subject: String,
    /// Its row on a page, if it has one: `pool:nas1:tank`, `container:nas1:web`, `ups:nas1:eaton@127.0.0.1:3493`.
    pub target: Option<String>,
    /// One sentence for people.
    pub message: String,
    /// Since when.
    pub since: Time,
}

/// What is judged of one host. Times are Unix milliseconds.
#[derive(Clone, Debug, Default)]
pub struct HostInput {
    /// Its name.
    pub name: String,
    /// The name its agent asks for.
    pub claimed: String,
    /// Nothing is heard of it.
    pub silent: bool,
    /// Another host claims the same name.
    pub conflict: bool,
    /// First batch.
    pub first_seen: i64,
    /// Last batch.
    pub last_seen: i64,
    /// Start of its agent.
    pub epoch_started: Option<i64>,
    /// Its filesystems.
    pub filesystems: Vec<FilesystemView>,
    /// Its sources.
    pub sources: Vec<SourceView>,
    /// What is to be said of its storage, devices and containers.
    pub things: Vec<StorageAttention>,
}

/// Batches of a host that will never come.
#[derive(Clone, Debug)]
pub struct LossInput {
    /// The host.
    pub host: String,
    /// How many.
    pub batches: i64,
    /// When that was settled.
    pub at: i64,
}

/// Everything that is judged.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The hosts.
    pub hosts: Vec<HostInput>,
    /// Losses.
    pub losses: Vec<LossInput>,
    /// Times of the newest dead letters.
    pub dead_letters: Vec<i64>,
    /// The broker is connected.
    pub broker_connected: bool,
}

/// Judges; worst first, then by host and subject.
pub fn judge(input: &Input, now_ms: i64) -> Vec<AttentionItem> {
    let mut items = Vec::new();
    for host in &input.hosts {
        judge_host(&mut items, host, input.broker_connected, now_ms);
    }
    judge_losses(&mut items, &input.losses, now_ms);
    items.extend(input.hosts.iter().flat_map(thing_items));
    let recent: Vec<i64> = input.dead_letters.iter().copied().filter(|at| now_ms - at < PAST_MS).collect();
    if let Some(&since) = recent.iter().min() {
        items.push(AttentionItem {
            severity: AttentionSeverity::Warning,
            kind: AttentionKind::DeadLetters,
            host: None,
            subject: "messages".to_owned(),
            target: None,
            message: "messages arrived that could not be understood; see the System page".to_owned(),
            since: Time(since),
        });
    }
    items.sort_by(|a, b| {
        (a.severity, a.kind, &a.host, &a.subject).cmp(&(b.severity, b.kind, &b.host, &b.subject))
    });
    items
}

fn judge_host(items: &mut Vec<AttentionItem>, host: &HostInput, broker_connected: bool, now_ms: i64) {
    let mut add = |severity, kind, subject: &str, message: String, since: i64| {
        items.push(AttentionItem {
            severity,
            kind,
            host: Some(host.name.clone()),
            subject: subject.to_owned(),
            target: None,
            message,
            since: Time(since),
        });
    };
    if host.silent {
        let message = match broker_connected {
            true => "no readings arrive any more",
            false => "no readings arrive, because the collector has no connection to the broker",
        };
        add(
            AttentionSeverity::Critical,
            AttentionKind::HostSilent,
            &host.name,
            message.to_owned(),
            host.last_seen,
        );
    }
    if host.conflict {
        let message =
            format!("another host claims the name {} too; this one is shown as {}", host.claimed, host.name);
        add(AttentionSeverity::Warning, AttentionKind::NameConflict, &host.claimed, message, host.first_seen);
    }
    for (severity, kind, subject, message, since) in filesystem_findings(host) {
        add(severity, kind, &subject, message, since);
    }
    // What a silent host said last of its sources says nothing about now.
    for source in host.sources.iter().filter(|_| !host.silent) {
        let word = match source.outcome {
            Outcome::Error => source.reason.as_deref().unwrap_or("error"),
            Outcome::Stalled => "stalled",
            _ => continue,
        };
        let message = match &source.message {
            Some(message) => format!("source {} fails ({word}): {message}", source.source),
            None => format!("source {} fails ({word})", source.source),
        };
        add(
            AttentionSeverity::Warning,
            AttentionKind::SourceFailing,
            &source.source,
            message,
            source.since.0,
        );
    }
    if let Some(started) = host.epoch_started
        && now_ms - started < RESTART_SHOWN_MS
        && started > host.first_seen
    {
        let message = "the agent was started anew".to_owned();
        add(AttentionSeverity::Info, AttentionKind::AgentRestarted, "agent", message, started);
    }
}

fn thing_items(host: &HostInput) -> impl Iterator<Item = AttentionItem> {
    host.things.iter().map(|found| AttentionItem {
        severity: found.severity,
        kind: found.kind,
        host: Some(host.name.clone()),
        subject: found.subject.clone(),
        target: found.target.clone(),
        message: found.message.clone(),
        since: found.since,
    })
}

type Finding = (AttentionSeverity, AttentionKind, String, String, i64);

/// Full and stalled filesystems; a device that is mounted at several places counts at the shortest.
fn filesystem_findings(host: &HostInput) -> Vec<Finding> {
    let mut devices: BTreeMap<&str, &FilesystemView> = BTreeMap::new();
    let mut findings = Vec::new();
    for filesystem in &host.filesystems {
        if filesystem.stalled {
            let message = format!("{} ({}) does not answer", filesystem.mountpoint, filesystem.fstype);
            let kind = AttentionKind::FilesystemStalled;
            findings.push((
                AttentionSeverity::Critical,
                kind,
                filesystem.mountpoint.clone(),
                message,
                host.last_seen,
            ));
            continue;
        }
        if filesystem.readonly || FULL_BY_NATURE.contains(&filesystem.fstype.as_str()) {
            continue;
        }
        // Names such as "tmpfs" are no devices that two mounts could share.
        let shared = filesystem.device.starts_with('/') || filesystem.device.contains(':');
        let key = if shared { &filesystem.device } else { &filesystem.mountpoint };
        let shortest = devices.entry(key).or_insert(filesystem);
        if filesystem.mountpoint.len() < shortest.mountpoint.len() {
            *shortest = filesystem;
        }
    }
    for filesystem in devices.into_values() {
        let Some(ratio) = filesystem.used_ratio.filter(|ratio| *ratio > FULL_WARNING_RATIO) else { continue };
        let critical = ratio > FULL_CRITICAL_RATIO;
        let severity = if critical { AttentionSeverity::Critical } else { AttentionSeverity::Warning };
        // Never 100 % as long as there is something left.
        let percent = if ratio >= 1.0 { 100.0 } else { (ratio * 1000.0).floor() / 10.0 };
        let message = format!("{} is {percent} % full", filesystem.mountpoint);
        let kind = AttentionKind::FilesystemFull;
        findings.push((severity, kind, filesystem.mountpoint.clone(), message, host.last_seen));
    }
    findings
}

fn judge_losses(items: &mut Vec<AttentionItem>, losses: &[LossInput], now_ms: i64) {
    let mut by_host: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for loss in losses.iter().filter(|loss| now_ms - loss.at < PAST_MS) {
        let sum = by_host.entry(&loss.host).or_insert((0, loss.at));
        *sum = (sum.0 + loss.batches, sum.1.min(loss.at));
    }
    for (host, (batches, since)) in by_host {
        let noun = if batches == 1 { "batch" } else { "batches" };
        items.push(AttentionItem {
            severity: AttentionSeverity::Warning,
            kind: AttentionKind::DataLost,
            host: Some(host.to_owned()),
            subject: "readings".to_owned(),
            target: None,
            message: format!("{batches} {noun} of readings were lost for good within the last day"),
            since: Time(since),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000_000;

    fn filesystem(mountpoint: &str, device: &str, ratio: f64) -> FilesystemView {
        FilesystemView {
            mountpoint: mountpoint.to_owned(),
            device: device.to_owned(),
            fstype: "ext4".to_owned(),
            size_bytes: None,
            avail_bytes: None,
            free_bytes: None,
            used_ratio: Some(ratio),
            inodes: None,
            inodes_free: None,
            readonly: false,
            stalled: false,
        }
    }

    fn host(name: &str) -> HostInput {
        HostInput {
            name: name.to_owned(),
            claimed: name.to_owned(),
            last_seen: NOW - 5_000,
            ..HostInput::default()
        }
    }

    fn findings(host: HostInput) -> Vec<(AttentionSeverity, AttentionKind, String)> {
        let input = Input { hosts: vec![host], broker_connected: true, ..Input::default() };
        judge(&input, NOW).into_iter().map(|item| (item.severity, item.kind, item.subject)).collect()
    }

    #[test]
    fn all_is_well_says_nothing() {
        let mut well = host("nas");
        well.filesystems = vec![filesystem("/", "/dev/sda1", 0.90)];
        assert_eq!(findings(well), []);
    }

    #[test]
    fn filesystems_are_full_by_degrees() {
        let mut nas = host("nas");
        nas.filesystems = vec![
            filesystem("/", "/dev/sda1", 0.901),
            filesystem("/mnt/tank", "/dev/sdb1", 0.951),
            filesystem("/srv/tank", "/dev/sdb1", 0.951),
            FilesystemView { readonly: true, ..filesystem("/ro", "/dev/sdc", 1.0) },
            FilesystemView { fstype: "squashfs".to_owned(), ..filesystem("/snap/x", "/dev/loop0", 1.0) },
            FilesystemView { stalled: true, used_ratio: None, ..filesystem("/nfs", "a:/b", 0.0) },
        ];
        let full = AttentionKind::FilesystemFull;
        assert_eq!(
            findings(nas),
            [
                (AttentionSeverity::Critical, full, "/mnt/tank".to_owned()),
                (AttentionSeverity::Critical, AttentionKind::FilesystemStalled, "/nfs".to_owned()),
                (AttentionSeverity::Warning, full, "/".to_owned()),
            ]
        );
    }

    #[test]
    fn silence_hides_what_is_only_remembered() {
        let source = |outcome| SourceView {
            source: "disk".to_owned(),
            outcome,
            reason: Some("permission".to_owned()),
            message: None,
            interval_seconds: 10.0,
            duration_seconds: None,
            last_read: None,
            since: Time(1),
            series: 0,
        };
        let mut nas =
            HostInput { sources: vec![source(Outcome::Error), source(Outcome::Absent)], ..host("nas") };
        assert_eq!(
            findings(nas.clone()),
            [(AttentionSeverity::Warning, AttentionKind::SourceFailing, "disk".to_owned())]
        );
        nas.silent = true;
        assert_eq!(
            findings(nas),
            [(AttentionSeverity::Critical, AttentionKind::HostSilent, "nas".to_owned())]
        );
    }

    #[test]
    fn restarts_conflicts_losses_and_dead_letters_are_told() {
        let mut nas = host("nas-ab12");
        nas.claimed = "nas".to_owned();
        nas.conflict = true;
        nas.epoch_started = Some(NOW - 60_000);
        let loss = |at| LossInput { host: "nas".to_owned(), batches: 2, at };
        let input = Input {
            hosts: vec![nas],
            losses: vec![loss(NOW - 7), loss(NOW - 9), loss(NOW - PAST_MS)],
            dead_letters: vec![NOW - 3, NOW - 4, NOW - PAST_MS],
            broker_connected: true,
        };
        let items = judge(&input, NOW);
        let kinds: Vec<_> = items.iter().map(|item| (item.kind, item.since.0)).collect();
        assert_eq!(
            kinds,
            [
                (AttentionKind::NameConflict, 0),
                (AttentionKind::DataLost, NOW - 9),
                (AttentionKind::DeadLetters, NOW - 4),
                (AttentionKind::AgentRestarted, NOW - 60_000),
            ]
        );
        assert_eq!(items[1].message, "4 batches of readings were lost for good within the last day");
    }

    #[test]
    fn a_first_start_is_no_restart() {
        let mut nas = host("nas");
        nas.first_seen = NOW - 50_000;
        nas.epoch_started = Some(NOW - 60_000);
        assert_eq!(findings(nas), []);
    }
}
