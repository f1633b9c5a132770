#![allow(clippy::unwrap_used, reason = "tests may panic")]

use proptest::prelude::*;

use super::{BlockError, decode, encode};

const T0: i64 = 1_800_000_000_000;

fn round(times: &[i64], values: &[f64]) -> usize {
    let mut bytes = Vec::new();
    encode(times, values, &mut bytes).unwrap();
    let (mut got_times, mut got_values) = (vec![7], vec![7.0]);
    decode(&bytes, &mut got_times, &mut got_values).unwrap();
    assert_eq!(&got_times[1..], times);
    let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&got_values[1..]), bits(values));
    bytes.len()
}

fn regular(n: usize) -> Vec<i64> {
    (0..n as i64).map(|i| T0 + i * 10_000).collect()
}

#[test]
fn what_is_common_is_small() {
    assert!(round(&regular(120), &[1.0; 120]) <= 14);
    assert!(round(&regular(120), &[0.25; 120]) <= 21);
    let counter: Vec<f64> = (0..120).map(|i| f64::from(i * 1000 + i % 7)).collect();
    assert!(round(&regular(120), &counter) <= 120);
    let mut with_hole = regular(120);
    with_hole.iter_mut().skip(60).for_each(|t| *t += 30_000);
    assert!(round(&with_hole, &[1.0; 120]) <= 20);
    round(&[T0], &[0.1]);
    round(&[T0, T0, T0], &[1.0, 2.0, 1.0]);
}

#[test]
fn special_values_survive() {
    let nan = f64::from_bits(0x7ff8_dead_beef_0001);
    let values = [f64::NAN, nan, -0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, -1e308];
    round(&regular(8), &values);
    round(&regular(2), &[-0.0, -0.0]);
    round(&regular(3), &[nan, nan, nan]);
    round(&regular(2), &[9_007_199_254_740_992.0, -9_007_199_254_740_992.0]);
}

#[test]
fn golden_blocks_of_version_1_still_decode() {
    let cases: [(&str, Vec<i64>, Vec<f64>); 3] = [
        ("constant", regular(120), vec![42.0; 120]),
        ("whole", regular(60), (0..60).map(|i| f64::from(i * i)).collect()),
        (
            "float",
            (0..50).map(|i| T0 + i * 10_000 + if i > 20 { 7 } else { 0 }).collect(),
            (0..50).map(|i| f64::from(i) * 0.01).collect(),
        ),
    ];
    for (name, times, values) in cases {
        let path = format!("{}/src/block/golden/{name}.hex", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("HI_BLESS").is_some() {
            let mut bytes = Vec::new();
            encode(&times, &values, &mut bytes).unwrap();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            std::fs::write(&path, hex + "\n").unwrap();
        }
        let hex = std::fs::read_to_string(&path).unwrap();
        let digits = hex.trim().as_bytes().chunks(2);
        let bytes: Vec<u8> =
            digits.map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect();
        let (mut got_times, mut got_values) = (vec![], vec![]);
        decode(&bytes, &mut got_times, &mut got_values).unwrap();
        assert_eq!((got_times, got_values), (times, values));
    }
}

#[test]
fn what_is_no_block_is_refused() {
    let mut bytes = Vec::new();
    encode(&regular(3), &[1.0, 2.0, 3.0], &mut bytes).unwrap();
    let refused = |bytes: &[u8]| {
        let (mut times, mut values) = (vec![], vec![]);
        let error = decode(bytes, &mut times, &mut values).unwrap_err();
        assert!(times.is_empty() && values.is_empty(), "what was decoded of a damaged block stayed");
        error
    };
    assert_eq!(refused(&[]), BlockError::Short);
    assert_eq!(refused(&[0x2f, 1]), BlockError::Version(2));
    assert_eq!(
        refused(&[0x10, 0xff, 0xff, 0xff, 0x7f]),
        BlockError::Invalid("has an impossible number of samples")
    );
    for end in 0..bytes.len() {
        refused(&bytes[..end]);
    }
    bytes.push(0);
    refused(&bytes);
    assert!(encode(&[], &[], &mut bytes).is_err());
    assert!(encode(&[1], &[], &mut bytes).is_err());
}

fn samples() -> impl Strategy<Value = (Vec<i64>, Vec<f64>)> {
    let value = prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-1000i32..1000).prop_map(f64::from),
        (-1000i32..1000).prop_map(|v| f64::from(v) / 100.0),
        Just(5.0),
    ];
    let step = prop_oneof![4 => Just(10_000i64), 1 => 0i64..100_000, 1 => any::<i32>().prop_map(i64::from)];
    prop::collection::vec((step, value), 1..300).prop_map(|samples| {
        let mut time = T0;
        let times = samples.iter().map(|(step, _)| {
            time += step;
            time
        });
        (times.collect(), samples.iter().map(|(_, value)| *value).collect())
    })
}

proptest! {
    #[test]
    fn every_sample_survives((times, values) in samples()) {
        round(&times, &values);
    }

    #[test]
    fn no_bytes_bring_the_decoder_down(bytes in prop::collection::vec(any::<u8>(), 0..400), codec in 0u8..6) {
        let mut all = vec![0x10 | codec];
        all.extend(&bytes);
        let _ = decode(&all, &mut vec![], &mut vec![]);
    }

    #[test]
    fn damaged_blocks_never_panic((times, values) in samples(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = Vec::new();
        encode(&times, &values, &mut bytes).unwrap();
        let index = at.index(bytes.len());
        bytes[index] = byte;
        let _ = decode(&bytes, &mut vec![], &mut vec![]);
    }
}
