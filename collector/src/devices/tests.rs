use serde_json::{Value, json};

use super::*;
use crate::attention::AttentionSeverity;
use crate::devices::view::{PowerBasis, PowerSourceKind, SensorType};
use crate::overview::host::tests::{layout, row};
use crate::storage::view::StorageState::*;
use crate::store::FactRow;

/// Metric, labels, value.
type Sample<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

const READ: i64 = 50_000;

fn fact(kind: &str, id: &str, doc: Value) -> StandingFact {
    let fact = FactRow { host: 1, kind: kind.to_owned(), id: id.to_owned(), since: 2_000, doc };
    StandingFact { fact, state_since: 1_000 }
}

fn latest(values: &[Sample<'_>]) -> Latest {
    let mut latest = Latest::new(&SHAPE);
    add(&mut latest, READ, values);
    latest
}

fn add(latest: &mut Latest, at: i64, values: &[Sample<'_>]) {
    let series: Vec<(&str, &[(&str, &str)])> =
        values.iter().map(|(metric, labels, _)| (*metric, *labels)).collect();
    let numbers: Vec<f64> = values.iter().map(|(.., value)| *value).collect();
    latest.apply(&row(&layout("any", &series), at, &numbers));
}

fn host<'a>(facts: &'a [StandingFact], latest: &'a Latest) -> HostDevices<'a> {
    HostDevices { host: "nas1", silent: false, facts, latest, seen_ms: READ, now_ms: READ }
}

fn lines(host: &HostDevices<'_>) -> Vec<(AttentionSeverity, String)> {
    let found = host.all().attention();
    found.into_iter().map(|item| (item.severity, format!("{} {}", item.subject, item.message))).collect()
}

fn power(host: &HostDevices<'_>) -> HostPower {
    host.power(&Prices { per_kwh: Some(0.5) }).unwrap()
}

const CORE: [(&str, &str); 2] = [("chip", "platform_coretemp_0"), ("sensor", "temp1")];

fn coretemp(celsius: f64, alarm: f64) -> Vec<Sample<'static>> {
    const LABEL: [(&str, &str); 3] =
        [("chip", "platform_coretemp_0"), ("label", "Package id 0"), ("sensor", "temp1")];
    const NAME: [(&str, &str); 2] = [("chip", "platform_coretemp_0"), ("chip_name", "coretemp")];
    vec![
        ("node_hwmon_chip_names", &NAME, 1.0),
        ("node_hwmon_temp_celsius", &CORE, celsius),
        ("node_hwmon_temp_max_celsius", &CORE, 84.0),
        ("node_hwmon_temp_crit_celsius", &CORE, 100.0),
        ("node_hwmon_temp_crit_alarm_celsius", &CORE, alarm),
        ("node_hwmon_sensor_label", &LABEL, 1.0),
    ]
}

#[test]
fn a_chip_shows_its_sensors_with_limits() {
    let values = latest(&coretemp(55.0, 0.0));
    let facts =
        [fact("sensor_chip", "platform_coretemp_0", json!({"name": "coretemp", "device": "coretemp.0"}))];
    let chips = host(&facts, &values).chips();
    assert_eq!((chips.len(), chips[0].id.as_str()), (1, "nas1:hwmon:platform_coretemp_0"));
    assert_eq!((chips[0].name.as_str(), chips[0].device.as_deref()), ("coretemp", Some("coretemp.0")));
    let sensor = &chips[0].sensors[0];
    assert_eq!((sensor.sensor.as_str(), sensor.label.as_str()), ("temp1", "Package id 0"));
    assert_eq!((sensor.kind, sensor.value), (SensorType::Temperature, Some(55.0)));
    assert_eq!((sensor.max, sensor.critical_max, sensor.alarm), (Some(84.0), Some(100.0), Some(false)));
    assert_eq!(
        (sensor.metric.as_str(), sensor.labels["sensor"].as_str()),
        ("node_hwmon_temp_celsius", "temp1")
    );
    assert_eq!((sensor.state, sensor.at.map(|at| at.0)), (Ok, Some(READ)));
}

#[test]
fn heat_and_alarms_are_told_by_degrees() {
    let of = |celsius, alarm| lines(&host(&[], &latest(&coretemp(celsius, alarm))));
    let name = "sensor coretemp Package id 0";
    assert_eq!(of(83.0, 0.0), []);
    assert_eq!(of(84.0, 0.0), [(AttentionSeverity::Warning, format!("{name} 84 °C, high from 84 °C"))]);
    assert_eq!(
        of(101.0, 0.0),
        [(AttentionSeverity::Critical, format!("{name} 101 °C, critical from 100 °C"))]
    );
    assert_eq!(of(60.0, 1.0), [(AttentionSeverity::Critical, format!("{name} raises a critical alarm"))]);
}

#[test]
fn what_is_not_read_any_more_is_not_shown_while_the_host_goes_on() {
    let values = latest(&coretemp(101.0, 1.0));
    let later =
        HostDevices { seen_ms: READ + STALE_MS + 1, now_ms: READ + STALE_MS + 1, ..host(&[], &values) };
    assert_eq!((later.chips(), lines(&later)), (vec![], vec![]));
    let silent = HostDevices { silent: true, seen_ms: READ, ..later };
    assert_eq!((silent.chips().len(), lines(&silent)), (1, vec![]), "the last that was heard of it");
}

#[test]
fn sensors_that_are_off_say_nothing_and_slow_fans_are_told() {
    let of = |sensor: &'static str| [("chip", "nct6779"), ("sensor", sensor)];
    let (temp, fan) = (of("temp7"), of("fan1"));
    let values = latest(&[
        ("node_hwmon_temp_celsius", &temp, 110.0),
        ("node_hwmon_temp_crit_celsius", &temp, 100.0),
        ("node_hwmon_temp_enable_celsius", &temp, 0.0),
        ("node_hwmon_fan_rpm", &fan, 200.0),
        ("node_hwmon_fan_min_rpm", &fan, 600.0),
    ]);
    assert_eq!(
        lines(&host(&[], &values)),
        [(AttentionSeverity::Warning, "sensor nct6779 fan1 200 rpm, slow below 600 rpm".to_owned())]
    );
}

#[test]
fn alarms_of_voltages_and_open_cases_are_shown_and_not_complained_of() {
    let of = |sensor: &'static str| [("chip", "nct6779"), ("sensor", sensor)];
    let (volts, case, fan, pwm) = (of("in1"), of("intrusion0"), of("fan2"), of("pwm1"));
    let values = latest(&[
        ("node_hwmon_in_volts", &volts, 1.024),
        ("node_hwmon_in_max_volts", &volts, 0.0),
        ("node_hwmon_in_alarm", &volts, 1.0),
        ("node_hwmon_in_beep_enabled", &volts, 0.0),
        ("node_hwmon_intrusion_alarm", &case, 1.0),
        ("node_hwmon_fan_rpm", &fan, 0.0),
        ("node_hwmon_fan_alarm", &fan, 1.0),
        ("node_hwmon_fan_fault", &fan, 0.0),
        ("node_hwmon_pwm", &pwm, 51.0),
        ("node_hwmon_pwm_enable", &pwm, 5.0),
    ]);
    let chips = host(&[], &values).chips();
    let of = |name: &str| chips[0].sensors.iter().find(|sensor| sensor.sensor == name).unwrap();
    assert_eq!((of("in1").state, of("in1").value, of("in1").unit.as_str()), (Info, Some(1.024), "volts"));
    assert_eq!((of("intrusion0").state, of("intrusion0").value), (Info, None));
    assert_eq!((of("fan2").state, of("fan2").fault), (Warning, Some(false)));
    assert_eq!((of("pwm1").value, of("pwm1").state), (Some(0.2), Ok));
    assert_eq!(
        lines(&host(&[], &values)),
        [(AttentionSeverity::Warning, "sensor nct6779 fan2 raises an alarm".to_owned())]
    );
}

#[test]
fn a_controller_judges_its_own_sensors() {
    let of = |id: &'static str, name: &'static str| [("id", id), ("name", name)];
    let (inlet, fan) = (of("18", "Inlet Temp"), of("12", "Fan1A"));
    let limit =
        [("id", "18"), ("name", "Inlet Temp"), ("threshold", "upper_critical"), ("type", "Temperature")];
    let cable = [("id", "139"), ("name", "Power Cable"), ("type", "Cable/Interconnect")];
    let values = latest(&[
        ("ipmi_temperature_celsius", &inlet, 24.0),
        ("ipmi_temperature_state", &inlet, 0.0),
        ("ipmi_fan_speed_rpm", &fan, 120.0),
        ("ipmi_fan_speed_state", &fan, 2.0),
        ("ipmi_sensor_state", &cable, f64::NAN),
        ("ipmi_sensor_value", &cable, f64::NAN),
        ("hi_ipmi_sensor_threshold", &limit, 47.0),
        ("ipmi_chassis_power_state", &[], 1.0),
        ("ipmi_chassis_cooling_fault_state", &[], 0.0),
        ("ipmi_sel_entries_count", &[], 7.0),
        ("ipmi_dcmi_power_consumption_watts", &[], 112.0),
    ]);
    let facts = [fact(
        "bmc",
        "0",
        json!({"manufacturer": "Dell", "firmware": "1.66", "sensors": [
        {"id": 12, "name": "Fan1A", "states": ["lower critical going low"]},
        {"id": 139, "name": "Power Cable", "states": ["cable connected"]}]}),
    )];
    let bmcs = host(&facts, &values).bmcs();
    let bmc = &bmcs[0];
    assert_eq!((bmc.id.as_str(), bmc.manufacturer.as_deref()), ("nas1:0", Some("Dell")));
    assert_eq!(
        (bmc.chassis_power_on, bmc.log_entries, bmc.power_watts),
        (Some(true), Some(7.0), Some(112.0))
    );
    let sensor = |name: &str| bmc.sensors.iter().find(|sensor| sensor.label == name).unwrap();
    assert_eq!((sensor("Inlet Temp").critical_max, sensor("Inlet Temp").state), (Some(47.0), Ok));
    assert_eq!((sensor("Power Cable").value, sensor("Power Cable").state), (None, Unknown));
    assert_eq!(sensor("Power Cable").states, ["cable connected"]);
    let told =
        "management controller reports cooling fault; sensor Fan1A says lower critical going low (120 rpm)";
    assert_eq!(lines(&host(&facts, &values)), [(AttentionSeverity::Critical, told.to_owned())]);
    assert_eq!(host(&facts, &values).chips()[0].id, "nas1:ipmi");
}

#[test]
fn a_graphics_processor_is_known_by_uuid_and_address() {
    let uuid = [("uuid", "GPU-1")];
    let process = |name: &'static str| [("container", "plex"), ("gpu", "GPU-1"), ("process", name)];
    let (small, large) = (process("ffmpeg"), process("whisper"));
    let values = latest(&[
        ("nvidia_smi_utilization_gpu_ratio", &uuid, 0.4),
        ("nvidia_smi_memory_total_bytes", &uuid, 8e9),
        ("nvidia_smi_memory_used_bytes", &uuid, 2e9),
        ("nvidia_smi_power_draw_watts", &uuid, 75.0),
        ("nvidia_smi_clocks_event_reasons_supported", &uuid, 1.0),
        ("nvidia_smi_clocks_event_reasons_gpu_idle", &uuid, 1.0),
        ("nvidia_smi_clocks_event_reasons_hw_thermal_slowdown", &uuid, 1.0),
        ("nvidia_smi_clocks_event_reasons_counters_sync_boost_seconds", &uuid, 1.0),
        ("hi_gpu_process_memory_bytes", &small, 1e6),
        ("hi_gpu_process_memory_bytes", &large, 1e9),
    ]);
    let facts = [
        fact("gpu", "GPU-1", json!({"vendor": "nvidia", "name": "RTX 3060", "uuid": "GPU-1"})),
        fact("gpu", "0000:05:00.0", json!({"vendor": "nvidia", "reason": "driver/library version mismatch"})),
    ];
    let gpus = host(&facts, &values).gpus(&Meanings::new());
    assert_eq!(gpus.len(), 2);
    let gpu = &gpus[1];
    assert_eq!((gpu.busy_ratio, gpu.memory_used_ratio), (Some(0.4), Some(0.25)));
    assert_eq!((gpu.processes[0].process.as_str(), gpu.processes.len()), ("whisper", 2));
    assert_eq!(gpu.throttle_reasons, ["hw_thermal_slowdown"]);
    let told: Vec<String> = lines(&host(&facts, &values)).into_iter().map(|(_, line)| line).collect();
    assert_eq!(
        told,
        [
            "GPU 0000:05:00.0 cannot be read: driver/library version mismatch",
            "GPU RTX 3060 is slowed down: hw thermal slowdown",
        ]
    );
}

#[test]
fn a_ups_on_battery_says_how_long() {
    let ups = [("ups", "eaton")];
    let flag = |flag: &'static str| [("flag", flag), ("ups", "eaton")];
    let (ob, ol, lb) = (flag("OB"), flag("OL"), flag("LB"));
    let of = |low: f64| {
        latest(&[
            ("network_ups_tools_ups_status", &ob, 1.0),
            ("network_ups_tools_ups_status", &ol, 0.0),
            ("network_ups_tools_ups_status", &lb, low),
            ("network_ups_tools_battery_charge", &ups, 61.5),
            ("network_ups_tools_battery_runtime", &ups, 754.0),
            ("network_ups_tools_ups_load", &ups, 20.0),
            ("network_ups_tools_ups_realpower_nominal", &ups, 600.0),
        ])
    };
    let facts = [fact("ups", "eaton@127.0.0.1:3493", json!({"protocol": "nut", "model": "5E"}))];
    let values = of(0.0);
    let upses = host(&facts, &values).upses(&Meanings::new());
    let found = &upses[0];
    assert_eq!((upses.len(), found.id.as_str()), (1, "nas1:eaton@127.0.0.1:3493"));
    assert_eq!(
        (found.server.as_deref(), found.status.as_deref()),
        (Some("127.0.0.1:3493"), Some("on battery"))
    );
    assert_eq!((found.on_battery, found.low_battery), (Some(true), Some(false)));
    assert_eq!((found.battery_charge_ratio, found.power_watts), (Some(0.615), Some(120.0)));
    assert_eq!(
        lines(&host(&facts, &values)),
        [(AttentionSeverity::Warning, "UPS eaton on battery, 61 % left for 12 min".to_owned())]
    );
    assert_eq!(lines(&host(&facts, &of(1.0)))[0].0, AttentionSeverity::Critical);
}

#[test]
fn the_battery_of_a_laptop_is_a_power_supply() {
    let info = |status: &'static str| {
        [("capacity_level", "Normal"), ("power_supply", "BAT0"), ("status", status), ("type", "Battery")]
    };
    let (battery, mains) = ([("power_supply", "BAT0")], [("power_supply", "AC")]);
    let of = |status, online| {
        latest(&[
            ("node_power_supply_info", &info(status), 1.0),
            ("node_power_supply_online", &mains, online),
            ("node_power_supply_capacity", &battery, 81.0),
            ("node_power_supply_energy_watthour", &battery, 36.0),
            ("node_power_supply_power_watt", &battery, 6.0),
        ])
    };
    let facts = [
        fact("power_supply", "AC", json!({"type": "Mains"})),
        fact("power_supply", "BAT0", json!({"type": "Battery", "model": "LNV-45N1", "technology": "Li-ion"})),
        fact("power_supply", "hidpp_0", json!({"type": "Battery", "scope": "Device"})),
    ];
    let drained = of("Discharging", 0.0);
    let host = |values| HostDevices { facts: &facts, ..host(&[], values) };
    let upses = host(&drained).upses(&Meanings::new());
    assert_eq!((upses.len(), upses[0].id.as_str()), (1, "nas1:BAT0"));
    assert_eq!((upses[0].on_battery, upses[0].battery_runtime_seconds), (Some(true), Some(21_600.0)));
    assert_eq!(
        lines(&host(&drained)),
        [(AttentionSeverity::Warning, "battery BAT0 on battery, 81 % left for 360 min".to_owned())]
    );
    let charged = of("Not charging", 1.0);
    assert_eq!(lines(&host(&charged)), []);
    assert_eq!(host(&charged).upses(&Meanings::new())[0].status.as_deref(), Some("on line"));
}

#[test]
fn memory_errors_that_were_not_corrected_are_told() {
    let of = |count| latest(&[("node_edac_uncorrectable_errors_total", &[("controller", "0")], count)]);
    assert_eq!(lines(&host(&[], &of(0.0))), []);
    let told = "memory 2 errors could not be corrected since the machine was started";
    assert_eq!(lines(&host(&[], &of(2.0))), [(AttentionSeverity::Critical, told.to_owned())]);
}

#[test]
fn two_servers_may_have_a_ups_of_the_same_name() {
    let of = |server: &'static str| [("server", server), ("ups", "ups")];
    let (here, there) = (of("127.0.0.1:3493"), of("10.0.0.2:3493"));
    let values = latest(&[
        ("network_ups_tools_ups_realpower", &here, 80.0),
        ("network_ups_tools_ups_realpower", &there, 300.0),
    ]);
    let facts = [fact("ups", "ups@127.0.0.1:3493", json!({})), fact("ups", "ups@10.0.0.2:3493", json!({}))];
    let host = host(&facts, &values);
    let watts: Vec<Option<f64>> = host.upses(&Meanings::new()).iter().map(|ups| ups.power_watts).collect();
    assert_eq!(watts, [Some(300.0), Some(80.0)]);
    let power = power(&host);
    assert_eq!((power.basis, power.watts), (PowerBasis::Ups, Some(80.0)), "the other serves another machine");
}

const PACKAGE: [(&str, &str); 2] = [("index", "0"), ("path", "/sys/class/powercap/intel-rapl:0")];
const MMIO: [(&str, &str); 2] = [("index", "0"), ("path", "/sys/class/powercap/intel-rapl-mmio:0")];
const CORES: [(&str, &str); 2] = [("index", "0"), ("path", "/sys/class/powercap/intel-rapl:0:0")];

#[test]
fn nothing_counts_twice() {
    let uuid = [("uuid", "GPU-1")];
    let mut values = Latest::new(&SHAPE);
    for (at, joules) in [(READ - 10_000, 1_000.0), (READ, 1_200.0)] {
        let components: [Sample<'_>; 4] = [
            ("node_rapl_package_joules_total", &PACKAGE, joules),
            ("node_rapl_package_joules_total", &MMIO, joules),
            ("node_rapl_core_joules_total", &CORES, joules / 2.0),
            ("nvidia_smi_power_draw_watts", &uuid, 30.0),
        ];
        add(&mut values, at, &components);
    }
    let facts = [fact("gpu", "GPU-1", json!({"name": "RTX 3060"}))];
    let components = power(&host(&facts, &values));
    assert_eq!((components.basis, components.watts), (PowerBasis::Components, Some(50.0)));
    assert_eq!(components.average_watts, Some(50.0));
    let counted: Vec<(&str, bool)> =
        components.sources.iter().map(|source| (source.name.as_str(), source.counted)).collect();
    assert_eq!(counted, [("package-0", true), ("RTX 3060", true), ("core-0", false), ("package-0", false)]);
    assert_eq!(components.sources[0].energy_joules_total, Some(1_200.0));
    // 50 W for a month of 730.5 hours, at 0.5 each.
    let close = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() < 1e-9);
    assert!(close(components.projected_kwh_per_month, 36.525), "{components:?}");
    assert!(close(components.projected_cost_per_month, 18.2625), "{components:?}");

    let dcmi: [Sample<'_>; 2] = [
        ("ipmi_dcmi_power_consumption_current_watts", &[], 120.0),
        ("ipmi_power_watts", &[("id", "90"), ("name", "Pwr Consumption")], 118.0),
    ];
    for (metric, labels, value) in dcmi {
        let layout = layout("ipmi", &[(metric, labels)]);
        let mut info = layout.infos[0].clone().unwrap();
        info.id = 100 + value as i32;
        values.take(&info, READ, value);
    }
    let whole = power(&host(&facts, &values));
    assert_eq!((whole.basis, whole.watts, whole.energy_kwh), (PowerBasis::System, Some(120.0), None));
    assert_eq!(whole.sources.iter().filter(|source| source.counted).count(), 1);
    assert_eq!(whole.sources[0].kind, PowerSourceKind::Dcmi);
}

#[test]
fn nothing_measured_is_no_power() {
    let values = latest(&coretemp(50.0, 0.0));
    assert_eq!(host(&[], &values).power(&Prices { per_kwh: None }), None);
}
