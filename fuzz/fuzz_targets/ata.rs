//! Whatever an ATA disk or its bridge sends: parsing never panics, and a table of attributes never has more rows than the sector.
#![no_main]

use hi_agent::sources::smart::ata::identify::Identify;
use hi_agent::sources::smart::ata::{SECTOR_BYTES, errors, identify, sct, self_tests, smart, statistics};
use hi_agent::sources::smart::decode;
use hi_agent::sources::smart::scsi::sense;
use libfuzzer_sys::fuzz_target;

/// Models of families whose attributes are read in different ways.
const MODELS: [&str; 6] =
    ["", "ST4000VN008-2DR166", "KINGSTON SV300S37A120G", "KINGSTON SA400S37240G", "SAMSUNG MP0804H", "CT500MX500SSD1"];

fuzz_target!(|bytes: &[u8]| {
    let _ = decode::ata(bytes);
    let _ = identify::parse(bytes).map(|found| found.size_bytes());
    let thresholds = bytes.get(SECTOR_BYTES..);
    for model in MODELS {
        let identify = Identify { model: model.to_owned(), ..Identify::default() };
        if let Ok(found) = smart::parse(bytes, thresholds, &identify) {
            assert!(found.attributes.len() <= 30);
            let _ = (found.celsius(), found.power_on_seconds(), found.power_cycles(), found.attributes_pass());
        }
    }
    let _ = (errors::parse(bytes), errors::parse_extended(bytes), sct::parse(bytes));
    let _ = self_tests::parse(bytes).map(|log| log.current_errors());
    let _ = self_tests::parse_extended(bytes).map(|log| log.errors());
    let mut found = Vec::new();
    for page in 0..9 {
        let _ = statistics::parse(bytes, page, &mut found);
    }
    let _ = statistics::parse_list(bytes);
    let _ = sense::parse(bytes).map(|sense| sense::Power::of_sense(&sense));
});
