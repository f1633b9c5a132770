//! Against a library that is made here of C: the same calls over the same interface, with answers that are known.

use std::path::Path;
use std::process::Command;

use super::*;

const ADDRESS: &str = "0000:0c:00.0";
/// Far longer than an answer takes when the code is right.
const PATIENT: Duration = Duration::from_secs(60);

/// The source, in the manner of nvml.h: what is not in it, the library does not have. Structures are laid out as there.
const SOURCE: &str = r#"
#include <string.h>
#include <unistd.h>
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_v2;
typedef struct { unsigned fieldId, scopeId; long long timestamp, latencyUsec; unsigned valueType, nvmlReturn;
  union { double d; unsigned ui; unsigned long ul; unsigned long long ull; long long sll; } value; } field;
typedef struct { unsigned pid; unsigned long long used; unsigned gi, ci; } process;
typedef struct { unsigned version; int margin; } margin;
typedef struct { void *device; unsigned long long type, data; unsigned gi, ci; } event;
static int gpu, told;
unsigned nvmlInit_v2(void) { return INIT; }
unsigned nvmlShutdown(void) { return 0; }
unsigned nvmlSystemGetDriverVersion(char *s, unsigned n) { strncpy(s, "595.71.05", n); return 0; }
unsigned nvmlSystemGetCudaDriverVersion_v2(int *v) { *v = 13020; return 0; }
unsigned nvmlSystemGetProcessName(unsigned pid, char *s, unsigned n) { strncpy(s, "ffmpeg", n); return 0; }
unsigned nvmlDeviceGetCount_v2(unsigned *n) { *n = 1; return 0; }
unsigned nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **d) {
  if (strcmp(id, "0000:0c:00.0")) return 6;
  if (HANG) sleep(100000);
  *d = &gpu; return LOST;
}
unsigned nvmlDeviceGetUUID(void *d, char *s, unsigned n) { strncpy(s, "GPU-1", n); return 0; }
unsigned nvmlDeviceGetName(void *d, char *s, unsigned n) { strncpy(s, "Test", n); return 0; }
unsigned nvmlDeviceGetSerial(void *d, char *s, unsigned n) { return 4; }
unsigned nvmlDeviceGetTemperature(void *d, unsigned sensor, unsigned *t) { *t = 41 + sensor; return 0; }
unsigned nvmlDeviceGetFanSpeed(void *d, unsigned *s) { return 3; }
unsigned nvmlDeviceGetPowerUsage(void *d, unsigned *mw) { *mw = 39320; return 0; }
unsigned nvmlDeviceGetClockInfo(void *d, unsigned type, unsigned *mhz) { *mhz = 100 + type; return 0; }
unsigned nvmlDeviceGetMemoryInfo_v2(void *d, memory_v2 *m) {
  if (m->version != (sizeof *m | 2u << 24)) return 25;
  m->total = 8000; m->reserved = 400; m->free = 7000; m->used = 600; return 0;
}
unsigned nvmlDeviceGetMarginTemperature(void *d, margin *m) {
  if (m->version != (sizeof *m | 1u << 24)) return 25;
  m->margin = -3; return 0;
}
unsigned nvmlDeviceGetCurrentClocksEventReasons(void *d, unsigned long long *r) { *r = 0x104; return 0; }
unsigned nvmlDeviceGetSupportedClocksEventReasons(void *d, unsigned long long *r) { *r = 0x1ff; return 0; }
unsigned nvmlDeviceGetRemappedRows(void *d, unsigned *a, unsigned *b, unsigned *c, unsigned *e) {
  *a = 1; *b = 2; *c = 0; *e = 1; return 0;
}
unsigned nvmlDeviceGetFieldValues(void *d, int n, field *f) {
  for (int i = 0; i < n; i++) {
    f[i].nvmlReturn = 3;
    if (f[i].fieldId == 186) { f[i].nvmlReturn = 0; f[i].valueType = 1; f[i].value.ui = 39000; }
    if (f[i].fieldId == 74) { f[i].nvmlReturn = 0; f[i].valueType = 3; f[i].value.ull = 212553937; }
  }
  return 0;
}
unsigned nvmlDeviceGetComputeRunningProcesses_v3(void *d, unsigned *n, process *p) {
  if (!p) { *n = 1; return 7; }
  p[0].pid = 5; p[0].used = 1000; p[0].gi = p[0].ci = 0xffffffff; *n = 1; return 0;
}
unsigned nvmlDeviceGetGraphicsRunningProcesses_v3(void *d, unsigned *n, process *p) { *n = 0; return 0; }
unsigned nvmlDeviceGetSupportedEventTypes(void *d, unsigned long long *t) { *t = 8; return 0; }
unsigned nvmlEventSetCreate(void **s) { *s = &told; return 0; }
unsigned nvmlDeviceRegisterEvents(void *d, unsigned long long t, void *s) { return t == 8 && s == &told ? 0 : 2; }
unsigned nvmlEventSetWait_v2(void *s, event *e, unsigned ms) {
  if (told++) return 10;
  e->device = &gpu; e->type = 8; e->data = 79; return 0;
}
unsigned nvmlEventSetFree(void *s) { return 0; }
"#;

/// Makes the library; `None` where there is no C compiler.
fn library(folder: &Path, defines: [&str; 3]) -> Option<OsString> {
    let (source, library) = (folder.join("nvml.c"), folder.join("libnvidia-ml.so.1"));
    std::fs::write(&source, SOURCE).unwrap();
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-w", "-o"])
        .args([&library, &source])
        .args(defines.map(|define| format!("-D{define}")))
        .status();
    match made {
        Ok(status) => assert!(status.success()),
        Err(error) => {
            println!("SKIPPED: NVML against a library made here: no C compiler ({error})");
            return None;
        }
    }
    Some(library.into())
}

fn wish() -> Wish {
    Wish { addresses: vec![ADDRESS.to_owned(), "0000:0d:00.0".to_owned()], pcie_throughput: false }
}

fn ask(defines: [&str; 3]) -> Option<(tempfile::TempDir, Session, Said)> {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path(), defines)?;
    let mut session = Session::start(Some(library)).unwrap();
    let said = session.read(wish(), PATIENT).unwrap();
    Some((folder, session, said))
}

#[test]
fn what_the_library_says_is_read_and_what_it_lacks_left_out() {
    let Some((_folder, mut session, said)) = ask(["INIT=0", "LOST=0", "HANG=0"]) else { return };
    let Said::Reading(reading) = said else { panic!("{said:?}") };
    assert_eq!((reading.driver_version.as_str(), reading.cuda_version.as_str()), ("595.71.05", "13.2"));
    let [device, missing] = &reading.devices[..] else { panic!("{:?}", reading.devices) };
    assert_eq!((device.uuid.as_str(), device.texts["name"].as_str()), ("GPU-1", "Test"));
    assert_eq!(missing.failure.as_ref().unwrap().code, 6, "not found");
    for (name, value) in [
        ("temperature.gpu", Some(41.0)),
        ("temperature.gpu.tlimit", Some(-3.0)),
        ("fan.speed", None),
        ("power.draw", Some(39320.0)),
        ("power.draw.instant", Some(39000.0)),
        ("power.draw.average", None),
        ("clocks_event_reasons_counters.sw_power_cap", Some(212_553_937.0)),
        ("clocks.current.memory", Some(102.0)),
        ("memory.total", Some(8000.0)),
        ("memory.used", Some(600.0)),
        ("memory.reserved", Some(400.0)),
        ("clocks_event_reasons.active", Some(260.0)),
        ("remapped_rows.uncorrectable", Some(2.0)),
        ("remapped_rows.failure", Some(1.0)),
        ("utilization.gpu", None),
    ] {
        assert_eq!(device.numbers.get(name).copied(), value, "{name}");
    }
    assert_eq!(device.denied, ["serial"]);
    let process = Process { pid: 5, name: "ffmpeg".into(), memory_bytes: Some(1000), compute: true };
    assert_eq!(device.processes.as_deref(), Some(&[process][..]));
    assert_eq!(reading.xids, [Xid { uuid: "GPU-1".into(), code: 79 }]);
    let again = session.read(wish(), PATIENT).unwrap();
    let Said::Reading(again) = again else { panic!("{again:?}") };
    assert_eq!((again.devices, again.xids.len()), (reading.devices, 0));
}

#[test]
fn another_version_of_the_driver_and_a_lost_gpu_are_told_apart() {
    let Some((_folder, mut session, said)) = ask(["INIT=18", "LOST=0", "HANG=0"]) else { return };
    let Said::Failed(failure) = said else { panic!("{said:?}") };
    assert_eq!(failure.code, code::LIB_RM_VERSION_MISMATCH);
    assert_eq!(
        session.read(wish(), PATIENT).unwrap_err().kind(),
        io::ErrorKind::BrokenPipe,
        "the thread has ended"
    );
    let Some((_folder, _session, said)) = ask(["INIT=0", "LOST=15", "HANG=0"]) else { return };
    let Said::Reading(reading) = said else { panic!("{said:?}") };
    assert!(reading.devices[0].failure.as_ref().unwrap().is_of_gpu());
    let Some((_folder, _session, said)) = ask(["INIT=0", "LOST=9", "HANG=0"]) else { return };
    assert!(matches!(said, Said::Failed(failure) if failure.code == code::DRIVER_NOT_LOADED));
}

#[test]
fn a_library_that_hangs_is_asked_once() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = library(folder.path(), ["INIT=0", "LOST=0", "HANG=1"]) else { return };
    let mut session = Session::start(Some(library)).unwrap();
    for _ in 0..3 {
        let error = session.read(wish(), Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

#[test]
fn no_library_is_an_answer() {
    let mut session = Session::start(Some("/nowhere/libnvidia-ml.so.1".into())).unwrap();
    let said = session.read(wish(), PATIENT).unwrap();
    assert!(matches!(said, Said::Failed(failure) if failure.code == code::LIBRARY_NOT_FOUND));
}
