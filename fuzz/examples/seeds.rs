//! Writes `seeds/wire`: small messages as our agent sends them, for the fuzzer to begin with.
//! Again after a change of the format: `cargo run --example seeds` in this folder.

use hi_common::batch::{ABSENT, Batch, Family, Lost, Reading};
use hi_common::catalog::{Catalog, MetricInfo, SourceOutcome, SourceStatus};
use hi_common::event::{Event, Severity};
use hi_common::fact::{Fact, FactValue};
use hi_common::ids::{HostId, HostName};
use hi_common::metric::{Kind, Unit};
use hi_common::wire;
use serde::Serialize;

/// That of the target.
const NOW_MS: i64 = 1_795_161_600_000;

/// A minute before.
const EPOCH: u64 = 1_795_161_540_000;

fn main() {
    let host = HostName::from_any("nas");
    let host_id = HostId::from_machine_id("0123456789abcdef0123456789abcdef");
    let series = vec![
        Family {
            name: "node_cpu_seconds_total".into(),
            kind: Kind::Counter,
            keys: vec!["cpu".into(), "mode".into()],
            rows: vec![vec!["0".into(), "idle".into()], vec!["0".into(), "user".into()]],
        },
        Family { name: "node_load1".into(), kind: Kind::Gauge, keys: vec![], rows: vec![vec![]] },
    ];
    let layout = wire::layout_hash(&series).expect("its hash");
    let reading = |series, values| Reading { source: "cpu".into(), at: NOW_MS, layout, series, values };
    let batch =
        |seq, lost, readings| Batch { v: 1, host: host.clone(), host_id, epoch: EPOCH, seq, lost, readings };
    let lost = vec![Lost { epoch: EPOCH, from: 2, to: 5 }];
    write("batch-with-series", &batch(1, vec![], vec![reading(Some(series), vec![12.5, 3.0, 0.25])]));
    write("batch", &batch(6, lost, vec![reading(None, vec![-1.0, 1e300, ABSENT])]));
    write("batch-empty", &batch(7, vec![], vec![]));
    write(
        "event",
        &Event {
            v: 1,
            id: host_id.0,
            host: host.clone(),
            host_id,
            at: NOW_MS,
            kind: "source_failing".into(),
            severity: Severity::Warning,
            message: "disk: permission denied".into(),
            data: [("source".to_owned(), "disk".to_owned())].into(),
        },
    );
    let doc = [
        ("rotational".to_owned(), FactValue::Bool(false)),
        ("size_bytes".to_owned(), FactValue::Int(4_000_787_030_016)),
        ("celsius".to_owned(), FactValue::Float(31.5)),
        ("names".to_owned(), FactValue::List(vec![FactValue::Text("sda".into())])),
    ];
    let fact = |doc| Fact {
        v: 1,
        host: host.clone(),
        host_id,
        epoch: EPOCH,
        source: "block".into(),
        at: NOW_MS,
        kind: "disk".into(),
        id: "sda".into(),
        doc,
    };
    write("fact", &fact(Some(doc.into())));
    write("fact-gone", &fact(None));
    write(
        "catalog",
        &Catalog {
            v: 1,
            host: host.clone(),
            host_id,
            epoch: EPOCH,
            at: NOW_MS,
            agent_version: "0.1.0".into(),
            sources: vec![SourceStatus {
                source: "disk".into(),
                outcome: SourceOutcome::Error,
                reason: Some("permission".into()),
                message: Some("open: permission denied".into()),
                interval_ms: 10_000,
                since: NOW_MS - 60_000,
            }],
            metrics: vec![MetricInfo {
                name: "node_load1".into(),
                kind: Kind::Gauge,
                unit: Unit::None,
                help: "Load over a minute.".into(),
            }],
        },
    );
}

fn write(name: &str, message: &impl Serialize) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/wire");
    std::fs::create_dir_all(folder).expect("make the folder");
    let bytes = wire::encode(message).expect("what we made can be encoded");
    std::fs::write(format!("{folder}/{name}"), bytes).expect("write");
}
