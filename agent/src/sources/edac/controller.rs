//! What sysfs says of a memory controller (Documentation/ABI/testing/sysfs-devices-edac, Documentation/driver-api/edac.rst):
//! counts of errors by row and channel, as old kernels order memory, and by DIMM, as new ones do.

use std::collections::BTreeMap;

use hi_common::fact::FactValue;

use crate::host::{At, HostRoot, Scratch};
use crate::source::SourceError;

const FOLDER: &str = "devices/system/edac/mc";

/// Errors counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) corrected: u64,
    pub(super) uncorrected: u64,
}

/// A memory controller.
#[derive(Debug, Default)]
pub(super) struct Controller {
    /// What follows `mc` in its name.
    pub(super) number: String,
    pub(super) counts: Counts,
    /// Errors whose row is not known.
    pub(super) unknown: Counts,
    pub(super) rows: Vec<Row>,
    pub(super) dimms: Vec<Dimm>,
    pub(super) doc: BTreeMap<String, FactValue>,
}

/// A row of chips (`csrow0`).
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: String,
    pub(super) counts: Counts,
    pub(super) channels: Vec<Channel>,
}

/// A channel of a row.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) number: String,
    /// The DIMM's label as node_exporter words it.
    pub(super) label: String,
    pub(super) corrected: u64,
    pub(super) uncorrected: Option<u64>,
}

/// A DIMM, or a rank of one.
#[derive(Debug)]
pub(super) struct Dimm {
    /// `dimm0`, `rank3`.
    pub(super) name: String,
    /// What is printed beside its slot, where the firmware knows.
    pub(super) label: String,
    pub(super) counts: Counts,
}

impl Controller {
    /// Errors by the smallest part that is known: DIMMs where the kernel counts by them, else channels.
    pub(super) fn parts(&self) -> BTreeMap<String, Counts> {
        if !self.dimms.is_empty() {
            let part = |dimm: &Dimm| {
                let name = if dimm.label.is_empty() { &dimm.name } else { &dimm.label };
                (name.clone(), dimm.counts)
            };
            return self.dimms.iter().map(part).collect();
        }
        let channels =
            self.rows.iter().flat_map(|row| row.channels.iter().map(move |channel| (row, channel)));
        let part = |(row, channel): (&Row, &Channel)| {
            let counts =
                Counts { corrected: channel.corrected, uncorrected: channel.uncorrected.unwrap_or(0) };
            let name = match channel.label.as_str() {
                "unknown" => format!("row {} channel {}", row.number, channel.number),
                label => label.to_owned(),
            };
            (name, counts)
        };
        channels.map(part).collect()
    }
}

/// All controllers of a host; `facts` also what they are made of. One that cannot be read is left out, and the error given.
pub(super) fn controllers(
    host: &HostRoot,
    scratch: &mut Scratch,
    facts: bool,
) -> Result<(Vec<Controller>, Option<SourceError>), SourceError> {
    let (mut found, mut failure) = (Vec::new(), None);
    for name in host.list(At::Sys, FOLDER)? {
        let Some(number) = numbered(&name, "mc") else { continue };
        match controller(host, scratch, &name, number, facts) {
            Ok(controller) => found.push(controller),
            Err(error) => drop(failure.get_or_insert(error)),
        }
    }
    Ok((found, failure))
}

fn controller(
    host: &HostRoot,
    scratch: &mut Scratch,
    name: &str,
    number: &str,
    facts: bool,
) -> Result<Controller, SourceError> {
    let folder = format!("{FOLDER}/{name}");
    let mut found = Controller {
        number: number.to_owned(),
        counts: counts(host, scratch, &folder, "ce_count", "ue_count")?,
        unknown: counts(host, scratch, &folder, "ce_noinfo_count", "ue_noinfo_count").unwrap_or_default(),
        ..Controller::default()
    };
    for entry in host.list(At::Sys, &folder)? {
        let place = format!("{folder}/{entry}");
        if let Some(number) = numbered(&entry, "csrow") {
            found.rows.push(row(host, scratch, &place, number)?);
        } else if numbered(&entry, "dimm").or_else(|| numbered(&entry, "rank")).is_some()
            && let Ok(counts) = counts(host, scratch, &place, "dimm_ce_count", "dimm_ue_count")
        {
            let label =
                host.attribute(scratch, &format!("{place}/dimm_label")).unwrap_or_default().to_owned();
            found.dimms.push(Dimm { name: entry, label, counts });
        }
    }
    if facts {
        found.doc = describe(host, scratch, &folder, &found);
    }
    Ok(found)
}

/// What follows a word in a name, if it is a number.
fn numbered<'n>(name: &'n str, word: &str) -> Option<&'n str> {
    let number = name.strip_prefix(word)?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(number)
}

fn counts(
    host: &HostRoot,
    scratch: &mut Scratch,
    folder: &str,
    corrected: &str,
    uncorrected: &str,
) -> Result<Counts, SourceError> {
    Ok(Counts {
        corrected: count(host, scratch, &format!("{folder}/{corrected}"))?,
        uncorrected: count(host, scratch, &format!("{folder}/{uncorrected}"))?,
    })
}

fn count(host: &HostRoot, scratch: &mut Scratch, path: &str) -> Result<u64, SourceError> {
    let text = host.text(scratch, At::Sys, path)?.trim();
    text.parse().map_err(|_| {
        SourceError::parse(path, format!("{:?} is no count", text.chars().take(40).collect::<String>()))
    })
}

fn row(host: &HostRoot, scratch: &mut Scratch, folder: &str, number: &str) -> Result<Row, SourceError> {
    let mut row = Row {
        number: number.to_owned(),
        counts: counts(host, scratch, folder, "ce_count", "ue_count")?,
        channels: Vec::new(),
    };
    for file in host.list(At::Sys, folder)? {
        let channel = file.strip_suffix("_ce_count").and_then(|start| numbered(start, "ch"));
        let Some(channel) = channel else { continue };
        let label = match host.attribute(scratch, &format!("{folder}/ch{channel}_dimm_label")) {
            Some(label) => label.replace('#', "").replace("csrow", "_csrow").replace("channel", "_channel"),
            None => "unknown".to_owned(),
        };
        row.channels.push(Channel {
            number: channel.to_owned(),
            label,
            corrected: count(host, scratch, &format!("{folder}/{file}"))?,
            uncorrected: count(host, scratch, &format!("{folder}/ch{channel}_ue_count")).ok(),
        });
    }
    Ok(row)
}

/// The fact of a controller: what it and its DIMMs are.
fn describe(
    host: &HostRoot,
    scratch: &mut Scratch,
    folder: &str,
    controller: &Controller,
) -> BTreeMap<String, FactValue> {
    const MIB: i64 = 1 << 20;
    let mut read = |path: String| host.attribute(scratch, &path).map(str::to_owned);
    let bytes = |text: String| text.parse::<i64>().ok().map(|mib| FactValue::Int(mib.saturating_mul(MIB)));
    let mut doc = BTreeMap::new();
    let mut dimms = Vec::new();
    for dimm in &controller.dimms {
        let place = format!("{folder}/{}", dimm.name);
        let mut part = BTreeMap::from([("name".to_owned(), FactValue::Text(dimm.name.clone()))]);
        for (file, key) in [
            ("dimm_label", "label"),
            ("dimm_location", "location"),
            ("dimm_mem_type", "memory_type"),
            ("dimm_dev_type", "device_type"),
            ("dimm_edac_mode", "ecc_mode"),
        ] {
            if let Some(text) = read(format!("{place}/{file}")) {
                part.insert(key.to_owned(), FactValue::Text(text));
            }
        }
        if let Some(size) = read(format!("{place}/size")).and_then(bytes) {
            part.insert("size_bytes".to_owned(), size);
        }
        dimms.push(FactValue::Map(part));
    }
    if dimms.is_empty() {
        let channels =
            controller.rows.iter().flat_map(|row| row.channels.iter().map(move |channel| (row, channel)));
        dimms.extend(channels.map(|(row, channel)| {
            let name = format!("csrow{} channel{}", row.number, channel.number);
            let pairs = [("name", name), ("label", channel.label.clone())];
            FactValue::Map(pairs.map(|(key, text)| (key.to_owned(), FactValue::Text(text))).into())
        }));
    }
    doc.insert("dimms".to_owned(), FactValue::List(dimms));
    if let Some(name) = read(format!("{folder}/mc_name")) {
        doc.insert("name".to_owned(), FactValue::Text(name));
    }
    if let Some(size) = read(format!("{folder}/size_mb")).and_then(bytes) {
        doc.insert("size_bytes".to_owned(), size);
    }
    doc
}
