//! What is sent beside batches: events, facts, the catalog; and when: facts and catalog on change, once per start.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hi_common::catalog::{Catalog, MetricInfo, SourceStatus};
use hi_common::event::{Event, Severity};
use hi_common::fact::{Fact, FactValue};
use hi_common::limits::DOCUMENT_BYTES_MAX;
use hi_common::subject;
use hi_common::wire::{decode, encode};
use serde::Serialize;
use uuid::Uuid;

use crate::config::all_sources;
use crate::host_id::Identity;
use crate::outbox::Item;
use crate::self_metrics::VERSION;
use crate::source::{Every, FactDoc};

/// Makes items of a message; `None`, logged, when it is too large to be taken.
fn item<T: Serialize>(subject: String, id: String, message: &T) -> Option<Item> {
    let payload = match encode(message) {
        Ok(payload) => payload,
        Err(error) => {
            tracing::error!(subject, %error, "document cannot be encoded");
            return None;
        }
    };
    if payload.len() > DOCUMENT_BYTES_MAX {
        tracing::error!(subject, bytes = payload.len(), limit = DOCUMENT_BYTES_MAX, "document is too large");
        return None;
    }
    Some(Item { subject, id, payload: Bytes::from(payload) })
}

/// Whether an item tells that something is gone.
pub fn tells_gone(item: &Item) -> bool {
    subject::is_fact(&item.subject) && decode::<Fact>(&item.payload).is_ok_and(|fact| fact.doc.is_none())
}

/// An event of this host.
pub fn event(
    identity: &Identity,
    at: i64,
    kind: &str,
    severity: Severity,
    message: String,
    data: &[(&str, String)],
) -> Option<Item> {
    let id = Uuid::new_v4();
    let event = Event {
        v: 1,
        id,
        host: identity.host.clone(),
        host_id: identity.host_id,
        at,
        kind: kind.to_owned(),
        severity,
        message,
        data: data.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
    };
    item(subject::event(&identity.host, kind), id.to_string(), &event)
}

/// The catalog of this host.
pub fn catalog(identity: &Identity, at: i64, sources: Vec<SourceStatus>) -> Option<Item> {
    let mut metrics: BTreeMap<&str, MetricInfo> = BTreeMap::new();
    for metric in all_sources().flat_map(|def| def.metrics) {
        metrics.entry(metric.name).or_insert_with(|| MetricInfo {
            name: metric.name.to_owned(),
            kind: metric.kind,
            unit: metric.unit,
            help: metric.help.to_owned(),
        });
    }
    let catalog = Catalog {
        v: 1,
        host: identity.host.clone(),
        host_id: identity.host_id,
        epoch: identity.epoch,
        at,
        agent_version: VERSION.to_owned(),
        sources,
        metrics: metrics.into_values().collect(),
    };
    item(subject::catalog(&identity.host), Uuid::new_v4().to_string(), &catalog)
}

/// How long a fact may go untold before what it describes counts as gone. Sources tell a fact when it changes and every
/// [`Every::FACTS`].
const GONE_AFTER: Duration = Duration::from_secs(Every::FACTS.as_secs() * 5 / 2);

/// The facts that the collector was told, and when a source last told them.
#[derive(Debug, Default)]
pub struct Facts {
    told: BTreeMap<(&'static str, &'static str, String), Told>,
}

#[derive(Debug)]
struct Told {
    /// The document as it is sent: a hundred bytes where the map of it takes a kilobyte, and hosts have hundreds.
    packed: Box<[u8]>,
    at: i64,
    when: Instant,
}

impl Facts {
    /// What to send of the facts a source tells: those that are new or changed, and, as gone, those it told before but not
    /// lately.
    pub fn changed(
        &mut self,
        identity: &Identity,
        source: &'static str,
        at: i64,
        facts: Vec<FactDoc>,
        now: Instant,
    ) -> Vec<Item> {
        let mut items = Vec::new();
        for FactDoc { kind, id, doc } in facts {
            let key = (source, kind, id);
            let packed = encode(&doc).unwrap_or_default().into_boxed_slice();
            if self.told.get(&key).is_none_or(|told| told.packed != packed) {
                items.extend(fact_item(identity, source, at, kind, &key.2, Some(doc)));
            }
            self.told.insert(key, Told { packed, at, when: now });
        }
        self.told.retain(|(owner, kind, id), told| {
            let gone = *owner == source && now.saturating_duration_since(told.when) > GONE_AFTER;
            if gone {
                items.extend(fact_item(identity, source, at, kind, id, None));
            }
            !gone
        });
        items
    }

    /// What to send of the facts that a source says are gone.
    pub fn gone(
        &mut self,
        identity: &Identity,
        source: &'static str,
        at: i64,
        gone: Vec<(&'static str, String)>,
    ) -> Vec<Item> {
        let mut item = |(kind, id)| {
            let key = (source, kind, id);
            self.told.remove(&key)?;
            fact_item(identity, source, at, kind, &key.2, None)
        };
        gone.into_iter().filter_map(&mut item).collect()
    }

    /// All of them once more: something was lost on the way.
    pub fn again(&self, identity: &Identity) -> Vec<Item> {
        let item = |((source, kind, id), told): (&(&'static str, &'static str, String), &Told)| {
            fact_item(identity, source, told.at, kind, id, Some(decode(&told.packed).ok()?))
        };
        self.told.iter().filter_map(item).collect()
    }
}

fn fact_item(
    identity: &Identity,
    source: &str,
    at: i64,
    kind: &str,
    id: &str,
    doc: Option<BTreeMap<String, FactValue>>,
) -> Option<Item> {
    let subject = subject::fact(&identity.host, kind, id);
    let fact = Fact {
        v: 1,
        host: identity.host.clone(),
        host_id: identity.host_id,
        epoch: identity.epoch,
        source: source.to_owned(),
        at,
        kind: kind.to_owned(),
        id: id.to_owned(),
        doc,
    };
    item(subject, Uuid::new_v4().to_string(), &fact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hi_common::ids::{HostId, HostName};

    fn identity() -> Identity {
        Identity { host: HostName::from_any("nas"), host_id: HostId::from_machine_id("x"), epoch: 1 }
    }

    fn fact(id: &str, size: i64) -> FactDoc {
        let doc = BTreeMap::from([("size_bytes".to_owned(), FactValue::Int(size))]);
        FactDoc { kind: "disk", id: id.to_owned(), doc }
    }

    #[test]
    fn facts_are_sent_when_they_change_and_when_they_go() {
        let mut facts = Facts::default();
        let start = Instant::now();
        let mut send = |list: &[FactDoc], minutes: u64| -> Vec<(String, bool)> {
            facts
                .changed(&identity(), "disk", 5, list.to_vec(), start + Duration::from_secs(60 * minutes))
                .iter()
                .map(|item| {
                    let fact: Fact = decode(&item.payload).unwrap();
                    assert_eq!(tells_gone(item), fact.doc.is_none());
                    (fact.id, fact.doc.is_some())
                })
                .collect()
        };
        let own = |id: &str, there| (id.to_owned(), there);
        assert_eq!(send(&[fact("sda", 1), fact("sdb", 1)], 0), [own("sda", true), own("sdb", true)]);
        assert_eq!(send(&[fact("sda", 1)], 10), []);
        assert_eq!(send(&[fact("sda", 2)], 20), [own("sda", true)]);
        assert_eq!(send(&[fact("sda", 2)], 30), [own("sdb", false)], "not told for half an hour");
        assert_eq!(send(&[fact("sdb", 1)], 31), [own("sdb", true)]);
        assert_eq!(facts.again(&identity()).len(), 2);
        let gone = vec![("disk", "sda".to_owned()), ("disk", "never".to_owned())];
        let items = facts.gone(&identity(), "disk", 5, gone);
        let found: Vec<Fact> = items.iter().map(|item| decode(&item.payload).unwrap()).collect();
        assert_eq!(
            found.iter().map(|f| (f.id.as_str(), f.doc.is_some())).collect::<Vec<_>>(),
            [("sda", false)]
        );
        assert_eq!(facts.again(&identity()).len(), 1);
    }

    #[test]
    fn events_and_catalog_say_who_sends() {
        let item =
            event(&identity(), 7, "clock_step", Severity::Warning, "m".into(), &[("by_ms", "5".into())]);
        let item = item.unwrap();
        let event: Event = decode(&item.payload).unwrap();
        assert!(!tells_gone(&item));
        assert_eq!(item.subject, "hi.v1.events.nas.clock_step");
        assert_eq!((event.id.to_string(), event.data["by_ms"].as_str()), (item.id, "5"));
        let item = catalog(&identity(), 7, vec![]).unwrap();
        let catalog: Catalog = decode(&item.payload).unwrap();
        assert!(catalog.metrics.iter().any(|m| m.name == "hi_agent_build_info"));
    }
}
