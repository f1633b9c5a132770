//! What the kernel tells of one array below `/sys/block/<array>/md` (Documentation/admin-guide/md.rst).

use crate::host::{At, HostRoot, Scratch};
use crate::source::SourceError;

use super::mdstat;

/// Attributes of an array; `None` where the kernel has none, which depends on level and state.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Attributes {
    /// `raid1`, …, `container`.
    pub(super) level: Option<String>,
    /// `clean`, `active`, `inactive`, `readonly`, `read-auto`, `broken`, ….
    pub(super) array_state: Option<String>,
    /// `1.2`, `external:imsm`, ….
    pub(super) metadata: Option<String>,
    pub(super) uuid: Option<String>,
    pub(super) raid_disks: Option<u32>,
    pub(super) degraded: Option<u32>,
    pub(super) chunk_bytes: Option<u64>,
    pub(super) layout: Option<String>,
    /// Size of the part of each member that is used, in KiB.
    pub(super) component_kib: Option<u64>,
    /// `idle`, `resync`, `recover`, `check`, `repair`, `reshape`, `frozen`.
    pub(super) sync_action: Option<String>,
    pub(super) last_sync_action: Option<String>,
    /// Sectors done, and all of them.
    pub(super) sync_completed: Option<(u64, u64)>,
    /// KiB per second.
    pub(super) sync_speed_kib: Option<u64>,
    pub(super) mismatch_sectors: Option<u64>,
    /// `resync`, `bitmap`, `journal`, `ppl`, `none`.
    pub(super) consistency_policy: Option<String>,
    /// `write-through`, `write-back`.
    pub(super) journal_mode: Option<String>,
    /// Sector that a reshape has come to.
    pub(super) reshape_position: Option<u64>,
    /// Size of the whole array, in sectors.
    pub(super) sectors: Option<u64>,
    pub(super) members: Vec<Member>,
}

/// A device of an array.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Member {
    /// Kernel name.
    pub(super) name: String,
    /// Words of its state: `in_sync`, `spare`, `faulty`, `write_mostly`, ….
    pub(super) state: Vec<String>,
    /// Place in the array; a spare has none.
    pub(super) slot: Option<u32>,
    /// Errors in reading that were mended.
    pub(super) errors: Option<u64>,
}

impl Attributes {
    /// Those of an array; `None` when it has no folder for them.
    pub(super) fn read(
        host: &HostRoot,
        scratch: &mut Scratch,
        array: &str,
    ) -> Result<Option<Self>, SourceError> {
        let folder = format!("block/{array}/md");
        let names = host.list(At::Sys, &folder)?;
        if names.is_empty() {
            return Ok(None);
        }
        let mut members = Vec::new();
        for entry in &names {
            let Some(name) = entry.strip_prefix("dev-") else { continue };
            members.push(Member::read(host, scratch, &format!("{folder}/{entry}"), name));
        }
        let sectors = first_number(host.attribute(scratch, &format!("block/{array}/size")));
        let mut text = |name: &str| {
            let there = names.iter().any(|entry| entry == name);
            let text = there.then(|| host.attribute(scratch, &format!("{folder}/{name}"))).flatten();
            text.filter(|text| *text != "none").map(str::to_owned)
        };
        let array_state = text("array_state");
        let (level, metadata, uuid) = (text("level"), text("metadata_version"), text("uuid"));
        let (sync_action, last_sync_action) = (text("sync_action"), text("last_sync_action"));
        let (layout, consistency_policy) = (text("layout"), text("consistency_policy"));
        let journal_mode = text("journal_mode").and_then(|text| chosen(&text));
        let sync_completed = text("sync_completed").and_then(|text| completed(&text));
        let mut number = |name: &str| first_number(text(name).as_deref());
        let small = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
        Ok(Some(Self {
            level,
            array_state,
            metadata,
            uuid,
            raid_disks: small(number("raid_disks")),
            degraded: small(number("degraded")),
            chunk_bytes: number("chunk_size").filter(|&bytes| bytes > 0),
            layout,
            component_kib: number("component_size"),
            sync_action,
            last_sync_action,
            sync_completed,
            sync_speed_kib: number("sync_speed"),
            mismatch_sectors: number("mismatch_cnt"),
            consistency_policy,
            journal_mode,
            reshape_position: number("reshape_position"),
            sectors,
            members,
        }))
    }
}

impl Member {
    fn read(host: &HostRoot, scratch: &mut Scratch, folder: &str, name: &str) -> Self {
        let mut text = |file: &str| host.attribute(scratch, &format!("{folder}/{file}")).map(str::to_owned);
        let state = text("state").unwrap_or_default();
        Self {
            name: name.replace('!', "/"),
            state: state.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            slot: first_number(text("slot").as_deref()).and_then(|slot| u32::try_from(slot).ok()),
            errors: first_number(text("errors").as_deref()),
        }
    }

    /// What `/proc/mdstat` tells of a device where sysfs tells nothing.
    pub(super) fn of_line(member: &mdstat::Member) -> Self {
        const WORDS: [(char, &str); 5] =
            [('F', "faulty"), ('S', "spare"), ('W', "write_mostly"), ('J', "journal"), ('R', "replacement")];
        let mut state: Vec<String> =
            WORDS.iter().filter(|(flag, _)| member.is(*flag)).map(|(_, word)| (*word).to_owned()).collect();
        if !member.flags.iter().any(|flag| "FSJ".contains(*flag)) {
            state.insert(0, "in_sync".to_owned());
        }
        Self { name: member.name.clone(), state, slot: None, errors: None }
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.state.iter().any(|state| state == word)
    }

    /// What it does in the array, in a word.
    pub(super) fn role(&self) -> &'static str {
        match self.slot {
            _ if self.is("faulty") => "faulty",
            _ if self.is("journal") => "journal",
            _ if self.is("replacement") => "replacement",
            _ if self.is("in_sync") => "active",
            Some(_) => "rebuilding",
            None => "spare",
        }
    }
}

/// `4 (3)` is four, and three before a reshape.
fn first_number(text: Option<&str>) -> Option<u64> {
    text?.split_whitespace().next()?.parse().ok()
}

/// `130944 / 2093056`; `delayed` has no numbers.
fn completed(text: &str) -> Option<(u64, u64)> {
    let (done, total) = text.split_once('/')?;
    Some((done.trim().parse().ok()?, total.trim().parse().ok()?))
}

/// `[write-through] write-back`
fn chosen(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word.to_owned())
}
