//! Whatever claims to be the log of damage of an OpenZFS pool: every object has a place in the bytes, and stands once.
#![no_main]

use hi_agent::sources::zfs::damage::objects;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|log: &[u8]| {
    let found = objects(log);
    assert!(found.len() <= log.len() / 32);
    assert!(found.is_sorted_by(|a, b| a < b));
});
