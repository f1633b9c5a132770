//! Errors that memory controllers with ECC found and corrected, or not (`/sys/devices/system/edac`), in node_exporter's names;
//! new ones as events, what memory there is as the fact `memory_controller`.

mod changes;
mod controller;

use std::collections::BTreeMap;
use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::fact::FactValue;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{HostRoot, Scratch};
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use changes::Watch;
use controller::{Controller, controllers};

config_section! {
    /// Errors of memory with ECC.
    pub struct Config in "sources.edac" {}
}

const CONTROLLER: &[&str] = &["controller"];
const ROW: &[&str] = &["controller", "csrow"];
const CHANNEL: &[&str] = &["controller", "csrow", "channel", "dimm_label"];
const DIMM: &[&str] = &["controller", "dimm", "dimm_label"];

macro_rules! metrics {
    ($($name:ident $labels:ident $metric:literal $help:literal;)+) => {
        $(static $name: MetricDef = MetricDef::counter($metric, Unit::None, $labels, $help);)+
        const METRICS: &[&MetricDef] = &[$(&$name),+];
    };
}

metrics! {
    CE CONTROLLER "node_edac_correctable_errors_total" "Memory errors that a controller corrected.";
    UE CONTROLLER "node_edac_uncorrectable_errors_total" "Memory errors that a controller could not correct.";
    ROW_CE ROW "node_edac_csrow_correctable_errors_total" "Corrected errors of a row of chips; unknown are those whose row is not known.";
    ROW_UE ROW "node_edac_csrow_uncorrectable_errors_total" "Uncorrected errors of a row of chips.";
    CHANNEL_CE CHANNEL "node_edac_channel_correctable_errors_total" "Corrected errors of a channel of a row.";
    CHANNEL_UE CHANNEL "node_edac_channel_uncorrectable_errors_total" "Uncorrected errors of a channel of a row.";
    DIMM_CE DIMM "hi_edac_dimm_correctable_errors_total" "Corrected errors of a DIMM or rank, where the kernel counts by them.";
    DIMM_UE DIMM "hi_edac_dimm_uncorrectable_errors_total" "Uncorrected errors of a DIMM or rank.";
}

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "edac",
    summary: "Memory errors found by ECC, by controller, channel and DIMM, from /sys/devices/system/edac.",
    interval: Duration::from_secs(60),
    timeout: Duration::from_secs(5),
    metrics: METRICS,
    permission: "",
    keys: Config::keys,
    make: |table| {
        own_section::<Config>(table)?;
        Ok(Box::new(Edac::default()))
    },
};

type Doc = BTreeMap<String, FactValue>;

struct Edac {
    scratch: Scratch,
    watch: Watch,
    told: BTreeMap<String, Doc>,
    facts: Every,
}

impl Default for Edac {
    fn default() -> Self {
        Self {
            scratch: Scratch::default(),
            watch: Watch::default(),
            told: BTreeMap::new(),
            facts: Every::new(Every::FACTS),
        }
    }
}

impl Source for Edac {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let facts = self.facts.due();
        let (controllers, failure) = controllers(host, &mut self.scratch, facts)?;
        push_rows(&controllers, out);
        push_parts(&controllers, out);
        for event in self.watch.look(&controllers) {
            out.event(event.kind, event.severity, event.message, event.data);
        }
        if facts {
            self.tell(&controllers, failure.is_none(), out);
        }
        match failure {
            Some(error) => Err(error),
            None if controllers.is_empty() => Ok(Outcome::Absent),
            None => Ok(Outcome::Read),
        }
    }
}

impl Edac {
    /// Tells what the controllers are made of; those that are gone, unless one could not be read.
    fn tell(&mut self, controllers: &[Controller], all: bool, out: &mut Readings) {
        let before = std::mem::take(&mut self.told);
        for controller in controllers {
            let id = format!("mc{}", controller.number);
            out.fact("memory_controller", id.clone(), controller.doc.clone());
            self.told.insert(id, controller.doc.clone());
        }
        for (id, doc) in before {
            if self.told.contains_key(&id) {
                continue;
            }
            match all {
                true => out.fact_gone("memory_controller", id),
                false => drop(self.told.insert(id, doc)),
            }
        }
    }
}

fn push_rows(controllers: &[Controller], out: &mut Readings) {
    for (metric, corrected) in [(&CE, true), (&UE, false)] {
        for Controller { number, counts, .. } in controllers {
            let count = if corrected { counts.corrected } else { counts.uncorrected };
            out.push(metric, &[number], count as f64);
        }
    }
    for (metric, corrected) in [(&ROW_CE, true), (&ROW_UE, false)] {
        for Controller { number, unknown, rows, .. } in controllers {
            let rows = rows.iter().map(|row| (row.number.as_str(), row.counts));
            for (row, counts) in rows.chain([("unknown", *unknown)]) {
                let count = if corrected { counts.corrected } else { counts.uncorrected };
                out.push(metric, &[number, row], count as f64);
            }
        }
    }
}

fn push_parts(controllers: &[Controller], out: &mut Readings) {
    let channels = || {
        controllers.iter().flat_map(|controller| {
            let rows = controller.rows.iter();
            rows.flat_map(move |row| row.channels.iter().map(move |channel| (controller, row, channel)))
        })
    };
    for (controller, row, channel) in channels() {
        let labels = [&controller.number, &row.number, &channel.number, &channel.label].map(String::as_str);
        out.push(&CHANNEL_CE, &labels, channel.corrected as f64);
    }
    for (controller, row, channel) in channels() {
        let labels = [&controller.number, &row.number, &channel.number, &channel.label].map(String::as_str);
        if let Some(count) = channel.uncorrected {
            out.push(&CHANNEL_UE, &labels, count as f64);
        }
    }
    let dimms = || {
        controllers.iter().flat_map(|controller| controller.dimms.iter().map(move |dimm| (controller, dimm)))
    };
    for (controller, dimm) in dimms() {
        out.push(&DIMM_CE, &[&controller.number, &dimm.name, &dimm.label], dimm.counts.corrected as f64);
    }
    for (controller, dimm) in dimms() {
        out.push(&DIMM_UE, &[&controller.number, &dimm.name, &dimm.label], dimm.counts.uncorrected as f64);
    }
}

#[cfg(test)]
mod tests;
