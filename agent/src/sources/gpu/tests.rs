use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use hi_common::fact::FactValue;
use proptest::prelude::*;

use super::*;

/// A host of a test's own making.
struct Fake(tempfile::TempDir);

impl Fake {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A card with its device and driver; yields the folder of the device.
    fn card(&self, card: &str, address: &str, driver: &str, vendor: &str) -> String {
        let device = format!("sys/devices/pci0000:00/{address}");
        self.put(&format!("{device}/vendor"), &format!("{vendor}\n"));
        self.put(&format!("{device}/device"), "0x73df\n");
        fs::create_dir_all(self.root().join(&device).join("drm").join(card)).unwrap();
        symlink(format!("../../../bus/pci/drivers/{driver}"), self.root().join(&device).join("driver"))
            .unwrap();
        fs::create_dir_all(self.root().join("sys/class/drm")).unwrap();
        symlink(
            format!("../../devices/pci0000:00/{address}/drm/{card}"),
            self.root().join("sys/class/drm").join(card),
        )
        .unwrap();
        symlink("../..", self.root().join(&device).join("drm").join(card).join("device")).unwrap();
        device
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, source: &mut Gpu) -> Readings {
        let mut out = Readings::default();
        source.read(&HostRoot::captured(self.root()), &mut out).unwrap();
        out
    }
}

fn gpu() -> Gpu {
    Gpu::new(&Config::default())
}

fn value(out: &Readings, name: &str, labels: &[&str]) -> Option<f64> {
    let mut samples = out.samples();
    samples
        .find(|(metric, found, _)| metric.name == name && found.ends_with(labels))
        .map(|(_, _, value)| value)
}

fn events(out: &Readings) -> Vec<&'static str> {
    out.events().iter().map(|event| event.kind).collect()
}

/// A host with the GPU that `rocm-smi --showall --json` described: what it read from the same files.
fn of_rocm(text: &str) -> (Fake, serde_json::Value) {
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    let card = json["card0"].clone();
    let said = |key: &str| card[key].as_str().filter(|text| !text.starts_with("N/A")).map(str::to_owned);
    let fake = Fake::new();
    let device = fake.card("card0", &said("PCI Bus").unwrap().to_lowercase(), "amdgpu", "0x1002");
    let hwmon = format!("{device}/hwmon/hwmon3");
    let put = |key: &str, file: String, to: &dyn Fn(&str) -> String| {
        if let Some(text) = said(key) {
            fake.put(&file, &format!("{}\n", to(&text)));
        }
    };
    let times =
        |factor: f64| move |text: &str| ((text.parse::<f64>().unwrap() * factor).round() as i64).to_string();
    let same = |text: &str| text.to_owned();
    for (index, sensor) in ["edge", "junction", "memory"].into_iter().enumerate() {
        let index = index + 1;
        put(&format!("Temperature (Sensor {sensor}) (C)"), format!("{hwmon}/temp{index}_input"), &times(1e3));
        fake.put(&format!("{hwmon}/temp{index}_label"), &format!("{}\n", sensor.replace("memory", "mem")));
    }
    put("Average Graphics Package Power (W)", format!("{hwmon}/power1_average"), &times(1e6));
    put("Max Graphics Package Power (W)", format!("{hwmon}/power1_cap"), &times(1e6));
    put("Fan RPM", format!("{hwmon}/fan1_input"), &same);
    put("Fan speed (level)", format!("{hwmon}/pwm1"), &same);
    put("Voltage (mV)", format!("{hwmon}/in0_input"), &same);
    fake.put(&format!("{hwmon}/in0_label"), "vddgfx\n");
    put("GPU use (%)", format!("{device}/gpu_busy_percent"), &same);
    put("GPU memory vendor", format!("{device}/mem_info_vram_vendor"), &same);
    put("VBIOS version", format!("{device}/vbios_version"), &same);
    put("Performance Level", format!("{device}/power_dpm_force_performance_level"), &same);
    put("PCIe Replay Count", format!("{device}/pcie_replay_count"), &same);
    for (key, memory) in [("VRAM", "vram"), ("VIS_VRAM", "vis_vram"), ("GTT", "gtt")] {
        put(&format!("{key} Total Memory (B)"), format!("{device}/mem_info_{memory}_total"), &same);
        put(&format!("{key} Total Used Memory (B)"), format!("{device}/mem_info_{memory}_used"), &same);
    }
    for clock in ["sclk", "mclk", "socclk", "fclk", "dcefclk"] {
        let levels = |text: &str| format!("0: 100Mhz\n1: {} *\n2: 3000Mhz", text.trim_matches(['(', ')']));
        put(&format!("{clock} clock speed:"), format!("{device}/pp_dpm_{clock}"), &levels);
    }
    (fake, card)
}

#[test]
fn an_amd_gpu_is_told_as_rocm_smi_tells_it() {
    let shared = std::env::var_os("HI_SHARED")
        .map_or(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), std::path::PathBuf::from);
    let folder = shared.join("fixtures/05-devices-services/telegraf-amd-rocm");
    if !folder.is_dir() {
        println!(
            "SKIPPED: AMD GPUs as rocm-smi tells them: HI_SHARED has no fixtures ({})",
            folder.display()
        );
        return;
    }
    for file in ["mi100_rocm571", "rx6700xt_rocm430", "rx6700xt_rocm571", "rx6700xt_rocm602", "vega-10-XT"] {
        let (fake, card) = of_rocm(&fs::read_to_string(folder.join(format!("{file}.json"))).unwrap());
        let out = fake.read(&mut gpu());
        let said = |key: &str| {
            let text = card[key].as_str().filter(|text| !text.starts_with("N/A"))?;
            text.trim_matches(|c: char| !c.is_ascii_digit()).parse::<f64>().ok()
        };
        for (key, metric, label, factor) in [
            ("GPU use (%)", "hi_gpu_busy_ratio", "", 100.0),
            ("GPU use (%)", "node_drm_gpu_busy_percent", "card0", 1.0),
            ("Temperature (Sensor edge) (C)", "hi_gpu_temperature_celsius", "edge", 1.0),
            ("Temperature (Sensor junction) (C)", "hi_gpu_temperature_celsius", "junction", 1.0),
            ("Temperature (Sensor memory) (C)", "hi_gpu_temperature_celsius", "mem", 1.0),
            ("Average Graphics Package Power (W)", "hi_gpu_power_watts", "", 1.0),
            ("Max Graphics Package Power (W)", "hi_gpu_power_limit_watts", "", 1.0),
            ("Fan RPM", "hi_gpu_fan_rpm", "", 1.0),
            ("Fan speed (level)", "hi_gpu_fan_ratio", "", 255.0),
            ("Voltage (mV)", "hi_gpu_voltage_volts", "vddgfx", 1e3),
            ("VRAM Total Memory (B)", "hi_gpu_vram_size_bytes", "", 1.0),
            ("VRAM Total Used Memory (B)", "hi_gpu_vram_used_bytes", "", 1.0),
            ("VRAM Total Used Memory (B)", "node_drm_memory_vram_used_bytes", "card0", 1.0),
            ("VIS_VRAM Total Memory (B)", "node_drm_memory_vis_vram_size_bytes", "card0", 1.0),
            ("GTT Total Memory (B)", "hi_gpu_gtt_size_bytes", "", 1.0),
            ("GTT Total Used Memory (B)", "node_drm_memory_gtt_used_bytes", "card0", 1.0),
            ("PCIe Replay Count", "hi_gpu_pcie_replays_total", "", 1.0),
            ("sclk clock speed:", "hi_gpu_clock_hertz", "graphics", 1e-6),
            ("mclk clock speed:", "hi_gpu_clock_hertz", "memory", 1e-6),
            ("socclk clock speed:", "hi_gpu_clock_hertz", "soc", 1e-6),
        ] {
            let labels: Vec<&str> = [label].into_iter().filter(|label| !label.is_empty()).collect();
            let told = value(&out, metric, &labels).map(|value| (value * factor * 1e6).round() / 1e6);
            assert_eq!(told, said(key), "{file} {key} {metric}");
        }
        let vendor = card["GPU memory vendor"].as_str().unwrap();
        let level = card["Performance Level"].as_str().unwrap();
        assert_eq!(
            value(&out, "node_drm_card_info", &["card0", vendor, level, "", "amd"]),
            Some(1.0),
            "{file}"
        );
        let fact = &out.facts()[0];
        assert_eq!(
            fact.doc["vbios_version"],
            FactValue::Text(card["VBIOS version"].as_str().unwrap().to_owned())
        );
    }
}

#[test]
fn an_intel_gpu_is_told_in_all_layouts() {
    let fake = Fake::new();
    let old = fake.card("card0", "0000:00:02.0", "i915", "0x8086");
    fake.put(&format!("{old}/drm/card0/gt_act_freq_mhz"), "350\n");
    fake.put(&format!("{old}/drm/card0/power/rc6_residency_ms"), "1000\n");
    let new = fake.card("card1", "0000:03:00.0", "i915", "0x8086");
    fake.put(&format!("{new}/drm/card1/gt/gt0/rps_act_freq_mhz"), "2000\n");
    fake.put(&format!("{new}/drm/card1/gt/gt0/rps_max_freq_mhz"), "2400\n");
    fake.put(&format!("{new}/drm/card1/gt/gt0/rc6_residency_ms"), "5000\n");
    fake.put(&format!("{new}/drm/card1/gt/gt0/throttle_reason_status"), "1\n");
    fake.put(&format!("{new}/drm/card1/gt/gt0/throttle_reason_pl1"), "1\n");
    fake.put(&format!("{new}/drm/card1/gt/gt0/throttle_reason_thermal"), "0\n");
    fake.put(&format!("{new}/hwmon/hwmon1/energy1_input"), "2000000\n");
    let xe = fake.card("card2", "0000:04:00.0", "xe", "0x8086");
    fake.put(&format!("{xe}/tile0/gt0/freq0/act_freq"), "1200\n");
    fake.put(&format!("{xe}/tile0/gt1/freq0/act_freq"), "900\n");
    fake.put(&format!("{xe}/tile0/gt0/gtidle/idle_residency_ms"), "77\n");
    fake.put(&format!("{xe}/tile0/gt1/gtidle/idle_residency_ms"), "77\n");
    fake.put(&format!("{xe}/tile0/gt0/freq0/throttle/reason_thermal"), "0\n");
    fake.put(&format!("{xe}/hwmon/hwmon2/temp2_input"), "52000\n");
    fake.put(&format!("{xe}/hwmon/hwmon2/temp2_label"), "pkg\n");
    fake.put("run/udev/data/+pci:0000:04:00.0", "E:ID_MODEL_FROM_DATABASE=DG2 [Arc A380]\n");
    let mut source = gpu();
    let out = fake.read(&mut source);
    assert_eq!(value(&out, "hi_gpu_clock_hertz", &["card0", "0000:00:02.0", "gt0"]), Some(350e6));
    assert_eq!(value(&out, "hi_gpu_clock_hertz", &["card1", "0000:03:00.0", "gt0"]), Some(2e9));
    assert_eq!(value(&out, "hi_gpu_clock_max_hertz", &["gt0"]), Some(2.4e9));
    assert_eq!(value(&out, "hi_gpu_clock_hertz", &["card2", "0000:04:00.0", "gt1"]), Some(9e8));
    assert_eq!(value(&out, "hi_gpu_throttled", &["pl1"]), Some(1.0));
    assert_eq!(value(&out, "hi_gpu_energy_joules_total", &[]), Some(2.0));
    assert_eq!(value(&out, "hi_gpu_temperature_celsius", &["pkg"]), Some(52.0));
    assert_eq!(value(&out, "hi_gpu_busy_ratio", &[]), None, "there is no time to compare with");
    assert_eq!(value(&out, "hi_gpu_info", &["intel", "xe", "DG2 [Arc A380]"]), Some(1.0));
    // It has not slept since.
    let out = fake.read(&mut source);
    for card in ["card0", "card1", "card2"] {
        let found =
            out.samples().find(|(metric, labels, _)| metric.name == "hi_gpu_busy_ratio" && labels[0] == card);
        assert_eq!(found.map(|(.., value)| value), Some(1.0), "{card}");
    }
    assert_eq!(value(&out, "hi_gpu_engine_busy_ratio", &["card2", "0000:04:00.0", "gt1"]), Some(1.0));

    let thermal = format!("{xe}/tile0/gt0/freq0/throttle/reason_thermal");
    fake.put(&thermal, "1\n");
    assert!(events(&fake.read(&mut source)).is_empty());
    assert_eq!(events(&fake.read(&mut source)), ["gpu_throttled"]);
    assert!(events(&fake.read(&mut source)).is_empty());
}

#[test]
fn sleep_is_reckoned_against_time() {
    let named = |values: &[(&str, f64)]| {
        values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect::<Named>()
    };
    let before = named(&[("a", 100.0), ("b", 500.0), ("c", 0.0)]);
    let now = named(&[("a", 850.0), ("b", 3.0), ("c", 5000.0), ("d", 7.0)]);
    let found = awake(&before, &now, Duration::from_secs(1));
    assert_eq!(found, named(&[("a", 0.25), ("c", 0.0)]));
    assert!(awake(&before, &now, Duration::ZERO).is_empty());
}

#[test]
fn a_gpu_that_sleeps_is_not_read_and_others_are_left_to_others() {
    let fake = Fake::new();
    let device = fake.card("card1", "0000:03:00.0", "amdgpu", "0x1002");
    fake.put(&format!("{device}/gpu_busy_percent"), "7\n");
    fake.put(&format!("{device}/mem_info_vram_total"), "8000\n");
    fake.card("card2", "0000:04:00.0", "nvidia", "0x10de");
    fake.card("card3", "0000:05:00.0", "ast", "0x1a03");
    fake.put("sys/class/drm/card1-DP-1/status", "connected\n");
    let mut source = gpu();
    let out = fake.read(&mut source);
    assert_eq!((value(&out, "hi_gpu_busy_ratio", &[]), out.facts().len()), (Some(0.07), 1));
    fake.put(&format!("{device}/power/runtime_status"), "suspended\n");
    let out = fake.read(&mut source);
    assert_eq!(value(&out, "hi_gpu_busy_ratio", &[]), Some(0.0));
    assert_eq!(value(&out, "hi_gpu_state", &["suspended"]), Some(1.0));
    assert_eq!(value(&out, "node_drm_gpu_busy_percent", &[]), None);
    assert_eq!(out.facts()[0].doc["memory_total_bytes"], FactValue::Int(8000));
    fs::remove_file(fake.root().join("sys/class/drm/card1")).unwrap();
    let out = fake.read(&mut source);
    assert_eq!((events(&out), out.gone().len()), (vec!["gpu_gone"], 1));
}

#[test]
fn errors_of_the_driver_and_of_memory_are_told() {
    let fake = Fake::new();
    let device = fake.card("card0", "0000:03:00.0", "amdgpu", "0x1002");
    let busy = format!("{device}/gpu_busy_percent");
    fake.put(&busy, "7\n");
    fake.put(&format!("{device}/ras/umc_err_count"), "ue: 0\nce: 4\n");
    let mut source = gpu();
    assert_eq!(value(&fake.read(&mut source), "hi_gpu_memory_errors_total", &["umc", "ce"]), Some(4.0));
    fake.put(&format!("{device}/ras/umc_err_count"), "ue: 2\nce: 4\n");
    assert_eq!(events(&fake.read(&mut source)), ["gpu_ecc_errors"]);
    // As a capture keeps the error of a driver.
    fake.put("errors", &format!("5 {busy}\n"));
    let out = fake.read(&mut source);
    assert_eq!((events(&out), value(&out, "hi_gpu_state", &["unreadable"])), (vec!["gpu_lost"], Some(1.0)));
    fs::remove_file(fake.root().join("errors")).unwrap();
    assert_eq!(events(&fake.read(&mut source)), ["gpu_back"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_sysfs_says_nothing_panics(text in "([0-9SM:]{0,9} ?[0-9]{0,12}(Mhz|mhz|é|%)? ?\\*?\n?){0,6}") {
        let fake = Fake::new();
        let amd = fake.card("card0", "0000:03:00.0", "amdgpu", "0x1002");
        let intel = fake.card("card1", "0000:00:02.0", "i915", "0x8086");
        for file in ["gpu_busy_percent", "mem_info_vram_used", "pp_dpm_sclk", "current_link_speed", "ras/umc_err_count",
            "hwmon/hwmon0/temp1_input", "hwmon/hwmon0/temp1_label", "hwmon/hwmon0/power1_average"] {
            fake.put(&format!("{amd}/{file}"), &text);
        }
        for file in ["rps_act_freq_mhz", "rc6_residency_ms", "throttle_reason_thermal"] {
            fake.put(&format!("{intel}/drm/card1/gt/gt0/{file}"), &text);
        }
        let mut source = gpu();
        fake.read(&mut source);
        fake.read(&mut source);
        amd::levels(&text);
        amd::errors(&text);
    }
}
