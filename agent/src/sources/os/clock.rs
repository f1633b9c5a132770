//! Time, time zone, the clock's source and its synchronization (adjtimex(2)).

use std::time::{SystemTime, UNIX_EPOCH};

use hi_common::metric::{MetricDef, Unit};

use crate::host::{HostRoot, Scratch};
use crate::source::Readings;
use crate::sys::clock::{STATUS_NANO, TIME_ERROR, Timex, adjtimex, time_zone};

static TIME: MetricDef =
    MetricDef::gauge("node_time_seconds", Unit::Seconds, &[], "The host's clock, as Unix time.");
static ZONE: MetricDef = MetricDef::gauge(
    "node_time_zone_offset_seconds",
    Unit::Seconds,
    &["time_zone"],
    "Offset of the local time zone from UTC.",
);
static SOURCE: MetricDef = MetricDef::info(
    "node_time_clocksource_current_info",
    &["device", "clocksource"],
    "The clock source that the kernel uses.",
);
static SOURCES: MetricDef = MetricDef::info(
    "node_time_clocksource_available_info",
    &["device", "clocksource"],
    "A clock source that the kernel could use.",
);

/// How a number of the kernel becomes one of ours.
#[derive(Clone, Copy)]
enum Scale {
    /// As it is.
    One,
    /// Microseconds.
    Micro,
    /// Microseconds or nanoseconds, as the status says.
    MicroOrNano,
    /// Parts per million with 16 bits of fraction.
    Ppm,
}

/// Declares what is taken of the kernel's structure: field, scale, metric.
macro_rules! fields {
    ($($field:ident $scale:ident $constructor:ident $name:literal $unit:ident $help:literal;)+) => {
        const FIELDS: &[(fn(&Timex) -> i64, Scale, &MetricDef)] = &[$((
            |timex: &Timex| timex.$field,
            Scale::$scale,
            { static METRIC: MetricDef = MetricDef::$constructor($name, Unit::$unit, &[], $help); &METRIC },
        )),+];
    };
}

fields! {
    offset MicroOrNano gauge "node_timex_offset_seconds" Seconds "Offset of the clock from its reference.";
    maxerror Micro gauge "node_timex_maxerror_seconds" Seconds "Largest error of the clock.";
    esterror Micro gauge "node_timex_estimated_error_seconds" Seconds "Estimated error of the clock.";
    status One gauge "node_timex_status" None "Status bits of the clock's discipline.";
    constant One gauge "node_timex_loop_time_constant" None "Time constant of the phase-locked loop.";
    tick Micro gauge "node_timex_tick_seconds" Seconds "Time between two ticks of the clock.";
    ppsfreq Ppm gauge "node_timex_pps_frequency_hertz" Hertz "Frequency of the pulse per second.";
    jitter MicroOrNano gauge "node_timex_pps_jitter_seconds" Seconds "Jitter of the pulse per second.";
    shift One gauge "node_timex_pps_shift_seconds" Seconds "Length of an interval of the pulse per second.";
    stabil Ppm gauge "node_timex_pps_stability_hertz" Hertz "Stability of the pulse per second.";
    jitcnt One counter "node_timex_pps_jitter_total" None "Pulses with too much jitter.";
    calcnt One counter "node_timex_pps_calibration_total" None "Calibrations by the pulse per second.";
    errcnt One counter "node_timex_pps_error_total" None "Failed calibrations by the pulse per second.";
    stbcnt One counter "node_timex_pps_stability_exceeded_total" None "Pulses beyond the limit of stability.";
    tai One gauge "node_timex_tai_offset_seconds" Seconds "Offset of International Atomic Time from UTC.";
}

static SYNC: MetricDef = MetricDef::gauge(
    "node_timex_sync_status",
    Unit::None,
    &[],
    "Whether the clock is synchronized to a reliable server.",
);
static FREQUENCY: MetricDef = MetricDef::gauge(
    "node_timex_frequency_adjustment_ratio",
    Unit::Ratio,
    &[],
    "By what the clock's frequency is multiplied to be right.",
);

const OWN: [&MetricDef; 6] = [&TIME, &ZONE, &SOURCE, &SOURCES, &SYNC, &FREQUENCY];

pub(super) const METRICS: [&MetricDef; OWN.len() + FIELDS.len()] = {
    let mut metrics = [OWN[0]; OWN.len() + FIELDS.len()];
    let mut index = 0;
    while index < metrics.len() {
        metrics[index] = if index < OWN.len() { OWN[index] } else { FIELDS[index - OWN.len()].2 };
        index += 1;
    }
    metrics
};

/// Parts per million with 16 bits of fraction, of which a whole has this many.
const PPM: f64 = 1e6 * 65_536.0;

/// Pushes all of it.
pub(super) fn push(host: &HostRoot, scratch: &mut Scratch, out: &mut Readings) {
    let now =
        host.call("/", "time", |_| Ok(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()));
    if let Ok(now) = now {
        out.push(&TIME, &[], now.as_secs_f64());
        if let Ok(Some((offset, zone))) = host.call("/", "time-zone", |_| Ok(time_zone(now.as_secs() as i64)))
        {
            out.push(&ZONE, &[&zone], offset as f64);
        }
    }
    // Without the system call (a sandbox, a container) there is nothing to say about it.
    if let Ok(timex) = host.call("/", "adjtimex", |_| adjtimex()) {
        push_timex(&timex, out);
    }
    for device in 0_u32.. {
        let folder = format!("devices/system/clocksource/clocksource{device}");
        let Some(current) = host.attribute(scratch, &format!("{folder}/current_clocksource")) else { break };
        let number = device.to_string();
        out.push(&SOURCE, &[&number, current], 1.0);
        let available =
            host.attribute(scratch, &format!("{folder}/available_clocksource")).unwrap_or_default();
        available.split_ascii_whitespace().for_each(|name| out.push(&SOURCES, &[&number, name], 1.0));
    }
}

fn push_timex(timex: &Timex, out: &mut Readings) {
    out.push(&SYNC, &[], if timex.state == TIME_ERROR { 0.0 } else { 1.0 });
    out.push(&FREQUENCY, &[], 1.0 + timex.freq as f64 / PPM);
    let fraction = if timex.status & STATUS_NANO != 0 { 1e9 } else { 1e6 };
    for (field, scale, metric) in FIELDS {
        let divisor = match scale {
            Scale::One => 1.0,
            Scale::Micro => 1e6,
            Scale::MicroOrNano => fraction,
            Scale::Ppm => PPM,
        };
        out.push(metric, &[], field(timex) as f64 / divisor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(out: &Readings, name: &str) -> f64 {
        out.samples().find(|(metric, ..)| metric.name == name).map(|(.., value)| value).unwrap()
    }

    #[test]
    fn the_status_says_in_which_unit_the_offset_is() {
        let mut timex = Timex { offset: 2_000_000, freq: 65_536, maxerror: 500_000, ..Timex::default() };
        for (state, status, offset, sync) in [(0, STATUS_NANO, 0.002, 1.0), (TIME_ERROR, 0, 2.0, 0.0)] {
            timex.state = state;
            timex.status = status;
            let mut out = Readings::default();
            push_timex(&timex, &mut out);
            assert_eq!(value(&out, "node_timex_offset_seconds"), offset);
            assert_eq!(value(&out, "node_timex_sync_status"), sync);
            assert_eq!(value(&out, "node_timex_maxerror_seconds"), 0.5);
            assert_eq!(value(&out, "node_timex_frequency_adjustment_ratio"), 1.000_001);
        }
    }
}
