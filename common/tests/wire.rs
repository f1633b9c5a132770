//! The wire format: golden bytes, round trips, and what hostile payloads meet.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use hi_common::batch::{ABSENT, BATCH_VERSION, Batch, Family, Lost, Reading, is_absent};
use hi_common::ids::{HostId, HostName};
use hi_common::limits::BATCH_BYTES_MAX;
use hi_common::metric::Kind;
use hi_common::wire::{WireError, decode_batch, encode, layout_hash};
use proptest::prelude::*;

const NOW: i64 = 1_800_000_000_000;

fn sample_batch() -> Batch {
    let series = vec![Family {
        name: "node_load1".into(),
        kind: Kind::Gauge,
        keys: vec!["mode".into()],
        rows: vec![vec!["a".into()], vec!["b".into()], vec!["c".into()], vec!["d".into()]],
    }];
    Batch {
        v: BATCH_VERSION,
        host: HostName::from_any("nas1"),
        host_id: HostId::from_machine_id("golden"),
        epoch: 1_799_999_990_000,
        seq: 1,
        lost: vec![Lost { epoch: 1_799_999_000_000, from: 4, to: 9 }],
        readings: vec![Reading {
            source: "load".into(),
            at: NOW,
            layout: layout_hash(&series).unwrap(),
            series: Some(series),
            values: vec![500_107_862_016.0, 46_231.57, 1.0 / 3.0, ABSENT],
        }],
    }
}

#[test]
fn golden_bytes_of_version_1_still_decode() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/batch-v1.msgpack");
    if std::env::var_os("HI_BLESS").is_some() {
        std::fs::write(path, encode(&sample_batch()).unwrap()).unwrap();
    }
    let golden = std::fs::read(path).unwrap();
    assert_eq!(encode(&sample_batch()).unwrap(), golden, "the format of version 1 has changed");
    let batch = decode_batch(&golden, NOW).unwrap();
    assert_eq!(batch.readings[0].values[..3], [500_107_862_016.0, 46_231.57, 1.0 / 3.0]);
    assert!(is_absent(batch.readings[0].values[3]));
    assert_eq!(batch.lost, sample_batch().lost);
}

fn refused(change: impl FnOnce(&mut Batch)) -> String {
    let mut batch = sample_batch();
    change(&mut batch);
    if let Some(reading) = batch.readings.first_mut()
        && let Some(series) = &reading.series
        && reading.layout != 1
    {
        reading.layout = layout_hash(series).unwrap();
    }
    decode_batch(&encode(&batch).unwrap(), NOW).unwrap_err().to_string()
}

fn family(batch: &mut Batch) -> &mut Family {
    &mut batch.readings[0].series.as_mut().unwrap()[0]
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    assert!(refused(|b| b.v = 9).contains("understands 1"));
    assert!(refused(|b| b.seq = 0).contains("at least 1"));
    assert!(refused(|b| b.readings[0].at = NOW + 700_000).contains("ahead"));
    assert!(refused(|b| b.readings[0].at = 5).contains("clock is not set"));
    assert!(refused(|b| b.readings[0].layout = 1).contains("do not hash"));
    assert!(refused(|b| b.readings[0].source = "a b".into()).contains("source must be"));
    assert!(refused(|b| b.readings[0].values.clear()).contains("4 series and 0 values"));
    assert!(refused(|b| b.lost[0].to = 1).contains("impossible range"));
    assert!(refused(|b| family(b).name = "9x".into()).contains("metric name"));
    assert!(refused(|b| family(b).keys[0] = "instance".into()).contains("not valid"));
    assert!(refused(|b| family(b).rows[1].clear()).contains("0 label values for 1"));
    assert!(refused(|b| family(b).rows[1][0] = "x".repeat(2000)).contains("2000 bytes"));
    assert!(refused(|b| b.readings = vec![b.readings[0].clone(); 300]).contains("limit 256"));
}

#[test]
fn size_is_checked_before_anything_is_decoded() {
    let error = decode_batch(&vec![0xc0; BATCH_BYTES_MAX + 1], NOW).unwrap_err();
    assert!(matches!(error, WireError::TooLarge { .. }));
    let mut trailing = encode(&sample_batch()).unwrap();
    trailing.push(0);
    assert!(decode_batch(&trailing, NOW).unwrap_err().to_string().contains("1 bytes follow"));
}

#[test]
fn claimed_lengths_and_depth_do_not_count() {
    // An array that claims 2^32-1 entries, and 100,000 nested arrays: both must end in an error, at once.
    let huge = [&[0x81, 0xa8][..], b"readings", &[0xdd, 0xff, 0xff, 0xff, 0xff]].concat();
    assert!(decode_batch(&huge, NOW).is_err());
    assert!(decode_batch(&vec![0x91; 100_000], NOW).is_err());
}

proptest! {
    #[test]
    fn values_survive_the_wire(values in prop::collection::vec(any::<u64>().prop_map(f64::from_bits), 0..200)) {
        let reading = |at| Reading { source: "s".into(), at, layout: 1, series: None, values: values.clone() };
        let mut batch = sample_batch();
        batch.readings = vec![reading(NOW), reading(NOW - 500), reading(NOW)];
        let decoded = decode_batch(&encode(&batch).unwrap(), NOW).unwrap();
        for (sent, got) in batch.readings.iter().zip(&decoded.readings) {
            prop_assert_eq!(sent.at, got.at);
            prop_assert_eq!(sent.values.len(), got.values.len());
            for (sent, got) in sent.values.iter().zip(&got.values) {
                prop_assert!(sent.to_bits() == got.to_bits() || (sent.is_nan() && got.is_nan()));
            }
        }
    }

    #[test]
    fn no_bytes_bring_the_decoder_down(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = decode_batch(&bytes, NOW);
    }

    #[test]
    fn damaged_batches_never_panic(at in 0usize..200, byte in any::<u8>()) {
        let mut bytes = encode(&sample_batch()).unwrap();
        let index = at % bytes.len();
        bytes[index] = byte;
        let _ = decode_batch(&bytes, NOW);
    }
}
