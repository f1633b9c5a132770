//! What exporters told of real machines (`../shared/fixtures`), as it is shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use hi_common::metric::Kind;

use super::*;
use crate::devices::view::SensorType;
use crate::model::{Labels, SeriesInfo};

const READ: i64 = 50_000;

/// The values of a page of an exporter; says so where there is none.
fn page(path: &str) -> Option<Latest> {
    let Some(shared) = std::env::var_os("HI_SHARED") else {
        println!("SKIPPED: {path}: HI_SHARED names no folder with recorded inputs");
        return None;
    };
    let Ok(bytes) = std::fs::read(std::path::Path::new(&shared).join("fixtures").join(path)) else {
        println!("SKIPPED: {path}: it is not in HI_SHARED");
        return None;
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut latest = Latest::new(&SHAPE);
    for (number, line) in text.lines().filter(|line| !line.starts_with('#')).enumerate() {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let (metric, labels) = series.split_once('{').unwrap_or((series, ""));
        let info = SeriesInfo {
            id: number as i32 + 1,
            host: 1,
            metric: Arc::from(metric),
            kind: if metric.ends_with("_total") { Kind::Counter } else { Kind::Gauge },
            labels: read_labels(labels),
        };
        latest.take(&info, READ, value.parse().unwrap_or(f64::NAN));
    }
    Some(latest)
}

/// Reads `a="b",c="d"}`; values of these pages have no escaped quotes.
fn read_labels(text: &str) -> Labels {
    let pairs = text.trim_end_matches('}').split("\",");
    let pair = |pair: &str| {
        let (name, value) = pair.split_once("=\"")?;
        Some((name.to_owned(), value.trim_end_matches('"').to_owned()))
    };
    pairs.filter_map(pair).collect()
}

fn host(latest: &Latest) -> HostDevices<'_> {
    HostDevices { host: "nas1", silent: false, facts: &[], latest, seen_ms: READ, now_ms: READ }
}

#[test]
fn the_chips_of_node_exporter() {
    let Some(latest) = page("01-linux-proc-sys/node_exporter/e2e-output.txt") else { return };
    let chips = host(&latest).chips();
    let of = |chip: &str| chips.iter().find(|own| own.chip == chip).unwrap();
    let coretemp = of("platform_coretemp_0");
    let read: Vec<(&str, Option<f64>)> =
        coretemp.sensors.iter().map(|sensor| (sensor.label.as_str(), sensor.value)).collect();
    let expected = [
        ("Physical id 0", Some(55.0)),
        ("Core 0", Some(54.0)),
        ("Core 1", Some(52.0)),
        ("Core 2", Some(53.0)),
        ("Core 3", Some(50.0)),
    ];
    assert_eq!((coretemp.name.as_str(), read.as_slice()), ("coretemp", &expected[..]));
    let first = &coretemp.sensors[0];
    assert_eq!((first.max, first.critical_max, first.alarm), (Some(84.0), Some(100.0), Some(false)));
    let fans = of("platform_applesmc_768");
    assert_eq!((fans.sensors[1].label.as_str(), fans.sensors[1].min), ("Right side", Some(2000.0)));
    let board: BTreeMap<&str, (SensorType, StorageState)> = of("nct6779")
        .sensors
        .iter()
        .map(|sensor| (sensor.sensor.as_str(), (sensor.kind, sensor.state)))
        .collect();
    assert_eq!(board["fan2"], (SensorType::Fan, StorageState::Ok));
    assert_eq!(
        (board["in0"].1, board["in1"].1, board["intrusion0"].1),
        (StorageState::Ok, StorageState::Info, StorageState::Info)
    );
    let clocks = &of("hwmon4").sensors;
    let clock = clocks.iter().find(|sensor| sensor.sensor == "sclk").unwrap();
    assert_eq!((clock.kind, clock.value), (SensorType::Frequency, Some(214e6)));
    let power = host(&latest).power(&Prices { per_kwh: None }).unwrap();
    let counted: Vec<&str> =
        power.sources.iter().filter(|source| source.counted).map(|source| source.name.as_str()).collect();
    assert_eq!(counted, ["package-0"]);
}

#[test]
fn the_processor_of_nvidia_gpu_exporter() {
    let path = "05-devices-services/nvidia_gpu_exporter/integration/testdata/linux-x86_64__nvidia-geforce-rtx-2080-super__595.71.05__load.metrics";
    let Some(latest) = page(path) else { return };
    let gpus = host(&latest).gpus(&Meanings::new());
    assert_eq!(gpus.len(), 1);
    let gpu = &gpus[0];
    assert_eq!(gpu.name.as_deref(), Some("NVIDIA GeForce RTX 2080 SUPER"));
    assert_eq!(gpu.driver_version.as_deref(), Some("595.71.05"));
    assert_eq!((gpu.busy_ratio, gpu.encoder_ratio), (Some(0.08), Some(1.0)));
    assert_eq!((gpu.memory_total_bytes, gpu.memory_used_bytes), (Some(8_589_934_592.0), Some(858_783_744.0)));
    assert_eq!((gpu.temperature_celsius, gpu.fan_ratio), (Some(45.0), Some(0.38)));
    assert_eq!((gpu.power_watts, gpu.power_limit_watts), (Some(111.5), Some(250.0)));
    assert_eq!((gpu.clock_hertz, gpu.performance_state), (Some(2.055e9), Some(2.0)));
    assert_eq!((gpu.pcie_generation, gpu.pcie_width_max), (Some(3.0), Some(16.0)));
    assert_eq!((gpu.state, gpu.throttle_reasons.as_slice()), (StorageState::Ok, &[][..]));
    let power = host(&latest).power(&Prices { per_kwh: None }).unwrap();
    assert_eq!(power.watts, Some(111.5));
}
