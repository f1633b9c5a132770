//! The management controller (BMC) of a server: what `ipmitool sdr`, `sel`, `chassis status` and `dcmi power reading` show, by
//! requests of IPMI 2.0 (revision 1.1) and DCMI 1.5 through the kernel's `/dev/ipmi0`. Requests only read; there is one at a time.

mod answers;
mod bmc;
mod bytes;
pub mod decode;
mod facts;
mod formula;
mod fru;
mod identity;
mod log;
mod manufacturers;
mod metrics;
mod repository;
mod run;
mod sdr;
mod sel;
mod sensors;
mod states;
mod units;
mod words;

use std::time::{Duration, Instant};

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::event::Severity;

use crate::host::{At, HostRoot};
use crate::source::pattern::Patterns;
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use answers::{Chassis, DeviceId};
use bmc::{Bmc, Trouble, netfn};
use facts::{Doc, Known};
use identity::Identity;
use log::Log;
use metrics::COLLECTORS;
use repository::Repository;
use run::{Run, collector};
use sdr::Sensor;
use sensors::Measured;
use words::Level;

config_section! {
    /// Management controller (BMC), by IPMI.
    pub struct Config in "sources.ipmi" {
        /// Name of the IPMI device below /dev.
        pub device: String = "ipmi0".to_owned(),
        /// Shell patterns of sensors left out, by name: `PCIe Slot*`. They are not asked.
        pub exclude_sensors: Vec<String> = Vec::new(),
    }
}

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "ipmi",
    summary: "Management controller (BMC): sensors with thresholds and states, event log, chassis, power, watchdog, by IPMI through \
              /dev/ipmi0.",
    interval: Duration::from_secs(60),
    timeout: Duration::from_secs(50),
    metrics: metrics::METRICS,
    permission: "read access to /dev/ipmi0, which root alone has: a udev rule that gives it to a group (KERNEL==\"ipmi[0-9]*\", \
                 GROUP=\"ipmi\", MODE=\"0640\"), in the unit DeviceAllow=char-ipmidev r with PrivateDevices=no and \
                 SupplementaryGroups=ipmi. Who may open the device may send the BMC anything; the agent only asks.",
    keys: Config::keys,
    make: |table| Ok(Box::new(Ipmi::new(own_section(table)?))),
};

/// How long one run may keep the BMC busy.
const RUN_MAX: Duration = Duration::from_secs(40);
/// How often what hardly changes is asked again, and what the BMC did not know.
const SELDOM: Duration = Duration::from_secs(3600);
/// Kind and id of the fact.
const FACT: (&str, &str) = ("bmc", "0");

struct Ipmi {
    device: String,
    exclude: Patterns,
    repository: Repository,
    /// Those that can be read.
    sensors: Vec<(Sensor, Measured)>,
    /// Where reading goes on that time did not suffice for.
    next: usize,
    /// Sensors whose thresholds have been asked for.
    asked: usize,
    log: Log,
    identity: Option<(DeviceId, Identity)>,
    chassis: Option<Chassis>,
    seldom: Every,
    /// Collectors that the BMC does not know.
    unknown: [bool; COLLECTORS.len()],
    facts: Every,
    told: Option<Doc>,
}

impl Ipmi {
    fn new(config: Config) -> Self {
        Self {
            device: config.device,
            exclude: Patterns::new(&config.exclude_sensors),
            repository: Repository::default(),
            sensors: Vec::new(),
            next: 0,
            asked: 0,
            log: Log::default(),
            identity: None,
            chassis: None,
            seldom: Every::new(SELDOM),
            unknown: [false; COLLECTORS.len()],
            facts: Every::new(Every::FACTS),
            told: None,
        }
    }

    /// Entries of the log that are new, in words.
    fn tell_log(&self, look: Option<&log::Look>, out: &mut Readings) {
        let Some(look) = look else { return };
        if look.cleared {
            out.event("bmc_log_cleared", Severity::Info, "the event log of the BMC was cleared", Vec::new());
        }
        for entry in &look.new {
            let told = entry.tell(&self.repository.sensors);
            let severity = match told.level {
                Level::Nominal => Severity::Info,
                Level::Warning => Severity::Warning,
                Level::Critical => Severity::Critical,
            };
            let data = vec![
                ("record_id", entry.record.to_string()),
                ("logged_at", facts::logged_at(entry)),
                ("sensor", told.sensor),
                ("sensor_type", told.sensor_type.to_owned()),
                ("direction", told.direction.to_owned()),
                ("text", told.text.clone()),
                ("raw", bytes::hex(&entry.bytes)),
            ];
            let data = data.into_iter().filter(|(_, text)| !text.is_empty()).collect();
            out.event("bmc_log", severity, told.text, data);
        }
    }

    fn tell_fact(&mut self, log: Option<&sel::Info>, out: &mut Readings) {
        let Some((id, identity)) = &self.identity else { return };
        let doc = facts::describe(&Known {
            id,
            identity,
            chassis: self.chassis.as_ref(),
            log,
            all: &self.repository.sensors,
            sensors: &self.sensors,
            newest: self.log.newest.make_contiguous(),
        });
        if self.facts.due() || self.told.as_ref() != Some(&doc) {
            out.fact(FACT.0, FACT.1, doc.clone());
            self.told = Some(doc);
        }
    }

    /// There is no answer to the first request: because there is no BMC, or because it fails.
    fn without(
        &mut self,
        host: &HostRoot,
        trouble: Trouble,
        bmc: &Bmc,
        out: &mut Readings,
    ) -> Result<Outcome, SourceError> {
        if trouble.is_absence() {
            if host.exists(At::Sys, &format!("class/ipmi/{}", self.device)) {
                // The kernel has it, so the sandbox hides it.
                return Err(SourceError::Permission { path: host.root("dev").join(&self.device) });
            }
            if self.told.take().is_some() {
                out.fact_gone(FACT.0, FACT.1);
            }
            (self.repository, self.log) = (Repository::default(), Log::default());
            (self.identity, self.chassis) = (None, None);
            self.sensors.clear();
            // Devices bound to the driver of the BMC's interface: ACPI's IPI0001:00, dmi-ipmi-si.0.
            let bound = host.list(At::Sys, "bus/platform/drivers/ipmi_si").unwrap_or_default();
            if bound.iter().any(|name| name.contains([':', '.'])) {
                out.note("there is a BMC, but no device to ask it: the kernel module ipmi_devintf makes one");
            }
            return Ok(Outcome::Absent);
        }
        self.sensors.iter_mut().for_each(|(_, measured)| measured.clear());
        metrics::push_sensors(&self.sensors, out);
        let mut up = [None; COLLECTORS.len()];
        up[collector::BMC] = Some(false);
        metrics::push_up(up, None, out);
        Err(bmc.error(trouble))
    }
}

impl Source for Ipmi {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        const GET_DEVICE_ID: u8 = 0x01;
        let started = Instant::now();
        let device = self.device.clone();
        let bmc = Bmc::new(host, &device, RUN_MAX);
        let id = bmc.ask(netfn::APP, GET_DEVICE_ID, &[]);
        let id =
            id.and_then(|bytes| DeviceId::parse(&bytes).ok_or(Trouble::Malformed("a device id that is cut")));
        let id = match id {
            Ok(id) => id,
            Err(trouble) => return self.without(host, trouble, &bmc, out),
        };
        let mut run = Run::default();
        if !id.available {
            out.note("the BMC starts, or its firmware is being replaced: nothing else is asked");
            run.over = true;
        }
        let mut look = None;
        if !run.over {
            self.identify(&bmc, &mut run, id.clone(), out);
            self.look_at_chassis(&bmc, &mut run, out);
            look = self.look_at_log(&bmc, &mut run, out);
            self.look_at_power(&bmc, &mut run, out);
        }
        self.look_at_sensors(&bmc, &mut run, &id);
        metrics::push_sensors(&self.sensors, out);
        let took = host.is_live().then(|| started.elapsed().as_secs_f64());
        metrics::push_up(run.up, took, out);
        if self.repository.malformed > 0 {
            out.note(format!("{} sensor records are not understood", self.repository.malformed));
        }
        self.tell_log(look.as_ref(), out);
        for event in run.events {
            out.event(event.kind, event.severity, event.message, event.data);
        }
        self.tell_fact(look.as_ref().map(|look| &look.info), out);
        run.trouble.map_or(Ok(Outcome::Read), |trouble| Err(bmc.error(trouble)))
    }
}

#[cfg(test)]
mod tests;
