//! Whatever claims to be a packed list of OpenZFS: decoding never panics and takes no more memory than the bytes are worth.
#![no_main]

use hi_agent::sources::zfs::nvlist::{decode, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|packed: &[u8]| {
    let decoded = decode(packed);
    assert_eq!(decoded.is_ok(), json::from_bytes(packed).is_ok());
    if let Ok(list) = decoded {
        // Every pair took bytes of its own.
        assert!(list.iter().count() <= packed.len() / 16);
    }
});
