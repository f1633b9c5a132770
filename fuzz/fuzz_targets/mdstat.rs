//! Whatever claims to be `/proc/mdstat`: parsing never panics, and every array and member has a word of its own.
#![no_main]

use hi_agent::sources::md::mdstat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let found = mdstat::parse(&String::from_utf8_lossy(bytes));
    let words: usize = found.arrays.iter().map(|array| 1 + array.members.len() + array.other.len()).sum();
    assert!(words <= bytes.len());
    let _ = mdstat::decode(bytes);
});
