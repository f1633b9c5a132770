//! Whatever claims to be a file of a cgroup or of a container's network: reading never panics, and a path that is found ends with
//! the container.
#![no_main]

use hi_agent::engine::usage::{Cpu, Memory};
use hi_agent::sources::docker::cgroup::{self, Place};
use libfuzzer_sys::fuzz_target;

const ID: &str = "02bda853e5db98c897e2bb5b016058aef992114a66e39f271eccc5bb6e6d9dc5";

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (mut cpu, mut memory, mut devices, mut interfaces) = (Cpu::default(), Memory::default(), vec![], vec![]);
    cgroup::cpu_stat(&text, &mut cpu);
    cgroup::cpuacct_usage(&text, &mut cpu);
    cgroup::cpuacct_stat(&text, &mut cpu);
    cgroup::memory_stat(&text, &mut memory);
    cgroup::memory_stat_v1(&text, &mut memory);
    cgroup::memory_events(&text, &mut memory);
    cgroup::oom_control(&text, &mut memory);
    cgroup::io_stat(&text, &mut devices);
    cgroup::blkio(&text, true, &mut devices);
    cgroup::blkio(&text, false, &mut devices);
    cgroup::net_dev(&text, &mut interfaces);
    let _ = (cgroup::pressure(&text), cgroup::number(&text), memory.working_set());
    assert!(cgroup::procs(&text) <= bytes.len() as u64);
    assert!(devices.len() <= 256 && interfaces.len() <= 256);
    let text = text.replace("@", ID);
    if let Some(place) = cgroup::place(&text, ID) {
        assert!(!place.id().contains("/.."));
        if let Place::Unified(path) = place {
            assert!(path.starts_with('/') && path.contains(ID));
        }
    }
});
