//! Golden bytes of every message, and the page that shows them: `docs/reference/wire.md`.
//!
//! `HI_BLESS=1 cargo test -p hi-common -- --test-threads 1`, twice, writes both anew. Bytes of a released version never change: a new
//! format gets a new version and new files beside the old ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use hi_common::catalog::{Catalog, MetricInfo, SourceOutcome, SourceStatus};
use hi_common::event::{Event, Severity};
use hi_common::fact::{Fact, FactValue};
use hi_common::ids::{HostId, HostName};
use hi_common::metric::{Kind, Unit};
use hi_common::wire::{decode, encode};
use uuid::Uuid;

const NOW: i64 = 1_800_000_000_000;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}-v1.msgpack"))
}

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/wire.md")
}

fn bless() -> bool {
    std::env::var_os("HI_BLESS").is_some()
}

fn host() -> (HostName, HostId) {
    (HostName::from_any("nas1"), HostId::from_machine_id("golden"))
}

fn event() -> Event {
    let (host, host_id) = host();
    Event {
        v: 1,
        id: Uuid::from_u128(0x0123_4567_89ab_4def_8123_4567_89ab_cdef),
        host,
        host_id,
        at: NOW,
        kind: "clock_step".into(),
        severity: Severity::Warning,
        message: "the clock was set back by 2.0 s".into(),
        data: BTreeMap::from([("by_ms".into(), "-2000".into())]),
    }
}

fn fact() -> Fact {
    let (host, host_id) = host();
    let doc = BTreeMap::from([
        ("model".into(), FactValue::Text("WDC WD40EFRX".into())),
        ("rotational".into(), FactValue::Bool(true)),
        ("size_bytes".into(), FactValue::Int(4_000_787_030_016)),
        ("wear_ratio".into(), FactValue::Float(0.25)),
        ("names".into(), FactValue::List(vec![FactValue::Text("sda".into())])),
    ]);
    Fact {
        v: 1,
        host,
        host_id,
        epoch: 1_799_999_990_000,
        source: "block".into(),
        at: NOW,
        kind: "disk".into(),
        id: "sda".into(),
        doc: Some(doc),
    }
}

fn catalog() -> Catalog {
    let (host, host_id) = host();
    let status = |source: &str, outcome, reason: Option<&str>, message: Option<&str>| SourceStatus {
        source: source.into(),
        outcome,
        reason: reason.map(Into::into),
        message: message.map(Into::into),
        interval_ms: 10_000,
        since: NOW,
    };
    Catalog {
        v: 1,
        host,
        host_id,
        epoch: 1_799_999_990_000,
        at: NOW,
        agent_version: "0.1.0".into(),
        sources: vec![
            status("load", SourceOutcome::Read, None, None),
            status("pressure", SourceOutcome::Error, Some("io"), Some("read /proc/pressure/cpu")),
        ],
        metrics: vec![MetricInfo {
            name: "node_load1".into(),
            kind: Kind::Gauge,
            unit: Unit::None,
            help: "1m load average.".into(),
        }],
    }
}

fn check<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
    name: &str,
    message: &T,
) {
    let bytes = encode(message).unwrap();
    if bless() {
        fs::write(golden(name), &bytes).unwrap();
    }
    let kept = fs::read(golden(name)).unwrap();
    assert_eq!(bytes, kept, "the format of version 1 of {name} has changed");
    assert_eq!(&decode::<T>(&kept).unwrap(), message);
}

#[test]
fn golden_bytes_of_version_1_stay() {
    check("event", &event());
    check("fact", &fact());
    check("catalog", &catalog());
}

#[test]
fn the_page_shows_the_golden_bytes() {
    let mut text = fs::read_to_string(page()).unwrap();
    for name in ["batch", "event", "fact", "catalog"] {
        let (begin, end) = (format!("<!-- golden {name} -->\n"), "<!-- end -->");
        let shown = format!("{begin}```text\n{}```\n{end}", explain(&fs::read(golden(name)).unwrap()));
        let from = text.find(&begin).unwrap_or_else(|| panic!("wire.md lacks the marker of {name}"));
        let to = from + text[from..].find(end).unwrap() + end.len();
        if bless() {
            text.replace_range(from..to, &shown);
        } else {
            assert_eq!(&text[from..to], shown, "HI_BLESS=1 writes wire.md anew");
        }
    }
    if bless() {
        fs::write(page(), text).unwrap();
    }
}

/// MessagePack token by token: bytes in hex, what they mean, indented by nesting.
fn explain(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < bytes.len() {
        token(bytes, &mut at, 0, &mut out);
    }
    out
}

fn token(bytes: &[u8], at: &mut usize, depth: usize, out: &mut String) {
    let start = *at;
    let tag = bytes[start];
    let number =
        |from: usize, len: usize| bytes[from..from + len].iter().fold(0_u64, |n, b| (n << 8) | u64::from(*b));
    let (head, len, text, children) = match tag {
        0x00..=0x7f => (1, 0, format!("{tag}"), 0),
        0x80..=0x8f => (1, 0, format!("map of {}", tag & 15), usize::from(tag & 15) * 2),
        0x90..=0x9f => (1, 0, format!("array of {}", tag & 15), usize::from(tag & 15)),
        0xa0..=0xbf => (1, usize::from(tag & 31), String::new(), 0),
        0xc0 => (1, 0, "nil".into(), 0),
        0xc2 => (1, 0, "false".into(), 0),
        0xc3 => (1, 0, "true".into(), 0),
        0xc4 => (2, number(start + 1, 1) as usize, "16 bytes".into(), 0),
        0xca => (5, 0, f32::from_bits(number(start + 1, 4) as u32).to_string(), 0),
        0xcb => (9, 0, f64::from_bits(number(start + 1, 8)).to_string(), 0),
        0xcc..=0xcf => {
            let width = 1 << (tag - 0xcc);
            (1 + width, 0, number(start + 1, width).to_string(), 0)
        }
        0xd4..=0xd6 => {
            let (width, kind) = (1 << (tag - 0xd4), bytes[start + 1]);
            let unsigned = number(start + 2, width);
            let shift = 64 - 8 * width;
            let number = (unsigned << shift).cast_signed() >> shift;
            let unit =
                if kind == 10 { "· 1024".to_owned() } else { format!("/ 1{}", "0".repeat(kind.into())) };
            (2 + width, 0, format!("{number} {unit}"), 0)
        }
        0xd9 => (2, usize::from(bytes[start + 1]), String::new(), 0),
        0xe0..=0xff => (1, 0, (tag as i8).to_string(), 0),
        other => panic!("tag {other:#x} is not used"),
    };
    *at = start + head + len;
    let text = match tag {
        0xa0..=0xbf | 0xd9 => format!("{:?}", std::str::from_utf8(&bytes[start + head..*at]).unwrap()),
        _ => text,
    };
    let hex: String = bytes[start..*at].iter().map(|b| format!("{b:02x}")).collect();
    let shown = if hex.len() > 34 { format!("{}…", &hex[..33]) } else { hex };
    writeln!(out, "{start:4}  {shown:34}  {}{text}", "  ".repeat(depth)).unwrap();
    for _ in 0..children {
        token(bytes, at, depth + 1, out);
    }
}
