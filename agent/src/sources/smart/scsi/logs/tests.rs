use super::*;
use proptest::prelude::*;

/// A page of parameters.
fn page(code: u8, parameters: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (code, value) in parameters {
        body.extend(code.to_be_bytes());
        body.extend([3, value.len() as u8]);
        body.extend(*value);
    }
    let mut bytes = vec![code, 0];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn counters_have_any_width() {
    let bytes =
        page(3, &[(0, &[0, 0, 0, 9]), (5, &[0, 0, 1, 0, 0, 0, 0, 0, 0]), (6, &[2]), (0x8000, &[1; 20])]);
    let found = parse_error_counters(&bytes, 3).unwrap();
    assert_eq!((found.corrected_fast, found.bytes, found.uncorrected), (Some(9), Some(1 << 48), Some(2)));
    assert_eq!(found.corrected_delayed, None);
    assert!(parse_error_counters(&bytes, 2).is_err());
}

#[test]
fn a_disk_without_a_sensor_has_no_temperature() {
    let temperatures = |now: u8| parse_temperatures(&page(0x0d, &[(0, &[0, now]), (1, &[0, 65])])).unwrap();
    assert_eq!(temperatures(38), Temperatures { current: Some(38), reference: Some(65) });
    assert_eq!((temperatures(0).current, temperatures(0xff).current), (None, None));
}

#[test]
fn cycles_and_scans_are_read() {
    let bytes =
        page(0x0e, &[(1, b"201951"), (3, &[0, 0, 0xc3, 0x50]), (4, &[0, 0, 4, 0x31]), (5, &[0xff; 4])]);
    let found = parse_cycles(&bytes).unwrap();
    assert_eq!(found.made, Some(("2019".to_owned(), "51".to_owned())));
    assert_eq!(
        (found.specified_starts, found.starts, found.specified_loads),
        (Some(50_000), Some(1073), None)
    );
    let status = [0, 0x27, 0x5d, 0xa9, 0, 8, 0, 3, 0x80, 0, 0, 0];
    let found = parse_background_scan(&page(0x15, &[(0, &status), (1, &[0; 20])])).unwrap();
    assert_eq!((found.power_on_minutes, found.status, found.scans, found.defects), (2_579_881, 8, 3, 1));
    assert_eq!(parse_endurance(&page(0x11, &[(1, &[0, 0, 0, 7])])), Ok(Some(7)));
}

#[test]
fn self_tests_that_never_were_are_left_out() {
    let test = [0x27, 3, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 9, 3, 0x11, 0, 0];
    let found = parse_self_tests(&page(0x10, &[(1, &test), (2, &[0; 16]), (3, &[1; 3])])).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].result, found[0].at_hours), (1, 7, 4096));
    assert_eq!(
        (found[0].failing_lba, found[0].sense, found[0].passed()),
        (Some(9), (3, 0x11, 0), Some(false))
    );
}

#[test]
fn a_predicted_failure_is_one_and_a_warning_is_none() {
    let of = |asc, ascq| parse_exceptions(&page(0x2f, &[(0, &[asc, ascq, 38])])).unwrap();
    assert_eq!((of(0x5d, 0x10).passed(), of(0x0b, 1).passed(), of(0, 0).passed()), (false, true, true));
    assert_eq!(of(0x0b, 1).text(), "warning: specified temperature exceeded");
    assert_eq!((of(0, 0).text().as_str(), of(0, 0).celsius), ("", Some(38)));
    assert!(parse_exceptions(&page(0x2f, &[])).is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(
        code in prop::sample::select(vec![0_u8, 2, 3, 5, 0x0d, 0x0e, 0x10, 0x11, 0x15, 0x18, 0x2f, 0x43]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
        lie in any::<u16>(),
    ) {
        let mut bytes = vec![code, 0];
        bytes.extend(lie.to_be_bytes());
        bytes.extend(&rest);
        for bytes in [&bytes[..], &rest[..], &bytes[..bytes.len().min(3)]] {
            let _ = (parse_supported(bytes), parse_error_counters(bytes, code), parse_temperatures(bytes));
            let _ = (parse_cycles(bytes), parse_self_tests(bytes), parse_endurance(bytes));
            let _ = (parse_background_scan(bytes), parse_exceptions(bytes).map(|found| found.text()));
            let _ = crate::sources::smart::scsi::sas::parse(bytes);
        }
    }
}
