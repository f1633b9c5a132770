//! Whatever the kernel might answer about a btrfs: reading it never panics, and nothing is read that is not there.
#![no_main]

use hi_agent::sources::btrfs::answers;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(answers::fs_info(bytes).is_some(), bytes.len() >= 32);
    assert_eq!(answers::dev_info(bytes).is_some(), bytes.len() >= 4096);
    if let Some(mut scrub) = answers::scrub_progress(bytes) {
        let other = scrub;
        scrub.add(&other);
    }
    if let Some(errors) = answers::dev_stats(bytes) {
        assert!(bytes.len() >= 64 && errors.by_type().len() == 5);
    }
    let _ = answers::error_stats(&String::from_utf8_lossy(bytes));
});
