//! Whatever an NVMe controller sends: parsing never panics.
#![no_main]

use hi_agent::sources::smart::decode;
use hi_agent::sources::smart::nvme::{identify, logs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = (decode::nvme_smart(bytes), decode::nvme_identify(bytes));
    let _ = identify::parse_namespace(bytes).map(|found| found.size_bytes());
    let _ = logs::parse_self_tests(bytes);
    assert!(logs::parse_errors(bytes).len() <= bytes.len() / logs::ERROR_BYTES);
    // An Identify structure is longer than the fuzzer makes at first.
    let mut whole = bytes.to_vec();
    whole.resize(identify::IDENTIFY_BYTES, 0);
    let _ = (decode::nvme_identify(&whole), identify::parse_namespace(&whole));
});
