//! Two hosts with one name, and a series that changes its type.

use std::collections::BTreeMap;

use hi_common::batch::{BATCH_VERSION, Batch, Family, Reading};
use hi_common::ids::{HostId, HostName};
use hi_common::metric::Kind;
use hi_common::{subject, wire};
use hi_e2e::agent::Agent;
use hi_e2e::collector::PATIENCE;
use hi_e2e::oracle::Samples;
use hi_e2e::stack::Stack;
use hi_harness::wait_for;
use uuid::Uuid;

use crate::flow::{Flow, now_ms};

#[tokio::test]
async fn two_agents_claim_one_name() {
    let mut stack = Stack::start(&[]).await.unwrap();
    let mut first = Agent::start(stack.folder(), "nas", &stack.nats.url(), &[]).unwrap();
    stack.agent_sent("nas", 3).await;
    stack.batches_taken(2).await;
    let mut second = Agent::start(stack.folder(), "nas", &stack.nats.url(), &[]).unwrap();
    let names = wait_for("both hosts are there", PATIENCE, || async {
        let answer = stack.collector.get("/api/hosts").await.ok()?;
        let hosts = answer["hosts"].as_array()?;
        let named = |host: &serde_json::Value| {
            Some((host["host_id"].as_str()?.to_owned(), host["host"].as_str()?.to_owned()))
        };
        let names: BTreeMap<String, String> = hosts.iter().filter_map(named).collect();
        (names.len() == 2).then_some(names)
    })
    .await;
    let newcomer = names.iter().find(|(_, name)| *name != "nas").expect("one must get another name");
    assert_eq!(*newcomer.1, format!("nas-{}", &newcomer.0[..4]), "named after its identity");
    assert!(names.values().any(|name| name == "nas"), "the first keeps its name");
    wait_for("the conflict is on the attention list", PATIENCE, || async {
        stack.collector.attention("name_conflict").await.ok().filter(|items| !items.is_empty())
    })
    .await;
    let count = stack.tap.record().batches.len();
    hi_harness::wait_until("both go on", PATIENCE, || stack.tap.record().batches.len() > count + 6).await;
    for agent in [&mut first, &mut second] {
        assert!(agent.terminate().await.unwrap().success());
    }
    let record = stack.tap.record_with_stream().await.unwrap();
    let want = record.samples_named(|batch| names.get(&batch.host_id.to_string()).cloned()).once();
    let hosts: Vec<&str> = names.values().map(String::as_str).collect();
    stack.expect_conserved(&hosts, &want).await;
}

#[tokio::test]
async fn a_series_changes_its_type() {
    let mut flow = Flow::start(&[], 1, 1).await;
    let (host, host_id) = (HostName::from_any("changer"), HostId(Uuid::from_u128(7)));
    let start = now_ms() - 600_000;
    let mut want = Samples::default();
    for seq in 1..=30_u64 {
        let kind = if (seq / 10) % 2 == 0 { Kind::Counter } else { Kind::Gauge };
        let families = vec![Family {
            name: "hi_changing".to_owned(),
            kind,
            keys: vec!["part".to_owned()],
            rows: vec![vec!["a".to_owned()], vec!["b".to_owned()]],
        }];
        let reading = Reading {
            source: "changing".to_owned(),
            at: start + seq as i64 * 1000,
            layout: wire::layout_hash(&families).unwrap(),
            series: (seq % 10 <= 1).then_some(families.clone()),
            values: vec![seq as f64, -(seq as f64)],
        };
        want.add_reading(host.as_str(), &families, reading.at, &reading.values);
        let readings = vec![reading];
        let batch = Batch {
            v: BATCH_VERSION,
            host: host.clone(),
            host_id,
            epoch: 5,
            seq,
            lost: Vec::new(),
            readings,
        };
        let payload = wire::encode(&batch).unwrap();
        flow.publisher.publish_bytes(&subject::metrics(&host), &batch.id().to_string(), payload.into()).await;
    }
    flow.stack.expect_readable(&["changer"], &want).await;
    let series = flow.stack.collector.get("/api/series?match=hi_changing").await.unwrap();
    let series = series["series"].as_array().unwrap();
    assert_eq!(series.len(), 2, "a change of type makes no new series: {series:?}");
    assert!(series.iter().all(|series| series["kind"] == "gauge" || series["kind"] == "counter"));
    flow.stack.expect_conserved(&["changer"], &want).await;
}
