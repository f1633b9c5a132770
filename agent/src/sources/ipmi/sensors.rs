//! What the sensors read, one after the other.

use hi_common::event::Severity;

use super::answers::{Reading, thresholds};
use super::bmc::{Bmc, Trouble, netfn, optional};
use super::bytes::array;
use super::formula::{Factors, Formula};
use super::sdr::{Sensor, THRESHOLD};
use super::words::{Level, State, asserted, crossed};
use crate::source::EventDoc;

const GET_READING: u8 = 0x2d;
const GET_THRESHOLDS: u8 = 0x27;
const GET_FACTORS: u8 = 0x23;

/// What is known of a sensor beside its record.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Measured {
    /// What it reads now.
    pub(super) value: Option<f64>,
    /// Its states now; `None` when it tells nothing.
    pub(super) states: Option<Vec<State>>,
    /// Its thresholds, in its unit.
    pub(super) thresholds: [Option<f64>; 6],
    /// How bad it was when it last told.
    before: Option<Level>,
}

impl Measured {
    /// Of a sensor that has not been asked: with the thresholds of its record.
    pub(super) fn new(sensor: &Sensor) -> Self {
        Self { thresholds: values(sensor, sensor.thresholds), ..Self::default() }
    }

    /// How bad its states are: nominal when there is none, unknown when only its maker knows.
    pub(super) fn level(&self) -> Option<Level> {
        let states = self.states.as_ref()?;
        match states.iter().filter_map(|state| state.level).max() {
            None if !states.is_empty() => None,
            worst => Some(worst.unwrap_or(Level::Nominal)),
        }
    }

    /// Forgets what was read.
    pub(super) fn clear(&mut self) {
        (self.value, self.states) = (None, None);
    }

    /// What changed since the sensor last told something.
    pub(super) fn change(&mut self, sensor: &Sensor) -> Option<EventDoc> {
        let level = self.level()?;
        let before = self.before.replace(level)?;
        if before == level {
            return None;
        }
        let severity = match level {
            Level::Nominal => Severity::Info,
            Level::Warning => Severity::Warning,
            Level::Critical => Severity::Critical,
        };
        let words: Vec<&str> = self.states.iter().flatten().map(|state| state.words.as_str()).collect();
        let what = if words.is_empty() { "no state of alarm".to_owned() } else { words.join(", ") };
        let value = self.value.map(|value| {
            let unit = sensor.units.words();
            format!(" ({} {unit})", super::sel::rounded(value)).replace(" )", ")")
        });
        let message =
            format!("sensor {} is {}: {what}{}", sensor.name, level.word(), value.unwrap_or_default());
        let data = vec![
            ("sensor", sensor.name.clone()),
            ("sensor_type", super::words::type_name(sensor.kind).to_owned()),
            ("state", level.word().to_owned()),
        ];
        Some(EventDoc { kind: "bmc_sensor_state", severity, message, data })
    }
}

/// Thresholds as values. A function that asks for other factors for each reading has none that is known beforehand.
fn values(sensor: &Sensor, raw: [Option<u8>; 6]) -> [Option<f64>; 6] {
    let formula = sensor.formula.filter(|formula| !formula.asks_for_factors());
    raw.map(|raw| formula?.value(raw?))
}

/// Reads a sensor. Only a trouble that ends the run is an error: a sensor that tells nothing is none.
pub(super) fn read(bmc: &Bmc, sensor: &Sensor, measured: &mut Measured) -> Result<(), Trouble> {
    let Some(target) = sensor.key.target() else { return Ok(()) };
    let answer = optional(bmc.ask_at(target, netfn::SENSOR, GET_READING, &[sensor.key.number]))?;
    let Some(reading) = answer.as_deref().and_then(Reading::parse) else { return Ok(()) };
    let formula = match sensor.formula {
        Some(formula) if formula.asks_for_factors() => {
            let request = [sensor.key.number, reading.raw];
            let answer = optional(bmc.ask_at(target, netfn::SENSOR, GET_FACTORS, &request))?;
            let factors = answer.and_then(|bytes| array(&bytes, 1)).map(Factors::parse);
            factors.map(|factors| Formula { factors, ..formula })
        }
        formula => formula,
    };
    measured.value = formula.and_then(|formula| formula.value(reading.raw));
    measured.states = Some(match sensor.event_type {
        THRESHOLD => crossed(reading.states.to_le_bytes()[0]),
        event_type => asserted(sensor.kind, event_type, reading.states),
    });
    Ok(())
}

/// Asks for the thresholds of now, which may have been set to others than the record has.
pub(super) fn read_thresholds(bmc: &Bmc, sensor: &Sensor, measured: &mut Measured) -> Result<(), Trouble> {
    let Some(target) = sensor.key.target().filter(|_| sensor.asks_thresholds) else { return Ok(()) };
    let answer = optional(bmc.ask_at(target, netfn::SENSOR, GET_THRESHOLDS, &[sensor.key.number]))?;
    if let Some(raw) = answer.as_deref().and_then(thresholds) {
        measured.thresholds = values(sensor, raw);
    }
    Ok(())
}
