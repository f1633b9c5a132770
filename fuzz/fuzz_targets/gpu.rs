//! Whatever the drivers of GPUs and the kernel's cgroups say: parsing never panics, and invents nothing.
#![no_main]

use hi_agent::source::cgroup::container_of;
use hi_agent::sources::gpu::amd;
use hi_agent::sources::nvidia::listed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    assert!(text.contains(&listed::parse_version(&text)));
    assert!(text.contains(&listed::parse_information(&text).model));
    listed::parse_sleeps(&text);
    assert!(container_of(&text).is_none_or(|id| text.contains(id)));
    let (now, max) = amd::levels(&text);
    assert!(now <= max);
    amd::errors(&text);
});
