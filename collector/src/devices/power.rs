//! The power a host takes, its energy, and what that costs.
//!
//! **What counts.** The first of these that there is, so that nothing counts twice: what measures the whole machine (DCMI of
//! the management controller; a power meter or power supply in hwmon; a sensor of the controller that says so by its name);
//! a UPS that the host itself serves; the sum of the parts that measure themselves (RAPL packages and memory, or `psys` alone
//! where there is one; graphics processors that are no part of a package). The rest is shown and not counted.
//!
//! **Energy** is the growth of counters, or watts times seconds between two readings (mean of both), over at most 24 hours;
//! time without readings counts as none. **A month** has 730.5 hours: energy of the window by its length, with pauses, times
//! a month; a machine that sleeps at night so costs what it costs.

use crate::config::EnergyConfig;
use crate::latest::{DaySum, Value};
use crate::moment::Time;

use super::view::{Gpu, HostPower, PowerBasis, PowerSource, PowerSourceKind as Kind, Ups};
use super::{BMC, HostDevices, Meanings, RAPL};

/// Hours of a month: a twelfth of 365.25 days.
const MONTH_HOURS: f64 = 730.5;
const JOULES_PER_KWH: f64 = 3_600_000.0;
/// As ipmi_exporter names it, since 1.10 the second.
pub(super) const DCMI: [&str; 2] =
    ["ipmi_dcmi_power_consumption_watts", "ipmi_dcmi_power_consumption_current_watts"];
/// Metrics of hwmon that are watts now.
const HWMON: [&str; 3] =
    ["node_hwmon_power_watt", "node_hwmon_power_input_watt", "node_hwmon_power_average_watt"];
/// Metrics of graphics processors, the best first.
const GPU: [&str; 4] = [
    "nvidia_smi_power_draw_watts",
    "nvidia_smi_power_draw_instant_watts",
    "hi_gpu_power_watts",
    "hi_gpu_energy_joules_total",
];
/// Chips whose first power sensor is that of the whole machine: the ACPI power meter, power supplies.
const METERS: [&str; 4] = ["power_meter", "corsairpsu", "corsair_psu", "ina_psu"];
/// Words in names of sensors of the whole machine: `Pwr Consumption`, `Power Meter`, `System Power`, `Total_Power`.
const WHOLE: [&str; 4] = ["consumption", "power meter", "system", "total"];

/// What energy costs.
#[derive(Clone, PartialEq, Debug)]
pub struct Prices {
    /// Price of a kilowatt-hour.
    pub per_kwh: Option<f64>,
}

impl From<&EnergyConfig> for Prices {
    fn from(config: &EnergyConfig) -> Self {
        Self { per_kwh: Some(config.price_per_kwh).filter(|price| *price > 0.0) }
    }
}

/// Whether a metric tells of power or energy.
pub(super) fn is_power(metric: &str) -> bool {
    HWMON.contains(&metric)
        || DCMI.contains(&metric)
        || GPU.contains(&metric)
        || (metric.starts_with("node_rapl_") && metric.ends_with("joules_total"))
        || [
            "ipmi_power_watts",
            "network_ups_tools_ups_realpower",
            "network_ups_tools_ups_load",
            "node_power_supply_power_watt",
        ]
        .contains(&metric)
}

/// The power of a host; none where nothing measures it.
pub(super) fn of_host(host: &HostDevices<'_>, prices: &Prices) -> Option<HostPower> {
    let none = Meanings::new();
    let mut sources = management(host);
    sources.extend(hwmon(host));
    sources.extend(host.upses(&none).iter().filter_map(|ups| of_ups(host, ups)));
    sources.extend(rapl(host));
    sources.extend(host.gpus(&none).iter().filter_map(|gpu| of_gpu(host, gpu)));
    sources.extend(batteries(host));
    if sources.is_empty() {
        return None;
    }
    let basis = choose(&mut sources);
    let total = Total::of(&sources);
    sources.sort_by(|a, b| {
        (!a.source.counted, a.source.kind, &a.source.name).cmp(&(
            !b.source.counted,
            b.source.kind,
            &b.source.name,
        ))
    });
    let kwh_per_month = total.kwh_per_month();
    Some(HostPower {
        host: host.host.to_owned(),
        host_silent: host.silent,
        basis,
        watts: total.watts,
        average_watts: total.average_watts,
        energy_kwh: total.joules.map(|joules| joules / JOULES_PER_KWH),
        window_seconds: total.joules.map(|_| total.window_seconds),
        projected_kwh_per_month: kwh_per_month,
        projected_cost_per_month: kwh_per_month.zip(prices.per_kwh).map(|(kwh, price)| kwh * price),
        sources: sources.into_iter().map(|measured| measured.source).collect(),
    })
}

/// A source, with what it came to and whether it may be counted.
struct Measured {
    source: PowerSource,
    day: Option<DaySum>,
    /// What it would be counted as.
    countable: Option<PowerBasis>,
}

/// Marks what counts; within a basis the first kind alone, but for components, which add up.
fn choose(sources: &mut [Measured]) -> PowerBasis {
    let has = |basis| sources.iter().any(|measured| measured.countable == Some(basis));
    let basis = [PowerBasis::System, PowerBasis::Ups]
        .into_iter()
        .find(|basis| has(*basis))
        .unwrap_or(PowerBasis::Components);
    let of_basis = |measured: &&Measured| measured.countable == Some(basis);
    let best = sources.iter().filter(of_basis).map(|measured| measured.source.kind).min();
    for measured in sources.iter_mut() {
        let is_best = basis == PowerBasis::Components || Some(measured.source.kind) == best;
        measured.source.counted = measured.countable == Some(basis) && is_best;
    }
    basis
}

/// What the counted sources come to.
#[derive(Default)]
struct Total {
    watts: Option<f64>,
    average_watts: Option<f64>,
    joules: Option<f64>,
    window_seconds: f64,
}

impl Total {
    fn of(sources: &[Measured]) -> Self {
        let mut total = Self::default();
        let add = |sum: &mut Option<f64>, more: Option<f64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0.0) + more);
            }
        };
        for measured in sources.iter().filter(|measured| measured.source.counted) {
            add(&mut total.watts, measured.source.watts);
            add(&mut total.average_watts, measured.source.average_watts);
            add(&mut total.joules, measured.day.map(|day| day.sum));
            let window = measured.day.map_or(0.0, |day| day.window_seconds);
            total.window_seconds = total.window_seconds.max(window);
        }
        total
    }

    fn kwh_per_month(&self) -> Option<f64> {
        let joules = self.joules.filter(|_| self.window_seconds > 0.0)?;
        Some(joules / self.window_seconds * 3600.0 * MONTH_HOURS / JOULES_PER_KWH)
    }
}

/// Makes a source of a series; `scale` turns its unit into watts.
fn measured(
    host: &HostDevices<'_>,
    kind: Kind,
    name: String,
    value: &Value,
    scale: f64,
    countable: Option<PowerBasis>,
) -> Measured {
    let day =
        value.day().and_then(|day| day.sum(host.now_ms)).map(|day| DaySum { sum: day.sum * scale, ..day });
    let watts = if value.is_counter() { value.rate() } else { Some(value.value) };
    let source = PowerSource {
        kind,
        name,
        counted: false,
        watts: watts.filter(|watts| watts.is_finite()).map(|watts| watts * scale),
        average_watts: day.map(|day| day.sum / day.covered_seconds),
        energy_kwh: day.map(|day| day.sum / JOULES_PER_KWH),
        energy_joules_total: value.is_counter().then_some(value.value),
        at: Time(value.at),
        metric: value.metric().to_owned(),
        labels: value.labels().cloned().collect(),
    };
    Measured { source, day, countable }
}

fn management(host: &HostDevices<'_>) -> Vec<Measured> {
    let known = host.known(BMC);
    // A controller without DCMI power answers with 0 W.
    let dcmi = DCMI
        .iter()
        .flat_map(|metric| known.all(metric))
        .filter(|value| value.value > 0.0)
        .map(|value| measured(host, Kind::Dcmi, "DCMI".to_owned(), value, 1.0, Some(PowerBasis::System)));
    let mut found: Vec<Measured> = dcmi.take(1).collect();
    let mut counted = false;
    for value in known.all("ipmi_power_watts").filter(|value| value.value.is_finite()) {
        let name = value.label("name").to_owned();
        let lower = name.to_lowercase().replace('_', " ");
        let is_whole = !counted && WHOLE.iter().any(|word| lower.contains(word));
        counted |= is_whole;
        let countable = is_whole.then_some(PowerBasis::System);
        found.push(measured(host, Kind::Ipmi, name, value, 1.0, countable));
    }
    found
}

fn hwmon(host: &HostDevices<'_>) -> Vec<Measured> {
    let mut found = Vec::new();
    for chip in host.latest.subjects("node_hwmon_power") {
        let known = host.known(chip);
        let name = known.all("node_hwmon_chip_names").map(|value| value.label("chip_name")).next();
        let name = name.filter(|name| !name.is_empty()).unwrap_or(chip);
        let mut sensors: Vec<&str> = Vec::new();
        for value in HWMON.iter().flat_map(|metric| known.all(metric)) {
            let sensor = value.label("sensor");
            if sensors.contains(&sensor) {
                continue;
            }
            sensors.push(sensor);
            let label = known
                .all("node_hwmon_sensor_label")
                .find(|label| label.label("sensor") == sensor)
                .map_or(sensor, |label| label.label("label"));
            let is_meter = METERS.contains(&name) && sensor == "power1";
            let (kind, countable) =
                if is_meter { (Kind::Meter, Some(PowerBasis::System)) } else { (Kind::Hwmon, None) };
            found.push(measured(host, kind, format!("{name} {label}"), value, 1.0, countable));
        }
    }
    found
}

/// A supply that another machine serves feeds that machine first: it is shown, not counted.
fn of_ups(host: &HostDevices<'_>, ups: &Ups) -> Option<Measured> {
    let known = host.known(&ups.name);
    let own = |value: &&Value| {
        let server = value.label("server");
        server.is_empty() || ups.server.as_deref().is_none_or(|own| own == server)
    };
    let real = known.all("network_ups_tools_ups_realpower").find(own).map(|value| (value, 1.0));
    let of_load = || {
        let load = known.all("network_ups_tools_ups_load").find(own)?;
        Some((load, ups.nominal_power_watts? / 100.0))
    };
    let (value, scale) = real.or_else(of_load)?;
    let name = ups.model.clone().map_or_else(|| ups.name.clone(), |model| format!("{} {model}", ups.name));
    let countable = is_local(ups.server.as_deref()).then_some(PowerBasis::Ups);
    Some(measured(host, Kind::Ups, name, value, scale, countable))
}

fn is_local(server: Option<&str>) -> bool {
    let Some(server) = server else { return true };
    let address = server.rsplit_once(':').map_or(server, |(address, _)| address);
    address.starts_with("127.") || ["localhost", "[::1]", "::1", ""].contains(&address)
}

/// Zones of RAPL: `node_rapl_<zone>_joules_total{index,path}`. `core` and `uncore` are parts of their package, and the zones
/// of `intel-rapl-mmio` are the packages once more.
fn rapl(host: &HostDevices<'_>) -> Vec<Measured> {
    let zone = |metric: &str, value: &Value| {
        let zone = metric.strip_prefix("node_rapl_")?.strip_suffix("joules_total")?;
        match zone.strip_suffix('_') {
            Some(zone) => Some(zone.to_owned()),
            // Zones of other names: `node_rapl_joules_total{rapl_zone}`.
            None => Some(value.label("rapl_zone").to_owned()),
        }
    };
    let zones: Vec<(String, &Value)> = host
        .latest
        .of(RAPL)
        .metrics()
        .filter_map(|(metric, value)| Some((zone(metric, value)?, value)))
        .collect();
    let has_psys = zones.iter().any(|(zone, _)| zone == "psys");
    let of_zone = |(zone, value): (String, &Value)| {
        let part =
            if has_psys { zone == "psys" } else { zone.starts_with("package") || zone.starts_with("dram") };
        let countable = (part && !value.label("path").contains("mmio")).then_some(PowerBasis::Components);
        let name = match value.label("index") {
            "" => zone,
            index => format!("{zone}-{index}"),
        };
        measured(host, Kind::Rapl, name, value, 1.0, countable)
    };
    zones.into_iter().map(of_zone).collect()
}

/// A processor inside a package is in that package's account: Intel's sit at 00:02.0, others say so.
fn of_gpu(host: &HostDevices<'_>, gpu: &Gpu) -> Option<Measured> {
    let names = [Some(gpu.key.as_str()), gpu.uuid.as_deref(), gpu.pci_address.as_deref()];
    let find = |metric: &&str| names.iter().flatten().find_map(|name| host.known(name).all(metric).next());
    let value = GPU.iter().find_map(|metric| find(metric).filter(|value| value.value.is_finite()))?;
    let integrated = gpu.facts.get("integrated").and_then(serde_json::Value::as_bool) == Some(true)
        || gpu.pci_address.as_deref().is_some_and(|address| address.ends_with(":00:02.0"));
    let name = gpu.name.clone().unwrap_or_else(|| gpu.key.clone());
    let countable = (!integrated).then_some(PowerBasis::Components);
    Some(measured(host, Kind::Gpu, name, value, 1.0, countable))
}

/// A battery that is being charged says what goes into it: shown, not counted.
fn batteries(host: &HostDevices<'_>) -> Vec<Measured> {
    let mut found = Vec::new();
    for name in host.latest.subjects("node_power_supply_power_watt") {
        for value in host.known(name).all("node_power_supply_power_watt") {
            found.push(measured(host, Kind::Battery, name.to_owned(), value, 1.0, None));
        }
    }
    found
}
