//! Whatever a SCSI disk sends: parsing never panics.
#![no_main]

use hi_agent::sources::smart::decode;
use hi_agent::sources::smart::scsi::{inquiry, logs, sas, sense};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = decode::scsi_log(bytes);
    let _ = (inquiry::parse_standard(bytes), inquiry::parse_serial(bytes), inquiry::parse_characteristics(bytes));
    if let Ok(names) = inquiry::parse_names(bytes) {
        let _ = inquiry::best_name(&names);
    }
    let _ = (inquiry::parse_capacity(bytes), inquiry::parse_defects(bytes), sas::parse(bytes));
    let _ = sense::parse(bytes).map(|sense| sense::Power::of_sense(&sense));
    if let Ok(page) = logs::Page::of(bytes) {
        let values: usize = page.parameters().map(|parameter| parameter.value.len()).sum();
        assert!(values <= bytes.len());
    }
});
