//! Whatever an apcupsd might say: an answer stays within its limits, and reading it never panics.
#![no_main]

use hi_agent::sources::ups::nis;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut collector = nis::Collector::default();
    for piece in bytes.chunks(5) {
        if collector.take(piece) != Ok(false) {
            break;
        }
    }
    assert!(collector.into_bytes().len() <= nis::ANSWER_BYTES_MAX);
    if let Ok(status) = nis::status(bytes) {
        assert!(status.variables.contains_key("ups.status"));
        assert!(status.transfers.is_none_or(f64::is_finite));
    }
});
