use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hi_common::event::Severity;
use hi_common::fact::FactValue;

use super::*;
use crate::sys::nvml::{Device, Process, Xid};

mod smi;

const ADDRESS: &str = "0000:0c:00.0";

/// A host with one GPU, or several, as a capture holds it.
struct Fake(tempfile::TempDir);

impl Fake {
    fn new() -> Self {
        let fake = Self(tempfile::tempdir().unwrap());
        fake.put(
            "proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  595.71.05  June\n",
        );
        fake.put("dev/nvidiactl", "");
        fake
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn gpu(&self, address: &str, minor: u32, uuid: &str) {
        let text = format!(
            "Model: \t\t NVIDIA Test\nGPU UUID: \t {uuid}\nVideo BIOS: \t 90.1\nDevice Minor: \t {minor}\n"
        );
        self.put(&format!("proc/driver/nvidia/gpus/{address}/information"), &text);
        self.put(&format!("dev/nvidia{minor}"), "");
    }

    fn says(&self, said: &Said) {
        self.put("dev/nvidiactl.ioctl/nvml", &serde_json::to_string(said).unwrap());
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, source: &mut Nvidia) -> (Readings, Result<Outcome, SourceError>) {
        let mut out = Readings::default();
        let result = source.read(&HostRoot::captured(self.root()), &mut out);
        (out, result)
    }
}

fn nvidia() -> Nvidia {
    Nvidia::new(&Config::default())
}

fn device(uuid: &str, numbers: &[(&'static str, f64)]) -> Device {
    let numbers = numbers.iter().map(|(name, value)| ((*name).into(), *value)).collect();
    Device { pci_address: ADDRESS.into(), uuid: uuid.into(), numbers, ..Device::default() }
}

fn reading(devices: Vec<Device>) -> Said {
    Said::Reading(Reading { driver_version: "595.71.05".into(), devices, ..Reading::default() })
}

fn values(out: &Readings, name: &str) -> Vec<(Vec<String>, f64)> {
    let samples = out.samples().filter(|(metric, ..)| metric.name == name);
    samples.map(|(_, labels, value)| (labels.into_iter().map(str::to_owned).collect(), value)).collect()
}

fn state(out: &Readings) -> Vec<String> {
    let samples = values(out, "hi_nvidia_gpu_state");
    samples.into_iter().filter(|(_, value)| *value == 1.0).map(|(labels, _)| labels[1].clone()).collect()
}

fn text(doc: &Doc, key: &str) -> String {
    match doc.get(key) {
        Some(FactValue::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

fn shared(path: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("HI_SHARED")
        .map_or(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let path = shared.join("fixtures/05-devices-services").join(path);
    if !path.exists() {
        println!("SKIPPED: captures of NVIDIA GPUs: HI_SHARED has no fixtures ({})", path.display());
        return None;
    }
    Some(path)
}

/// `name{label="value",…} 1.5` of Prometheus' text format.
fn exposition(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(key, value)| (key.to_owned(), value.parse().unwrap()))
        .collect()
}

fn exposed(out: &Readings) -> BTreeMap<String, f64> {
    out.samples()
        .map(|(metric, labels, value)| {
            let mut pairs: Vec<String> =
                metric.labels.iter().zip(&labels).map(|(key, value)| format!("{key}=\"{value}\"")).collect();
            pairs.sort();
            let labels = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
            (format!("{}{labels}", metric.name), value)
        })
        .collect()
}

/// What nvidia_gpu_exporter yields of the same capture: each metric, with the same labels and value.
#[test]
fn a_capture_yields_what_the_exporter_yields() {
    const NAME: &str = "linux-x86_64__nvidia-geforce-rtx-2080-super__595.71.05";
    let Some(folder) = shared("nvidia_gpu_exporter") else { return };
    let capture = fs::read_to_string(folder.join("captures").join(format!("{NAME}.txt"))).unwrap();
    for load in ["idle", "load"] {
        let (mut said, host_generation) =
            smi::reading(smi::section(&capture, &format!("{load} :: query-gpu (csv")));
        said.cuda_version = "13.2".to_owned();
        let apps = smi::processes(smi::section(&capture, &format!("{load} :: query-compute-apps")));
        said.devices[0].processes = Some(apps);
        let fake = Fake::new();
        fake.gpu(ADDRESS, 0, "GPU-?");
        fake.says(&Said::Reading(said));
        assert_eq!(host_generation, "4");
        fake.put("sys/devices/pci0000:00/0000:00:03.1/max_link_speed", "16.0 GT/s PCIe\n");
        fake.put("sys/devices/pci0000:00/0000:00:03.1/0000:0c:00.0/vendor", "0x10de\n");
        fs::create_dir_all(fake.root().join("sys/bus/pci/devices")).unwrap();
        let link = fake.root().join("sys/bus/pci/devices").join(ADDRESS);
        std::os::unix::fs::symlink("../../../devices/pci0000:00/0000:00:03.1/0000:0c:00.0", link).unwrap();

        let mut source = Nvidia::new(&Config { compute_apps: true, ..Config::default() });
        let (out, result) = fake.read(&mut source);
        assert_eq!(result.unwrap(), Outcome::Read);
        let file = folder.join("integration/testdata").join(format!("{NAME}__{load}.metrics"));
        let mut expected = exposition(&fs::read_to_string(file).unwrap());
        let found = exposed(&out);
        // Those of a process that is started, and a number that stands in the GPU's name.
        expected.retain(|key, _| {
            !key.starts_with("nvidia_smi_command_exit_code") && !key.starts_with("nvidia_smi_name")
        });
        for (key, value) in &expected {
            let ours = found.get(key).unwrap_or_else(|| panic!("{load}: {key} is missing"));
            assert!((ours - value).abs() <= value.abs() * 1e-12, "{load}: {key} {ours} {value}");
        }
        let more: Vec<_> =
            found.keys().filter(|key| key.starts_with("nvidia_") && !expected.contains_key(*key)).collect();
        assert_eq!(more, ["nvidia_smi_nvml_return_code"], "{load}");
        assert!(expected.len() > 80, "{}", expected.len());
    }
}

/// Other GPUs and versions of the driver, as XML: what is printed is told in base units, what is not available is left out.
#[test]
fn captures_of_other_gpus_are_told() {
    let Some(folder) = shared("telegraf-nvidia") else { return };
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        let (said, printed) = smi::of_xml(&fs::read_to_string(&file).unwrap());
        let uuid = view::normalize(&said.devices[0].uuid);
        let fake = Fake::new();
        fake.gpu(&said.devices[0].pci_address, 0, "GPU-?");
        fake.says(&Said::Reading(said));
        let (out, result) = fake.read(&mut nvidia());
        assert_eq!(result.unwrap(), Outcome::Read, "{}", file.display());
        for (field, value) in printed {
            let Some(field) = fields::all().find(|known| known.name == field) else { continue };
            let told = values(&out, field.metric.name);
            match value.contains("N/A") || value.contains("deprecated") {
                true => assert_eq!(told, [], "{} {}", file.display(), field.name),
                false => {
                    let wanted = field.scale.apply(smi::number(&value).unwrap());
                    assert_eq!(told, [(vec![uuid.clone()], wanted)], "{} {}", file.display(), field.name);
                }
            }
        }
        let fact = &out.facts()[0];
        assert_eq!(
            (fact.kind, fact.id.as_str(), text(&fact.doc, "state").as_str()),
            ("gpu", uuid.as_str(), "ok")
        );
        assert!(!text(&fact.doc, "name").is_empty() && fact.doc.contains_key("memory_total_bytes"));
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn without_driver_or_gpu_nothing_is_said() {
    let fake = Fake(tempfile::tempdir().unwrap());
    let (out, result) = fake.read(&mut nvidia());
    assert_eq!((result.unwrap(), out.len()), (Outcome::Absent, 0));
    let fake = Fake::new();
    let (out, result) = fake.read(&mut nvidia());
    assert_eq!((result.unwrap(), out.len()), (Outcome::Absent, 0), "a driver without a GPU");
    fake.gpu(ADDRESS, 0, "GPU-A");
    let mut left_out = Nvidia::new(&Config { exclude: vec!["0000:0c:*".into()], ..Config::default() });
    assert_eq!(fake.read(&mut left_out).1.unwrap(), Outcome::Absent);
}

#[test]
fn a_driver_that_was_updated_is_told_with_what_mends_it() {
    let fake = Fake::new();
    fake.gpu(ADDRESS, 0, "GPU-A");
    fake.says(&reading(vec![device("GPU-A", &[("temperature.gpu", 40.0), ("memory.total", 8e9)])]));
    let mut source = nvidia();
    let (out, _) = fake.read(&mut source);
    assert_eq!((state(&out), out.events().len()), (vec!["ok".to_owned()], 0));

    let mismatch =
        Failure { code: code::LIB_RM_VERSION_MISMATCH, text: "driver/library version mismatch".into() };
    fake.says(&Said::Failed(mismatch));
    let (out, result) = fake.read(&mut source);
    let error = hi_common::error_chain::ErrorChain(&result.unwrap_err()).to_string();
    assert!(error.contains("595.71.05") && error.contains("reboot"), "{error}");
    assert_eq!(state(&out), ["unreadable"]);
    assert_eq!(values(&out, "nvidia_smi_nvml_return_code"), [(vec![], 18.0)]);
    assert_eq!(values(&out, "nvidia_smi_last_collect_success"), [(vec![], 0.0)]);
    assert_eq!(values(&out, "nvidia_smi_failed_scrapes_total"), [(vec![], 1.0)]);
    assert_eq!(out.events()[0].kind, "gpu_unreadable");
    let doc = &out.facts()[0].doc;
    assert!(text(doc, "reason").contains("reboot") && doc.contains_key("memory_total_bytes"), "{doc:?}");

    // Another version of the driver: the library is asked at once, not after a rest.
    fake.says(&reading(vec![device("GPU-A", &[("temperature.gpu", 40.0)])]));
    assert_eq!(state(&fake.read(&mut source).0), ["unreadable"], "not tried again at each reading");
    fake.put("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  600.10  June\n");
    let (out, result) = fake.read(&mut source);
    assert_eq!((result.unwrap(), state(&out)), (Outcome::Read, vec!["ok".to_owned()]));
    assert_eq!(out.events()[0].kind, "gpu_back");
    assert_eq!(text(&out.facts()[0].doc, "driver_version"), "600.10");
}

#[test]
fn a_gpu_off_the_bus_is_told_and_the_others_are_read() {
    let fake = Fake::new();
    fake.gpu(ADDRESS, 0, "GPU-A");
    fake.gpu("0000:0d:00.0", 1, "GPU-B");
    let other =
        Device { pci_address: "0000:0d:00.0".into(), ..device("GPU-B", &[("temperature.gpu", 50.0)]) };
    fake.says(&reading(vec![device("GPU-A", &[("temperature.gpu", 40.0)]), other.clone()]));
    let mut source = nvidia();
    let _ = fake.read(&mut source);

    let lost = Failure { code: code::GPU_IS_LOST, text: "lost".into() };
    let lost = Device { pci_address: ADDRESS.into(), failure: Some(lost), ..Device::default() };
    let mut said = Reading { devices: vec![lost, other], ..Reading::default() };
    said.xids = vec![Xid { uuid: "GPU-A".into(), code: 79 }, Xid { uuid: "GPU-A".into(), code: 79 }];
    fake.says(&Said::Reading(said));
    fake.gpu(ADDRESS, 0, "GPU-????????");
    let (out, result) = fake.read(&mut source);
    assert_eq!(result.unwrap(), Outcome::Read);
    assert_eq!(state(&out), ["lost", "ok"]);
    assert_eq!(values(&out, "nvidia_smi_temperature_gpu"), [(vec!["b".to_owned()], 50.0)]);
    assert_eq!(values(&out, "nvidia_smi_xid_errors_total"), [(vec!["a".to_owned(), "79".to_owned()], 2.0)]);
    let kinds: Vec<_> = out.events().iter().map(|event| (event.kind, event.severity)).collect();
    let xid = ("gpu_xid", Severity::Critical);
    assert_eq!(kinds, [xid, xid, ("gpu_lost", Severity::Critical)]);
    let fact = out.facts().iter().find(|fact| fact.id == "a").unwrap();
    assert!(text(&fact.doc, "reason").contains("bus") && text(&fact.doc, "state") == "lost");
    assert!(fake.read(&mut source).0.events().iter().all(|event| event.kind != "gpu_lost"), "told once");

    fs::remove_dir_all(fake.root().join("proc/driver/nvidia/gpus").join(ADDRESS)).unwrap();
    let (out, _) = fake.read(&mut source);
    assert!(out.events().iter().any(|event| event.kind == "gpu_gone"));
    assert_eq!(out.gone(), [("gpu", "a".to_owned())]);
}

#[test]
fn a_gpu_that_sleeps_is_not_woken_and_one_that_may_sleep_gets_rest() {
    let fake = Fake::new();
    fake.gpu(ADDRESS, 0, "GPU-A");
    let status = format!("sys/bus/pci/devices/{ADDRESS}/power/runtime_status");
    fake.put(&status, "suspended\n");
    let mut source = nvidia();
    let (out, result) = fake.read(&mut source);
    assert_eq!(
        (result.unwrap(), state(&out)),
        (Outcome::Read, vec!["suspended".to_owned()]),
        "there is no answer to ask for"
    );

    fake.put(&status, "active\n");
    fake.put(
        &format!("proc/driver/nvidia/gpus/{ADDRESS}/power"),
        "Runtime D3 status:          Enabled (fine-grained)\n",
    );
    let idle =
        |degrees| reading(vec![device("GPU-A", &[("temperature.gpu", degrees), ("utilization.gpu", 0.0)])]);
    fake.says(&idle(40.0));
    let _ = fake.read(&mut source);
    fake.says(&idle(41.0));
    let (out, _) = fake.read(&mut source);
    assert_eq!(values(&out, "nvidia_smi_temperature_gpu")[0].1, 40.0, "not asked again within the minute");
    assert!(source.session.is_none());
}

#[test]
fn a_hidden_device_says_what_grants_it() {
    let fake = Fake::new();
    fake.gpu(ADDRESS, 0, "GPU-A");
    fs::remove_file(fake.root().join("dev/nvidiactl")).unwrap();
    let (out, result) = fake.read(&mut nvidia());
    assert_eq!(result.unwrap_err().reason(), "permission");
    assert!(text(&out.facts()[0].doc, "reason").contains("hi-agent-gpu.conf"));
}

#[test]
fn slow_clocks_are_told_once_they_last() {
    let fake = Fake::new();
    fake.gpu(ADDRESS, 0, "GPU-A");
    let mut source = nvidia();
    let mut told = |active: f64, errors: f64| {
        let numbers = [
            ("clocks_event_reasons.active", active),
            ("temperature.gpu", 91.0),
            ("ecc.errors.uncorrected.volatile.total", errors),
        ];
        fake.says(&reading(vec![device("GPU-A", &numbers)]));
        let (out, _) = fake.read(&mut source);
        out.events().iter().map(|event| event.message.clone()).collect::<Vec<_>>()
    };
    let none = [""; 0];
    assert_eq!(told(4.0, 0.0), none, "the power limit is no trouble");
    assert_eq!(told(64.0, 0.0), none);
    assert_eq!(told(64.0, 0.0), ["GPU NVIDIA Test is slowed down: it is too hot (hardware)"]);
    for active in [0.0, 64.0, 0.0, 0.0, 64.0] {
        assert_eq!(told(active, 0.0), none, "it flickers");
    }
    for _ in 0..6 {
        assert_eq!(told(0.0, 0.0), none);
    }
    assert_eq!(
        told(8.0, 2.0),
        ["GPU NVIDIA Test has 2 new memory errors that ECC could not correct, 2 in all"]
    );
    assert_eq!(told(8.0, 2.0).len(), 1);
}

#[test]
fn processes_are_summed_by_name_and_container() {
    let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let fake = Fake::new();
    fake.gpu(ADDRESS, 0, "GPU-A");
    let process = |pid, name: &str, bytes| Process {
        pid,
        name: name.into(),
        memory_bytes: Some(bytes),
        compute: pid < 30,
    };
    let processes = vec![
        process(10, "/usr/lib/jellyfin-ffmpeg/ffmpeg", 100),
        process(11, "/usr/lib/jellyfin-ffmpeg/ffmpeg", 50),
        process(40, "/usr/lib/xorg/Xorg", 7),
        Process { pid: 12, ..Process::default() },
    ];
    for pid in [10, 11] {
        fake.put(&format!("proc/{pid}/cgroup"), &format!("0::/system.slice/docker-{id}.scope\n"));
    }
    let one = device("GPU-A", &[("temperature.gpu", 40.0)]);
    fake.says(&reading(vec![Device { processes: Some(processes), ..one.clone() }]));
    let (out, _) = fake.read(&mut nvidia());
    let label = |texts: [&str; 3]| texts.map(str::to_owned).to_vec();
    assert_eq!(
        values(&out, "hi_gpu_process_memory_bytes"),
        [(label(["a", "Xorg", ""]), 7.0), (label(["a", "ffmpeg", id]), 150.0)]
    );
    assert_eq!(values(&out, "nvidia_smi_compute_apps")[0].1, 2.0);
    assert_eq!(values(&out, "nvidia_smi_compute_app_info"), [], "only if configured");
    fake.says(&reading(vec![one]));
    let (out, _) = fake.read(&mut nvidia());
    assert_eq!(values(&out, "nvidia_smi_compute_apps"), []);
    assert_eq!(values(&out, "nvidia_smi_compute_apps_last_collect_success")[0].1, 0.0);
}

#[test]
fn garbage_in_place_of_an_answer_is_an_error() {
    let fake = Fake::new();
    fake.gpu(ADDRESS, 0, "GPU-A");
    for answer in ["", "{", "[1]", "{\"reading\":{\"devices\":[{\"numbers\":{\"a\":\"b\"}}]}}"] {
        fake.put("dev/nvidiactl.ioctl/nvml", answer);
        let (out, result) = fake.read(&mut nvidia());
        assert!(result.is_err(), "{answer}");
        assert_eq!(state(&out), ["unreadable"]);
    }
}
