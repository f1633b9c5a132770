//! One run: what is asked in it, and what came of that.

use hi_common::event::Severity;

use super::answers::{Chassis, DeviceId, Power, Watchdog};
use super::bmc::{Bmc, Trouble, netfn};
use super::identity::Identity;
use super::metrics::{self, COLLECTORS};
use super::sensors::{self, Measured};
use super::{Ipmi, facts, log};
use crate::source::{EventDoc, Readings};

/// Places in [`COLLECTORS`].
pub(super) mod collector {
    pub(in super::super) const BMC: usize = 0;
    pub(in super::super) const WATCHDOG: usize = 1;
    pub(in super::super) const CHASSIS: usize = 2;
    pub(in super::super) const DCMI: usize = 3;
    pub(in super::super) const SENSORS: usize = 4;
    pub(in super::super) const LOG: usize = 5;
}

/// What came of one run.
#[derive(Default)]
pub(super) struct Run {
    pub(super) up: [Option<bool>; COLLECTORS.len()],
    pub(super) trouble: Option<Trouble>,
    /// Whether nothing more is asked.
    pub(super) over: bool,
    pub(super) events: Vec<EventDoc>,
}

impl Run {
    /// Notes how asking for something went.
    fn note<T>(&mut self, collector: usize, result: Result<T, Trouble>) -> Option<T> {
        match result {
            Ok(value) => {
                self.up[collector].get_or_insert(true);
                Some(value)
            }
            Err(trouble) => {
                self.up[collector] = Some(false);
                self.over |= trouble.ends_the_run();
                self.trouble.get_or_insert(trouble);
                None
            }
        }
    }
}

impl Ipmi {
    /// One request that the BMC may not know; then it is left alone for a while.
    fn optional<T>(
        &mut self,
        bmc: &Bmc,
        run: &mut Run,
        collector: usize,
        (netfn, command, data): (u8, u8, &[u8]),
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        if self.unknown[collector] {
            return None;
        }
        if run.over {
            run.up[collector] = Some(false);
            return None;
        }
        let answer = bmc.ask(netfn, command, data);
        if answer.as_ref().is_err_and(Trouble::is_unsupported) {
            self.unknown[collector] = true;
            return None;
        }
        // Some know these but have nothing to tell, and say so in codes of their choice.
        if collector != collector::CHASSIS && matches!(answer, Err(Trouble::Code(_))) {
            run.up[collector] = Some(false);
            return None;
        }
        let parsed =
            answer.and_then(|bytes| parse(&bytes).ok_or(Trouble::Malformed("an answer that is cut")));
        run.note(collector, parsed)
    }

    /// Who the BMC is, and what hardly changes of it.
    pub(super) fn identify(&mut self, bmc: &Bmc, run: &mut Run, id: DeviceId, out: &mut Readings) {
        let due = self.seldom.due();
        if due {
            self.unknown = [false; COLLECTORS.len()];
            self.asked = 0;
        }
        let known = self.identity.take().filter(|(before, _)| !due && *before == id);
        let identity = match known {
            Some((_, identity)) => Some(identity),
            None => {
                let asked = run.note(collector::BMC, Identity::ask(bmc, id.has_fru));
                if asked.is_none() {
                    self.seldom.hasten();
                }
                asked
            }
        };
        let Some(identity) = identity else { return };
        run.up[collector::BMC] = Some(true);
        let firmware = identity.system_firmware.as_deref().unwrap_or("");
        let labels =
            [&id.firmware, &facts::maker(id.manufacturer), firmware, identity.url.as_deref().unwrap_or("")];
        metrics::push_bmc(labels, out);
        self.identity = Some((id, identity));
    }

    pub(super) fn look_at_chassis(&mut self, bmc: &Bmc, run: &mut Run, out: &mut Readings) {
        const GET_STATUS: (u8, u8, &[u8]) = (netfn::CHASSIS, 0x01, &[]);
        let Some(chassis) = self.optional(bmc, run, collector::CHASSIS, GET_STATUS, Chassis::parse) else {
            return;
        };
        metrics::push_chassis(&chassis, out);
        if let Some(before) = self.chassis.replace(chassis.clone()) {
            for ((fault, was), (_, is)) in before.faults().into_iter().zip(chassis.faults()) {
                if was != is {
                    run.events.push(chassis_event(fault, is));
                }
            }
        }
    }

    pub(super) fn look_at_log(&mut self, bmc: &Bmc, run: &mut Run, out: &mut Readings) -> Option<log::Look> {
        if run.over || self.unknown[collector::LOG] {
            run.up[collector::LOG] = (!self.unknown[collector::LOG]).then_some(false);
            return None;
        }
        match self.log.look(bmc) {
            Err(trouble) if trouble.is_unsupported() => {
                self.unknown[collector::LOG] = true;
                None
            }
            Err(trouble) => run.note(collector::LOG, Err(trouble)),
            Ok((look, trouble)) => {
                metrics::push_log(&look.info, out);
                run.note(collector::LOG, trouble.map_or(Ok(()), Err));
                Some(look)
            }
        }
    }

    pub(super) fn look_at_power(&mut self, bmc: &Bmc, run: &mut Run, out: &mut Readings) {
        const GET_POWER: (u8, u8, &[u8]) = (netfn::GROUP, 0x02, &[0xdc, 0x01, 0, 0]);
        const GET_WATCHDOG: (u8, u8, &[u8]) = (netfn::APP, 0x25, &[]);
        if let Some(power) = self.optional(bmc, run, collector::DCMI, GET_POWER, Power::parse) {
            metrics::push_power(&power, out);
        }
        if let Some(watchdog) = self.optional(bmc, run, collector::WATCHDOG, GET_WATCHDOG, Watchdog::parse) {
            metrics::push_watchdog(&watchdog, out);
        }
    }

    pub(super) fn look_at_sensors(&mut self, bmc: &Bmc, run: &mut Run, id: &DeviceId) {
        self.sensors.iter_mut().for_each(|(_, measured)| measured.clear());
        if run.over {
            run.up[collector::SENSORS] = Some(false);
            return;
        }
        let refreshed = self.repository.refresh(bmc, id, &self.exclude);
        if run.note(collector::SENSORS, refreshed) == Some(true) {
            let readable = self.repository.sensors.iter().filter(|sensor| sensor.readable);
            self.sensors = readable.map(|sensor| (sensor.clone(), Measured::new(sensor))).collect();
            (self.next, self.asked) = (0, 0);
        }
        if !run.over {
            let read = self.read_sensors(bmc);
            run.note(collector::SENSORS, read);
        }
        for (sensor, measured) in &mut self.sensors {
            run.events.extend(measured.change(sensor));
        }
    }

    /// Reads each sensor once, from where the last run had to stop.
    fn read_sensors(&mut self, bmc: &Bmc) -> Result<(), Trouble> {
        for _ in 0..self.sensors.len() {
            self.next = if self.next < self.sensors.len() { self.next } else { 0 };
            let Some((sensor, measured)) = self.sensors.get_mut(self.next) else { break };
            // One at which the BMC hangs comes last the next time.
            self.next += 1;
            sensors::read(bmc, sensor, measured)?;
        }
        self.next = 0;
        while let Some((sensor, measured)) = self.sensors.get_mut(self.asked) {
            sensors::read_thresholds(bmc, sensor, measured)?;
            self.asked += 1;
        }
        Ok(())
    }
}

fn chassis_event(fault: &'static str, is: bool) -> EventDoc {
    let words = fault.replace('_', " ");
    let (severity, message) = match is {
        true => (Severity::Warning, format!("the chassis tells: {words}")),
        false => (Severity::Info, format!("the chassis tells no more: {words}")),
    };
    let data = vec![("fault", fault.to_owned()), ("state", if is { "on" } else { "off" }.to_owned())];
    EventDoc { kind: "bmc_chassis_fault", severity, message, data }
}
