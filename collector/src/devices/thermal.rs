//! Thermal zones of the kernel: `node_thermal_zone_temp{type,zone}`, in °C.

use std::collections::BTreeMap;

use crate::moment::Time;
use crate::storage::view::StorageState;

use super::view::{Sensor, SensorChip, SensorOrigin, SensorType};
use super::{HostDevices, THERMAL, worst_sensor};

/// All zones as one chip; none where there are none.
pub(super) fn chip(host: &HostDevices<'_>) -> Option<SensorChip> {
    let known = host.known(THERMAL);
    let mut sensors: Vec<Sensor> = known
        .all("node_thermal_zone_temp")
        .map(|value| {
            let zone = value.label("zone");
            let kind = value.label("type");
            Sensor {
                sensor: format!("thermal_zone{zone}"),
                label: if kind.is_empty() { format!("thermal_zone{zone}") } else { kind.to_owned() },
                kind: SensorType::Temperature,
                unit: "celsius".to_owned(),
                value: Some(value.value).filter(|value| value.is_finite()),
                min: None,
                max: None,
                critical_min: None,
                critical_max: None,
                limits: BTreeMap::new(),
                alarm: None,
                fault: None,
                states: Vec::new(),
                state: StorageState::Ok,
                message: None,
                at: Some(Time(value.at)),
                metric: value.metric().to_owned(),
                labels: value.labels().cloned().collect(),
            }
        })
        .collect();
    if sensors.is_empty() {
        return None;
    }
    sensors.sort_by(|a, b| (a.sensor.len(), &a.sensor).cmp(&(b.sensor.len(), &b.sensor)));
    Some(SensorChip {
        id: host.id("thermal"),
        host: host.host.to_owned(),
        host_silent: host.silent,
        origin: SensorOrigin::Thermal,
        chip: THERMAL.to_owned(),
        name: "thermal zones".to_owned(),
        device: None,
        state: worst_sensor(&sensors),
        sensors,
    })
}
