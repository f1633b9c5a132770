use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value as Json;

use super::pack::{Plain, native, xdr};
use super::*;
use crate::sources::zfs::tests::shared;

/// What JSON makes of a value that was packed.
fn expected(value: &Plain) -> Json {
    match value {
        Plain::Flag => Json::from(true),
        Plain::Bool(yes) => Json::from(*yes),
        Plain::Byte(byte) => Json::from(*byte),
        Plain::Int(_, number) | Plain::Time(number) => Json::from(*number),
        Plain::Uint(_, number) => Json::from(*number),
        Plain::Double(number) => Json::from(*number),
        Plain::Text(text) => Json::from(text.as_str()),
        Plain::Bytes(bytes) => Json::from(bytes.as_slice()),
        Plain::Ints(_, all) => Json::from(all.as_slice()),
        Plain::Uints(_, all) => Json::from(all.as_slice()),
        Plain::Bools(all) => Json::from(all.as_slice()),
        Plain::Texts(all) => Json::from(all.as_slice()),
        Plain::List(list) => expected_list(list),
        Plain::Lists(lists) => lists.iter().map(|list| expected_list(list)).collect(),
    }
}

fn expected_list(list: &[(String, Plain)]) -> Json {
    Json::Object(list.iter().map(|(name, value)| (name.clone(), expected(value))).collect())
}

fn width() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![1_u8, 2, 4, 8])
}

/// A signed number that fits.
fn fit(width: u8, number: i64) -> i64 {
    let unused = 64 - 8 * u32::from(width);
    number << unused >> unused
}

fn fit_plain(width: u8, number: u64) -> u64 {
    number >> (64 - 8 * u32::from(width))
}

fn leaf() -> impl Strategy<Value = Plain> {
    let text = "[a-zäö/@:]{0,12}";
    prop_oneof![
        Just(Plain::Flag),
        any::<bool>().prop_map(Plain::Bool),
        any::<u8>().prop_map(Plain::Byte),
        (width(), any::<i64>()).prop_map(|(width, number)| Plain::Int(width, fit(width, number))),
        (width(), any::<u64>()).prop_map(|(width, number)| Plain::Uint(width, fit_plain(width, number))),
        any::<i64>().prop_map(Plain::Time),
        (-1e9..1e9).prop_map(Plain::Double),
        text.prop_map(Plain::Text),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Plain::Bytes),
        (width(), prop::collection::vec(any::<i64>(), 0..5))
            .prop_map(|(width, all)| Plain::Ints(width, all.into_iter().map(|n| fit(width, n)).collect())),
        (width(), prop::collection::vec(any::<u64>(), 0..5)).prop_map(|(width, all)| Plain::Uints(
            width,
            all.into_iter().map(|n| fit_plain(width, n)).collect()
        )),
        prop::collection::vec(any::<bool>(), 0..5).prop_map(Plain::Bools),
        prop::collection::vec(text, 0..4).prop_map(Plain::Texts),
    ]
}

fn list() -> impl Strategy<Value = Vec<(String, Plain)>> {
    let pairs = |value: BoxedStrategy<Plain>| prop::collection::btree_map("[a-z_.:]{1,9}", value, 0..5);
    let value = leaf().boxed().prop_recursive(4, 40, 5, move |inner| {
        let list = pairs(inner.boxed()).prop_map(|pairs| pairs.into_iter().collect::<Vec<_>>()).boxed();
        prop_oneof![
            list.clone().prop_map(Plain::List),
            prop::collection::vec(list, 0..4).prop_map(Plain::Lists)
        ]
    });
    pairs(value.boxed()).prop_map(|pairs| pairs.into_iter().collect())
}

proptest! {
    #[test]
    fn what_was_packed_is_decoded(list in list()) {
        let expected = expected_list(&list);
        for packed in [native(&list, false), native(&list, true), xdr(&list)] {
            prop_assert_eq!(json::from_bytes(&packed), Ok(expected.clone()));
            // No list ends before its end.
            for end in [packed.len() - 1, packed.len() / 2, 5] {
                prop_assert!(decode(&packed[..end]).is_err());
            }
        }
    }

    #[test]
    fn a_changed_byte_never_panics(list in list(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for mut packed in [native(&list, false), native(&list, true), xdr(&list)] {
            let at = at.index(packed.len());
            packed[at] = byte;
            let _ = json::from_bytes(&packed);
        }
    }

    #[test]
    fn no_bytes_panic(head in 0_u8..3, order in 0_u8..3, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut packed = vec![head, order, 0, 0];
        packed.extend(bytes);
        let _ = json::from_bytes(&packed);
    }
}

#[test]
fn lists_nested_too_deep_and_lies_are_refused() {
    let mut list = vec![("x".to_owned(), Plain::Flag)];
    for _ in 0..DEPTH_MAX {
        list = vec![("x".to_owned(), Plain::List(list))];
    }
    assert!(decode(&native(&list, false)).is_ok() && decode(&xdr(&list)).is_ok());
    let list = [("x".to_owned(), Plain::List(list))];
    for packed in [native(&list, false), native(&list, true), xdr(&list)] {
        assert_eq!(decode(&packed).unwrap_err().problem, "lists nested too deep");
    }
    assert_eq!(decode(&[]).unwrap_err().to_string(), "too short for a header at byte 0");
    assert_eq!(decode(&[2, 1, 0, 0]).unwrap_err().problem, "unknown encoding");
    assert_eq!(decode(&[0, 7, 0, 0]).unwrap_err().problem, "unknown byte order");
    // Two billion lists in a pair of 32 bytes.
    let mut packed = native(&[("x".to_owned(), Plain::Lists(Vec::new()))], false);
    packed[12 + 8..12 + 12].copy_from_slice(&i32::MAX.to_le_bytes());
    assert_eq!(decode(&packed).unwrap_err().problem, "more lists than the pair has room for");
}

#[test]
fn a_type_of_the_future_costs_only_its_value() {
    let list = [("new".to_owned(), Plain::Uint(4, 7)), ("old".to_owned(), Plain::Uint(8, 9))];
    let mut packed = native(&list, false);
    packed[12 + 12] = 99;
    let decoded = decode(&packed).unwrap();
    assert_eq!((decoded.get("new"), decoded.uint("old")), (Some(&Value::Unknown(99)), Some(9)));
    let mut packed = xdr(&list);
    packed[12 + 8 + 8 + 3] = 99;
    let decoded = decode(&packed).unwrap();
    assert_eq!((decoded.get("new"), decoded.uint("old")), (Some(&Value::Unknown(99)), Some(9)));
}

/// Files of a folder with one of the endings, without it.
fn stems(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut stems: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().path().to_str()?.strip_suffix(ending)?.into()))
        .collect();
    stems.sort();
    stems
}

fn beside(stem: &Path, ending: &str) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Every list of OpenZFS' own labels and streams, and of the constructed pools, against an independent decoding.
#[test]
fn recorded_lists_decode_field_by_field() {
    let Some(folder) = shared("fixtures/03-zfs") else { return };
    let mut compared = 0;
    for part in
        ["CDDL-1.0-openzfs-nvlist/labels", "CDDL-1.0-openzfs-nvlist/send-begin", "constructed-pool-stats"]
    {
        for stem in stems(&folder.join(part), ".nvlist") {
            let bytes = std::fs::read(beside(&stem, ".nvlist")).unwrap();
            let found = json::from_bytes(&bytes).unwrap();
            let text = stem.to_str().unwrap();
            // The native list of a label is the XDR one packed anew.
            let same = text.replace(".native-le", ".xdr");
            let truth = Path::new(&same);
            match std::fs::read(beside(truth, ".decoded.json")) {
                Ok(json) => assert_eq!(found, serde_json::from_slice::<Json>(&json).unwrap(), "{text}"),
                Err(_) => {
                    assert_eq!(found["redact_snaps"], Json::from([0x9649_50de_82b7_d299_u64]), "{text}");
                }
            }
            compared += 1;
        }
    }
    assert!(compared >= 29, "{compared}");
}

/// `zdb -l` prints a label as lines of `name: value`, deeper ones further in.
#[test]
fn labels_are_what_zdb_prints() {
    let Some(folder) = shared("fixtures/03-zfs/CDDL-1.0-openzfs-nvlist/labels") else { return };
    for stem in stems(&folder, ".zdb-l.txt") {
        let bytes = std::fs::read(beside(&stem, ".label0.xdr.nvlist")).unwrap();
        let mut found = Vec::new();
        print_list(&decode(&bytes).unwrap(), 4, &mut found);
        let text = std::fs::read_to_string(beside(&stem, ".zdb-l.txt")).unwrap();
        let label = text.lines().skip(3).take_while(|line| !line.trim_start().starts_with("labels ="));
        let mut label: Vec<&str> = label.collect();
        let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
        label.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, label, "{}", stem.display());
    }
}

fn print_list(list: &List, indent: usize, out: &mut Vec<String>) {
    for (name, value) in list.iter() {
        let start = format!("{:indent$}{name}", "");
        match value {
            Value::Uint(number) => out.push(format!("{start}: {number}")),
            Value::Text(text) => out.push(format!("{start}: '{text}'")),
            Value::Flag => out.push(start),
            Value::List(list) => {
                out.push(format!("{start}:"));
                print_list(list, indent + 4, out);
            }
            Value::Lists(lists) => {
                for (index, list) in lists.iter().enumerate() {
                    out.push(format!("{start}[{index}]:"));
                    print_list(list, indent + 4, out);
                }
            }
            other => out.push(format!("{start}: {other:?}")),
        }
    }
}
