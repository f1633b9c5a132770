//! Whatever a management controller sends: parsing never panics.
#![no_main]

use hi_agent::sources::ipmi::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = (decode::records(bytes), decode::log(bytes));
    decode::answers(bytes);
});
