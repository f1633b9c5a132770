use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::*;

/// A fake host of chips.
struct Fake(tempfile::TempDir);

impl Fake {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A chip of a device below `/sys/devices`.
    fn chip(&self, folder: &str, device: &str, files: &[(&str, &str)]) {
        let place = self.0.path().join(format!("sys/devices/{device}/hwmon/{folder}"));
        fs::create_dir_all(&place).unwrap();
        symlink("../..", place.join("device")).unwrap();
        let class = self.0.path().join("sys/class/hwmon");
        fs::create_dir_all(&class).unwrap();
        symlink(format!("../../devices/{device}/hwmon/{folder}"), class.join(folder)).unwrap();
        files.iter().for_each(|(file, text)| self.put(folder, file, text));
    }

    fn put(&self, folder: &str, file: &str, text: &str) {
        fs::write(self.path(folder, file), text).unwrap();
    }

    fn path(&self, folder: &str, file: &str) -> PathBuf {
        self.0.path().join(format!("sys/class/hwmon/{folder}/{file}"))
    }

    fn read(&self, source: &mut Hwmon) -> Readings {
        let mut out = Readings::default();
        assert!(source.read(&HostRoot::captured(self.0.path()), &mut out).is_ok());
        out
    }
}

/// A minute: only what never answers is stalled, and nothing is slow, however slow the machine.
const PATIENT: Duration = Duration::from_secs(60);

fn source() -> Hwmon {
    with(Config::default(), PATIENT)
}

fn with(config: Config, timeout: Duration) -> Hwmon {
    Hwmon { reader: Reader::with_slow("hwmon", timeout, PATIENT), ..Hwmon::new(config) }
}

fn value(out: &Readings, name: &str, labels: &[&str]) -> Option<f64> {
    let mut samples = out.samples();
    samples.find(|(metric, found, _)| metric.name == name && found == labels).map(|(_, _, value)| value)
}

fn kinds(out: &Readings) -> Vec<&'static str> {
    out.events().iter().map(|event| event.kind).collect()
}

/// What was captured in the lab: every file of each chip, and what `sensors -u` said at that moment.
fn lab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hwmon")
}

/// The lab's four chips as a host.
fn lab_host(folder: &Path) -> Fake {
    let fake = Fake::new();
    for chip in ["nvme", "lm75", "jc42", "adt7475"] {
        let place = fs::read_to_string(folder.join(format!("{chip}.devpath"))).unwrap();
        let (parent, name) = place.trim().rsplit_once('/').unwrap();
        let text = fs::read_to_string(folder.join(format!("{chip}.txt"))).unwrap();
        let mut files = Vec::new();
        for line in text.lines() {
            let (path, content) = line.split_once('\t').unwrap_or((line, ""));
            let file = path.rsplit('/').next().unwrap();
            if !path.contains(" -> ") {
                files.push((file.to_owned(), content.to_owned()));
            }
        }
        // The class of the device lies between it and the chip, but for NVMe.
        let device = parent.trim_start_matches("/sys/devices/").trim_end_matches("/hwmon");
        let files: Vec<(&str, &str)> =
            files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
        fake.chip(name, device, &files);
    }
    fake
}

/// What `sensors -u` says: chip's name, file, value.
fn sensors_u(text: &str) -> Vec<(String, String, f64)> {
    let (mut chip, mut found) = (String::new(), Vec::new());
    for line in text.lines() {
        match line.trim().split_once(": ") {
            Some((file, value)) if line.starts_with("  ") => {
                found.push((chip.clone(), file.to_owned(), value.parse().unwrap()));
            }
            None if !line.is_empty() && !line.ends_with(':') => {
                chip = line.split('-').next().unwrap().to_owned();
            }
            _ => {}
        }
    }
    found
}

/// Number of values compared.
fn compare(source: &Hwmon, expected: &[(String, String, f64)]) -> usize {
    for (chip, file, value) in expected {
        let chip = source.chips.iter().find(|known| known.name == *chip).unwrap();
        let name = names::parse(file).unwrap();
        let sensor = chip.sensors.iter().find(|sensor| sensor.name == name.sensor).unwrap();
        let divisor = match sensor.kind {
            _ if file.ends_with("alarm") || file.ends_with("fault") => 1.0,
            "temp" | "in" => 1000.0,
            _ => 1.0,
        };
        let own = sensor.number(name.property).map(|number| number / divisor);
        assert!(
            own.is_some_and(|own| (own - value).abs() < 0.000_6),
            "{} {file}: {own:?}, not {value}",
            chip.name
        );
    }
    expected.len()
}

#[test]
fn values_are_those_of_sensors_u() {
    let folder = lab();
    let fake = lab_host(&folder);
    let mut source = source();
    let out = fake.read(&mut source);
    let expected = sensors_u(&fs::read_to_string(folder.join("sensors-u.txt")).unwrap());
    let count = compare(&source, &expected);
    assert!(count > 50, "{count} values");
    assert_eq!(value(&out, "node_hwmon_temp_celsius", &["nvme_nvme0", "temp1"]), Some(49.85));
    assert_eq!(value(&out, "node_hwmon_in_volts", &["i2c_1_1_002e", "in2"]), Some(3.304));
    assert_eq!(value(&out, "node_hwmon_sensor_label", &["nvme_nvme0", "temp1", "Composite"]), Some(1.0));
    assert!(out.samples().all(|(metric, _, value)| metric.name != "hi_hwmon_alarm" || value == 0.0));
    assert_eq!(out.facts().len(), 4);

    // Then it became hot and a fan stood still.
    let hot = fs::read_to_string(folder.join("hot/sysfs.txt")).unwrap();
    for (path, content) in hot.lines().filter_map(|line| line.split_once(':')) {
        fs::write(fake.0.path().join(path.trim_start_matches('/')), content).unwrap();
    }
    let out = fake.read(&mut source);
    let count = compare(&source, &sensors_u(&fs::read_to_string(folder.join("hot/sensors-u.txt")).unwrap()));
    println!("{count} values as sensors -u has them, twice");
    let messages: Vec<&str> = out.events().iter().map(|event| event.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "temp1 of lm75 is beyond its limit max: 95.0 °C, limit 80.0 °C",
            "fan1 of adt7475 raises an alarm: 0 rpm"
        ]
    );
    assert_eq!(value(&out, "hi_hwmon_alarm", &["i2c_1_1_0048", "temp1"]), Some(1.0));
}

#[test]
fn an_alarm_ends_when_it_is_quiet_for_a_while() {
    let fake = Fake::new();
    let files = [
        ("name", "chip\n"),
        ("fan1_input", "900"),
        ("fan1_alarm", "1"),
        ("temp1_input", "50000"),
        ("temp1_crit", "90000"),
        ("temp1_crit_alarm", "0"),
    ];
    fake.chip("hwmon0", "platform/chip.1", &files);
    let mut source = source();
    assert!(kinds(&fake.read(&mut source)).is_empty(), "what the first run finds is not told");
    fake.put("hwmon0", "temp1_crit_alarm", "1");
    let out = fake.read(&mut source);
    assert_eq!(kinds(&out), ["sensor_alarm"]);
    assert_eq!(out.events()[0].severity, Severity::Critical);
    assert!(
        (value(&out, "node_hwmon_temp_crit_alarm_celsius", &["platform_chip_1", "temp1"]).unwrap() - 0.001)
            .abs()
            < 1e-9
    );
    for quiet in ["0", "0", "1", "0", "0", "0"] {
        fake.put("hwmon0", "temp1_crit_alarm", quiet);
        assert!(kinds(&fake.read(&mut source)).is_empty());
    }
    assert_eq!(kinds(&fake.read(&mut source)), ["sensor_alarm_ended"]);
}

#[test]
fn a_sensor_that_hangs_costs_only_itself() {
    let fake = Fake::new();
    let files =
        [("name", "chip\n"), ("temp1_input", "41000"), ("temp2_input", "42000"), ("in0_input", "12000")];
    fake.chip("hwmon0", "platform/chip.1", &files);
    fake.chip("hwmon1", "platform/other.0", &[("name", "other\n"), ("temp1_input", "50000")]);
    let mut source = with(Config::default(), Duration::from_secs(3));
    fake.read(&mut source);
    let hung = fake.path("hwmon0", "temp2_input");
    fs::remove_file(&hung).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &hung, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let mut told = Vec::new();
    for _ in 0..3 {
        let out = fake.read(&mut source);
        let celsius = |chip: &str, sensor: &str| value(&out, "node_hwmon_temp_celsius", &[chip, sensor]);
        assert_eq!(celsius("platform_chip_1", "temp1"), Some(41.0));
        assert_eq!(celsius("platform_other_0", "temp1"), Some(50.0));
        assert_eq!(value(&out, "node_hwmon_in_volts", &["platform_chip_1", "in0"]), Some(12.0));
        assert!(celsius("platform_chip_1", "temp2").is_some_and(f64::is_nan), "it keeps its place");
        assert_eq!(value(&out, "hi_hwmon_stalled_sensors", &["platform_chip_1"]), Some(1.0));
        assert_eq!(value(&out, "hi_hwmon_stalled_sensors", &["platform_other_0"]), Some(0.0));
        told.extend(kinds(&out));
    }
    assert_eq!(told, ["sensor_stalled"], "told once");
    // Somebody answers: it is read again.
    fs::write(&hung, "43000\n").unwrap();
    fs::remove_file(&hung).unwrap();
    fs::write(&hung, "44000\n").unwrap();
    told.clear();
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let out = fake.read(&mut source);
        told.extend(kinds(&out));
        if value(&out, "node_hwmon_temp_celsius", &["platform_chip_1", "temp2"]) == Some(44.0) {
            assert_eq!(told, ["sensor_answers"]);
            break;
        }
        assert!(std::time::Instant::now() < deadline, "it never came back");
    }
}

#[test]
fn garbage_costs_only_itself_and_filters_hold() {
    let fake = Fake::new();
    let huge = "9".repeat(1 << 16);
    let files = [
        ("name", "\u{1}Bad Name\n"),
        ("temp1_input", "41000"),
        ("temp2_input", "garbage"),
        ("temp3_input", ""),
        ("temp4_input", huge.as_str()),
        ("temp5_input", "1e400"),
        ("temp99999999999999999999_input", "1"),
        ("in0_input", "12000"),
    ];
    fake.chip("hwmon0", "platform/chip.1", &files);
    fake.chip("hwmon1", "platform/other.0", &[("name", "other\n"), ("temp1_input", "50000")]);
    fs::write(fake.0.path().join("sys/class/hwmon/stray"), "no folder").unwrap();
    let out = fake.read(&mut source());
    let celsius = |out: &Readings| {
        out.samples().filter(|(metric, ..)| metric.name == "node_hwmon_temp_celsius").count()
    };
    assert_eq!(celsius(&out), 2);
    let config = Config {
        exclude: vec!["platform_other*".into()],
        exclude_sensors: vec!["*;in*".into()],
        ..Config::default()
    };
    let out = fake.read(&mut with(config, PATIENT));
    assert_eq!((celsius(&out), value(&out, "node_hwmon_in_volts", &["platform_chip_1", "in0"])), (1, None));
    let config = Config { include: vec!["none".into()], ..Config::default() };
    let mut out = Readings::default();
    let outcome = Hwmon::new(config).read(&HostRoot::captured(fake.0.path()), &mut out);
    assert_eq!((outcome.unwrap(), out.len()), (Outcome::Absent, 0));
}

#[test]
fn a_chip_that_goes_is_gone() {
    let fake = Fake::new();
    fake.chip("hwmon0", "platform/chip.1", &[("name", "chip\n"), ("temp1_input", "41000")]);
    let mut source = source();
    assert_eq!(fake.read(&mut source).facts().len(), 1);
    assert!(fake.read(&mut source).facts().is_empty(), "nothing changed");
    fs::remove_file(fake.0.path().join("sys/class/hwmon/hwmon0")).unwrap();
    let out = fake.read(&mut source);
    assert_eq!((out.gone(), out.len()), (&[("sensor_chip", "platform_chip_1".to_owned())][..], 0));
}
