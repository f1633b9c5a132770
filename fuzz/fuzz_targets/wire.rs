//! Whatever arrives on a subject: decoding never panics, and what it accepts it can write and read again.
#![no_main]

use hi_common::catalog::Catalog;
use hi_common::event::Event;
use hi_common::fact::Fact;
use hi_common::wire;
use libfuzzer_sys::fuzz_target;

/// A fixed clock: the same input always takes the same way.
const NOW_MS: i64 = 1_795_161_600_000;

fuzz_target!(|payload: &[u8]| {
    if let Ok(batch) = wire::decode_batch(payload, NOW_MS) {
        let again = wire::encode(&batch).expect("what was decoded can be encoded");
        let back = wire::decode_batch(&again, NOW_MS).expect("what was encoded can be decoded");
        let twice = wire::encode(&back).expect("what was decoded can be encoded");
        assert_eq!(again, twice);
    }
    let _ = wire::decode::<Event>(payload);
    let _ = wire::decode::<Fact>(payload);
    let _ = wire::decode::<Catalog>(payload);
});
