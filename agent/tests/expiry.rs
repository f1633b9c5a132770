//! What is gone expires in the stream of facts, where the broker can forget single messages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use async_nats::jetstream::stream;
use hi_agent::documents::Facts;
use hi_agent::host_id::Identity;
use hi_agent::outbox::fs::RealFs;
use hi_agent::outbox::{Limits, Outbox};
use hi_agent::source::FactDoc;
use hi_common::fact::FactValue;
use hi_common::ids::{HostId, HostName};
use hi_common::subject::{FACTS_ALL, STREAM_FACTS};
use support::{Agent, Broker, config, until, world};

/// Leaves in the spool what an agent had to tell when its broker was away: a disk that is there, and one that is gone.
fn spool(state: &Path, host: &str) {
    let identity =
        Identity { host: HostName::from_any(host), host_id: HostId::from_machine_id("x"), epoch: 1 };
    let fact = |id: &str| FactDoc {
        kind: "disk",
        id: id.to_owned(),
        doc: BTreeMap::from([("size_bytes".to_owned(), FactValue::Int(1))]),
    };
    let mut facts = Facts::default();
    let start = Instant::now();
    facts.changed(&identity, "disk", 1, vec![fact("sda")], start);
    let later = start + Duration::from_secs(3600);
    let items = facts.changed(&identity, "disk", 2, vec![fact("sdb")], later);
    assert_eq!(items.len(), 2);
    let limits =
        Limits { memory_max_bytes: 1 << 20, spool_max_bytes: 1 << 20, spill_after: Duration::from_secs(1) };
    let mut outbox =
        Outbox::open(&state.join("spool"), Box::new(RealFs), limits, Box::new(|_| {}), Instant::now());
    items.into_iter().for_each(|item| outbox.push(item, Instant::now()));
    assert_eq!(outbox.close(Instant::now()), 0, "all is on disk");
}

/// The time after which the broker forgets each of the two facts, in seconds.
async fn expiry(broker: &Broker, host: &str) -> BTreeMap<String, Option<String>> {
    let js = broker.jetstream().await;
    let mut found = BTreeMap::new();
    until("both facts are there", async || {
        let Ok(stream) = js.get_stream(STREAM_FACTS).await else { return false };
        for id in ["sda", "sdb"] {
            let subject = format!("hi.v1.facts.{host}.disk.{id}");
            let Ok(message) = stream.get_last_raw_message_by_subject(&subject).await else { return false };
            let ttl = message.headers.get("Nats-TTL").map(|value| value.as_str().to_owned());
            found.insert(id.to_owned(), ttl);
        }
        true
    })
    .await;
    found
}

#[tokio::test]
async fn what_is_gone_is_forgotten_where_the_stream_can_forget() {
    let (dir, broker) = world("").await;
    spool(&dir.path().join("state"), "nas");
    let agent = Agent::start(config(dir.path(), &broker.url(), ""), vec![]);
    let found = expiry(&broker, "nas").await;
    agent.stop().await;
    let client = async_nats::connect(broker.url()).await.unwrap();
    if client.is_server_compatible(2, 11, 0) {
        assert_eq!(found, [("sda".into(), Some("2592000".into())), ("sdb".into(), None)].into());
    } else {
        assert_eq!(found, [("sda".into(), None), ("sdb".into(), None)].into());
        let version = client.server_info().version;
        println!("SKIPPED: expiry of what is gone: nats-server {version} has none, 2.11 has");
    }
}

#[tokio::test]
async fn a_stream_that_cannot_forget_keeps_it() {
    let (dir, broker) = world("").await;
    let old = stream::Config {
        name: STREAM_FACTS.to_owned(),
        subjects: vec![FACTS_ALL.to_owned()],
        max_messages_per_subject: 1,
        ..stream::Config::default()
    };
    broker.jetstream().await.create_stream(old).await.unwrap();
    spool(&dir.path().join("state"), "nas");
    let agent = Agent::start(config(dir.path(), &broker.url(), ""), vec![]);
    assert_eq!(expiry(&broker, "nas").await, [("sda".into(), None), ("sdb".into(), None)].into());
    agent.stop().await;
}
