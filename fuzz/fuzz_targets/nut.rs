//! Whatever a upsd might say: an answer stays within its limits, and reading it never panics and finds nothing that is not there.
#![no_main]

use hi_agent::sources::ups::nut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut collector = nut::Collector::default();
    for piece in bytes.chunks(7) {
        if collector.take(piece) != Ok(false) {
            break;
        }
    }
    assert!(collector.into_bytes().len() <= nut::ANSWER_BYTES_MAX);
    if let Ok(units) = nut::units(bytes) {
        assert!(units.len() <= nut::UNITS_MAX);
    }
    if let Ok(variables) = nut::variables(bytes, "ups") {
        assert!(variables.len() <= nut::VARIABLES_MAX);
        assert!(variables.iter().all(|(name, value)| !name.is_empty() && !value.contains('\n')));
    }
    let _ = (nut::logins(bytes, "ups"), nut::version(bytes), nut::accepted(bytes));
    let text = String::from_utf8_lossy(bytes);
    if let Ok(words) = nut::words(&text) {
        assert!(words.iter().map(String::len).sum::<usize>() <= text.len());
    }
});
